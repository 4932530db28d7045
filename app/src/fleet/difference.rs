//! Where what the hypervisors show differs from the inventory: machines, cards, MTUs, ways out, equal MACs.
//!
//! Only a fresh look counts: that a machine is missing cannot be said from what was seen an hour ago. A card's network goes by the
//! name of its port group ([`Inventory::network_called`]).

use super::{
    facts::{HypervisorFacts, SeenCard, SeenMachine, VirtualSwitch},
    inventory::{Inventory, Machine, Uplink},
    judge::{Finding, MachineState},
    world::World,
};
use crate::values::Moment;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a difference is about; a machine may be one that the inventory does not have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Subject {
    Network(String),
    Machine(String),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    pub subject: Subject,
    /// The hypervisor that shows it.
    pub seen_by: String,
    /// Its `since` is not known here; whoever keeps findings fills it in.
    pub finding: Finding,
}

impl Difference {
    /// What to do about it: the world is made as the inventory says, or the inventory as the world is.
    pub fn remedy(&self) -> &'static str {
        match self.finding.key.split(':').next().unwrap_or_default() {
            "network.uplink" => "Take the uplink off, or declare it expected in the inventory.",
            "network.missing" => "Make it there, or name it as port_group of the network in the inventory.",
            "switch.mtu" | "card.mtu" => "Set the MTU, or correct it in the inventory.",
            "machine.undeclared" => "Declare it in the inventory, or remove it.",
            "machine.elsewhere" => "Move it, or correct its host in the inventory.",
            "machine.missing" => "Make it, or take it out of the inventory.",
            "card.missing" => "Add the card, or take the network from the machine in the inventory.",
            "mac.duplicate" => "Give all but one of them another MAC.",
            _ => "Move or remove the card, or declare it in the inventory.",
        }
    }

    /// What it is and what to do.
    pub fn sentence(&self) -> String {
        format!("{} {}", self.finding.message, self.remedy())
    }

    /// What was seen, by whom.
    pub fn evidence(&self) -> String {
        format!("{} shows {}", self.seen_by, self.finding.evidence)
    }

    /// As a finding that can stand alone.
    pub fn told(&self) -> Finding {
        Finding { message: self.sentence(), evidence: self.evidence(), ..self.finding.clone() }
    }

    /// The machine that no inventory has.
    pub fn undeclared(&self) -> Option<&str> {
        match &self.subject {
            Subject::Machine(name) if self.finding.key.starts_with("machine.undeclared:") => Some(name),
            Subject::Machine(_) | Subject::Network(_) => None,
        }
    }

    pub fn is_of_machine(&self, name: &str) -> bool {
        matches!(&self.subject, Subject::Machine(machine) if machine == name)
    }

    pub fn is_of_network(&self, name: &str) -> bool {
        matches!(&self.subject, Subject::Network(network) if network == name)
    }
}

/// Networks first, then machines, each by name.
pub fn differences(inventory: &Inventory, world: &World, now: Moment) -> Vec<Difference> {
    let hosts: Vec<(&str, &HypervisorFacts)> =
        world.hosts.iter().filter_map(|(name, seen)| Some((name.as_str(), seen.fresh(now)?))).collect();
    let mut found = Found { inventory, hosts: &hosts, seen_by: "", all: Vec::new() };
    for (host, facts) in &hosts {
        found.seen_by = host;
        found.switches(host, &facts.switches);
        found.missing_switches(host, facts);
        for seen in &facts.machines {
            match inventory.machine(&seen.name) {
                Some(machine) => found.cards(machine, seen),
                None => found.undeclared(host, seen),
            }
        }
    }
    for machine in &inventory.machines {
        found.seen_by = &machine.host;
        found.place(machine);
    }
    let all: Vec<&str> = hosts.iter().map(|(host, _)| *host).collect();
    let all = all.join(" and ");
    found.seen_by = &all;
    found.equal_macs();
    found.all.sort_by(|one, other| (&one.subject, &one.finding.key).cmp(&(&other.subject, &other.finding.key)));
    found.all
}

struct Found<'a> {
    inventory: &'a Inventory,
    hosts: &'a [(&'a str, &'a HypervisorFacts)],
    seen_by: &'a str,
    all: Vec<Difference>,
}

impl Found<'_> {
    /// `which` tells findings of one kind on one subject apart: two cards may be missing.
    fn add(&mut self, subject: Subject, (key, which): (&str, &str), severity: MachineState, message: String, evidence: String) {
        let finding = Finding { key: format!("{key}:{which}"), severity, message, evidence, since: None };
        self.all.push(Difference { subject, seen_by: self.seen_by.into(), finding });
    }

    /// The inventory's name of a port group.
    fn network(&self, port_group: &str) -> Option<&str> {
        self.inventory.network_called(port_group)
    }

    fn is_isolated(&self, port_group: &str) -> bool {
        let network = self.network(port_group).and_then(|name| self.inventory.networks.get(name));
        network.is_some_and(|network| network.uplink == Uplink::Forbidden)
    }

    fn mtu(&self, port_group: &str) -> Option<u32> {
        Some(self.inventory.networks.get(self.network(port_group)?)?.mtu)
    }

    fn switches(&mut self, host: &str, switches: &[VirtualSwitch]) {
        for switch in switches {
            let networks: Vec<String> = switch.port_groups.iter().filter_map(|group| self.network(group)).map(Into::into).collect();
            let largest = networks.iter().filter_map(|name| self.mtu(name)).max();
            for name in &networks {
                if !switch.uplinks.is_empty() && self.is_isolated(name) {
                    let message = format!("{name} is to be isolated, but its switch {} on {host} has a way out.", switch.name);
                    let evidence = format!("uplinks of {}: {}", switch.name, switch.uplinks.join(", "));
                    self.add(Subject::Network(name.clone()), ("network.uplink", host), MachineState::Bad, message, evidence);
                }
                let (Some(declared), Some(seen)) = (self.mtu(name), switch.mtu) else { continue };
                // A switch of several networks carries the largest packets of all of them.
                let severity = match seen {
                    seen if seen < declared => MachineState::Bad,
                    seen if Some(seen) > largest => MachineState::Notice,
                    _ => continue,
                };
                let message = format!("The switch {} of {name} on {host} has an MTU of {seen} instead of {declared}.", switch.name);
                self.add(Subject::Network(name.clone()), ("switch.mtu", host), severity, message, format!("mtu {seen}"));
            }
        }
    }

    /// A network that machines of this host are to be on, and that none of its switches offers.
    fn missing_switches(&mut self, host: &str, facts: &HypervisorFacts) {
        let offered = |name: &str| {
            facts.switches.iter().any(|switch| switch.port_groups.iter().any(|group| self.inventory.is_offered_as(name, group)))
        };
        let wanted = |name: &str| {
            self.inventory.machines.iter().any(|machine| machine.host == host && machine.networks.iter().any(|on| on == name))
        };
        let missing: Vec<String> = self.inventory.networks.keys().filter(|name| wanted(name) && !offered(name)).cloned().collect();
        let groups: Vec<&str> = facts.switches.iter().flat_map(|switch| &switch.port_groups).map(String::as_str).collect();
        for name in missing {
            let message = format!("No virtual switch of {host} offers {name}, which machines on it are to be on.");
            let evidence = format!("{host} offers: {}", if groups.is_empty() { "nothing".into() } else { groups.join(", ") });
            self.add(Subject::Network(name), ("network.missing", host), MachineState::Bad, message, evidence);
        }
    }

    fn undeclared(&mut self, host: &str, seen: &SeenMachine) {
        let isolated = seen.cards.iter().find(|card| self.is_isolated(&card.network));
        let name = &seen.name;
        let (severity, message) = match isolated {
            Some(card) => (
                MachineState::Bad,
                format!("Nobody declared {name}; it runs on {host} and has a card on {}, which is isolated.", card.network),
            ),
            None => (MachineState::Notice, format!("Nobody declared {name}, which {host} has.")),
        };
        self.add(Subject::Machine(name.clone()), ("machine.undeclared", host), severity, message, describe(seen));
    }

    /// Whether the machine is where it is to be. Hosts that are not seen say nothing of it.
    fn place(&mut self, machine: &Machine) {
        let has = |facts: &HypervisorFacts| facts.machines.iter().any(|seen| seen.name == machine.name);
        let Some((host, facts)) = self.hosts.iter().find(|(host, _)| *host == machine.host) else { return };
        if has(facts) {
            return;
        }
        let (name, subject) = (&machine.name, Subject::Machine(machine.name.clone()));
        let evidence = format!("{host} has {} machines, {name} is not one of them", facts.machines.len());
        match self.hosts.iter().find(|(_, facts)| has(facts)) {
            Some((other, _)) => {
                let message = format!("{name} is on {other}, not on {host} as the inventory says.");
                self.add(subject, ("machine.elsewhere", other), MachineState::Notice, message, evidence);
            }
            None => {
                let message = format!("{name} is declared, but {host} does not have it.");
                self.add(subject, ("machine.missing", host), MachineState::Bad, message, evidence);
            }
        }
    }

    fn cards(&mut self, machine: &Machine, seen: &SeenMachine) {
        let (name, subject) = (&machine.name, || Subject::Machine(machine.name.clone()));
        let mut missing: Vec<&String> = machine.networks.iter().collect();
        let mut extra: Vec<&SeenCard> = Vec::new();
        for card in &seen.cards {
            match missing.iter().position(|wanted| self.inventory.is_offered_as(wanted, &card.network)) {
                Some(at) => drop(missing.remove(at)),
                None => extra.push(card),
            }
            let (Some(declared), Some(mtu)) = (self.mtu(&card.network), card.mtu) else { continue };
            if mtu < declared {
                let message = format!("The card of {name} on {} has an MTU of {mtu} instead of {declared}.", card.network);
                self.add(
                    subject(),
                    ("card.mtu", &card.network),
                    MachineState::Bad,
                    message,
                    format!("{}: mtu {mtu}", card_in_words(card)),
                );
            }
        }
        let mut missing = missing.into_iter();
        for card in extra {
            let evidence = describe(seen);
            // One that hangs elsewhere is one mistake, not one card too many and one too few.
            match missing.next() {
                Some(wanted) => {
                    let message = format!("A card of {name} hangs on {} instead of {wanted}.", card.network);
                    self.add(subject(), ("card.network", wanted), MachineState::Bad, message, evidence);
                }
                None => {
                    let message = format!("{name} has a card on {} that nobody declared.", card.network);
                    self.add(subject(), ("card.undeclared", &card.network), MachineState::Bad, message, evidence);
                }
            }
        }
        for wanted in missing {
            let message = format!("{name} has no card on {wanted}.");
            self.add(subject(), ("card.missing", wanted), MachineState::Bad, message, describe(seen));
        }
    }

    /// A clone that kept its source's MAC. Each machine of the pair is told.
    fn equal_macs(&mut self) {
        let mut by_mac: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
        let machines = self.hosts.iter().flat_map(|(_, facts)| &facts.machines);
        for (machine, card) in machines.flat_map(|machine| machine.cards.iter().map(move |card| (machine, card))) {
            // A machine that is switched off may not have its addresses yet.
            if !card.mac.is_empty() {
                by_mac.entry(&card.mac).or_default().push((&machine.name, &card.network));
            }
        }
        for (mac, owners) in by_mac.into_iter().filter(|(_, owners)| owners.len() > 1) {
            let evidence = owners.iter().map(|(machine, network)| format!("{machine} on {network}")).collect::<Vec<_>>().join(", ");
            let mut names: Vec<&str> = owners.iter().map(|(machine, _)| *machine).collect();
            names.sort_unstable();
            names.dedup();
            for name in &names {
                let others: Vec<&str> = names.iter().filter(|other| *other != name).copied().collect();
                let message = match others.is_empty() {
                    true => format!("Two cards of {name} have the same MAC {mac}."),
                    false => format!("{name} has the same MAC {mac} as {}.", others.join(" and ")),
                };
                self.add(
                    Subject::Machine((*name).into()),
                    ("mac.duplicate", mac),
                    MachineState::Bad,
                    message,
                    format!("{mac}: {evidence}"),
                );
            }
        }
    }
}

fn card_in_words(card: &SeenCard) -> String {
    let mac = if card.mac.is_empty() { "no MAC yet" } else { &card.mac };
    format!("{} ({mac})", card.network)
}

fn describe(seen: &SeenMachine) -> String {
    let cards: Vec<String> = seen.cards.iter().map(card_in_words).collect();
    if cards.is_empty() { "no cards".into() } else { format!("cards: {}", cards.join(", ")) }
}

#[cfg(test)]
mod tests;
