//! One trait for each role of a foreign system. Adapters in the server's `adapters/` implement them against the real ones; every
//! call has a deadline of its own, and a failure says which system, what was being done, and what kind of failure it was.

use crate::{
    calls::live::PbxEvent,
    fleet::facts::{DatabaseFacts, HypervisorFacts, NetworkProbes, PbxFacts, ProxyFacts, ShellFacts, SipAnswer},
    values::PortError,
};
use std::{future::Future, net::Ipv4Addr};

/// A SIP proxy (Kamailio).
pub trait SipProxy: Send + Sync {
    fn observe(&self) -> impl Future<Output = Result<ProxyFacts, PortError>> + Send;
}

/// Anything that speaks SIP, asked by OPTIONS over UDP.
pub trait SipPeer: Send + Sync {
    fn ask(&self) -> impl Future<Output = Result<SipAnswer, PortError>> + Send;
}

/// A PBX (Asterisk).
pub trait Pbx: Send + Sync {
    fn observe(&self) -> impl Future<Output = Result<PbxFacts, PortError>> + Send;
    /// Listens until the connection ends: first everything that is there, then each change. Comes back only with the reason.
    fn listen(&self, tell: impl Fn(PbxEvent) + Send + Sync) -> impl Future<Output = PortError> + Send;
    /// Ends one call, by the channel of its customer's leg.
    fn hang_up(&self, channel: &str) -> impl Future<Output = Result<(), PortError>> + Send;
}

/// One node of a database cluster (MariaDB).
pub trait DatabaseNode: Send + Sync {
    fn observe(&self) -> impl Future<Output = Result<DatabaseFacts, PortError>> + Send;
}

/// What machines run on (libvirt, vSphere, the lab).
pub trait Hypervisor: Send + Sync {
    fn observe(&self) -> impl Future<Output = Result<HypervisorFacts, PortError>> + Send;
}

/// A shell on a machine (OpenSSH).
pub trait RemoteShell: Send + Sync {
    fn observe(&self) -> impl Future<Output = Result<ShellFacts, PortError>> + Send;
    /// From this machine: one packet of `size_bytes` to each peer, and who answers for each address on the card of this network.
    fn probe(
        &self,
        card: &str,
        size_bytes: u32,
        peers: &[(String, Ipv4Addr)],
        addresses: &[Ipv4Addr],
    ) -> impl Future<Output = Result<NetworkProbes, PortError>> + Send;
}
