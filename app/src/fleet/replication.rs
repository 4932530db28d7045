//! A database cluster as its nodes tell it: who writes, who follows how far behind, and what would be lost if another took over now.
//!
//! The nodes are looked at one after the other, so a replica's position may be older than the primary's that it is compared with; each
//! conclusion here says which look it rests on.

use super::{
    facts::{DatabaseFacts, Replication},
    gtid::{Gtid, NoGtid, Position, Writers},
    inventory::Cluster,
    judge::{Finding, MachineState},
    world::{Seen, World},
};
use crate::values::Moment;

/// Behind by more than this is worth a word.
pub const LAG_NOTICE_MS: u64 = 5_000;
/// Behind by more than this, a failover would wait or lose.
pub const LAG_BAD_MS: u64 = 30_000;
/// The panel writes its heartbeat each second; a primary whose own is older is not written to.
const HEARTBEAT_OLD_MS: u64 = 5_000;

#[derive(Clone, Debug, PartialEq)]
pub struct ClusterView {
    pub primary: Primary,
    /// In the order of the inventory.
    pub nodes: Vec<NodeView>,
    /// By machine; a finding of the whole cluster stands with each machine it is about.
    pub findings: Vec<(String, Finding)>,
}

/// Who takes writes, as observed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Primary {
    One(String),
    Several(Vec<String>),
    /// Every node was seen, and all are read-only.
    Nobody,
    /// No node that was seen takes writes, but not all were seen.
    Unknown,
}

#[derive(Clone, Debug, PartialEq)]
pub struct NodeView {
    pub name: String,
    /// `None` where it was not seen lately.
    pub takes_writes: Option<bool>,
    pub lag: Lag,
    /// Transactions in its log that the primary does not have: the newest of each server.
    pub errant: Vec<Gtid>,
    /// What would be lost if it took over now. Absent on the primary.
    pub loss: Option<Loss>,
}

/// How far what a node shows is behind what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lag {
    /// Of the panel's own row; too large by one second at most.
    Heartbeat {
        ms: u64,
    },
    /// What the node itself says. It knows nothing of what it has not received.
    OwnWord {
        s: u64,
    },
    Unknown {
        why: String,
    },
    /// It is the primary.
    None,
}

impl Lag {
    pub fn ms(&self) -> Option<u64> {
        match self {
            Lag::Heartbeat { ms } => Some(*ms),
            Lag::OwnWord { s } => Some(s.saturating_mul(1_000)),
            Lag::Unknown { .. } | Lag::None => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Confirmed transactions that would be gone; `None` where nobody can tell.
    pub transactions: Option<u64>,
    /// Whether that holds for certain, and not only as of an older look.
    pub is_certain: bool,
    /// How old the newest of what would be kept is.
    pub seconds: Option<u64>,
    pub sentence: String,
}

struct Node<'a> {
    name: &'a str,
    seen: Option<&'a Seen<DatabaseFacts>>,
    fresh: Option<&'a DatabaseFacts>,
}

impl Node<'_> {
    fn last(&self) -> Option<&DatabaseFacts> {
        self.seen?.value()
    }

    fn takes_writes(&self) -> Option<bool> {
        self.fresh.map(|facts| !facts.read_only)
    }

    fn not_seen(&self) -> String {
        match self.seen.and_then(Seen::observed_at) {
            Some(at) => format!("{} has not been seen since {}", self.name, at.time_of_day()),
            None => format!("{} has not been seen yet", self.name),
        }
    }
}

pub fn view(cluster: &Cluster, world: &World, now: Moment) -> ClusterView {
    let node = |name: &'_ String| world.machines.get(name).and_then(|machine| machine.database.as_ref());
    let nodes: Vec<Node<'_>> = cluster
        .members
        .iter()
        .map(|name| Node { name, seen: node(name), fresh: node(name).and_then(|seen| seen.fresh(now)) })
        .collect();
    let primary = primary(&nodes);
    // With the primary away, the one that took writes when it was seen last, or the one the inventory names.
    let source = match &primary {
        Primary::One(name) => nodes.iter().find(|node| node.name == name),
        Primary::Unknown => {
            let wrote = |node: &&Node<'_>| node.fresh.is_none() && node.last().is_some_and(|facts| !facts.read_only);
            let declared = |node: &&Node<'_>| node.fresh.is_none() && cluster.primary.as_deref() == Some(node.name);
            nodes.iter().find(wrote).or_else(|| nodes.iter().find(declared))
        }
        Primary::Several(_) | Primary::Nobody => None,
    };
    let views: Vec<NodeView> = nodes.iter().map(|node| look_at(node, source, &nodes)).collect();
    let mut findings = Vec::new();
    of_cluster(cluster, &primary, &nodes, &mut findings);
    for (node, view) in nodes.iter().zip(&views) {
        of_node(node, view, source, &mut findings);
    }
    ClusterView { primary, nodes: views, findings }
}

fn primary(nodes: &[Node<'_>]) -> Primary {
    let writers: Vec<String> = nodes.iter().filter(|node| node.takes_writes() == Some(true)).map(|node| node.name.into()).collect();
    match (writers.len(), nodes.iter().all(|node| node.fresh.is_some())) {
        (0, true) => Primary::Nobody,
        (0, false) => Primary::Unknown,
        (1, _) => Primary::One(writers.into_iter().next().unwrap_or_default()),
        _ => Primary::Several(writers),
    }
}

fn look_at(node: &Node<'_>, source: Option<&Node<'_>>, nodes: &[Node<'_>]) -> NodeView {
    let is_source = source.is_some_and(|source| source.name == node.name);
    let errant = match (node.fresh, source.and_then(Node::last)) {
        (Some(facts), Some(primary)) if !is_source => errant(facts, primary).unwrap_or_default(),
        _ => Vec::new(),
    };
    let lag = if is_source { Lag::None } else { lag(node, source) };
    let loss = (!is_source).then(|| loss(node, source, nodes, &lag, &errant));
    NodeView { name: node.name.into(), takes_writes: node.takes_writes(), lag, errant, loss }
}

/// Transactions in the replica's log that the primary does not have.
pub fn errant(replica: &DatabaseFacts, primary: &DatabaseFacts) -> Result<Vec<Gtid>, NoGtid> {
    let known = primary.gtid_binlog_state.parse::<Writers>()?.and(&primary.gtid_slave.parse()?);
    let mut beyond = replica.gtid_binlog_state.parse::<Writers>()?.beyond(&known);
    // What the primary wrote itself since it was looked at is simply newer.
    if replica.observed_at >= primary.observed_at {
        beyond.retain(|gtid| gtid.server != primary.server_id);
    }
    Ok(beyond)
}

fn lag(node: &Node<'_>, source: Option<&Node<'_>>) -> Lag {
    let Some(facts) = node.fresh else { return Lag::Unknown { why: node.not_seen() } };
    let beats = source.and_then(|source| source.fresh).and_then(|facts| facts.heartbeat_age_ms);
    match (facts.heartbeat_age_ms, beats, facts.replication.as_ref().and_then(|replication| replication.seconds_behind)) {
        (Some(ms), Some(written), _) if written <= HEARTBEAT_OLD_MS => Lag::Heartbeat { ms },
        (_, _, Some(s)) => Lag::OwnWord { s },
        (Some(_), _, None) => Lag::Unknown { why: "the heartbeat is not written, and the node itself does not say".into() },
        (None, _, None) => Lag::Unknown { why: "it has no heartbeat, and does not say itself".into() },
    }
}

/// What the replica has received, applied or not: at a failover it applies that first.
fn received(facts: &DatabaseFacts, replication: &Replication) -> Result<Position, NoGtid> {
    let io: Position = replication.gtid_io.parse()?;
    Ok(io.farther(&facts.gtid_slave.parse()?))
}

fn loss(node: &Node<'_>, source: Option<&Node<'_>>, nodes: &[Node<'_>], lag: &Lag, errant: &[Gtid]) -> Loss {
    let seconds = lag.ms().map(|ms| ms.div_ceil(1_000));
    let unknown = |why: String| Loss { transactions: None, is_certain: false, seconds, sentence: format!("Unknown: {why}.") };
    let Some(facts) = node.fresh else { return unknown(node.not_seen()) };
    let Some(source) = source else { return unknown("there is not one primary to compare with".into()) };
    let Some(primary) = source.last() else { return unknown(source.not_seen()) };
    let Some(replication) = &facts.replication else { return unknown(format!("{} follows nobody", node.name)) };
    if !errant.is_empty() {
        return unknown(format!("{} has transactions of its own, so its position cannot be compared", node.name));
    }
    let (has, written) = match (received(facts, replication), primary.gtid_binlog.parse::<Position>()) {
        (Ok(has), Ok(written)) => (has, written),
        (Err(wrong), _) | (_, Err(wrong)) => return unknown(wrong.to_string()),
    };
    let lacks = has.lacks(&written);
    // Only where this one replica must acknowledge every commit is a confirmed transaction certain to be here.
    let others = nodes.iter().filter(|other| other.name != node.name && other.name != source.name);
    let is_only = primary.semi_sync.replicas == 1 && !others.into_iter().any(|other| other.last().is_some_and(acknowledges));
    let waits = primary.semi_sync.primary_enabled && primary.semi_sync.primary_active && is_only;
    let as_of = match source.fresh {
        Some(_) => String::new(),
        None => format!(" That is by the last look at {}, at {}.", source.name, primary.observed_at.time_of_day()),
    };
    let loss = |transactions, is_certain, sentence: String| Loss { transactions, is_certain, seconds, sentence: sentence + &as_of };
    if waits && source.fresh.is_none() && lacks == 0 {
        return loss(Some(0), false, format!("Nothing confirmed, if {} still waited for {} at its end.", source.name, node.name));
    }
    // A look at the replica that is older than the one at the primary cannot show what came in between.
    let is_between_looks = facts.observed_at < primary.observed_at && acknowledges(facts);
    if waits && source.fresh.is_some() && (lacks == 0 || is_between_looks) {
        return loss(Some(0), true, format!("Nothing: each commit waits for {}, which has received {has}.", node.name));
    }
    if lacks > 0 {
        let age = seconds.map_or(String::new(), |seconds| format!(", about {seconds} s"));
        let sentence = format!("{lacks} transactions{age}: {} has received {has}, and {} wrote {written}.", node.name, source.name);
        return loss(Some(lacks), false, sentence);
    }
    let why = format!(
        "{} has all it was seen to write, but no commit waits for {}, so what came after is not certain",
        node.name, node.name
    );
    let mut unsure = unknown(why);
    unsure.sentence += &as_of;
    unsure
}

fn acknowledges(facts: &DatabaseFacts) -> bool {
    facts.semi_sync.replica_active && facts.replication.as_ref().is_some_and(|replication| replication.io_running)
}

type Findings = Vec<(String, Finding)>;

fn find(findings: &mut Findings, machine: &str, key: &str, severity: MachineState, message: String, evidence: String) {
    findings.push((machine.into(), Finding { key: key.into(), severity, message, evidence, since: None }));
}

fn of_cluster(cluster: &Cluster, primary: &Primary, nodes: &[Node<'_>], findings: &mut Findings) {
    use MachineState::{Bad, Notice};
    match primary {
        Primary::Several(names) => {
            for name in names {
                let message =
                    format!("{} take writes at the same time. Make all but one read-only before they part.", names.join(" and "));
                find(findings, name, "cluster.two_writers", Bad, message, "read_only is off on each".into());
            }
        }
        Primary::Nobody => {
            for node in nodes {
                let message = "Nobody takes writes: every node of the database is read-only. Choose a primary and open it.".into();
                find(findings, node.name, "cluster.no_writer", Bad, message, "read_only is on on each".into());
            }
        }
        Primary::One(name) if cluster.primary.as_ref().is_some_and(|declared| declared != name) => {
            let declared = cluster.primary.as_deref().unwrap_or_default();
            let message = format!(
                "{name} is the primary, and the inventory says {declared}. It stays so after a restart too: switch back, or correct \
                 `primary` in the inventory."
            );
            find(findings, name, "cluster.other_primary", Notice, message, format!("read_only is off on {name} alone"));
        }
        Primary::One(_) | Primary::Unknown => {}
    }
    for (i, node) in nodes.iter().enumerate() {
        for other in &nodes[i + 1..] {
            let same = node.fresh.zip(other.fresh).filter(|(one, other)| one.server_id == other.server_id);
            for (name, facts) in same.iter().flat_map(|(facts, _)| [(node.name, facts), (other.name, facts)]) {
                let message =
                    format!("{} and {} have the same server_id, so each throws the other's events away.", node.name, other.name);
                find(findings, name, "duplicate.server_id", Bad, message, format!("server_id is {} on both", facts.server_id));
            }
        }
    }
}

fn of_node(node: &Node<'_>, view: &NodeView, source: Option<&Node<'_>>, findings: &mut Findings) {
    use MachineState::{Bad, Notice};
    let (name, Some(facts)) = (node.name, node.fresh) else { return };
    for gtids in [&facts.gtid_binlog, &facts.gtid_slave].map(|text| text.parse::<Position>().err()).into_iter().flatten() {
        find(findings, name, "gtid.unreadable", Notice, format!("The positions of {name} cannot be read."), gtids.to_string());
    }
    if source.is_some_and(|source| source.name == name) {
        let semi_sync = &facts.semi_sync;
        if !(semi_sync.primary_enabled && semi_sync.primary_active && semi_sync.replicas > 0) {
            let message = format!("Commits on {name} wait for no replica: what is confirmed now is lost if it fails.");
            let evidence = format!(
                "semi-sync enabled: {}, active: {}, replicas that acknowledge: {}",
                semi_sync.primary_enabled, semi_sync.primary_active, semi_sync.replicas
            );
            find(findings, name, "semi_sync.off", Notice, message, evidence);
        }
        return;
    }
    if !view.errant.is_empty() {
        let each: Vec<String> = view.errant.iter().map(Gtid::to_string).collect();
        let message =
            format!("{name} has transactions that the primary does not have. It must not become primary before they are undone.");
        find(findings, name, "replica.errant", Bad, message, format!("newest of each server: {}", each.join(", ")));
    }
    match &facts.replication {
        None if source.is_some() => {
            let message = format!("{name} follows nobody. Make it a replica of the primary.");
            find(findings, name, "replica.stopped", Bad, message, "SHOW ALL SLAVES STATUS is empty".into());
        }
        None => {}
        Some(replication) => of_replica(name, replication, view, findings),
    }
}

fn of_replica(name: &str, replication: &Replication, view: &NodeView, findings: &mut Findings) {
    use MachineState::{Bad, Notice};
    for (runs, thread, error) in [
        (replication.io_running, "receives nothing", &replication.io_error),
        (replication.sql_running, "applies nothing", &replication.sql_error),
    ] {
        if !runs {
            let evidence = error.clone().unwrap_or_else(|| "the thread was stopped, without an error".into());
            let key = if thread == "receives nothing" { "replica.io_stopped" } else { "replica.sql_stopped" };
            let message = format!("{name} {thread} from {}. Mend the cause, then START SLAVE.", replication.source_host);
            find(findings, name, key, Bad, message, evidence);
        }
    }
    if replication.delay_s > 0 {
        let message =
            format!("{name} applies what it receives {} s late on purpose, and a failover to it would wait.", replication.delay_s);
        find(findings, name, "replica.delayed", Notice, message, format!("SQL_Delay is {}", replication.delay_s));
    }
    if let Some(ms) = view.lag.ms().filter(|ms| *ms > LAG_NOTICE_MS) {
        let severity = if ms > LAG_BAD_MS { Bad } else { Notice };
        let evidence =
            if matches!(view.lag, Lag::Heartbeat { .. }) { "age of the heartbeat it shows" } else { "Seconds_Behind_Master" };
        let message = format!("{name} is {} s behind {}.", ms / 1_000, replication.source_host);
        find(findings, name, "replica.behind", severity, message, format!("{evidence}: {ms} ms"));
    }
}

#[cfg(test)]
mod tests;
