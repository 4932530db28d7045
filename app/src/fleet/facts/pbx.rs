//! A PBX, as its manager interface tells. Its live calls are the slice `calls`'.

use crate::values::Moment;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PbxFacts {
    pub version: String,
    pub started_at: Option<Moment>,
    pub reloaded_at: Option<Moment>,
    pub channels: u64,
    pub calls: u64,
    pub endpoints: Vec<PbxEndpoint>,
    /// Channels by the codec they carry now (`alaw`, `ulaw`, …).
    pub codecs: BTreeMap<String, u64>,
    /// Calls whose two legs carry different codecs.
    pub transcoding: u64,
}

/// A trunk or phone the PBX knows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PbxEndpoint {
    pub name: String,
    /// `None` where the PBX does not ask it (no qualify).
    pub reachable: Option<bool>,
    pub contact: Option<String>,
    pub round_trip_ms: Option<f32>,
    pub channels: u64,
}
