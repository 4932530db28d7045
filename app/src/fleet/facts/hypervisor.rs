//! A hypervisor from outside: its virtual switches, and the machines on it with their cards.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HypervisorFacts {
    pub host: String,
    pub product: String,
    pub version: String,
    pub switches: Vec<VirtualSwitch>,
    pub machines: Vec<SeenMachine>,
}

/// A bridge, vSwitch or virtual network.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VirtualSwitch {
    pub name: String,
    pub mtu: Option<u32>,
    /// Ways out of it: physical cards, forwarding, cables into other switches.
    pub uplinks: Vec<String>,
    /// The networks offered on it, by the name machines' cards give.
    pub port_groups: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenMachine {
    pub name: String,
    /// The hypervisor's own lasting id of it.
    pub id: String,
    pub power: Power,
    /// What the guest's tools or agent say; absent without them.
    pub tools: Option<String>,
    pub cards: Vec<SeenCard>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Power {
    On,
    Off,
    Suspended,
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenCard {
    /// The port group or bridge it hangs on.
    pub network: String,
    /// Lower case, with colons.
    pub mac: String,
    pub connected: bool,
    pub mtu: Option<u32>,
}
