//! One address, two answers: the managed switch that machines hang on has an interface of its own with a machine's address, and
//! announces it more eagerly than the machine does.

use super::Scene;
use crate::{lab::enter, process};
use app::fleet::inventory::Role;
use std::{
    process::{Command, Stdio},
    time::Duration,
};

struct Conflict {
    switch: String,
    network: String,
    /// With the length of its network.
    address: String,
}

fn conflict(scene: &Scene<'_>) -> Result<Conflict, String> {
    let (machine, network) = scene.nic()?;
    let switch = scene.inventory.of_role(Role::Switch).next().ok_or("The inventory has no managed switch.")?;
    if !switch.networks.iter().any(|known| known == network) {
        return Err(format!("{} is not on {network}; it is on: {}.", switch.name, switch.networks.join(", ")));
    }
    if switch.name == machine.name {
        return Err(format!("{} cannot be in conflict with itself.", switch.name));
    }
    let nic = scene.inventory.nics(machine).into_iter().find(|nic| nic.network == network).ok_or("The network is not declared.")?;
    Ok(Conflict { switch: switch.name.clone(), network: network.into(), address: format!("{}/{}", nic.address, nic.prefix_len) })
}

impl Conflict {
    fn bare(&self) -> &str {
        self.address.split('/').next().unwrap_or_default()
    }

    /// The processes in the switch that announce the address.
    fn announcers(&self, scene: &Scene<'_>) -> Vec<u32> {
        let Some(first) = scene.lab.machine_process(&self.switch) else { return Vec::new() };
        let announces = |pid: &u32| {
            process::arguments(*pid).is_some_and(|words| {
                words.first().is_some_and(|word| word == "arping") && words.iter().any(|word| word == self.bare())
            })
        };
        process::namespace_members(first).into_iter().filter(announces).collect()
    }
}

pub fn take(scene: &Scene<'_>) -> Result<(), String> {
    let conflict = conflict(scene)?;
    if !conflict.announcers(scene).is_empty() {
        return Ok(());
    }
    scene.inside(&conflict.switch, &["ip", "addr", "replace", &conflict.address, "dev", &conflict.network])?;
    // Every second, unasked: whoever has the address in its table learns the wrong one again and again.
    let mut command: Command = enter::in_machine(scene.lab, &conflict.switch)?;
    let announce = ["arping", "-q", "-A", "-I", &conflict.network, conflict.bare()];
    command.args(announce).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().map_err(|error| format!("arping: {error}"))?;
    Ok(())
}

pub fn give_back(scene: &Scene<'_>) -> Result<(), String> {
    let conflict = conflict(scene)?;
    for announcer in conflict.announcers(scene) {
        process::kill(announcer);
        process::wait_until_gone(announcer, Duration::from_secs(2));
    }
    // Already gone is what was wanted.
    let _ = scene.inside(&conflict.switch, &["ip", "addr", "del", &conflict.address, "dev", &conflict.network]);
    // The rightful owner speaks up, so that nobody has to wait until the wrong answer is forgotten.
    let (machine, network) = scene.nic()?;
    if scene.lab.machine_process(&machine.name).is_some() {
        let _ = scene.inside(&machine.name, &["arping", "-q", "-A", "-c", "2", "-I", network, conflict.bare()]);
    }
    Ok(())
}
