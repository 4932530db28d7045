//! The lab's host as a hypervisor: its bridges, what hangs on them, and the machines, looked at from the real machine.
//!
//! It is looked at, not asked: nothing here trusts the lab's own processes, for the proof of isolation rests on it. Works from any
//! network namespace, because every look enters the namespace it means.

use super::command::{self, Program};
use crate::{
    lab::{
        place::Layout,
        plan::{HostPlan, switch_name},
    },
    process,
};
use app::{
    fleet::facts::{HypervisorFacts, Power, SeenCard, SeenMachine, VirtualSwitch},
    ports::Hypervisor,
    values::{PortError, PortErrorKind},
};
use futures::{StreamExt, TryStreamExt, stream};
use serde::Deserialize;
use std::{collections::BTreeMap, time::Duration};
use tokio::time::{Instant, timeout};

/// Machines looked at side by side; each look is two short-lived processes.
const AT_ONCE: usize = 4;

pub struct LabHost {
    system: String,
    name: String,
    layout: Layout,
    deadline: Duration,
}

/// A link of `ip -json -details link`, as far as it is wanted.
#[derive(Debug, Deserialize)]
struct Link {
    ifindex: u32,
    ifname: String,
    mtu: u32,
    flags: Vec<String>,
    master: Option<String>,
    address: Option<String>,
    /// The other end, by name where it is in the same namespace, else by its number in the other one.
    link: Option<String>,
    link_index: Option<u32>,
    linkinfo: Option<LinkInfo>,
}

#[derive(Debug, Deserialize)]
struct LinkInfo {
    info_kind: Option<String>,
}

impl Link {
    fn is(&self, kind: &str) -> bool {
        self.linkinfo.as_ref().is_some_and(|info| info.info_kind.as_deref() == Some(kind))
    }

    fn has_carrier(&self) -> bool {
        let has = |wanted: &str| self.flags.iter().any(|flag| flag == wanted);
        has("UP") && has("LOWER_UP")
    }
}

/// A machine of the plan, or one that runs beside it.
struct Machine {
    name: String,
    first: Option<u32>,
    /// Names of its cables at the switches, with the network each was laid to.
    ports: Vec<(String, String)>,
}

struct Place {
    host: u32,
    machines: Vec<Machine>,
}

impl LabHost {
    /// `name` is the host's in the inventory.
    pub fn new(name: &str, layout: Layout, deadline: Duration) -> Self {
        Self { system: format!("{name} lab in {}", layout.dir().display()), name: name.into(), layout, deadline }
    }

    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    pub fn system(&self) -> &str {
        &self.system
    }

    fn error(&self, doing: &str, (kind, said): command::Failure) -> PortError {
        PortError::new(&self.system, doing, kind, said)
    }

    /// Who is there, by the lab's record and the kernel's list of processes.
    fn place(layout: &Layout) -> Result<Place, command::Failure> {
        let host =
            layout.host_process().ok_or((PortErrorKind::Refused, "it is not up; wirecenter lab up starts it".to_string()))?;
        let garbage = |said: String| (PortErrorKind::Garbage, format!("{}: {said}", layout.host_plan().display()));
        let text = std::fs::read_to_string(layout.host_plan()).map_err(|error| garbage(error.to_string()))?;
        let plan: HostPlan = serde_json::from_str(&text).map_err(|error| garbage(error.to_string()))?;
        let mut running = layout.machine_processes();
        let planned = plan.machines.into_iter().map(|machine| {
            let ports = machine.ports.into_iter().map(|port| (port.name, port.network)).collect();
            Machine { first: running.remove(&machine.name), name: machine.name, ports }
        });
        let mut machines: Vec<Machine> = planned.collect();
        machines.extend(running.into_iter().map(|(name, first)| Machine { name, first: Some(first), ports: Vec::new() }));
        Ok(Place { host, machines })
    }

    async fn links(&self, process: u32, until: Instant) -> Result<Vec<Link>, command::Failure> {
        let process = process.to_string();
        let nsenter = Program { name: "nsenter", package: "util-linux" };
        let argv = ["--target", &process, "--net", "--", "ip", "-json", "-details", "link", "show"];
        let printed = command::run(nsenter, &argv, until).await?;
        serde_json::from_slice(&printed).map_err(|error| (PortErrorKind::Garbage, format!("ip printed no list of links: {error}")))
    }

    async fn look(&self, until: Instant) -> Result<HypervisorFacts, PortError> {
        let layout = self.layout.clone();
        let place = tokio::task::spawn_blocking(move || Self::place(&layout)).await.expect("looking does not panic");
        let place = place.map_err(|failure| self.error("find its processes", failure))?;
        let at_switches = self.links(place.host, until).await.map_err(|failure| self.error("look at its switches", failure))?;
        let ports: BTreeMap<u32, &Link> =
            at_switches.iter().filter(|link| link.master.is_some()).map(|link| (link.ifindex, link)).collect();
        // A loop, because the compiler cannot see that a closure's future may be sent between threads.
        let mut looks = Vec::new();
        for machine in &place.machines {
            looks.push(self.machine(machine, &ports, until));
        }
        let looked: Vec<(SeenMachine, Vec<u32>)> = stream::iter(looks).buffered(AT_ONCE).try_collect().await?;
        let (machines, claimed): (Vec<_>, Vec<_>) = looked.into_iter().unzip();
        let claimed: Vec<u32> = claimed.concat();
        let planned = |name: &str| place.machines.iter().any(|machine| machine.ports.iter().any(|(port, _)| port == name));
        let bridges = at_switches.iter().filter(|link| link.is("bridge"));
        let switches = bridges.map(|bridge| {
            let hanging = ports.values().filter(|port| port.master.as_deref() == Some(&bridge.ifname));
            let ways_out = hanging.filter(|port| !planned(&port.ifname) && !claimed.contains(&port.ifindex));
            VirtualSwitch {
                name: bridge.ifname.clone(),
                mtu: Some(bridge.mtu),
                uplinks: ways_out.map(|port| way_out(port, &at_switches)).collect(),
                port_groups: vec![network_of(&bridge.ifname)],
            }
        });
        Ok(HypervisorFacts {
            host: self.name.clone(),
            product: "Wirecenter lab on Linux bridges".into(),
            version: rustix::system::uname().release().to_string_lossy().into_owned(),
            switches: switches.collect(),
            machines,
        })
    }

    /// The machine, and which ports of the switches are its own.
    async fn machine(
        &self,
        machine: &Machine,
        ports: &BTreeMap<u32, &Link>,
        until: Instant,
    ) -> Result<(SeenMachine, Vec<u32>), PortError> {
        let mut seen =
            SeenMachine { name: machine.name.clone(), id: machine.name.clone(), power: Power::Off, tools: None, cards: Vec::new() };
        let Some(first) = machine.first else {
            // Switched off it keeps its cards, as on any hypervisor; which addresses they will have is not known yet.
            let unplugged = |(_, network): &(String, String)| SeenCard {
                network: network.clone(),
                mac: String::new(),
                connected: false,
                mtu: None,
            };
            seen.cards = machine.ports.iter().map(unplugged).collect();
            return Ok((seen, Vec::new()));
        };
        seen.power = if process::is_stopped(first) { Power::Suspended } else { Power::On };
        let links = match self.links(first, until).await {
            Ok(links) => links,
            // It ended between two looks.
            Err(_) if !process::is_alive(first) => return Ok((SeenMachine { power: Power::Off, ..seen }, Vec::new())),
            Err(failure) => return Err(self.error(&format!("look at the cards of {}", machine.name), failure)),
        };
        let mut claimed = Vec::new();
        // A card is the machine's end of a cable whose other end hangs on a switch, whatever either is called.
        for card in links.iter().filter(|link| link.is("veth")) {
            let Some((index, port)) = card.link_index.and_then(|index| Some((index, ports.get(&index)?))) else { continue };
            claimed.push(index);
            let switch = port.master.as_deref().unwrap_or_default();
            seen.cards.push(SeenCard {
                network: network_of(switch),
                mac: card.address.clone().unwrap_or_default(),
                connected: port.has_carrier(),
                mtu: Some(port.mtu),
            });
        }
        Ok((seen, claimed))
    }
}

/// `br-voice` is the switch of `voice`.
fn network_of(switch: &str) -> String {
    switch.strip_prefix(&switch_name("")).unwrap_or(switch).into()
}

/// A port that is no machine's cable, with where it leads.
fn way_out(port: &Link, all: &[Link]) -> String {
    let other = all.iter().find(|link| port.link.as_deref() == Some(&link.ifname));
    match other.map(|other| other.master.as_deref().unwrap_or(&other.ifname)) {
        Some(leads_to) => format!("{} (leads to {leads_to})", port.ifname),
        None => port.ifname.clone(),
    }
}

impl Hypervisor for LabHost {
    async fn observe(&self) -> Result<HypervisorFacts, PortError> {
        let until = Instant::now() + self.deadline;
        let late = || (PortErrorKind::TimedOut, format!("no end within {} ms", self.deadline.as_millis()));
        timeout(self.deadline, self.look(until)).await.unwrap_or_else(|_| Err(self.error("look at it", late())))
    }
}
