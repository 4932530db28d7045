//! One machine in words short enough for a card.

use super::{MachineView, Sight};
use crate::{
    fleet::{
        facts::DatabaseFacts,
        flows::format_rate,
        inventory::{Inventory, Machine, Role},
        judge::{Finding, Judgement, MachineState},
        world::MachineSeen,
    },
    values::{
        Tone,
        quantity::{format_count, format_span},
    },
};
use std::{net::Ipv4Addr, time::Duration};

pub(super) fn view(sight: &Sight<'_>, machine: &Machine) -> MachineView {
    let judged = sight.judgements.iter().find(|judged| judged.name == machine.name);
    let state = judged.map_or(MachineState::Unknown, |judged| judged.state);
    let worst = judged.and_then(|judged| judged.findings.first());
    let word = worst.map_or_else(|| state.word(), |worst| word_of(worst, state)).to_string();
    let blank = MachineSeen::default();
    let seen = sight.world.machines.get(&machine.name).unwrap_or(&blank);
    let since = worst.and_then(|worst| worst.since);
    let (role, role_short) = role(sight, machine, seen);
    let silent = worst.is_some_and(|worst| worst.key == "machine.away");
    let figures = if silent {
        ["no answer".into(), String::new()]
    } else if state == MachineState::Unknown {
        let since = since.or_else(|| judged.and_then(|judged| judged.observed_at));
        since.map_or_else(|| ["not seen".into(), "yet".into()], |since| ["since".into(), since.time_of_day()])
    } else {
        figures(sight, machine, seen)
    };
    let observed_at = judged.and_then(|judged| judged.observed_at);
    MachineView {
        name: machine.name.clone(),
        state,
        word,
        role,
        role_short,
        figures,
        why: worst.map(|worst| worst.message.clone()),
        findings: judged.map_or(0, |judged| judged.findings.len()),
        since: since.or(if state == MachineState::Unknown { observed_at } else { None }),
        observed_at,
        taps: taps(sight.inventory, machine, judged, state),
    }
}

/// The card's word for a finding, at most eleven letters.
fn word_of(finding: &Finding, state: MachineState) -> &'static str {
    let kind = finding.key.split(':').next().unwrap_or_default();
    match kind {
        _ if state == MachineState::Unknown => state.word(),
        "machine.away" => "down",
        "service.away" => "no service",
        "shell.away" => "no shell",
        "observer.refused" => "refused",
        "replica.behind" => "lagging",
        "replica.broken" | "replica.none" => "broken",
        "replica.writable" => "writable",
        "replica.delayed" => "delayed",
        "primary.read-only" => "read-only",
        "semi-sync.off" => "unsafe",
        "connections.full" => "full",
        "disk.full" => "disk",
        "memory.full" | "memory.shared" => "memory",
        "cpu.full" => "cpu",
        "clock.off" => "clock",
        "dispatcher.inactive" => "target out",
        "trunk.unreachable" => "trunk out",
        "dmq.lost" => "peer lost",
        "routes.empty" => "no routes",
        _ if kind.starts_with("identity.") => "identity",
        _ if kind.starts_with("card.") => "card",
        _ => state.word(),
    }
}

/// A machine that is silent is so on each network; else only the card that is wrong is marked.
fn taps(inventory: &Inventory, machine: &Machine, judged: Option<&Judgement>, state: MachineState) -> Vec<(String, Tone)> {
    let findings = judged.map_or(&[][..], |judged| &judged.findings);
    let whole = findings.iter().any(|finding| finding.key == "machine.away") || state == MachineState::Unknown;
    let tone = |network: &str| {
        let own = findings
            .iter()
            .filter(|finding| finding.key.split_once(':').is_some_and(|(kind, on)| kind.starts_with("card.") && on == network));
        match own.map(|finding| finding.severity).max() {
            Some(severity) => severity.tone(),
            None if whole => state.tone(),
            None => Tone::Good,
        }
    };
    let on = machine.networks.iter().filter(|name| inventory.networks.contains_key(*name));
    on.map(|name| (name.clone(), tone(name))).collect()
}

/// The virtual addresses that stand on the machine, as its own shell sees them.
pub(in crate::fleet) fn held(inventory: &Inventory, machine: &Machine, seen: &MachineSeen) -> Option<Vec<Ipv4Addr>> {
    let shell = seen.shell.as_ref()?.value()?;
    let cluster = inventory.clusters.values().find(|cluster| cluster.members.contains(&machine.name))?;
    let virtual_ones = cluster.virtual_addresses.iter().map(|virtual_one| virtual_one.address);
    let has = |address: &Ipv4Addr| shell.cards.iter().any(|card| card.addresses.iter().any(|(own, _)| own == address));
    Some(virtual_ones.filter(has).collect())
}

fn role(sight: &Sight<'_>, machine: &Machine, seen: &MachineSeen) -> (String, String) {
    match machine.role {
        Role::Kamailio => match held(sight.inventory, machine, seen) {
            None => ("proxy".into(), "proxy".into()),
            Some(held) if held.is_empty() => ("proxy · holds no virtual address".into(), "no address".into()),
            Some(held) => {
                let all = held.iter().map(Ipv4Addr::to_string).collect::<Vec<_>>();
                let short = match held.as_slice() {
                    [one] => one.to_string(),
                    many => many.iter().map(|one| format!(".{}", one.octets()[3])).collect::<Vec<_>>().join(" "),
                };
                (format!("proxy · holds {}", all.join(" and ")), short)
            }
        },
        Role::Mariadb => {
            let facts = seen.database.as_ref().and_then(|database| database.value());
            let declared = sight.inventory.clusters.values().any(|cluster| cluster.primary.as_ref() == Some(&machine.name));
            let is_replica = facts.map_or(!declared, |facts| facts.replication.is_some() || facts.read_only);
            let word = if is_replica { "replica" } else { "primary" };
            let differs = if is_replica == declared { " · the inventory says otherwise" } else { "" };
            (format!("{word}{differs}"), word.into())
        }
        Role::Asterisk => plain("PBX"),
        Role::Billing => plain("authorizer"),
        Role::Monitor => plain("watch & logs"),
        other => plain(other.name()),
    }
}

fn plain(role: &str) -> (String, String) {
    (role.into(), role.into())
}

/// How far a replica is behind: by the heartbeat's row where there is one, else as MariaDB estimates it.
pub(in crate::fleet) fn lag(facts: &DatabaseFacts) -> Option<Duration> {
    let estimate = || facts.replication.as_ref()?.seconds_behind.map(Duration::from_secs);
    facts.heartbeat_age_ms.map(Duration::from_millis).or_else(estimate)
}

fn figures(sight: &Sight<'_>, machine: &Machine, seen: &MachineSeen) -> [String; 2] {
    let (flows, now, name) = (sight.flows, sight.now, &machine.name);
    let rate = |rates: &std::collections::BTreeMap<String, f64>, unit: &str| {
        rates.get(name).map(|per_s| format!("{} {unit}", format_rate(*per_s)))
    };
    let count = |count: u64, one: &str, many: &str| format!("{} {}", format_count(count), if count == 1 { one } else { many });
    let lines = match machine.role {
        Role::Kamailio => {
            let proxy = seen.proxy.as_ref().and_then(|proxy| proxy.fresh(now));
            [rate(&flows.machine_cps, "cps"), proxy.map(|proxy| count(proxy.dialogs, "dialog", "dialogs"))]
        }
        Role::Asterisk => {
            let pbx = seen.pbx.as_ref().and_then(|pbx| pbx.fresh(now));
            let calls = flows.machine_calls.get(name).copied().or(pbx.map(|pbx| pbx.calls));
            let below = pbx.map(|pbx| match pbx.transcoding {
                0 => count(pbx.channels, "channel", "channels"),
                some => format!("{some} transcoded"),
            });
            [calls.map(|calls| count(calls, "call", "calls")), below]
        }
        Role::Mariadb => {
            database_figures(seen.database.as_ref().and_then(|database| database.fresh(now)), rate(&flows.machine_tps, "tx/s"))
        }
        Role::Billing => [rate(&flows.machine_cps, "/s"), None],
        _ => [None, None],
    };
    let shell = seen.shell.as_ref().and_then(|shell| shell.fresh(now));
    let load = || shell.map(|shell| format!("load {:.2}", shell.load[0]));
    let processor = || shell.and_then(|shell| shell.cpu_percent).map(|percent| format!("cpu {percent:.0} %"));
    match lines {
        [Some(above), Some(below)] => [above, below],
        [Some(one), None] | [None, Some(one)] => [one, load().unwrap_or_else(|| "–".into())],
        [None, None] => [load().unwrap_or_else(|| "–".into()), processor().unwrap_or_else(|| "–".into())],
    }
}

fn database_figures(facts: Option<&DatabaseFacts>, tps: Option<String>) -> [Option<String>; 2] {
    let Some(facts) = facts else { return [tps, None] };
    if facts.replication.is_some() || facts.read_only {
        let behind = lag(facts).map(|lag| if lag < Duration::from_secs(2) { "in step".to_string() } else { format_span(lag) });
        let word = match lag(facts) {
            Some(lag) if lag >= Duration::from_secs(2) => "behind".to_string(),
            Some(lag) => format!("{} behind", format_span(lag)),
            None => "lag unknown".into(),
        };
        return [behind, Some(word)];
    }
    let semi = &facts.semi_sync;
    let word = match (semi.primary_enabled, semi.primary_active) {
        (true, true) => "semi-sync on",
        (true, false) => "semi-sync off",
        (false, _) => "no semi-sync",
    };
    [tps.or_else(|| Some(format!("{} conn.", format_count(facts.connections)))), Some(word.into())]
}
