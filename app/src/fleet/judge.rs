//! How a machine is, from what was observed of it: a state, and every finding that made it so.
//!
//! A machine whose own interface is silent is *bad*; one that nobody has looked at for three rounds is *unknown*. When the panel
//! reaches almost nobody, it is probably the panel that is cut off: then every silent machine is unknown, and the panel says so.

mod machine;
#[cfg(test)]
mod tests;

use super::{
    inventory::{Inventory, Role},
    replication,
    world::World,
};
use crate::values::{Moment, Tone};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MachineState {
    Good,
    /// Something is under way that will end by itself.
    Busy,
    Notice,
    /// Not looked at for three rounds, or not yet.
    Unknown,
    Bad,
}

impl MachineState {
    pub const fn word(self) -> &'static str {
        match self {
            MachineState::Good => "good",
            MachineState::Busy => "busy",
            MachineState::Notice => "notice",
            MachineState::Unknown => "unknown",
            MachineState::Bad => "bad",
        }
    }

    pub const fn tone(self) -> Tone {
        match self {
            MachineState::Good => Tone::Good,
            MachineState::Busy => Tone::Busy,
            MachineState::Notice => Tone::Notice,
            MachineState::Unknown => Tone::Idle,
            MachineState::Bad => Tone::Bad,
        }
    }
}

/// One thing that is not as it should be, in a sentence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// What kind of thing: `service.away`, `replica.behind`, `disk.full`. The same key on the same machine is the same finding.
    pub key: String,
    pub severity: MachineState,
    /// "MariaDB on mariadb-02 is 31 s behind mariadb-01."
    pub message: String,
    /// What was measured or answered, word for word.
    pub evidence: String,
    pub since: Option<Moment>,
}

/// A machine, judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    pub name: String,
    pub state: MachineState,
    /// The newest look that worked.
    pub observed_at: Option<Moment>,
    pub findings: Vec<Finding>,
}

/// Fewer machines than this, and silence says nothing about the panel.
const MACHINES_MIN: usize = 4;

/// Since when the panel seems to be cut off: most machines it has an interface to are silent.
pub fn isolated_since(inventory: &Inventory, world: &World) -> Option<Moment> {
    let ours = inventory.machines.iter().filter(|machine| machine.role.is_ours());
    let seen: Vec<_> =
        ours.filter_map(|machine| world.machines.get(&machine.name)).filter(|seen| !seen.looks().is_empty()).collect();
    let mut silent: Vec<Moment> = seen.iter().filter_map(|seen| seen.silent_since()).collect();
    if seen.len() < MACHINES_MIN || silent.len() * 4 < seen.len() * 3 {
        return None;
    }
    silent.sort_unstable();
    // The moment from which on it was most, not the first machine's.
    silent.get((seen.len() * 3).div_ceil(4) - 1).copied()
}

/// Every machine of ours, in the order of the inventory.
pub fn judge_all(inventory: &Inventory, world: &World, now: Moment) -> Vec<Judgement> {
    let databases = inventory.clusters.values().filter(|cluster| cluster.role == Role::Mariadb);
    let of_clusters: Vec<(String, Finding)> =
        databases.flat_map(|cluster| replication::view(cluster, world, now).findings).collect();
    let whole = Whole { inventory, world, isolated: isolated_since(inventory, world), of_clusters: &of_clusters, now };
    let ours = inventory.machines.iter().filter(|machine| machine.role.is_ours());
    ours.map(|machine| machine::judge(&whole, machine)).collect()
}

/// What judging one machine takes of the others.
struct Whole<'a> {
    inventory: &'a Inventory,
    world: &'a World,
    /// Since when the panel seems to be cut off.
    isolated: Option<Moment>,
    /// What is wrong between the nodes of a cluster, by machine.
    of_clusters: &'a [(String, Finding)],
    now: Moment,
}
