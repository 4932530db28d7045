//! The nodes of a database cluster side by side, and what a failover would lose now.

#[cfg(test)]
mod tests;

use super::{
    facts::{DatabaseFacts, DiskUse},
    gtid::Gtid,
    inventory::{Cluster, Inventory, Role},
    judge::{Finding, MachineState},
    replication::{ClusterView, LAG_BAD_MS, LAG_NOTICE_MS, Lag, Loss, NodeView, Primary, view},
    sheet::{Cell, Head, Line, Lines, Part, Said, Sheet, SheetTable, listed},
    world::{MachineSeen, Seen, World},
};
use crate::{
    routes::Page,
    values::{
        Moment, Tone,
        quantity::{format_bytes, format_count, format_span},
    },
};
use std::time::Duration;

const FULL_PERCENT: u64 = 85;

struct Node<'a> {
    view: &'a NodeView,
    seen: Option<&'a MachineSeen>,
    /// Absent when it was not looked at for three rounds.
    facts: Option<&'a DatabaseFacts>,
}

fn node<'a>(view: &'a NodeView, world: &'a World, now: Moment) -> Node<'a> {
    let seen = world.machines.get(&view.name);
    Node { view, seen, facts: seen.and_then(|seen| seen.database.as_ref()?.fresh(now)) }
}

/// Every cluster of databases in the inventory.
pub fn databases(inventory: &Inventory, world: &World, now: Moment) -> Sheet {
    let clusters = inventory.clusters.iter().filter(|(_, cluster)| cluster.role == Role::Mariadb);
    let mut parts = Vec::new();
    let mut worst: Option<Said> = None;
    for (name, cluster) in clusters {
        let seen = view(cluster, world, now);
        let said = first(&seen);
        if worst.as_ref().is_none_or(|worst| gravity(said.tone) > gravity(worst.tone)) {
            worst = Some(said);
        }
        parts.push(Part::Lines(Lines {
            title: "What a failover would lose now".into(),
            note: name.clone(),
            lines: seen.nodes.iter().filter_map(|node| Some(loss_line(node, node.loss.as_ref()?))).collect(),
            empty: ("There is no replica to fail over to.".into(), "Add a second member to the cluster in the inventory.".into()),
        }));
        if let Some(findings) = findings(&seen) {
            parts.push(Part::Lines(findings));
        }
        parts.push(Part::Table(table(&seen, cluster, name, world, now)));
    }
    let none = || Said::new(Tone::Idle, "unknown", "The inventory declares no cluster of databases.");
    Sheet { first: worst.unwrap_or_else(none), parts, at: now }
}

const fn gravity(tone: Tone) -> u8 {
    match tone {
        Tone::Bad => 4,
        Tone::Notice => 3,
        Tone::Idle => 2,
        Tone::Busy => 1,
        Tone::Good => 0,
    }
}

/// What is wrong comes before what is unknown, and that before what one should know.
fn first(cluster: &ClusterView) -> Said {
    let of = |severity| cluster.findings.iter().find(|(_, finding)| finding.severity == severity).map(|(_, finding)| finding);
    let unseen: Vec<&str> =
        cluster.nodes.iter().filter(|node| node.takes_writes.is_none()).map(|node| node.name.as_str()).collect();
    if let Some(finding) = of(MachineState::Bad) {
        return Said::new(Tone::Bad, "wrong", &finding.message);
    }
    match &cluster.primary {
        Primary::Several(names) => Said::new(Tone::Bad, "wrong", format!("{} take writes at the same time.", names.join(" and "))),
        Primary::Nobody => Said::new(Tone::Bad, "wrong", "Nobody takes writes: every node is read-only."),
        Primary::Unknown => {
            let sentence = format!("{} was not seen lately, so nobody can say who is the primary.", listed(&unseen));
            Said::new(Tone::Idle, "unknown", sentence)
        }
        Primary::One(primary) if !unseen.is_empty() => {
            let sentence = format!("{primary} is the primary; {} was not seen lately.", listed(&unseen));
            Said::new(Tone::Idle, "unknown", sentence)
        }
        Primary::One(primary) => {
            if let Some(finding) = of(MachineState::Notice) {
                return Said::new(Tone::Notice, "look", &finding.message);
            }
            let lag = cluster.nodes.iter().filter_map(|node| node.lag.ms()).max();
            let shown = lag.map_or_else(String::new, |ms| format!(", at most {} behind", format_span(Duration::from_millis(ms))));
            Said::new(Tone::Good, "well", format!("{primary} is the primary and the others follow{shown}."))
        }
    }
}

fn loss_line(node: &NodeView, loss: &Loss) -> Line {
    let (tone, word) = match (loss.transactions, loss.is_certain) {
        (Some(0), true) => (Tone::Good, "nothing".into()),
        (Some(0), false) => (Tone::Notice, "nothing, perhaps".into()),
        (Some(1), _) => (Tone::Bad, "1 transaction".into()),
        (Some(n), _) => (Tone::Bad, format!("{} transactions", format_count(n))),
        (None, _) => (Tone::Idle, "unknown".into()),
    };
    let text = format!("With {} as primary. {}", node.name, loss.sentence);
    Line { tone, word, text, below: String::new(), at: None }
}

/// A finding that stands with several machines is listed once.
fn findings(cluster: &ClusterView) -> Option<Lines> {
    let mut told: Vec<&Finding> = Vec::new();
    for (_, finding) in &cluster.findings {
        if !told.iter().any(|known| known.message == finding.message) {
            told.push(finding);
        }
    }
    told.sort_by_key(|finding| std::cmp::Reverse(gravity(finding.severity.tone())));
    let line = |finding: &&Finding| Line {
        tone: finding.severity.tone(),
        word: finding.severity.word().into(),
        text: finding.message.clone(),
        below: finding.evidence.clone(),
        at: finding.since,
    };
    let lines: Vec<Line> = told.iter().map(line).collect();
    let title = "What is not as it should be".into();
    (!lines.is_empty()).then(|| Lines { title, note: "with what was seen".into(), lines, ..Lines::default() })
}

fn lag_cell(node: &NodeView) -> Cell {
    let tone = |ms| match ms {
        LAG_BAD_MS.. => Tone::Bad,
        LAG_NOTICE_MS.. => Tone::Notice,
        _ => Tone::Good,
    };
    let shown = |ms| Cell::state(tone(ms), format_span(Duration::from_millis(ms)));
    match &node.lag {
        Lag::Heartbeat { ms } => shown(*ms).below("by the panel’s own row, at most 1 s too large"),
        Lag::OwnWord { s } => shown(s.saturating_mul(1_000)).below("by its own word"),
        Lag::Unknown { why } => Cell::state(Tone::Idle, "unknown").below(why),
        Lag::None => Cell::text("–").below("it is the one written to"),
    }
}

fn errant_cell(node: &NodeView) -> Cell {
    match node.errant.as_slice() {
        [] => Cell::text("none"),
        errant => {
            let each: Vec<String> = errant.iter().map(Gtid::to_string).collect();
            Cell::state(Tone::Bad, each.join(", ")).below("the primary lacks them")
        }
    }
}

type Tell = fn(&Node<'_>, &DatabaseFacts) -> Cell;

const ROWS: &[(&str, Tell)] = &[
    ("read_only", |_, facts| Cell::text(if facts.read_only { "on" } else { "off" })),
    ("Replicates from", |_, facts| replication(facts)),
    ("Lag", |node, _| lag_cell(node.view)),
    ("Errant transactions", |node, _| errant_cell(node.view)),
    ("Semi-sync", |_, facts| semi_sync(facts)),
    ("GTID written", |_, facts| Cell::code(or_dash(&facts.gtid_binlog))),
    ("GTID applied", |_, facts| Cell::code(or_dash(&facts.gtid_slave))),
    ("GTID received", |_, facts| Cell::code(facts.replication.as_ref().map_or("–".into(), |r| or_dash(&r.gtid_io)))),
    ("Connections", |_, facts| {
        let full = facts.connections * 100 >= facts.connections_max.max(1) * FULL_PERCENT;
        let text = format!("{} of {}", format_count(facts.connections), format_count(facts.connections_max));
        let cell = if full { Cell::state(Tone::Notice, text) } else { Cell::text(text) };
        cell.below(format!("{} threads run", facts.threads_running))
    }),
    ("Longest transaction", |_, facts| match facts.longest_transaction_s {
        Some(s) if s >= 60 => Cell::state(Tone::Notice, format_span(Duration::from_secs(s))),
        Some(s) => Cell::text(format_span(Duration::from_secs(s))),
        None => Cell::text("none open"),
    }),
    ("May write despite read_only", |_, facts| {
        if facts.privileged.is_empty() { Cell::text("nobody") } else { Cell::state(Tone::Notice, facts.privileged.join(", ")) }
    }),
    ("Fullest disk", |node, _| disk(node)),
    ("Running for", |_, facts| Cell::text(format_span(Duration::from_secs(facts.uptime_s)))),
    ("Version", |_, facts| Cell::text(&facts.version).below(format!("server id {}", facts.server_id))),
];

fn or_dash(text: &str) -> String {
    if text.is_empty() { "–".into() } else { text.into() }
}

fn replication(facts: &DatabaseFacts) -> Cell {
    let Some(replication) = &facts.replication else { return Cell::text("nobody") };
    let errors: Vec<&str> = [&replication.io_error, &replication.sql_error].into_iter().filter_map(|e| e.as_deref()).collect();
    let thread = |running| if running { "runs" } else { "stopped" };
    let threads = format!("IO {}, SQL {}", thread(replication.io_running), thread(replication.sql_running));
    let delay = if replication.delay_s > 0 { format!(", {} s late on purpose", replication.delay_s) } else { String::new() };
    let tone = if replication.io_running && replication.sql_running { Tone::Good } else { Tone::Bad };
    let below = if errors.is_empty() { format!("{threads}{delay}") } else { format!("{threads}{delay}. {}", errors.join(" ")) };
    Cell::state(tone, &replication.source_host).below(below)
}

fn semi_sync(facts: &DatabaseFacts) -> Cell {
    let semi_sync = &facts.semi_sync;
    match (&facts.replication, semi_sync.primary_enabled, semi_sync.primary_active) {
        (None, true, true) => {
            let replicas = if semi_sync.replicas == 1 { "1 replica".into() } else { format!("{} replicas", semi_sync.replicas) };
            let below = format!("{replicas}, {} commits did not wait", format_count(semi_sync.unacknowledged));
            Cell::state(Tone::Good, "commits wait").below(below)
        }
        (None, true, false) => Cell::state(Tone::Bad, "commits do not wait").below("enabled, but no replica answers"),
        (None, false, _) => Cell::state(Tone::Notice, "off"),
        (Some(_), ..) if semi_sync.replica_active => Cell::state(Tone::Good, "acknowledges"),
        (Some(_), ..) => Cell::state(Tone::Notice, "does not acknowledge"),
    }
}

fn disk(node: &Node<'_>) -> Cell {
    let shell = node.seen.and_then(|seen| seen.shell.as_ref()?.value());
    match shell.and_then(|shell| shell.disks.iter().max_by_key(|disk| DiskUse::used_percent(disk))) {
        None => Cell::unknown(),
        Some(disk) => {
            let text = format!("{} %", disk.used_percent());
            let full = u64::from(disk.used_percent()) >= FULL_PERCENT;
            let cell = if full { Cell::state(Tone::Bad, text) } else { Cell::text(text) };
            cell.below(format!("{} free of {} at {}", format_bytes(disk.free_bytes), format_bytes(disk.size_bytes), disk.mount))
        }
    }
}

fn table(seen: &ClusterView, cluster: &Cluster, name: &str, world: &World, now: Moment) -> SheetTable {
    let nodes: Vec<Node<'_>> = seen.nodes.iter().map(|view| node(view, world, now)).collect();
    let heads = nodes.iter().map(|node| Head::text(&node.view.name).link(Page::Machine(node.view.name.clone()).path()));
    let roles = std::iter::once(Cell::text("Role")).chain(nodes.iter().map(|node| role(node, &seen.primary, cluster)));
    let told = ROWS.iter().map(|(title, tell)| {
        let cells = nodes.iter().map(|node| node.facts.map_or_else(Cell::unknown, |facts| tell(node, facts)));
        std::iter::once(Cell::text(*title)).chain(cells).collect()
    });
    SheetTable {
        title: "Nodes side by side".into(),
        note: name.into(),
        class: "databases".into(),
        columns: std::iter::once(Head::text("Of each")).chain(heads).collect(),
        rows: std::iter::once(roles.collect()).chain(told).collect(),
    }
}

fn role(node: &Node<'_>, primary: &Primary, cluster: &Cluster) -> Cell {
    let observed = node.seen.and_then(|seen| seen.database.as_ref());
    let at = observed.and_then(Seen::observed_at);
    let declared = if cluster.primary.as_deref() == Some(&node.view.name) { "declared primary" } else { "" };
    let Some(facts) = node.facts else {
        let why = observed.and_then(|seen| seen.failing.as_ref());
        let below = why.map_or_else(
            || "not looked at yet".to_string(),
            |failing| format!("since {} UTC: {}", failing.since.time_of_day(), failing.why),
        );
        return Cell::state(Tone::Idle, "unknown").below(below).at(at);
    };
    let cell = match (primary, facts.read_only, &facts.replication) {
        (Primary::One(name), ..) if *name == node.view.name => Cell::state(Tone::Good, "primary"),
        (_, false, _) => Cell::state(Tone::Bad, "takes writes"),
        (_, true, Some(_)) => Cell::state(Tone::Good, "replica"),
        (_, true, None) => Cell::state(Tone::Bad, "follows nobody"),
    };
    cell.below(declared).at(at)
}
