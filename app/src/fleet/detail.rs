//! One machine as its page shows it: who it is, its cards declared and seen, what answers on it, what its service tells.

use super::{
    board::title_of,
    certificate::{Owner, Place, places, state},
    difference::{Difference, differences},
    inventory::{Inventory, Machine},
    judge::Finding,
    map::{MachineView, MapSnapshot, Sight},
    world::{MachineSeen, Seen},
};
use crate::values::{
    Moment, Tone,
    quantity::{format_bytes, format_count, format_span},
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

mod roles;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MachineDetail {
    pub taken_at: Moment,
    pub machine: MachineView,
    pub findings: Vec<Finding>,
    pub cards: Vec<CardLine>,
    pub interfaces: Vec<InterfaceLine>,
    /// Identity first, then load, then what the service tells.
    pub sections: Vec<Section>,
    /// How to get there: a label and a line to copy.
    pub reach: Vec<(String, String)>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Section {
    pub title: String,
    pub facts: Vec<Fact>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    pub label: String,
    pub value: String,
    pub tone: Option<Tone>,
}

impl Fact {
    fn new(label: impl Into<String>, value: impl Into<String>) -> Self {
        Self { label: label.into(), value: value.into(), tone: None }
    }

    fn toned(label: impl Into<String>, value: impl Into<String>, tone: Tone) -> Self {
        Self { tone: Some(tone), ..Self::new(label, value) }
    }
}

/// A network card: as declared, and as the guest has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CardLine {
    pub network: String,
    pub declared: String,
    pub seen: String,
    pub mac: String,
    pub tone: Tone,
    pub word: String,
}

/// One observer of the machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InterfaceLine {
    pub name: String,
    pub address: String,
    pub tone: Tone,
    pub word: String,
    /// The failure's own sentence.
    pub said: String,
    pub observed_at: Option<Moment>,
}

pub fn detail(sight: &Sight<'_>, name: &str) -> Option<MachineDetail> {
    let machine = sight.inventory.machine(name).filter(|machine| machine.role.is_ours())?;
    let map = MapSnapshot::of(sight, "");
    let view = map.machine(name)?.clone();
    let blank = MachineSeen::default();
    let seen = sight.world.machines.get(name).unwrap_or(&blank);
    let judged = sight.judgements.iter().find(|judged| judged.name == name);
    let mut sections = vec![identity(machine, seen), load(seen)];
    sections.extend(roles::sections(sight, machine, seen));
    sections.push(certificates(sight, name));
    sections.retain(|section| !section.facts.is_empty());
    let mut cards = cards(sight.inventory, machine, seen);
    // What a machine told before it fell silent is told as such, without its last color.
    if !seen.shell.as_ref().is_some_and(|shell| shell.failing.is_none() && shell.fresh(sight.now).is_some()) {
        for card in cards.iter_mut().filter(|card| card.tone != Tone::Idle) {
            (card.tone, card.word) = (Tone::Idle, "unknown; last seen as".into());
        }
    }
    if view.word == "down" || view.state == super::judge::MachineState::Unknown {
        for section in &mut sections {
            section.title.push_str(", as last seen");
            section.facts.iter_mut().for_each(|fact| fact.tone = None);
        }
    }
    let differing = differences(sight.inventory, sight.world, sight.now);
    let differing = differing.iter().filter(|difference| difference.is_of_machine(name)).map(Difference::told);
    Some(MachineDetail {
        taken_at: map.taken_at,
        machine: view,
        findings: judged.map_or_else(Vec::new, |judged| judged.findings.clone()).into_iter().chain(differing).collect(),
        cards,
        interfaces: interfaces(sight, machine, seen),
        sections,
        reach: reach(sight.inventory, machine),
    })
}

fn identity(machine: &Machine, seen: &MachineSeen) -> Section {
    let mut facts = vec![Fact::new("host", &*machine.host), Fact::new("number", machine.number.to_string())];
    if let Some(shell) = seen.shell.as_ref().and_then(Seen::value) {
        let named = if shell.hostname == machine.name { Tone::Good } else { Tone::Notice };
        facts.push(Fact::toned("hostname", &*shell.hostname, named));
        facts.push(Fact::new("machine-id", &*shell.machine_id));
        facts.push(Fact::new("kernel", &*shell.kernel));
        facts.push(Fact::new("running for", format_span(Duration::from_secs(shell.uptime_s))));
        let off = if shell.clock_offset_ms.abs() > 500.0 { Tone::Notice } else { Tone::Good };
        facts.push(Fact::toned("clock", format!("{:+.0} ms against the panel’s", shell.clock_offset_ms), off));
        facts.extend(shell.host_keys.iter().map(|key| Fact::new(&*key.kind, &*key.fingerprint)));
    }
    Section { title: "Identity".into(), facts }
}

/// What is presented at its addresses, as far as the inventory names it.
fn certificates(sight: &Sight<'_>, name: &str) -> Section {
    let own = |place: &Place| matches!(&place.owner, Owner::Declared(Some(machine)) if machine == name);
    let fact = |place: Place| {
        let (tone, word) = state(sight.world, &place, sight.now);
        Fact::toned(format!("{} {}", place.name, place.address()), word, tone)
    };
    let places = places(sight.inventory, [("", ""), ("", "")]);
    Section { title: "Certificates".into(), facts: places.into_iter().filter(own).map(fact).collect() }
}

fn load(seen: &MachineSeen) -> Section {
    let mut facts = Vec::new();
    if let Some(shell) = seen.shell.as_ref().and_then(Seen::value) {
        if let Some(percent) = shell.cpu_percent {
            facts.push(Fact::new("processors", format!("{percent:.0} % of {}", shell.cpus)));
        }
        facts.push(Fact::new("load", format!("{:.2} · {:.2} · {:.2}", shell.load[0], shell.load[1], shell.load[2])));
        let (free, all) = (format_bytes(shell.memory_available_bytes), format_bytes(shell.memory_total_bytes));
        facts.push(Fact::new("memory free", format!("{free} of {all}")));
        for disk in &shell.disks {
            let used = disk.used_percent();
            let tone = match used {
                97.. => Tone::Bad,
                90.. => Tone::Notice,
                _ => Tone::Good,
            };
            let text = format!("{used} % full, {} free of {}", format_bytes(disk.free_bytes), format_bytes(disk.size_bytes));
            facts.push(Fact::toned(format!("disk {}", disk.mount), text, tone));
        }
    }
    Section { title: "Load".into(), facts }
}

fn cards(inventory: &Inventory, machine: &Machine, seen: &MachineSeen) -> Vec<CardLine> {
    let shell = seen.shell.as_ref().and_then(Seen::value);
    let line = |nic: super::inventory::Nic| {
        let declared = format!("{}/{} · MTU {}", nic.address, nic.prefix_len, nic.mtu);
        let card =
            shell.and_then(|shell| shell.cards.iter().find(|card| card.addresses.iter().any(|(own, _)| *own == nic.address)));
        let (seen, mac, tone, word) = match (shell, card) {
            (None, _) => (String::new(), String::new(), Tone::Idle, "not seen"),
            (Some(_), None) => (String::new(), String::new(), Tone::Bad, "missing"),
            (Some(_), Some(card)) => {
                let all = card.addresses.iter().map(|(own, len)| format!("{own}/{len}")).collect::<Vec<_>>().join(", ");
                let (tone, word) = match (card.up, card.mtu >= nic.mtu) {
                    (false, _) => (Tone::Bad, "down"),
                    (true, false) => (Tone::Bad, "MTU too small"),
                    (true, true) => (Tone::Good, "as declared"),
                };
                (format!("{} · {all} · MTU {}", card.name, card.mtu), card.mac.clone(), tone, word)
            }
        };
        CardLine { network: title_of(&nic.network), declared, seen, mac, tone, word: word.into() }
    };
    inventory.nics(machine).into_iter().map(line).collect()
}

fn interfaces(sight: &Sight<'_>, machine: &Machine, seen: &MachineSeen) -> Vec<InterfaceLine> {
    fn line<T>(sight: &Sight<'_>, machine: &Machine, name: &str, endpoint: &str, seen: Option<&Seen<T>>) -> Option<InterfaceLine> {
        let seen = seen?;
        let (tone, word, said) = match (&seen.failing, seen.fresh(sight.now)) {
            (Some(failing), _) => {
                let span = format_span(Duration::from_secs(sight.now.since(failing.since).as_secs()));
                (Tone::Bad, format!("fails for {span}"), failing.why.clone())
            }
            (None, Some(_)) => (Tone::Good, "answers".into(), String::new()),
            (None, None) => (Tone::Idle, "unknown".into(), String::new()),
        };
        let address = sight.inventory.endpoint(machine, endpoint).map_or_else(String::new, |(address, _)| address.to_string());
        Some(InterfaceLine { name: name.into(), address, tone, word, said, observed_at: seen.observed_at() })
    }
    let lines = [
        line(sight, machine, "Kamailio JSON-RPC", "jsonrpc", seen.proxy.as_ref()),
        line(sight, machine, "SIP OPTIONS", "sip", seen.sip.as_ref()),
        line(sight, machine, "Asterisk AMI", "ami", seen.pbx.as_ref()),
        line(sight, machine, "MariaDB", "sql", seen.database.as_ref()),
        line(sight, machine, "SSH", "ssh", seen.shell.as_ref()),
    ];
    lines.into_iter().flatten().collect()
}

fn reach(inventory: &Inventory, machine: &Machine) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    if let Some((address, endpoint)) = inventory.endpoint(machine, "ssh") {
        let user = endpoint.user.as_deref().unwrap_or("root");
        let port = if address.port() == 22 { String::new() } else { format!(" -p {}", address.port()) };
        let host = inventory.hosts.iter().find(|host| host.name == machine.host);
        lines.push(("shell".into(), format!("ssh{port} {user}@{}", address.ip())));
        if let Some(host) = host {
            lines
                .push((format!("through {}", host.name), format!("ssh{port} -J root@{} {user}@{}", host.management, address.ip())));
        }
    }
    let others = inventory.endpoints.get(&machine.role).into_iter().flatten().filter(|(name, _)| *name != "ssh");
    for (name, endpoint) in others {
        if let Some((address, _)) = inventory.endpoint(machine, name) {
            lines.push((
                name.clone(),
                format!("{address}{} on {}", endpoint.path.as_deref().unwrap_or(""), title_of(&endpoint.network)),
            ));
        }
    }
    lines
}

/// "1 row", "4,203 rows"
fn count(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", format_count(count), if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests;
