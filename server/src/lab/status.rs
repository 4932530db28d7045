//! `lab status`: what is there, seen from outside: processes, services, network cards, faults.

use super::{
    control::{self, Answer, Request, ServiceStatus, State},
    faults::{self, Fault},
    place::Layout,
    shipped::shipped_inventory,
};
use crate::process;
use app::fleet::inventory::{Machine, Role};
use serde::{Deserialize, Serialize};
use std::{process::Command, time::Duration};

/// A machine that is well answers in a millisecond; one that is frozen never does.
const ANSWER_MAX: Duration = Duration::from_millis(400);

/// The stable interface of `lab status --json`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct LabStatus {
    pub up: bool,
    pub machines: Vec<MachineStatus>,
    pub faults: Vec<Fault>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MachineStatus {
    pub name: String,
    pub role: String,
    pub up: bool,
    pub services: Vec<ServiceView>,
    pub nics: Vec<NicView>,
    /// Why it is not up, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ServiceView {
    pub name: String,
    pub up: bool,
    pub version: Option<String>,
    pub restarts: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NicView {
    pub network: String,
    pub address: String,
    pub mtu: u32,
    /// Whether it has a carrier: somebody holds the other end of the cable.
    pub linked: bool,
}

impl MachineStatus {
    pub fn is_whole(&self) -> bool {
        self.up && self.services.iter().all(|service| service.up)
    }

    /// What it waits for.
    pub fn why(&self) -> String {
        let down = self.services.iter().find(|service| !service.up);
        match down {
            Some(service) => {
                format!("{}: {} is not up ({})", self.name, service.name, service.said.as_deref().unwrap_or("starting"))
            }
            None => format!("{}: {}", self.name, self.said.as_deref().unwrap_or("starting")),
        }
    }
}

pub fn look(lab: &Layout) -> LabStatus {
    let Ok(inventory) = shipped_inventory() else { return LabStatus::default() };
    if lab.running().is_none() {
        return LabStatus::default();
    }
    let hosted = match control::ask(&lab.host_socket(), &Request::Status, ANSWER_MAX) {
        Ok(Answer::Services(machines)) => machines,
        _ => Vec::new(),
    };
    let processes = lab.machine_processes();
    // Frozen machines keep one waiting; asked side by side, they do so once.
    let machines: Vec<MachineStatus> = std::thread::scope(|scope| {
        let asked: Vec<_> = inventory
            .machines
            .iter()
            .map(|machine| {
                let first = processes.get(&machine.name).copied();
                let hosted = hosted.iter().find(|hosted| hosted.name == machine.name);
                (machine, scope.spawn(move || look_at(machine, hosted, first)))
            })
            .collect();
        asked.into_iter().map(|(machine, thread)| thread.join().unwrap_or_else(|_| absent(machine, None))).collect()
    });
    LabStatus { up: machines.iter().all(MachineStatus::is_whole), machines, faults: faults::listed(lab) }
}

fn absent(machine: &Machine, said: Option<String>) -> MachineStatus {
    MachineStatus {
        name: machine.name.clone(),
        role: machine.role.name().into(),
        up: false,
        services: Vec::new(),
        nics: Vec::new(),
        said,
    }
}

fn look_at(machine: &Machine, hosted: Option<&ServiceStatus>, first: Option<u32>) -> MachineStatus {
    let booted = hosted.is_some_and(|hosted| hosted.state == State::Up);
    let said = hosted.and_then(|hosted| hosted.said.clone());
    let Some(first) = first.filter(|_| booted) else { return absent(machine, said) };
    let frozen = process::is_stopped(first);
    let services = match control::ask_machine(first, &Request::Status, ANSWER_MAX) {
        Ok(Answer::Services(services)) => services,
        _ => Vec::new(),
    };
    let said = if frozen { Some("frozen".to_string()) } else { said };
    MachineStatus {
        name: machine.name.clone(),
        role: machine.role.name().into(),
        up: !frozen && (!services.is_empty() || machine.role == Role::Switch),
        services: services.into_iter().map(|service| view(first, service)).collect(),
        nics: nics(first),
        said,
    }
}

/// A service that is stopped by a signal is there and does nothing: it is not up.
fn view(first: u32, service: ServiceStatus) -> ServiceView {
    let frozen = service.pid.and_then(|pid| process::numbered_inside(first, pid)).is_some_and(process::is_stopped);
    ServiceView {
        name: service.name,
        up: service.state == State::Up && !frozen,
        version: service.version,
        restarts: service.restarts,
        said: if frozen { Some("frozen".into()) } else { service.said },
    }
}

/// The network cards as they are, whatever the inventory says.
pub fn nics(first: u32) -> Vec<NicView> {
    #[derive(Deserialize)]
    struct Link {
        ifname: String,
        mtu: u32,
        flags: Vec<String>,
        addr_info: Vec<Address>,
    }
    #[derive(Deserialize)]
    struct Address {
        local: Option<String>,
    }
    let output =
        Command::new("nsenter").args(["--net", "--target", &first.to_string(), "--", "ip", "-json", "-4", "addr"]).output();
    let links: Vec<Link> = output.ok().and_then(|output| serde_json::from_slice(&output.stdout).ok()).unwrap_or_default();
    let view = |link: Link| NicView {
        address: link.addr_info.iter().find_map(|address| address.local.clone()).unwrap_or_default(),
        linked: link.flags.iter().any(|flag| flag == "LOWER_UP"),
        mtu: link.mtu,
        network: link.ifname,
    };
    links.into_iter().filter(|link| link.ifname != "lo").map(view).collect()
}
