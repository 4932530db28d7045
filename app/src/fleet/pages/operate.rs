//! Buttons on the pages of the fleet that lead to operations, by what the inventory says there is.

use crate::{
    context,
    fleet::{inventory::Role, operations::offers},
    operations::pages::links::buttons,
};
use leptos::prelude::*;

/// What can be done to this machine.
pub fn on_machine(name: &str) -> Option<impl IntoView + use<>> {
    let inventory = context::panel().fleet.inventory()?;
    let machine = inventory.machines.iter().find(|machine| machine.name == name)?;
    Some(buttons(offers::of_role(machine.role), name, false))
}

/// What can be done to the clusters of this role, and to their members as such.
pub fn on_clusters(role: Role) -> Option<impl IntoView + use<>> {
    let inventory = context::panel().fleet.inventory()?;
    let clusters = inventory.clusters.iter().filter(|(_, cluster)| cluster.role == role);
    let several = clusters.clone().count() > 1;
    Some(clusters.map(|(name, _)| buttons(offers::of_cluster(role), name, several)).collect_view())
}

/// What a machine of this role can have done that is about its cluster: a database rejoins it.
pub fn on_members(role: Role) -> Option<impl IntoView + use<>> {
    let inventory = context::panel().fleet.inventory()?;
    let members = inventory.of_role(role).map(|machine| buttons(offers::of_member(role), &machine.name, true));
    Some(members.collect_view())
}
