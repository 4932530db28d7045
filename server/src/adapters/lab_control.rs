//! The lab's host as what switches machines on and off: it asks the lab's own first process, and pulls cables at the switches.

use super::lab::LabHost;
use crate::{
    lab::{
        control::{Answer, Request, ask_host},
        enter,
        place::Layout,
        plan::HostPlan,
    },
    process,
};
use app::{
    fleet::facts::Power,
    ports::HypervisorControl,
    values::{PortError, PortErrorKind},
};
use std::time::{Duration, Instant};

/// A machine is gone, or has booted as far as its first process, within this.
const WITHIN: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(5);

fn asked(lab: &Layout, request: &Request) -> Result<(), String> {
    match ask_host(lab, request)? {
        Answer::Error(said) => Err(said),
        Answer::Services(_) | Answer::Done => Ok(()),
    }
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) -> Result<(), String> {
    let give_up = Instant::now() + WITHIN;
    while !is_so() {
        if Instant::now() > give_up {
            return Err(format!("{what} took longer than {} s", WITHIN.as_secs()));
        }
        std::thread::sleep(POLL);
    }
    Ok(())
}

fn power_off(lab: &Layout, machine: &str) -> Result<(), String> {
    let running = lab.machine_process(machine);
    asked(lab, &Request::Hold { service: machine.into() })?;
    wait_until("its end", || running.is_none_or(|first| !process::is_alive(first)) && lab.machine_process(machine).is_none())
}

fn power_on(lab: &Layout, machine: &str) -> Result<(), String> {
    asked(lab, &Request::Release { service: machine.into() })?;
    wait_until("its start", || lab.machine_process(machine).is_some())
}

fn set_card(lab: &Layout, machine: &str, network: &str, connected: bool) -> Result<(), String> {
    let text = std::fs::read_to_string(lab.host_plan()).map_err(|error| format!("{}: {error}", lab.host_plan().display()))?;
    let plan: HostPlan = serde_json::from_str(&text).map_err(|error| format!("{}: {error}", lab.host_plan().display()))?;
    let ports = plan.machines.iter().filter(|one| one.name == machine).flat_map(|one| &one.ports);
    let port = ports.into_iter().find(|port| port.network == network);
    let port = port.ok_or_else(|| format!("{machine} has no card on {network}"))?;
    let state = if connected { "up" } else { "down" };
    let argv = ["ip", "link", "set", &port.name, state];
    match enter::run(&mut enter::at_switches(lab)?, &argv) {
        Ok(_) => Ok(()),
        // Switched off it has no cable at the switch either.
        Err(_) if !connected && lab.machine_process(machine).is_none() => Ok(()),
        Err(said) => Err(said),
    }
}

impl LabHost {
    async fn do_there(
        &self,
        doing: String,
        work: impl FnOnce(&Layout) -> Result<(), String> + Send + 'static,
    ) -> Result<(), PortError> {
        let layout = self.layout().clone();
        let done = tokio::task::spawn_blocking(move || work(&layout)).await;
        let said = match done {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(said)) => said,
            Err(_) => "the thread that does it ended by an error of ours".into(),
        };
        Err(PortError::new(self.system(), doing, PortErrorKind::Failed, said))
    }
}

impl HypervisorControl for LabHost {
    async fn power(&self, machine: &str) -> Result<Power, PortError> {
        Ok(match self.layout().machine_process(machine) {
            Some(first) if process::is_stopped(first) => Power::Suspended,
            Some(_) => Power::On,
            None => Power::Off,
        })
    }

    async fn power_off(&self, machine: &str) -> Result<(), PortError> {
        let name = machine.to_string();
        self.do_there(format!("switch {machine} off"), move |lab| power_off(lab, &name)).await
    }

    async fn power_on(&self, machine: &str) -> Result<(), PortError> {
        let name = machine.to_string();
        self.do_there(format!("switch {machine} on"), move |lab| power_on(lab, &name)).await
    }

    async fn set_card(&self, machine: &str, network: &str, connected: bool) -> Result<(), PortError> {
        let (name, on) = (machine.to_string(), network.to_string());
        let doing = format!("{} the cable of {machine} on {network}", if connected { "plug in" } else { "pull" });
        self.do_there(doing, move |lab| set_card(lab, &name, &on, connected)).await
    }
}
