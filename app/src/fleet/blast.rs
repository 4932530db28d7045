//! The blast radius: what would stop, or stand on one leg, if a machine, a cluster, a network or a carrier were gone. From the
//! inventory (who stands in for whom), from what is known of the others now, and from the calls that flow.
//!
//! It tells what would follow; it does not tell what is wrong already.

use super::{
    board::title_of,
    inventory::{Inventory, Machine, Role},
    map::Sight,
};
use crate::values::Tone;
use serde::{Deserialize, Serialize};

mod machines;
mod networks;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Blast {
    /// The name that was asked about.
    pub subject: String,
    /// "If kamailio-01 stopped now"
    pub title: String,
    /// The worst first.
    pub lines: Vec<BlastLine>,
    pub machines: Vec<String>,
    pub networks: Vec<String>,
    /// Carriers and customers.
    pub outsiders: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BlastLine {
    pub tone: Tone,
    pub text: String,
}

impl Blast {
    fn new(subject: &str, title: String) -> Self {
        Self {
            subject: subject.into(),
            title,
            lines: Vec::new(),
            machines: Vec::new(),
            networks: Vec::new(),
            outsiders: Vec::new(),
        }
    }

    fn say(&mut self, tone: Tone, text: impl Into<String>) {
        self.lines.push(BlastLine { tone, text: text.into() });
    }

    fn touch<'a>(&mut self, machines: impl IntoIterator<Item = &'a Machine>) {
        self.machines.extend(machines.into_iter().map(|machine| machine.name.clone()));
    }

    fn touch_outside(&mut self, inventory: &Inventory) {
        self.outsiders.extend(inventory.carriers.iter().map(|carrier| carrier.name.clone()));
        self.outsiders.extend(inventory.customers.iter().map(|customer| customer.name.clone()));
    }

    fn finish(mut self) -> Self {
        const fn weight(tone: Tone) -> u8 {
            match tone {
                Tone::Bad => 0,
                Tone::Notice => 1,
                Tone::Busy => 2,
                Tone::Idle => 3,
                Tone::Good => 4,
            }
        }
        self.lines.sort_by_key(|line| weight(line.tone));
        for names in [&mut self.machines, &mut self.networks, &mut self.outsiders] {
            names.sort();
            names.dedup();
        }
        self
    }
}

/// The blast radius of whatever has this name: a machine, else a cluster, a network, a carrier. `None` where nothing has it.
pub fn blast(sight: &Sight<'_>, name: &str) -> Option<Blast> {
    let inventory = sight.inventory;
    if let Some(machine) = inventory.machine(name).filter(|machine| machine.role.is_ours()) {
        let mut blast = Blast::new(name, format!("If {name} stopped now"));
        machines::gone(sight, &[machine], &mut blast);
        return Some(blast.finish());
    }
    if let Some(cluster) = inventory.clusters.get(name) {
        let members: Vec<&Machine> = inventory.machines.iter().filter(|machine| cluster.members.contains(&machine.name)).collect();
        let mut blast = Blast::new(name, format!("If the whole cluster {name} stopped now"));
        machines::gone(sight, &members, &mut blast);
        return Some(blast.finish());
    }
    if inventory.networks.contains_key(name) {
        let mut blast = Blast::new(name, format!("If {} carried nothing now", title_of(name)));
        networks::gone(sight, name, &mut blast);
        return Some(blast.finish());
    }
    networks::carrier_gone(sight, name).map(Blast::finish)
}

/// Whether a machine could take over what another one drops.
fn can_stand_in(sight: &Sight<'_>, machine: &Machine) -> bool {
    use super::judge::MachineState;
    let judged = sight.judgements.iter().find(|judged| judged.name == machine.name);
    judged.is_none_or(|judged| !matches!(judged.state, MachineState::Bad | MachineState::Unknown))
}

/// Calls through a machine, where somebody counted them.
fn calls_on(sight: &Sight<'_>, machine: &Machine) -> Option<u64> {
    let seen = sight.world.machines.get(&machine.name);
    let counted = sight.flows.machine_calls.get(&machine.name).copied();
    let told = || match machine.role {
        Role::Asterisk => seen?.pbx.as_ref()?.fresh(sight.now).map(|pbx| pbx.calls),
        Role::Kamailio => seen?.proxy.as_ref()?.fresh(sight.now).map(|proxy| proxy.dialogs),
        _ => None,
    };
    counted.or_else(told)
}

/// Calls on all PBXs together.
fn calls_in_all(sight: &Sight<'_>) -> Option<u64> {
    let counts: Vec<u64> = sight.inventory.of_role(Role::Asterisk).filter_map(|machine| calls_on(sight, machine)).collect();
    (!counts.is_empty()).then(|| counts.iter().sum())
}

/// "1 call", "12 calls"
fn calls(count: u64) -> String {
    if count == 1 { "1 call".into() } else { format!("{} calls", crate::values::quantity::format_count(count)) }
}

#[cfg(test)]
mod tests;
