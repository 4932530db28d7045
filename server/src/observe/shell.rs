//! From the inventory to a shell on one of its machines: for those who look, and for operations.

use super::watch::{CONTROL_DIR, KNOWN_HOSTS};
use crate::adapters::ssh::{Jump, KnownHosts, Ssh, Target};
use app::{
    fleet::inventory::{Inventory, Machine},
    values::{PortError, PortErrorKind},
};
use std::{net::SocketAddrV4, path::Path, time::Duration};

fn not_configured(machine: &str, said: impl Into<String>) -> PortError {
    PortError::new(machine, "prepare the connection", PortErrorKind::NotConfigured, said.into())
}

/// A shell on the machine. Whose key is right is known from the lab's own disks there, and from what a person confirmed elsewhere.
/// `file` is the inventory's, beside which its credentials lie; `state` is the panel's own folder.
pub fn shell(inventory: &Inventory, file: &Path, state: &Path, machine: &Machine, deadline: Duration) -> Result<Ssh, PortError> {
    let door = |of: &Machine| -> Option<(SocketAddrV4, String, String)> {
        let (address, endpoint) = inventory.endpoint(of, "ssh")?;
        Some((address, endpoint.user.clone().unwrap_or_default(), endpoint.credential.clone().unwrap_or_default()))
    };
    let (address, user, credential) =
        door(machine).ok_or_else(|| not_configured(&machine.name, "the inventory has no endpoint ssh for it"))?;
    let jump = machine.jump.as_ref().map(|name| {
        let through = inventory.machine(name).and_then(door);
        let (address, user, _) =
            through.ok_or_else(|| not_configured(&machine.name, format!("{name} has no endpoint ssh to go through")))?;
        Ok::<_, PortError>(Jump { machine: name.clone(), address, user })
    });
    let key_file = inventory.credentials.get(&credential).and_then(|reference| reference.strip_prefix("file:"));
    let key_file = key_file.ok_or_else(|| not_configured(&machine.name, "its endpoint ssh names no credential"))?;
    Ssh::new(Target {
        machine: machine.name.clone(),
        address,
        user,
        key_file: file.parent().unwrap_or(Path::new("/")).join(key_file),
        known_hosts: KnownHosts::at(&state.join(KNOWN_HOSTS)),
        jump: jump.transpose()?,
        control_dir: state.join(CONTROL_DIR),
        deadline,
    })
}
