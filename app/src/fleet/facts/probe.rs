//! What was tried on a network: large packets between each pair of its machines, and who answers for each address.

use crate::values::Moment;
use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NetworkProbes {
    pub network: String,
    pub pings: Vec<PairPing>,
    pub answers: Vec<ArpAnswer>,
    pub observed_at: Moment,
}

/// One packet as large as the network's MTU, that must not be divided on its way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairPing {
    pub from: String,
    pub to: String,
    /// The whole IP packet.
    pub size_bytes: u32,
    pub answered: bool,
    /// What ping said where it was not answered ("message too long, mtu=1500").
    pub said: Option<String>,
    /// Whether a small packet was, tried where the large one was not.
    #[serde(default)]
    pub small_answered: Option<bool>,
    pub round_trip_ms: Option<f32>,
}

/// Who answers when an address is asked for on its segment. Two cards for one address are a conflict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArpAnswer {
    pub address: Ipv4Addr,
    /// Lower case, with colons.
    pub macs: Vec<String>,
}
