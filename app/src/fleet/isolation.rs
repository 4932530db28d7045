//! The isolation proof: whether each network is what the inventory says it is. Proved only from fresh observations; what was not
//! seen is *unknown* and says what is missing, never the last color.

mod duplicates;
pub mod pairs;
#[cfg(test)]
pub(super) mod tests;

use super::{
    facts::{Card, Power, SeenCard, ShellFacts},
    inventory::{Inventory, Machine, Network, Role, Uplink},
    world::{MachineSeen, Seen, World},
};
use crate::values::{Moment, PortErrorKind, Tone};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Proved,
    Violated,
    Unknown,
}

impl Verdict {
    pub const fn word(self) -> &'static str {
        match self {
            Verdict::Proved => "proved",
            Verdict::Violated => "violated",
            Verdict::Unknown => "unknown",
        }
    }

    pub const fn tone(self) -> Tone {
        match self {
            Verdict::Proved => Tone::Good,
            Verdict::Violated => Tone::Bad,
            Verdict::Unknown => Tone::Idle,
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        [Verdict::Proved, Verdict::Violated, Verdict::Unknown].into_iter().find(|verdict| verdict.word() == word)
    }
}

/// One thing that must not be. The same key on the same subject is the same violation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// `network.uplink`, `card.external`, `card.undeclared`, `mtu.low`, `packet.lost`, `pair.cut`, `address.conflict`,
    /// `machine_id.duplicate`, `host_key.duplicate`, `mac.duplicate`, `address.duplicate`.
    pub key: String,
    /// The network, the machine, or the machines with `, ` between them.
    pub subject: String,
    /// What is wrong and what to do.
    pub sentence: String,
    /// What was seen, by whom.
    pub evidence: String,
    /// The machines whose end would explain it.
    #[serde(default)]
    pub because: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NetworkVerdict {
    pub network: String,
    pub verdict: Verdict,
    /// Everything the verdict rests on, and what it lacks, a sentence each.
    pub evidence: Vec<String>,
    pub violations: Vec<Violation>,
    /// What was not seen though the proof needs it; also the end of `evidence`.
    pub missing: Vec<String>,
    /// The oldest look among those the verdict rests on; the time of asking where there is none.
    pub at: Moment,
}

impl NetworkVerdict {
    /// How it is, in words: the first sentence about this network.
    pub fn sentence(&self) -> String {
        match (self.verdict, self.violations.as_slice(), self.missing.as_slice()) {
            (Verdict::Violated, [one], _) => one.sentence.clone(),
            (Verdict::Violated, [first, rest @ ..], _) => format!("{} And {} more.", first.sentence, rest.len()),
            (Verdict::Unknown, _, [one]) => format!("Not proved: {one}"),
            (Verdict::Unknown, _, [first, rest @ ..]) => format!("Not proved: {first} And {} more.", rest.len()),
            (Verdict::Proved, ..) => format!("{} is as the inventory says: everything needed was seen.", self.network),
            (Verdict::Violated | Verdict::Unknown, ..) => format!("{} was not looked at yet.", self.network),
        }
    }
}

/// A verdict for each network of the inventory, in its order.
pub fn prove(inventory: &Inventory, world: &World, now: Moment) -> Vec<NetworkVerdict> {
    inventory.networks.iter().map(|(name, network)| Proof::new(inventory, world, now, name, network).verdict()).collect()
}

/// External is where a way out is expected and the hosts' own addresses are not; those are on Management.
pub fn is_external(inventory: &Inventory, name: &str) -> bool {
    inventory.networks.get(name).is_some_and(|network| {
        let holds_hosts = inventory.hosts.iter().any(|host| network.subnet.contains(host.management));
        network.uplink == Uplink::Expected && !holds_hosts && !name.eq_ignore_ascii_case("management")
    })
}

/// A card the guest has on this network, told by its address.
pub fn guest_card<'a>(network: &Network, facts: &'a ShellFacts) -> Option<&'a Card> {
    facts.cards.iter().find(|card| card.addresses.iter().any(|(address, _)| network.subnet.contains(*address)))
}

/// How far a machine can be asked now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    Up,
    /// Its hypervisor says it does not run: `switched off` or `suspended`.
    Off(&'static str),
    /// Nobody can say: why.
    Unseen(String),
}

pub fn reach(world: &World, machine: &Machine, now: Moment) -> Reach {
    let host = world.hosts.get(&machine.host).and_then(|seen| seen.fresh(now));
    let power = host.and_then(|facts| facts.machines.iter().find(|seen| seen.name == machine.name)).map(|seen| seen.power);
    match power {
        Some(Power::Off) => return Reach::Off("switched off"),
        Some(Power::Suspended) => return Reach::Off("suspended"),
        Some(Power::On | Power::Unknown) | None => {}
    }
    let Some(shell) = world.machines.get(&machine.name).and_then(|seen| seen.shell.as_ref()) else {
        return Reach::Unseen(format!("{} has not been looked at from inside.", machine.name));
    };
    match (&shell.failing, shell.fresh(now)) {
        (None, Some(_)) => Reach::Up,
        (Some(failing), _) => {
            let how = if failing.kind == PortErrorKind::Denied { "refuses our key" } else { "does not answer" };
            Reach::Unseen(format!("{} {how} since {} UTC.", machine.name, failing.since.time_of_day()))
        }
        (None, None) => Reach::Unseen(not_seen(&machine.name, shell)),
    }
}

fn not_seen<T>(what: &str, seen: &Seen<T>) -> String {
    match (&seen.failing, seen.observed_at()) {
        (Some(failing), _) => format!("{what} could not be seen since {} UTC: {}.", failing.since.time_of_day(), failing.why),
        (None, Some(at)) => format!("{what} was last seen at {} UTC.", at.time_of_day()),
        (None, None) => format!("{what} was not seen yet."),
    }
}

/// What is gathered for one network.
struct Proof<'a> {
    inventory: &'a Inventory,
    world: &'a World,
    now: Moment,
    name: &'a str,
    network: &'a Network,
    members: Vec<&'a Machine>,
    evidence: Vec<String>,
    violations: Vec<Violation>,
    missing: Vec<String>,
    oldest: Option<Moment>,
}

impl<'a> Proof<'a> {
    fn new(inventory: &'a Inventory, world: &'a World, now: Moment, name: &'a str, network: &'a Network) -> Self {
        let members = inventory.machines.iter().filter(|machine| machine.networks.iter().any(|on| on == name)).collect();
        let (evidence, violations, missing) = (Vec::new(), Vec::new(), Vec::new());
        Self { inventory, world, now, name, network, members, evidence, violations, missing, oldest: None }
    }

    fn verdict(mut self) -> NetworkVerdict {
        self.declared();
        self.switches();
        self.cards_of_hosts();
        self.cards_of_guests();
        self.pairs();
        self.answers();
        self.duplicates();
        let verdict = match (self.violations.is_empty(), self.missing.is_empty()) {
            (false, _) => Verdict::Violated,
            (true, false) => Verdict::Unknown,
            (true, true) => Verdict::Proved,
        };
        let violations = self.violations.iter().map(|violation| violation.evidence.clone());
        let evidence = violations.chain(self.evidence.iter().cloned()).chain(self.missing.iter().cloned()).collect();
        let at = self.oldest.unwrap_or(self.now);
        NetworkVerdict { network: self.name.into(), verdict, evidence, violations: self.violations, missing: self.missing, at }
    }

    fn violated(&mut self, key: &str, subject: &str, sentence: String, evidence: String) {
        let known = |violation: &&mut Violation| violation.key == key && violation.subject == subject;
        match self.violations.iter_mut().find(known) {
            // Seen by two observers it is still one violation.
            Some(same) if !same.evidence.contains(&evidence) => same.evidence = format!("{} {evidence}", same.evidence),
            Some(_) => {}
            None => self.violations.push(Violation {
                key: key.into(),
                subject: subject.into(),
                sentence,
                evidence,
                because: Vec::new(),
            }),
        }
    }

    fn misses(&mut self, what: String) {
        if !self.missing.contains(&what) {
            self.missing.push(what);
        }
    }

    fn rests_on(&mut self, at: Option<Moment>) {
        self.oldest = [self.oldest, at].into_iter().flatten().min();
    }

    /// What the file itself says, seen or not.
    fn declared(&mut self) {
        if !is_external(self.inventory, self.name) {
            return;
        }
        let databases: Vec<&str> =
            self.members.iter().filter(|m| m.role == Role::Mariadb).map(|machine| machine.name.as_str()).collect();
        for name in databases {
            self.external_card(name, format!("The inventory declares a card of {name} on {}.", self.name));
        }
    }

    fn external_card(&mut self, machine: &str, evidence: String) {
        let sentence = format!("{machine} is a database and has a card on {}: remove the card.", self.name);
        self.violated("card.external", machine, sentence, evidence);
    }

    fn low_mtu(&mut self, subject: &str, seen: u32, evidence: String) {
        let sentence =
            format!("The MTU of {subject} on {} is {seen}, the inventory declares {}: raise it.", self.name, self.network.mtu);
        self.violated("mtu.low", subject, sentence, evidence);
    }

    /// The switches that carry the network: their ways out and their MTU.
    fn switches(&mut self) {
        let needed: BTreeSet<&str> = self.members.iter().map(|machine| machine.host.as_str()).collect();
        for host in &needed {
            match self.world.hosts.get(*host) {
                None => self.misses(format!("{host} is not observed, so nobody sees the uplinks of {}.", self.name)),
                Some(seen) if seen.fresh(self.now).is_none() => self.misses(not_seen(host, seen)),
                Some(_) => {}
            }
        }
        let world = self.world;
        for (host, seen) in &world.hosts {
            let Some(facts) = seen.fresh(self.now) else { continue };
            let carries = |group: &String| self.inventory.is_offered_as(self.name, group);
            let offered = |switch: &&super::facts::VirtualSwitch| switch.port_groups.iter().any(carries) || carries(&switch.name);
            let switches: Vec<_> = facts.switches.iter().filter(offered).collect();
            if switches.is_empty() && needed.contains(host.as_str()) {
                self.misses(format!("{host} shows no switch that carries {}.", self.name));
            }
            for switch in switches {
                self.rests_on(seen.observed_at());
                self.switch(host, switch);
            }
        }
    }

    fn switch(&mut self, host: &str, switch: &super::facts::VirtualSwitch) {
        let (name, on) = (self.name, &switch.name);
        let mtu = switch.mtu.map_or_else(String::new, |mtu| format!(", MTU {mtu}"));
        match (self.network.uplink, switch.uplinks.as_slice()) {
            (Uplink::Forbidden, []) => self.evidence.push(format!("{host} shows {name} on switch {on} without an uplink{mtu}.")),
            (Uplink::Forbidden, uplinks) => {
                let uplinks = uplinks.join(", ");
                let sentence = format!("{name} has a way out on {host}: take {uplinks} off switch {on}.");
                self.violated("network.uplink", name, sentence, format!("{host} shows uplink {uplinks} on switch {on}{mtu}."));
            }
            (Uplink::Expected, []) => {
                self.evidence.push(format!("{host} shows {name} on switch {on} without an uplink, though one is expected{mtu}."));
            }
            (Uplink::Expected, uplinks) => {
                self.evidence.push(format!("{host} shows {name} on switch {on} with uplink {}{mtu}.", uplinks.join(", ")));
            }
        }
        if let Some(mtu) = switch.mtu.filter(|mtu| *mtu < self.network.mtu) {
            self.low_mtu(on, mtu, format!("{host} shows MTU {mtu} on switch {on}."));
        }
    }

    /// Cards as the hypervisors see them.
    fn cards_of_hosts(&mut self) {
        let world = self.world;
        for (host, seen) in &world.hosts {
            let Some(facts) = seen.fresh(self.now) else { continue };
            for machine in &facts.machines {
                let on = |card: &&SeenCard| card.connected && self.inventory.is_offered_as(self.name, &card.network);
                for card in machine.cards.iter().filter(on) {
                    let evidence = format!("{host} shows card {} of {} on {}.", card.mac, machine.name, card.network);
                    self.card(&machine.name, card.mtu, evidence);
                }
            }
        }
    }

    fn card(&mut self, machine: &str, mtu: Option<u32>, evidence: String) {
        let declared = self.inventory.machine(machine);
        if !declared.is_some_and(|machine| machine.networks.iter().any(|on| on == self.name)) {
            let what = if declared.is_some() { "is not declared there" } else { "is no machine of the inventory" };
            let sentence = format!("{machine} has a card on {} and {what}: remove the card or declare it.", self.name);
            self.violated("card.undeclared", machine, sentence, evidence.clone());
        }
        if declared.is_some_and(|m| m.role == Role::Mariadb) && is_external(self.inventory, self.name) {
            self.external_card(machine, evidence.clone());
        }
        if let Some(mtu) = mtu.filter(|mtu| *mtu < self.network.mtu) {
            self.low_mtu(machine, mtu, format!("{evidence} Its MTU is {mtu}."));
        }
    }

    /// Cards as the machines themselves see them.
    fn cards_of_guests(&mut self) {
        let (world, mut seen_count) = (self.world, 0);
        for machine in self.inventory.machines.iter().filter(|machine| machine.role.is_ours()) {
            let is_member = machine.networks.iter().any(|on| on == self.name);
            let shell = world.machines.get(&machine.name).and_then(|seen: &MachineSeen| seen.shell.as_ref());
            let Some((seen, facts)) = shell.and_then(|seen| Some((seen, seen.fresh(self.now)?))) else {
                match reach(world, machine, self.now) {
                    Reach::Unseen(why) if is_member => self.misses(why),
                    _ => {}
                }
                continue;
            };
            match guest_card(self.network, facts) {
                Some(card) => {
                    let evidence = format!("{} itself shows card {} ({}) there.", machine.name, card.name, card.mac);
                    self.card(&machine.name, Some(card.mtu), evidence);
                    seen_count += usize::from(is_member);
                    self.rests_on(seen.observed_at());
                }
                None if is_member => self.misses(format!("{} itself shows no card on {}.", machine.name, self.name)),
                None => {}
            }
        }
        if seen_count > 0 {
            self.evidence.push(format!("{seen_count} machines themselves show a card on {}.", self.name));
        }
    }
}
