//! The hypervisor of a host, by its kind.

use super::watch::{HOST, not_configured};
use crate::{
    adapters::{
        lab::LabHost,
        libvirt::Libvirt,
        trust::Trust,
        vsphere::{Account, Vsphere},
    },
    credentials,
    lab::place::Layout,
};
use app::{
    fleet::{
        facts::{HypervisorFacts, Power},
        inventory::{Host, HostKind, Inventory},
    },
    ports::{Hypervisor, HypervisorControl},
    values::{PortError, PortErrorKind},
};
use std::path::Path;

pub enum AnyHypervisor {
    Lab(LabHost),
    Libvirt(Libvirt),
    Vsphere(Box<Vsphere>),
}

impl AnyHypervisor {
    pub async fn observe(&self) -> Result<HypervisorFacts, PortError> {
        match self {
            AnyHypervisor::Lab(host) => host.observe().await,
            AnyHypervisor::Libvirt(host) => host.observe().await,
            AnyHypervisor::Vsphere(host) => host.observe().await,
        }
    }
}

fn not_yet(host: &str, doing: &str) -> PortError {
    PortError::new(host, doing, PortErrorKind::NotConfigured, "this program switches nothing on or off there yet")
}

impl HypervisorControl for AnyHypervisor {
    async fn power(&self, machine: &str) -> Result<Power, PortError> {
        match self {
            AnyHypervisor::Lab(host) => host.power(machine).await,
            AnyHypervisor::Libvirt(_) | AnyHypervisor::Vsphere(_) => Err(not_yet(machine, "look at its power")),
        }
    }

    async fn power_off(&self, machine: &str) -> Result<(), PortError> {
        match self {
            AnyHypervisor::Lab(host) => host.power_off(machine).await,
            AnyHypervisor::Libvirt(_) | AnyHypervisor::Vsphere(_) => Err(not_yet(machine, "switch it off")),
        }
    }

    async fn power_on(&self, machine: &str) -> Result<(), PortError> {
        match self {
            AnyHypervisor::Lab(host) => host.power_on(machine).await,
            AnyHypervisor::Libvirt(_) | AnyHypervisor::Vsphere(_) => Err(not_yet(machine, "switch it on")),
        }
    }

    async fn set_card(&self, machine: &str, network: &str, connected: bool) -> Result<(), PortError> {
        match self {
            AnyHypervisor::Lab(host) => host.set_card(machine, network, connected).await,
            AnyHypervisor::Libvirt(_) | AnyHypervisor::Vsphere(_) => Err(not_yet(machine, "change its cable")),
        }
    }
}

/// `file` is the inventory's, beside which its credentials lie; `state` is the panel's own folder.
pub fn open(inventory: &Inventory, file: &Path, state: &Path, host: &Host) -> Result<AnyHypervisor, PortError> {
    let missing = |what: &str| not_configured(&host.name, format!("the inventory gives this host no {what}"));
    let url = || host.url.as_deref().ok_or_else(|| missing("url"));
    Ok(match host.kind {
        HostKind::Lab => AnyHypervisor::Lab(LabHost::new(&host.name, Layout::below(state), HOST.deadline)),
        HostKind::Libvirt => AnyHypervisor::Libvirt(Libvirt::new(&host.name, url()?, HOST.deadline)),
        HostKind::Vsphere => {
            let name = host.credential.as_deref().ok_or_else(|| missing("credential"))?;
            let password = credentials::beside(file, inventory)(name);
            let password = password.map_err(|error| not_configured(&host.name, error))?;
            let account = Account { user: host.user.clone().unwrap_or_else(|| "root".into()), password };
            let trust = match &host.certificate {
                None => Trust::Authorities,
                Some(digits) => Trust::pinned(digits).ok_or_else(|| missing("certificate of 64 hexadecimal digits"))?,
            };
            AnyHypervisor::Vsphere(Box::new(Vsphere::new(&host.name, url()?, account, trust, HOST.deadline)?))
        }
    })
}
