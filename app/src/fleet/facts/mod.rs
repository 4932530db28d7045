//! What an observer saw of a foreign system, as plain values. Taken by the adapters of [`crate::ports`], judged by the nouns beside.
//!
//! Units are in the names. A value the system did not tell is `None`, never zero.

pub mod certificate;
pub mod database;
pub mod hypervisor;
pub mod pbx;
pub mod probe;
pub mod proxy;
pub mod shell;

pub use certificate::CertificateFacts;
pub use database::{DatabaseFacts, Replication, SemiSync, ServerFacts, ServerRole};
pub use hypervisor::{HypervisorFacts, Power, SeenCard, SeenMachine, VirtualSwitch};
pub use pbx::{PbxEndpoint, PbxFacts};
pub use probe::{ArpAnswer, NetworkProbes, PairPing};
pub use proxy::{DispatcherSet, DispatcherTarget, DmqPeer, ProxyFacts, RouteTree, SipAnswer, TargetState};
pub use shell::{Card, DiskUse, HostKey, ShellFacts};
