//! The hypervisor of a host, by its kind.

use super::watch::{HOST, Post, not_configured};
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
        facts::HypervisorFacts,
        inventory::{Host, HostKind},
    },
    ports::Hypervisor,
    values::PortError,
};

pub(super) enum AnyHypervisor {
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

pub(super) fn open(post: &Post, host: &Host) -> Result<AnyHypervisor, PortError> {
    let missing = |what: &str| not_configured(&host.name, format!("the inventory gives this host no {what}"));
    let url = || host.url.as_deref().ok_or_else(|| missing("url"));
    Ok(match host.kind {
        HostKind::Lab => AnyHypervisor::Lab(LabHost::new(&host.name, Layout::below(&post.state), HOST.deadline)),
        HostKind::Libvirt => AnyHypervisor::Libvirt(Libvirt::new(&host.name, url()?, HOST.deadline)),
        HostKind::Vsphere => {
            let name = host.credential.as_deref().ok_or_else(|| missing("credential"))?;
            let password = credentials::beside(&post.file, &post.inventory)(name);
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
