//! What is known of the fleet, in memory: written by the server's observers, read by pages, functions and rules.

use super::{inventory::Inventory, world::World};
use crate::live::{Hub, Topic};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub struct FleetState {
    hub: Arc<Hub>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    inventory: Option<Arc<Inventory>>,
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

    pub fn set_inventory(&self, inventory: Option<Arc<Inventory>>) {
        self.lock().inventory = inventory;
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
