//! The map as a browser gets it: how each machine and network is, in words short enough for a card, and the first sentence.
//!
//! Made from what others found out: observations, judgements, verdicts on isolation, flows. Absent: where things stand (the
//! [board](super::board)), and what would stop with them (the [blast radius](super::blast)).

use super::{
    board::{networks_in_order, title_of},
    difference::{Difference, differences},
    flows::{Flows, format_rate},
    inventory::{Inventory, Role, Uplink},
    judge::{Judgement, MachineState},
    world::World,
};
use crate::values::{Moment, Tone, quantity::format_span};
use serde::{Deserialize, Serialize};
use std::time::Duration;

pub mod lead;
mod machine;
pub mod slots;
pub use lead::Said;
pub(super) use machine::{held, lag};

/// A browser that heard nothing new for this long asks by itself; after three of it, what it shows is unknown.
pub const MAP_EVERY_MS: u32 = 5_000;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MapSnapshot {
    pub taken_at: Moment,
    /// Of the [board](super::board::Board) it belongs to.
    pub stamp: String,
    pub lead: Vec<Said>,
    /// Ours, in the order of the inventory.
    pub machines: Vec<MachineView>,
    /// In the order of the rails.
    pub networks: Vec<NetworkView>,
    /// Carriers by priority, then customers.
    pub outsiders: Vec<OutsiderView>,
    pub links: Vec<LinkView>,
    /// How often the hypervisors show something else than the inventory says.
    pub differences: usize,
    /// Machines that a hypervisor has and the inventory has not.
    pub undeclared: Vec<UndeclaredView>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UndeclaredView {
    pub name: String,
    /// The hypervisor that has it.
    pub host: String,
    pub state: MachineState,
    pub why: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MachineView {
    pub name: String,
    pub state: MachineState,
    /// The state in the word that fits best: "down", "lagging".
    pub word: String,
    /// "proxy · holds 203.0.113.10"
    pub role: String,
    /// What of it a card has room for.
    pub role_short: String,
    /// Two short lines. An empty second one is the time since [`MachineView::since`].
    pub figures: [String; 2],
    /// The worst finding, as a sentence.
    pub why: Option<String>,
    pub findings: usize,
    pub since: Option<Moment>,
    pub observed_at: Option<Moment>,
    /// Its networks, each with the tone of its card there.
    pub taps: Vec<(String, Tone)>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NetworkView {
    pub name: String,
    pub title: String,
    /// "9000 · 10.10.10.0/24"
    pub about: String,
    /// Whether it must have no way out.
    pub isolated: bool,
    pub tone: Tone,
    /// "no uplink", "uplink found", "not proved"
    pub word: String,
    pub note: String,
    /// When the verdict was reached; its age is then shown after the note.
    pub at: Option<Moment>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutsiderView {
    pub name: String,
    pub is_carrier: bool,
    pub tone: Tone,
    pub word: String,
    /// "38 cps"; empty where nobody measured.
    pub figure: String,
}

/// What runs from machine to machine besides calls: replication.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LinkView {
    pub from: String,
    pub to: String,
    pub network: String,
    pub tone: Tone,
    /// "0.4 s"
    pub figure: String,
}

/// The verdict on a network, as the isolation proof gives it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NetworkLine {
    pub name: String,
    pub verdict_tone: Tone,
    pub verdict_word: String,
    pub note: String,
    pub at: Option<Moment>,
}

/// Everything the map is made from.
#[derive(Clone, Copy)]
pub struct Sight<'a> {
    pub inventory: &'a Inventory,
    pub world: &'a World,
    pub judgements: &'a [Judgement],
    pub networks: &'a [NetworkLine],
    pub flows: &'a Flows,
    /// Since when the panel seems to be the one that is cut off.
    pub cut_off_since: Option<Moment>,
    pub now: Moment,
}

impl MapSnapshot {
    pub fn of(sight: &Sight<'_>, stamp: &str) -> Self {
        let ours = sight.inventory.machines.iter().filter(|machine| machine.role.is_ours());
        let machines: Vec<MachineView> = ours.map(|machine| machine::view(sight, machine)).collect();
        let networks = networks(sight, &machines);
        let differences = differences(sight.inventory, sight.world, sight.now);
        let undeclared: Vec<UndeclaredView> = differences.iter().filter_map(undeclared).collect();
        let outsiders = outsiders(sight);
        let mut lead = lead::lead(sight, &machines, &networks, &outsiders);
        lead.extend(lead::differing(differences.len()));
        // They have rows of their own, so with others it is another drawing.
        let stamp = undeclared.iter().fold(stamp.to_string(), |stamp, machine| format!("{stamp} {}", machine.name));
        // To the second: whoever looks within it sees one and the same map.
        let taken_at = Moment::from_seconds(sight.now.seconds());
        Self {
            taken_at,
            stamp,
            lead,
            machines,
            networks,
            outsiders,
            links: links(sight),
            differences: differences.len(),
            undeclared,
        }
    }

    pub fn machine(&self, name: &str) -> Option<&MachineView> {
        self.machines.iter().find(|machine| machine.name == name)
    }

    /// The same map when the panel has been silent: nothing keeps its last color.
    pub fn silenced(mut self) -> Self {
        let since = self.taken_at;
        for machine in &mut self.machines {
            machine.state = MachineState::Unknown;
            machine.word = MachineState::Unknown.word().into();
            machine.figures = ["since".into(), since.time_of_day()];
            machine.why = None;
            machine.since = Some(since);
            machine.taps.iter_mut().for_each(|(_, tone)| *tone = Tone::Idle);
        }
        for network in &mut self.networks {
            network.tone = Tone::Idle;
            network.word = "unknown".into();
            network.note = format!("since {}", since.time_of_day());
            network.at = None;
        }
        for outsider in &mut self.outsiders {
            (outsider.tone, outsider.word, outsider.figure) = (Tone::Idle, "unknown".into(), String::new());
        }
        for link in &mut self.links {
            (link.tone, link.figure) = (Tone::Idle, "?".into());
        }
        let text = format!("Unknown since {} UTC: the panel does not answer this page.", since.time_of_day());
        self.lead = vec![Said { text, tone: Some(Tone::Bad), at: None }];
        self
    }
}

fn undeclared(difference: &Difference) -> Option<UndeclaredView> {
    let (name, host) = (difference.undeclared()?.to_string(), difference.seen_by.clone());
    Some(UndeclaredView { name, host, state: difference.finding.severity, why: difference.sentence() })
}

fn networks(sight: &Sight<'_>, machines: &[MachineView]) -> Vec<NetworkView> {
    let known = machines.iter().filter(|machine| machine.state != MachineState::Unknown && machine.word != "down").count();
    let view = |name: &str| {
        let network = sight.inventory.networks.get(name)?;
        let isolated = network.uplink == Uplink::Forbidden;
        let line = sight.networks.iter().find(|line| line.name == name);
        let (tone, word, note, at) = match line {
            Some(line) => (line.verdict_tone, line.verdict_word.clone(), line.note.clone(), line.at),
            None if isolated => (Tone::Idle, "not proved".into(), "nobody looked yet".into(), None),
            None if name == "management" => {
                let tone = if sight.cut_off_since.is_some() { Tone::Bad } else { Tone::Good };
                (tone, "this panel".into(), format!("reaches {known} of {}", machines.len()), None)
            }
            None => (Tone::Good, "uplink".into(), "as declared".into(), None),
        };
        let through = sight.inventory.of_role(Role::Switch).find(|switch| switch.networks.iter().any(|on| on == name));
        let about = match through {
            Some(switch) if !isolated => format!("{} · {}", network.mtu, switch.name),
            _ => format!("{} · {}", network.mtu, network.subnet),
        };
        Some(NetworkView { name: name.into(), title: title_of(name), about, isolated, tone, word, note, at })
    };
    networks_in_order(sight.inventory).into_iter().filter_map(view).collect()
}

/// Whether any proxy reaches the carrier, as the proxies' dispatchers tell.
pub(super) fn carrier_reach(sight: &Sight<'_>, set: u16) -> Option<(usize, usize)> {
    let proxies = sight.world.machines.values().filter_map(|seen| seen.proxy.as_ref()?.fresh(sight.now));
    let sets: Vec<_> = proxies.filter_map(|proxy| proxy.sets.iter().find(|found| found.id == u32::from(set))).collect();
    let reaches = |set: &&&super::facts::DispatcherSet| {
        set.targets
            .iter()
            .any(|target| matches!(target.state, super::facts::TargetState::Active | super::facts::TargetState::Trying))
    };
    (!sets.is_empty()).then(|| (sets.iter().filter(reaches).count(), sets.len()))
}

fn outsiders(sight: &Sight<'_>) -> Vec<OutsiderView> {
    let rate = |cps: Option<&f64>| cps.map_or_else(String::new, |cps| format!("{} cps", format_rate(*cps)));
    let mut carriers: Vec<_> = sight.inventory.carriers.iter().collect();
    carriers.sort_by_key(|carrier| (carrier.priority, &carrier.name));
    let carriers = carriers.into_iter().map(|carrier| {
        let refuses = sight.flows.carrier_tries.get(&carrier.name).is_some_and(|tries| tries.failing().is_some());
        let (tone, word) = match carrier_reach(sight, carrier.set) {
            None => (Tone::Idle, "unknown".to_string()),
            Some((1.., _)) if refuses => (Tone::Bad, "refuses".into()),
            Some((0, _)) => (Tone::Bad, "away".into()),
            Some((some, all)) if some < all => (Tone::Notice, format!("{some} of {all} proxies")),
            Some(_) => (Tone::Good, "reached".into()),
        };
        let figure = rate(sight.flows.carrier_cps.get(&carrier.name));
        OutsiderView { name: carrier.name.clone(), is_carrier: true, tone, word, figure }
    });
    let customers = sight.inventory.customers.iter().map(|customer| {
        let figure = rate(sight.flows.customer_cps.get(&customer.name));
        OutsiderView { name: customer.name.clone(), is_carrier: false, tone: Tone::Idle, word: "customer".into(), figure }
    });
    carriers.chain(customers).collect()
}

fn links(sight: &Sight<'_>) -> Vec<LinkView> {
    let inventory = sight.inventory;
    let databases = inventory.of_role(Role::Mariadb);
    let link = |machine: &super::inventory::Machine| {
        let cluster = inventory.clusters.values().find(|cluster| cluster.members.contains(&machine.name))?;
        let primary = cluster.primary.as_ref().filter(|primary| **primary != machine.name)?;
        let facts = sight.world.machines.get(&machine.name).and_then(|seen| seen.database.as_ref()?.fresh(sight.now));
        let (tone, figure) = match facts {
            None => (Tone::Idle, "?".to_string()),
            Some(facts) => match (&facts.replication, lag(facts)) {
                (None, _) => (Tone::Bad, "none".into()),
                (Some(how), _) if !how.io_running || !how.sql_running => (Tone::Bad, "broken".into()),
                (Some(_), Some(lag)) if lag > Duration::from_secs(2) => (Tone::Notice, format_span(lag)),
                (Some(_), Some(lag)) => (Tone::Good, format_span(lag)),
                (Some(_), None) => (Tone::Good, "in step".into()),
            },
        };
        let network = if machine.networks.iter().any(|on| on == "sync") { "sync" } else { machine.networks.first()? };
        Some(LinkView { from: primary.clone(), to: machine.name.clone(), network: network.into(), tone, figure })
    };
    databases.filter_map(link).collect()
}

#[cfg(test)]
mod tests;
