//! A machine from the inside, as a shell on it tells.

use crate::values::Moment;
use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ShellFacts {
    pub hostname: String,
    /// Of `/etc/machine-id`; a clone must not share it.
    pub machine_id: String,
    pub kernel: String,
    pub uptime_s: u64,
    /// Over 1, 5 and 15 minutes.
    pub load: [f32; 3],
    pub cpus: u32,
    /// Of all processors, since the look before; absent at the first look.
    pub cpu_percent: Option<f32>,
    pub memory_total_bytes: u64,
    pub memory_available_bytes: u64,
    pub disks: Vec<DiskUse>,
    pub host_keys: Vec<HostKey>,
    pub cards: Vec<Card>,
    /// The machine's clock minus the panel's; as exact as half the round trip.
    pub clock_offset_ms: f64,
    pub round_trip_ms: f32,
    pub observed_at: Moment,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskUse {
    pub mount: String,
    pub size_bytes: u64,
    pub free_bytes: u64,
}

impl DiskUse {
    pub fn used_percent(&self) -> u8 {
        let used = self.size_bytes.saturating_sub(self.free_bytes);
        u8::try_from(u128::from(used) * 100 / u128::from(self.size_bytes.max(1))).unwrap_or(100)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostKey {
    /// `ssh-ed25519`, …
    pub kind: String,
    /// `SHA256:…` as OpenSSH prints it.
    pub fingerprint: String,
}

/// A network card as the guest sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    pub name: String,
    pub mac: String,
    pub mtu: u32,
    pub up: bool,
    /// With the length of their network.
    pub addresses: Vec<(Ipv4Addr, u8)>,
}
