//! Where operations stand: the inventory in force, and the network its machines are reached from. Found anew for each, from files
//! alone.

use crate::{
    adapters::ssh::{KnownHosts, Ssh, of_lab},
    inventory,
    lab::place::Layout,
    observe::{
        hosts::{self, AnyHypervisor},
        place::Place,
        shell::shell,
        watch::KNOWN_HOSTS,
    },
};
use app::{
    fleet::inventory::{Host, HostKind, Inventory, Machine},
    values::{PortError, PortErrorKind},
};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

#[derive(Clone, Debug)]
pub struct Ground {
    pub inventory: Inventory,
    pub file: PathBuf,
    /// The panel's own folder.
    pub state: PathBuf,
    pub place: Place,
}

impl Ground {
    /// The configured inventory, else the one in the state folder, else that of the lab which runs there: as the observers choose.
    pub fn find(state: &Path, given: Option<&Path>) -> Result<Self, String> {
        let (lab, beside) = (Layout::below(state), state.join("inventory.toml"));
        let (file, is_lab) = match given {
            Some(file) => (file.to_path_buf(), false),
            None if beside.exists() => (beside, false),
            None => (lab.inventory(), true),
        };
        if is_lab && lab.running().is_none() {
            let state = state.display();
            return Err(format!("There is no inventory in {state}, and no lab runs there. Put inventory.toml into it."));
        }
        let inventory = inventory::load(&file).map_err(|problems| {
            let first = problems.first().map(|problem| problem.message.clone()).unwrap_or_default();
            let file = file.display();
            format!("The inventory {file} cannot be used: {first} See: wirecenter inventory check {file}")
        })?;
        let host = if is_lab { lab.host_process() } else { None };
        Ok(Self { inventory, file, state: state.into(), place: host.map_or(Place::Here, Place::of_process) })
    }

    /// What the machine runs on.
    pub fn host_of(&self, machine: &Machine) -> Option<&Host> {
        self.inventory.hosts.iter().find(|host| host.name == machine.host)
    }

    /// What switches the machine on and off.
    pub fn hypervisor(&self, machine: &Machine) -> Result<AnyHypervisor, PortError> {
        let unknown = || {
            let said = format!("the inventory has no host {:?}", machine.host);
            PortError::new(&machine.name, "find its hypervisor", PortErrorKind::NotConfigured, said)
        };
        hosts::open(&self.inventory, &self.file, &self.state, self.host_of(machine).ok_or_else(unknown)?)
    }

    /// A shell on the machine, with this long for connecting.
    pub fn shell(&self, machine: &Machine, deadline: Duration) -> Result<Ssh, PortError> {
        if self.host_of(machine).is_some_and(|host| host.kind == HostKind::Lab) {
            // In the lab a machine's keys are read from its disk; one that is off keeps those that were known.
            if let Ok(keys) = of_lab(&Layout::below(&self.state), &machine.name)
                && !keys.is_empty()
                && let Err(error) = KnownHosts::at(&self.state.join(KNOWN_HOSTS)).pin(&machine.name, &keys)
            {
                tracing::warn!(machine = machine.name, %error, "its host keys cannot be kept");
            }
        }
        shell(&self.inventory, &self.file, &self.state, machine, deadline)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inventory_beside_the_journal_is_taken_and_a_missing_one_is_told() {
        let dir = tempfile::tempdir().expect("a folder");
        let told = Ground::find(dir.path(), None).expect_err("nothing is there");
        assert!(told.contains("Put inventory.toml into it"), "{told}");
        std::fs::write(dir.path().join("inventory.toml"), "name = 3").expect("written");
        let told = Ground::find(dir.path(), None).expect_err("a mistake");
        assert!(told.contains("wirecenter inventory check"), "{told}");
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("stack/inventory.toml");
        let ground = Ground::find(dir.path(), Some(&shipped)).expect("the one we ship");
        assert_eq!((ground.place, ground.inventory.name.as_str()), (Place::Here, "lab"));
    }
}
