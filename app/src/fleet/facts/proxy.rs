//! A SIP proxy, as its JSON-RPC interface and its answer to OPTIONS tell.

use crate::values::Moment;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ProxyFacts {
    pub version: String,
    pub uptime_s: u64,
    pub sets: Vec<DispatcherSet>,
    /// Calls the proxy follows now.
    pub dialogs: u64,
    /// SIP transactions not yet ended.
    pub transactions: u64,
    pub shared_memory_used_bytes: u64,
    pub shared_memory_total_bytes: u64,
    pub trees: Vec<RouteTree>,
    /// Entries of each hash table, by its name (`block`, …).
    pub hash_tables: BTreeMap<String, u64>,
    pub dmq_peers: Vec<DmqPeer>,
    /// Counters since the proxy's start, by the proxy's own names (`core.rcv_requests_invite`, `wirecenter.failover`, …).
    pub counters: BTreeMap<String, u64>,
}

/// Where calls may be sent: the PBX pool is set 1, each carrier has its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DispatcherSet {
    pub id: u32,
    pub targets: Vec<DispatcherTarget>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DispatcherTarget {
    pub uri: String,
    pub state: TargetState,
    pub priority: i32,
    /// Average round trip of the proxy's own OPTIONS.
    pub round_trip_ms: Option<f32>,
}

/// Kamailio's first flag of a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TargetState {
    Active,
    /// Does not answer the proxy's OPTIONS.
    Inactive,
    /// Taken out by a person.
    Disabled,
    /// Some OPTIONS went unanswered; not given up yet.
    Trying,
}

impl TargetState {
    /// How `dispatcher.set_state` is told. With the second letter it is probed. Kamailio does not probe what is disabled, and an
    /// answer to an earlier probe does not bring it back either: only a person does, or a restart.
    pub const fn flags(self) -> &'static str {
        match self {
            TargetState::Active => "ap",
            TargetState::Inactive => "ip",
            TargetState::Disabled => "dx",
            TargetState::Trying => "tp",
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            TargetState::Active => "active",
            TargetState::Inactive => "inactive",
            TargetState::Disabled => "disabled",
            TargetState::Trying => "trying",
        }
    }
}

/// One table of routes in the proxy's memory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RouteTree {
    pub name: String,
    pub rows: u64,
    pub memory_bytes: u64,
    pub reloaded_at: Option<Moment>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DmqPeer {
    pub uri: String,
    pub active: bool,
    /// The proxy itself stands in its own list.
    pub is_self: bool,
}

/// The answer to a SIP OPTIONS sent by the panel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SipAnswer {
    pub status: u16,
    pub round_trip_ms: f32,
    pub server: Option<String>,
}
