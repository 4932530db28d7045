//! The machines and networks we run.
//!
//! Words: a [`Machine`](inventory::Machine) is a virtual machine with a role, on a [`Host`](inventory::Host) (the hypervisor),
//! with a NIC on each of its [`Network`](inventory::Network)s; machines of one role that stand in for each other are a
//! [`Cluster`](inventory::Cluster). A [`Carrier`](inventory::Carrier) terminates our calls, a
//! [`Customer`](inventory::Customer)'s calls we take.
//!
//! Invariants: what there *is* stands in one file, the [`Inventory`](inventory::Inventory), so that it can be read with every
//! database down; secrets are in it by reference only.
//!
//! Not here: how a machine *is* (it has to be observed), and what to do about it (an operation).

pub mod blast;
pub mod board;
pub mod certificate;
pub mod change;
pub mod database_sheet;
pub mod detail;
pub mod difference;
pub mod facts;
pub mod flows;
pub mod gtid;
pub mod history;
pub mod inventory;
pub mod isolation;
pub mod judge;
pub mod map;
pub mod measure;
pub mod network_sheet;
pub mod operations;
pub mod pressure;
pub mod record;
pub mod replication;
#[cfg(test)]
pub mod sample;
pub mod sheet;
pub mod world;

#[cfg(any(feature = "ssr", feature = "hydrate"))]
pub mod api;

#[cfg(any(feature = "ssr", feature = "hydrate"))]
#[path = "api/measures.rs"]
pub mod measures_api;
#[cfg(any(feature = "ssr", feature = "hydrate"))]
#[path = "api/networks.rs"]
pub mod networks_api;
#[cfg(any(feature = "ssr", feature = "hydrate"))]
pub mod pages;
#[cfg(feature = "ssr")]
pub mod state;
#[cfg(feature = "ssr")]
pub mod store;
