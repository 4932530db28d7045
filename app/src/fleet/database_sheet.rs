//! The nodes of a database cluster side by side, and what a failover would lose now.

mod failover;
#[cfg(test)]
mod tests;

use self::failover::{behind, errant};
use super::{
    facts::{DatabaseFacts, DiskUse},
    inventory::{Cluster, Inventory, Role},
    sheet::{Cell, Head, Line, Lines, Part, Said, Sheet, SheetTable, listed},
    world::{MachineSeen, World},
};
use crate::{
    routes::Page,
    values::{
        Moment, Tone,
        quantity::{format_bytes, format_count, format_span},
    },
};
use std::time::Duration;

/// Behind this much a replica is told, and at the second figure it is wrong.
const LAG_NOTICE_MS: u64 = 5_000;
const LAG_BAD_MS: u64 = 30_000;
const FULL_PERCENT: u64 = 85;

struct Node<'a> {
    name: &'a str,
    seen: Option<&'a MachineSeen>,
    /// Absent when it was not looked at for three rounds.
    facts: Option<&'a DatabaseFacts>,
}

impl Node<'_> {
    fn is_primary(&self) -> bool {
        self.facts.is_some_and(|facts| facts.replication.is_none() && !facts.read_only)
    }

    fn lag_ms(&self) -> Option<u64> {
        let facts = self.facts?;
        let replication = facts.replication.as_ref()?;
        facts.heartbeat_age_ms.or_else(|| replication.seconds_behind.map(|s| s * 1_000))
    }
}

/// Every cluster of databases in the inventory.
pub fn databases(inventory: &Inventory, world: &World, now: Moment) -> Sheet {
    let clusters: Vec<(&String, &Cluster)> = inventory.clusters.iter().filter(|(_, c)| c.role == Role::Mariadb).collect();
    let mut parts = Vec::new();
    let mut worst: Option<Said> = None;
    for (name, cluster) in clusters {
        let nodes: Vec<Node<'_>> = cluster.members.iter().map(|member| node(world, member, now)).collect();
        let said = first(&nodes, cluster);
        let graver = |tone| match tone {
            Tone::Bad => 4,
            Tone::Notice => 3,
            Tone::Idle => 2,
            Tone::Busy => 1,
            Tone::Good => 0,
        };
        if worst.as_ref().is_none_or(|worst| graver(said.tone) > graver(worst.tone)) {
            worst = Some(said);
        }
        parts.push(Part::Lines(Lines {
            title: "What a failover would lose now".into(),
            note: name.clone(),
            lines: losses(&nodes),
            empty: ("There is no replica to fail over to.".into(), "Add a second member to the cluster in the inventory.".into()),
        }));
        parts.push(Part::Table(table(&nodes, cluster, name, now)));
    }
    let none = || Said::new(Tone::Idle, "unknown", "The inventory declares no cluster of databases.");
    Sheet { first: worst.unwrap_or_else(none), parts, at: now }
}

fn node<'a>(world: &'a World, name: &'a str, now: Moment) -> Node<'a> {
    let seen = world.machines.get(name);
    let facts = seen.and_then(|seen| seen.database.as_ref()?.fresh(now));
    Node { name, seen, facts }
}

fn first(nodes: &[Node<'_>], cluster: &Cluster) -> Said {
    let primaries: Vec<&str> = nodes.iter().filter(|node| node.is_primary()).map(|node| node.name).collect();
    let unseen: Vec<&str> = nodes.iter().filter(|node| node.facts.is_none()).map(|node| node.name).collect();
    let stopped = |node: &&Node<'_>| {
        let replication = node.facts.and_then(|facts| facts.replication.as_ref());
        replication.is_some_and(|replication| !replication.io_running || !replication.sql_running)
    };
    match primaries.as_slice() {
        [_, _, ..] => {
            let sentence =
                format!("{} all accept writes: make all but one read_only before they part further.", listed(&primaries));
            Said::new(Tone::Bad, "wrong", sentence)
        }
        [] if unseen.is_empty() => Said::new(Tone::Bad, "wrong", "No node accepts writes: nothing can be written until one does."),
        [] => Said::new(Tone::Idle, "unknown", format!("{} was not seen lately, so the primary is unknown.", listed(&unseen))),
        [primary] => {
            let declared = cluster.primary.as_deref().filter(|declared| declared != primary);
            let lag = nodes.iter().filter_map(Node::lag_ms).max();
            let shown = lag.map_or_else(String::new, |ms| format!(", at most {} behind", format_span(Duration::from_millis(ms))));
            if let Some(stopped) = nodes.iter().find(stopped) {
                return Said::new(
                    Tone::Bad,
                    "wrong",
                    format!("{} does not replicate from {primary}: see its errors.", stopped.name),
                );
            }
            if !unseen.is_empty() {
                let sentence = format!("{primary} is the primary; {} was not seen lately.", listed(&unseen));
                return Said::new(Tone::Idle, "unknown", sentence);
            }
            match (declared, lag) {
                (Some(declared), _) => {
                    let sentence = format!("{primary} is the primary, though the inventory says {declared}{shown}.");
                    Said::new(Tone::Notice, "look", sentence)
                }
                (None, Some(lag)) if lag >= LAG_NOTICE_MS => {
                    Said::new(lag_tone(lag), "behind", format!("{primary} is the primary; the others follow{shown}."))
                }
                (None, _) => Said::new(Tone::Good, "well", format!("{primary} is the primary and the others follow{shown}.")),
            }
        }
    }
}

fn lag_tone(lag_ms: u64) -> Tone {
    match lag_ms {
        LAG_BAD_MS.. => Tone::Bad,
        LAG_NOTICE_MS.. => Tone::Notice,
        _ => Tone::Good,
    }
}

/// For each replica, what would be gone if it took over this moment.
fn losses(nodes: &[Node<'_>]) -> Vec<Line> {
    let line = |tone, word: &str, text: String, below: String| Line { tone, word: word.into(), text, below, at: None };
    let primary = nodes.iter().find(|node| node.is_primary());
    let others = nodes.iter().filter(|node| primary.is_none_or(|primary| primary.name != node.name));
    let said = others.map(|node| {
        let (Some(primary), Some(facts)) = (primary.and_then(|p| p.facts.map(|facts| (p.name, facts))), node.facts) else {
            return line(Tone::Idle, "unknown", format!("{}: one of the two nodes was not seen lately.", node.name), String::new());
        };
        let errant = errant(primary.1, facts);
        if !errant.is_empty() {
            let text = format!("{} has transactions of its own that {} lacks: it must not take over.", node.name, primary.0);
            return line(Tone::Bad, "errant", text, errant.join(", "));
        }
        let waits = primary.1.semi_sync.primary_active && facts.semi_sync.replica_active;
        match (behind(primary.1, facts), waits) {
            (0, true) => line(
                Tone::Good,
                "nothing",
                format!("Nothing would be lost: {} has everything.", node.name),
                "Semi-sync: no commit is answered before the replica has it.".into(),
            ),
            (0, false) => line(
                Tone::Notice,
                "nothing",
                format!("{} has everything this moment.", node.name),
                "Semi-sync is off: the next commits may be answered before the replica has them.".into(),
            ),
            (n, true) => line(
                Tone::Good,
                "nothing",
                format!("{} has yet to apply {} transactions; it has received what was answered.", node.name, format_count(n)),
                "Semi-sync: no commit is answered before the replica has it.".into(),
            ),
            (n, false) => line(
                Tone::Bad,
                "loses",
                format!("Up to {} transactions would be lost with {} as primary.", format_count(n), node.name),
                "Semi-sync is off: they were answered, and the replica may not have received them.".into(),
            ),
        }
    });
    said.collect()
}

type Tell = fn(&Node<'_>, &DatabaseFacts) -> Cell;

const ROWS: &[(&str, Tell)] = &[
    ("read_only", |_, facts| Cell::text(if facts.read_only { "on" } else { "off" })),
    ("Replicates from", |_, facts| replication(facts)),
    ("Lag", |node, _| match node.lag_ms() {
        Some(ms) => Cell::state(lag_tone(ms), format_span(Duration::from_millis(ms))),
        None => Cell::unknown(),
    }),
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
            let below = format!("{} replicas, {} commits did not wait", semi_sync.replicas, format_count(semi_sync.unacknowledged));
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

fn table(nodes: &[Node<'_>], cluster: &Cluster, name: &str, now: Moment) -> SheetTable {
    let heads = nodes.iter().map(|node| Head::text(node.name).link(Page::Machine(node.name.into()).path()));
    let roles = std::iter::once(Cell::text("Role")).chain(nodes.iter().map(|node| role(node, cluster, now)));
    let told = ROWS.iter().map(|(title, tell)| {
        let cells = nodes.iter().map(|node| node.facts.map_or_else(Cell::unknown, |facts| tell(node, facts)));
        std::iter::once(Cell::text(*title)).chain(cells).collect()
    });
    SheetTable {
        title: "Nodes side by side".into(),
        note: name.into(),
        class: "databases".into(),
        columns: std::iter::once(Head::text("")).chain(heads).collect(),
        rows: std::iter::once(roles.collect()).chain(told).collect(),
    }
}

fn role(node: &Node<'_>, cluster: &Cluster, now: Moment) -> Cell {
    let observed = node.seen.and_then(|seen| seen.database.as_ref());
    let at = observed.and_then(super::world::Seen::observed_at);
    let declared = if cluster.primary.as_deref() == Some(node.name) { "declared primary" } else { "" };
    let Some(facts) = node.facts else {
        let why = observed.and_then(|seen| seen.failing.as_ref());
        let below = why.map_or_else(
            || "not looked at yet".to_string(),
            |failing| format!("since {} UTC: {}", failing.since.time_of_day(), failing.why),
        );
        return Cell::state(Tone::Idle, "unknown").below(below).at(at.filter(|at| *at <= now));
    };
    let cell = match (node.is_primary(), facts.replication.is_some(), facts.read_only) {
        (true, ..) => Cell::state(Tone::Good, "primary"),
        (_, true, true) => Cell::state(Tone::Good, "replica"),
        (_, true, false) => Cell::state(Tone::Bad, "replica that accepts writes"),
        (_, false, _) => Cell::state(Tone::Bad, "neither primary nor replica"),
    };
    cell.below(declared).at(at)
}
