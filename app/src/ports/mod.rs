//! One trait for each role of a foreign system. Adapters in the server's `adapters/` implement them against the real ones; every
//! call has a deadline of its own, and a failure says which system, what was being done, and what kind of failure it was.

use crate::{
    calls::live::PbxEvent,
    fleet::{
        facts::{
            DatabaseFacts, DispatcherSet, HypervisorFacts, NetworkProbes, PbxFacts, Power, ProxyFacts, ServerFacts, ServerRole,
            ShellFacts, SipAnswer, TargetState,
        },
        gtid::Gtid,
    },
    values::{Moment, PortError},
};
use std::{collections::BTreeMap, future::Future, net::Ipv4Addr, time::Duration};

/// A SIP proxy (Kamailio).
pub trait SipProxy: Send + Sync {
    fn observe(&self) -> impl Future<Output = Result<ProxyFacts, PortError>> + Send;
    /// Where it can send calls, and in what state each is.
    fn dispatcher_sets(&self) -> impl Future<Output = Result<Vec<DispatcherSet>, PortError>> + Send;
    /// Puts one destination of a set into a state.
    fn set_target_state(&self, set: u32, uri: &str, state: TargetState) -> impl Future<Output = Result<(), PortError>> + Send;
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

/// A MariaDB server as root on its own machine changes it. Each call may be repeated.
pub trait DatabaseServer: Send + Sync {
    fn look(&self) -> impl Future<Output = Result<ServerFacts, PortError>> + Send;
    fn role(&self) -> impl Future<Output = Result<ServerRole, PortError>> + Send;
    /// Read-only, without the writer's addresses and its clients; gives how far it is. `kill` ends open transactions first.
    fn stop_writes(&self, kill: bool) -> impl Future<Output = Result<String, PortError>> + Send;
    /// Takes back [`DatabaseServer::stop_writes`].
    fn allow_writes(&self) -> impl Future<Output = Result<(), PortError>> + Send;
    /// Until it has applied everything up to this position.
    fn wait_for(&self, position: &str, within: Duration) -> impl Future<Output = Result<(), PortError>> + Send;
    /// It receives no more; gives how far it has received.
    fn stop_receiving(&self) -> impl Future<Output = Result<String, PortError>> + Send;
    fn receive(&self) -> impl Future<Output = Result<(), PortError>> + Send;
    /// It follows nobody and takes writes.
    fn promote(&self) -> impl Future<Output = Result<(), PortError>> + Send;
    /// Puts the writer's addresses on it.
    fn take_addresses(&self) -> impl Future<Output = Result<(), PortError>> + Send;
    /// It follows this one, read-only. One that was primary itself goes on after what it wrote.
    fn follow(&self, source: Ipv4Addr, was_primary: bool) -> impl Future<Output = Result<(), PortError>> + Send;
    /// It follows nobody, and stays as it is otherwise.
    fn follow_nobody(&self) -> impl Future<Output = Result<(), PortError>> + Send;
    /// The rows of clients that have come here, by machine, in microseconds.
    fn proofs(&self) -> impl Future<Output = Result<BTreeMap<String, i64>, PortError>> + Send;
    /// Writes what stands in its log after each of these into a file on its machine, and gives the file.
    fn save_after(&self, positions: &[Gtid]) -> impl Future<Output = Result<String, PortError>> + Send;
    /// Lets one server read all of its data until [`DatabaseServer::end_lending`].
    fn lend(&self, to: Ipv4Addr, password: &str) -> impl Future<Output = Result<(), PortError>> + Send;
    fn end_lending(&self, to: Ipv4Addr) -> impl Future<Output = Result<(), PortError>> + Send;
    /// Replaces all of its data by that of the server that lends it.
    fn reseed(&self, from: Ipv4Addr, password: &str, within: Duration) -> impl Future<Output = Result<(), PortError>> + Send;
}

/// The way of a client to the databases: from its machine, as its user.
pub trait DatabaseClient: Send + Sync {
    /// Reads something there.
    fn get_in(&self, at: Ipv4Addr) -> impl Future<Output = Result<(), PortError>> + Send;
    /// Writes its row there; comes back when it is acknowledged.
    fn write(&self, at: Ipv4Addr, now: Moment) -> impl Future<Output = Result<(), PortError>> + Send;
}

/// What machines run on (libvirt, vSphere, the lab).
pub trait Hypervisor: Send + Sync {
    fn observe(&self) -> impl Future<Output = Result<HypervisorFacts, PortError>> + Send;
}

/// What switches machines on and off and pulls their cables (libvirt, vSphere, the lab). Each call may be repeated, and comes back when
/// it is so.
pub trait HypervisorControl: Send + Sync {
    fn power(&self, machine: &str) -> impl Future<Output = Result<Power, PortError>> + Send;
    /// At once, as if its plug were pulled.
    fn power_off(&self, machine: &str) -> impl Future<Output = Result<(), PortError>> + Send;
    fn power_on(&self, machine: &str) -> impl Future<Output = Result<(), PortError>> + Send;
    /// Puts the machine's card on this network up or down, at the switch's side.
    fn set_card(&self, machine: &str, network: &str, connected: bool) -> impl Future<Output = Result<(), PortError>> + Send;
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
