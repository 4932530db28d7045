//! What is known of the fleet, in memory: written by the server's observers, read by pages, functions and rules.

use super::{inventory::Inventory, world::World};
use crate::live::{Hub, Topic};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub struct FleetState {
    hub: Arc<Hub>,
    inner: Mutex<Inner>,
}

/// The file the inventory comes from, with what is wrong in it now; the one in force may be older.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InventoryFile {
    pub path: String,
    /// A line each, with place and remedy.
    pub problems: Vec<String>,
}

#[derive(Default)]
struct Inner {
    inventory: Option<Arc<Inventory>>,
    file: InventoryFile,
    world: World,
}

impl FleetState {
    pub fn new(hub: Arc<Hub>) -> Self {
        Self { hub, inner: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Every change is whole before the lock is given back, so a panic elsewhere cannot leave it half made.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn inventory(&self) -> Option<Arc<Inventory>> {
        self.lock().inventory.clone()
    }

    /// What is in force from now on; nothing is known of its machines until they were looked at.
    pub fn set_inventory(&self, inventory: Option<Arc<Inventory>>) {
        {
            let mut inner = self.lock();
            let known = |name: &String| inventory.as_ref().is_some_and(|inventory| inventory.machine(name).is_some());
            inner.world.machines.retain(|name, _| known(name));
            inner.world.hosts.clear();
            inner.world.networks.clear();
            inner.inventory = inventory;
        }
        self.hub.wake(Topic::Fleet);
    }

    pub fn inventory_file(&self) -> InventoryFile {
        self.lock().file.clone()
    }

    pub fn set_inventory_file(&self, file: InventoryFile) {
        self.lock().file = file;
        self.hub.wake(Topic::Fleet);
    }

    pub fn with_world<T>(&self, read: impl FnOnce(&World) -> T) -> T {
        read(&self.lock().world)
    }

    /// Changes what is known, and wakes whoever looks.
    pub fn update(&self, change: impl FnOnce(&mut World)) {
        change(&mut self.lock().world);
        self.hub.wake(Topic::Fleet);
    }
}
