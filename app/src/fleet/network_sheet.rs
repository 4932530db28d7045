//! Networks as their pages show them: what was found, member by member and pair by pair, with the verdict.

use super::{
    difference::{Difference, Subject, differences},
    facts::{Power, SeenCard},
    history::HistoryRow,
    inventory::{Inventory, Machine, Network, Uplink},
    isolation::{NetworkVerdict, Reach, Verdict, guest_card, pairs::Pair, pairs::Pairs, reach},
    sheet::{Cell, Head, Line, Lines, Part, Said, Sheet, SheetTable, listed},
    world::{Seen, World},
};
use crate::{
    routes::Page,
    values::{Freshness, Moment, Tone, quantity::format_count},
};
use std::collections::BTreeSet;

/// Above this the matrix cannot be read; the pairs that are not proved are listed instead.
const MATRIX_MACHINES_MAX: usize = 24;

/// All networks.
pub fn networks(inventory: &Inventory, world: &World, verdicts: &[NetworkVerdict], now: Moment) -> Sheet {
    let row =
        |verdict: &NetworkVerdict| Some(network_row(inventory, world, verdict, inventory.networks.get(&verdict.network)?, now));
    let table = SheetTable {
        title: "Networks".into(),
        note: "what the inventory declares, and what was found".into(),
        class: "networks".into(),
        columns: vec![
            Head::text("Network"),
            Head::text("Verdict"),
            Head::text("Uplink"),
            Head::text("Members"),
            Head::text("MTU"),
            Head::text("Large packets"),
            Head::text("One card per address"),
        ],
        rows: verdicts.iter().filter_map(row).collect(),
    };
    let violations = verdicts.iter().flat_map(|verdict| {
        verdict.violations.iter().map(move |violation| Line {
            tone: Tone::Bad,
            word: verdict.network.clone(),
            text: violation.sentence.clone(),
            below: violation.evidence.clone(),
            at: None,
        })
    });
    let lines = Lines {
        title: "Violations".into(),
        note: "with what was seen".into(),
        lines: violations.collect(),
        empty: ("None was seen.".into(), "What was not seen is named at each network.".into()),
    };
    let parts = vec![Part::Table(table), Part::Lines(lines), Part::Lines(differing(&differences(inventory, world, now)))];
    Sheet { first: first_of_all(verdicts), parts, at: now }
}

/// Where the hypervisors show something else than the inventory says, machines included.
fn differing(differences: &[Difference]) -> Lines {
    let line = |difference: &Difference| Line {
        tone: difference.finding.severity.tone(),
        word: match &difference.subject {
            Subject::Network(name) | Subject::Machine(name) => name.clone(),
        },
        text: difference.sentence(),
        below: difference.evidence(),
        at: None,
    };
    Lines {
        title: "Differences from the inventory".into(),
        note: "as the hypervisors show it".into(),
        lines: differences.iter().map(line).collect(),
        empty: ("None was seen.".into(), "A hypervisor that does not answer shows none.".into()),
    }
}

fn first_of_all(verdicts: &[NetworkVerdict]) -> Said {
    let of = |wanted: Verdict| -> Vec<&NetworkVerdict> { verdicts.iter().filter(|verdict| verdict.verdict == wanted).collect() };
    let names = |verdicts: &[&NetworkVerdict]| listed(&verdicts.iter().map(|v| v.network.as_str()).collect::<Vec<_>>());
    let (violated, unknown) = (of(Verdict::Violated), of(Verdict::Unknown));
    match (violated.as_slice(), unknown.as_slice()) {
        _ if verdicts.is_empty() => Said::new(Tone::Idle, "unknown", "The inventory declares no network."),
        ([one], _) => Said::new(Tone::Bad, "violated", format!("{} is violated: {}", one.network, one.sentence())),
        ([first, ..], _) => {
            let sentence = format!("{} are violated. {}: {}", names(&violated), first.network, first.sentence());
            Said::new(Tone::Bad, "violated", sentence)
        }
        ([], []) => Said::new(Tone::Good, "proved", format!("All {} networks are proved to be as declared.", verdicts.len())),
        ([], [one]) => Said::new(Tone::Idle, "unknown", format!("{} is not proved now. {}", one.network, one.sentence())),
        ([], [first, ..]) => {
            let sentence = format!("{} are not proved now. {}: {}", names(&unknown), first.network, first.sentence());
            Said::new(Tone::Idle, "unknown", sentence)
        }
    }
}

fn network_row(inventory: &Inventory, world: &World, verdict: &NetworkVerdict, network: &Network, now: Moment) -> Vec<Cell> {
    let name = &verdict.network;
    vec![
        Cell::text(name).link(Page::Network(name.clone()).path()).below(network.subnet.to_string()),
        Cell::state(verdict.verdict.tone(), verdict.verdict.word()).below(verdict.sentence()).at(Some(verdict.at)),
        uplink_cell(inventory, world, name, network, now),
        members_cell(inventory, world, name, network, now),
        mtu_cell(inventory, world, name, network, now),
        packets_cell(inventory, world, name, network, now),
        answers_cell(world, name, now),
    ]
}

fn uplink_cell(inventory: &Inventory, world: &World, name: &str, network: &Network, now: Moment) -> Cell {
    let hosts = world.hosts.values().filter_map(|seen| seen.fresh(now));
    let carries = |group: &String| inventory.is_offered_as(name, group);
    let switches = hosts.flat_map(|host| host.switches.iter().map(move |switch| (host, switch)));
    let switches: Vec<_> = switches.filter(|(_, s)| s.port_groups.iter().any(carries) || carries(&s.name)).collect();
    let uplinks: Vec<String> =
        switches.iter().flat_map(|(host, s)| s.uplinks.iter().map(|uplink| format!("{uplink} on {}", host.host))).collect();
    let declared = if network.uplink == Uplink::Expected { "expected" } else { "forbidden" };
    match (switches.is_empty(), uplinks.is_empty(), network.uplink) {
        (true, ..) => Cell::state(Tone::Idle, "unknown").below(declared),
        (_, true, Uplink::Forbidden) => Cell::state(Tone::Good, "none").below(declared),
        (_, true, Uplink::Expected) => Cell::state(Tone::Notice, "none").below(declared),
        (_, _, Uplink::Forbidden) => Cell::state(Tone::Bad, uplinks.join(", ")).below(declared),
        (_, _, Uplink::Expected) => Cell::state(Tone::Good, uplinks.join(", ")).below(declared),
    }
}

fn on<'a>(inventory: &'a Inventory, name: &'a str) -> impl Iterator<Item = &'a Machine> {
    inventory.machines.iter().filter(move |machine| machine.networks.iter().any(|on| on == name))
}

fn members_cell(inventory: &Inventory, world: &World, name: &str, network: &Network, now: Moment) -> Cell {
    let members: Vec<&Machine> = on(inventory, name).collect();
    let ours: Vec<&&Machine> = members.iter().filter(|machine| machine.role.is_ours()).collect();
    let seen = ours.iter().filter(|machine| guest_mtu(world, network, &machine.name, now).is_some()).count();
    let foreign = members.len() - ours.len();
    let below = if foreign == 0 { String::new() } else { format!("and {foreign} that are not ours") };
    Cell::text(format!("{seen} of {} seen", ours.len())).below(below)
}

fn guest_mtu(world: &World, network: &Network, machine: &str, now: Moment) -> Option<u32> {
    let facts = world.machines.get(machine)?.shell.as_ref()?.fresh(now)?;
    Some(guest_card(network, facts)?.mtu)
}

fn host_card<'a>(
    inventory: &Inventory,
    world: &'a World,
    name: &str,
    machine: &Machine,
    now: Moment,
) -> Option<(&'a SeenCard, Power)> {
    let facts = world.hosts.get(&machine.host)?.fresh(now)?;
    let seen = facts.machines.iter().find(|seen| seen.name == machine.name)?;
    Some((seen.cards.iter().find(|card| inventory.is_offered_as(name, &card.network))?, seen.power))
}

fn mtu_cell(inventory: &Inventory, world: &World, name: &str, network: &Network, now: Moment) -> Cell {
    let switches = world.hosts.values().filter_map(|seen| seen.fresh(now)).flat_map(|host| &host.switches);
    let carries = |group: &String| inventory.is_offered_as(name, group);
    let switches = switches.filter(|s| s.port_groups.iter().any(carries) || carries(&s.name)).filter_map(|switch| switch.mtu);
    let guests = on(inventory, name).filter_map(|machine| guest_mtu(world, network, &machine.name, now));
    let seen: BTreeSet<u32> = switches.chain(guests).collect();
    let declared = format!("declared {}", network.mtu);
    match (seen.first(), seen.last()) {
        (Some(low), Some(high)) => {
            let observed = if low == high { low.to_string() } else { format!("{low} to {high}") };
            let tone = if *low < network.mtu { Tone::Bad } else { Tone::Good };
            Cell::state(tone, format!("observed {observed}")).below(declared)
        }
        _ => Cell::state(Tone::Idle, "unknown").below(declared),
    }
}

fn packets_cell(inventory: &Inventory, world: &World, name: &str, network: &Network, now: Moment) -> Cell {
    let seen = world.networks.get(name);
    let tried = seen.and_then(Seen::value).is_some_and(|probes| !probes.pings.is_empty());
    let Some(seen) = seen.filter(|_| tried || network.uplink == Uplink::Forbidden) else {
        return match network.uplink {
            Uplink::Expected => Cell::text("not tried").below("a way out is expected"),
            Uplink::Forbidden => Cell::state(Tone::Idle, "unknown").below("not tried yet"),
        };
    };
    let Some(probes) = seen.fresh(now) else {
        return Cell::state(Tone::Idle, "unknown").below(unknown_since(seen.last.as_ref().map(|last| last.freshness(now))));
    };
    let up: Vec<&Machine> =
        on(inventory, name).filter(|machine| machine.role.is_ours() && reach(world, machine, now) == Reach::Up).collect();
    let (pairs, mut proved, mut lost, mut wanted) = (Pairs::of(probes), 0, 0, 0);
    for (i, a) in up.iter().enumerate() {
        for b in &up[i + 1..] {
            wanted += 1;
            match pairs.between(&a.name, &b.name, network.mtu) {
                Pair::Proved { .. } => proved += 1,
                Pair::Lost(..) => lost += 1,
                Pair::Untried => {}
            }
        }
    }
    let below = format!("of {} bytes, undivided", format_count(network.mtu.into()));
    let cell = match (proved, lost) {
        (_, lost) if lost > 0 && network.uplink == Uplink::Forbidden => {
            Cell::state(Tone::Bad, format!("{lost} of {wanted} pairs lost"))
        }
        (proved, _) if proved == wanted => Cell::state(Tone::Good, format!("{proved} of {wanted} pairs")),
        (proved, _) => Cell::state(Tone::Idle, format!("{proved} of {wanted} pairs")),
    };
    cell.below(below).at(seen.observed_at())
}

fn unknown_since(freshness: Option<Freshness>) -> String {
    match freshness {
        Some(Freshness::UnknownSince(at)) => format!("unknown since {} UTC", at.time_of_day()),
        Some(Freshness::Fresh) | None => "not seen yet".into(),
    }
}

fn answers_cell(world: &World, name: &str, now: Moment) -> Cell {
    let Some(probes) = world.networks.get(name).and_then(|seen| seen.fresh(now)) else { return Cell::unknown() };
    let answered = probes.answers.iter().filter(|answer| !answer.macs.is_empty()).count();
    let taken: Vec<String> =
        probes.answers.iter().filter(|answer| answer.macs.len() > 1).map(|answer| answer.address.to_string()).collect();
    if taken.is_empty() {
        Cell::state(Tone::Good, "yes").below(format!("{answered} addresses asked"))
    } else {
        Cell::state(Tone::Bad, "no").below(format!("two for {}", taken.join(", ")))
    }
}

/// One network; nothing when the inventory has none of this name.
pub fn network(
    inventory: &Inventory,
    world: &World,
    name: &str,
    verdicts: &[NetworkVerdict],
    history: &[HistoryRow],
    now: Moment,
) -> Option<Sheet> {
    let network = inventory.networks.get(name)?;
    let verdict = verdicts.iter().find(|verdict| verdict.network == name)?;
    let summary = SheetTable {
        class: "networks".into(),
        columns: ["Network", "Verdict", "Uplink", "Members", "MTU", "Large packets", "One card per address"].map(Head::text).into(),
        rows: vec![network_row(inventory, world, verdict, network, now)],
        ..SheetTable::default()
    };
    let mut parts = vec![Part::Table(summary), Part::Lines(evidence(verdict))];
    parts.push(Part::Table(members(inventory, world, name, network, now)));
    let tried = world.networks.get(name).and_then(Seen::value).is_some_and(|probes| !probes.pings.is_empty());
    if tried || network.uplink == Uplink::Forbidden {
        parts.push(matrix(inventory, world, name, network, now));
    }
    parts.push(Part::Lines(past(history)));
    let first = Said::new(verdict.verdict.tone(), verdict.verdict.word(), verdict.sentence());
    Some(Sheet { first, parts, at: now })
}

fn evidence(verdict: &NetworkVerdict) -> Lines {
    let line =
        |tone, text: &String, below: &str| Line { tone, word: String::new(), text: text.clone(), below: below.into(), at: None };
    let violations = verdict.violations.iter().map(|violation| line(Tone::Bad, &violation.sentence, &violation.evidence));
    let missing = verdict.missing.iter().map(|text| line(Tone::Idle, text, ""));
    let told = |text: &&String| !verdict.missing.contains(text) && !verdict.violations.iter().any(|v| &v.evidence == *text);
    let seen = verdict.evidence.iter().filter(told).map(|text| line(Tone::Good, text, ""));
    Lines {
        title: "Evidence".into(),
        note: format!("the oldest look is of {} UTC", verdict.at.time_of_day()),
        lines: violations.chain(missing).chain(seen).collect(),
        empty: ("Nothing was seen yet.".into(), "The observers begin with the panel; look again in a minute.".into()),
    }
}

fn members(inventory: &Inventory, world: &World, name: &str, network: &Network, now: Moment) -> SheetTable {
    let row = |machine: &Machine| {
        let shell = world.machines.get(&machine.name).and_then(|seen| seen.shell.as_ref());
        let card = shell.and_then(|seen| guest_card(network, seen.fresh(now)?));
        let host = host_card(inventory, world, name, machine, now);
        let declared = inventory.address(machine, name).map_or_else(String::new, |address| address.to_string());
        let addresses = card.map(|card| {
            let here = card.addresses.iter().filter(|(address, _)| network.subnet.contains(*address));
            here.map(|(address, _)| address.to_string()).collect::<Vec<_>>().join(", ")
        });
        let mtu = |seen: Option<u32>| match seen {
            None => Cell::unknown(),
            Some(mtu) if mtu < network.mtu => Cell::state(Tone::Bad, mtu.to_string()),
            Some(mtu) => Cell::text(mtu.to_string()),
        };
        vec![
            Cell::text(&machine.name).link(Page::Machine(machine.name.clone()).path()).below(machine.role.name()),
            state(world, machine, now).at(shell.and_then(Seen::observed_at)),
            Cell::code(addresses.unwrap_or_else(|| "–".into())).below(format!("declared {declared}")),
            card.map_or_else(Cell::unknown, |card| Cell::text(&card.name).below(if card.up { "up" } else { "down" })),
            Cell::code(card.map(|card| card.mac.clone()).or(host.map(|(card, _)| card.mac.clone())).unwrap_or_else(|| "–".into())),
            mtu(card.map(|card| card.mtu)),
            mtu(host.and_then(|(card, _)| card.mtu)),
        ]
    };
    SheetTable {
        title: "Members".into(),
        note: format!("declared MTU {}", network.mtu),
        class: String::new(),
        columns: vec![
            Head::text("Machine"),
            Head::text("State"),
            Head::text("Address"),
            Head::text("Card"),
            Head::text("MAC"),
            Head::number("MTU in it"),
            Head::number("MTU at the host"),
        ],
        rows: on(inventory, name).map(row).collect(),
    }
}

fn state(world: &World, machine: &Machine, now: Moment) -> Cell {
    if !machine.role.is_ours() {
        return Cell::text("not ours");
    }
    match reach(world, machine, now) {
        Reach::Up => Cell::state(Tone::Good, "up"),
        Reach::Off(how) => Cell::state(Tone::Bad, how),
        Reach::Unseen(why) => Cell::state(Tone::Idle, "unknown").below(why),
    }
}

fn matrix(inventory: &Inventory, world: &World, name: &str, network: &Network, now: Moment) -> Part {
    let machines: Vec<&Machine> = on(inventory, name).filter(|machine| machine.role.is_ours()).collect();
    let title = "Large packets between each pair".to_string();
    let note = format!("{} bytes that must not be divided", format_count(network.mtu.into()));
    let Some(probes) = world.networks.get(name).and_then(|seen| seen.fresh(now)) else {
        let empty = ("No packet was tried lately.".into(), "Pairs are unknown until the next round from each machine.".into());
        return Part::Lines(Lines { title, note, lines: Vec::new(), empty });
    };
    let pairs = Pairs::of(probes);
    if machines.len() > MATRIX_MACHINES_MAX {
        let lost = probes.pings.iter().filter(|ping| !ping.answered).map(|ping| Line {
            tone: Tone::Bad,
            word: "lost".into(),
            text: format!("{} to {}", ping.from, ping.to),
            below: ping.said.clone().unwrap_or_default(),
            at: None,
        });
        let empty = ("No packet was lost.".into(), "With this many machines only lost ones are listed.".into());
        return Part::Lines(Lines { title, note, lines: lost.collect(), empty });
    }
    let cell = |a: &Machine, b: &Machine| {
        if a.name == b.name {
            return Cell::text("");
        }
        let down = [a, b].into_iter().find(|machine| reach(world, machine, now) != Reach::Up);
        let between = format!("{} and {}", a.name, b.name);
        match (down, pairs.between(&a.name, &b.name, network.mtu)) {
            (Some(down), _) => Cell::state(Tone::Idle, "unknown").title(format!("{between}: {} does not answer", down.name)),
            (None, Pair::Proved { round_trip_ms, .. }) => {
                let word = round_trip_ms.map_or_else(|| "proved".into(), |ms| format!("{ms:.2} ms"));
                Cell::state(Tone::Good, word).title(format!("{between}: the whole packet came back"))
            }
            (None, Pair::Lost(_, said)) => Cell::state(Tone::Bad, "lost").title(said),
            (None, Pair::Untried) => Cell::state(Tone::Idle, "not tried").title(between),
        }
    };
    let heads = machines.iter().map(|machine| Head::text(&machine.name));
    let rows = machines.iter().map(|a| {
        let head = Cell::text(&a.name).link(Page::Machine(a.name.clone()).path());
        std::iter::once(head).chain(machines.iter().map(|b| cell(a, b))).collect()
    });
    Part::Table(SheetTable {
        title,
        note,
        class: "matrix".into(),
        columns: std::iter::once(Head::text("Between")).chain(heads).collect(),
        rows: rows.collect(),
    })
}

fn past(history: &[HistoryRow]) -> Lines {
    let line = |row: &HistoryRow| Line {
        tone: row.verdict.tone(),
        word: row.verdict.word().into(),
        text: row.violations.iter().map(|violation| violation.sentence.as_str()).collect::<Vec<_>>().join(" "),
        below: row.violations.iter().map(|violation| violation.evidence.as_str()).collect::<Vec<_>>().join(" "),
        at: Some(row.at),
    };
    Lines {
        title: "Verdicts until now".into(),
        note: "UTC, the newest first; a line when something changed".into(),
        lines: history.iter().map(line).collect(),
        empty: ("No verdict yet.".into(), "The first one is written when everything was looked at once.".into()),
    }
}

#[cfg(test)]
#[path = "network_sheet_tests.rs"]
mod tests;
