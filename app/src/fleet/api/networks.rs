//! What the pages of networks and databases show; all of it from memory.

use crate::{
    error::AppError,
    fleet::sheet::Sheet,
    wire::{GetUrl, Json},
};
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use crate::{
    context::{self, allowed},
    fleet::{certificate, database_sheet::databases, network_sheet, sheet::Part},
};

/// All networks with their verdicts.
#[server(endpoint = "fleet/networks", input = GetUrl, output = Json)]
pub async fn get_networks() -> Result<Sheet, AppError> {
    let allowed = allowed::<GetNetworks>()?;
    let (fleet, now) = (&allowed.panel.fleet, context::now());
    let Some(inventory) = fleet.inventory() else { return Ok(Sheet::without_inventory(now)) };
    let verdicts = fleet.verdicts(now);
    let places = allowed.panel.certificate_places(&inventory);
    Ok(fleet.with_world(|world| {
        let mut sheet = network_sheet::networks(&inventory, world, &verdicts, now);
        sheet.parts.extend(certificate::table(&places, world, now).map(Part::Table));
        sheet
    }))
}

/// One network: its members, its pairs, the evidence and how it was before.
#[server(endpoint = "fleet/network", input = GetUrl, output = Json)]
pub async fn get_network(name: String) -> Result<Sheet, AppError> {
    let allowed = allowed::<GetNetwork>()?;
    let (fleet, now) = (&allowed.panel.fleet, context::now());
    let not_found = || AppError::not_found(format!("network {name} in the inventory"));
    let Some(inventory) = fleet.inventory() else { return Ok(Sheet::without_inventory(now)) };
    let (verdicts, history) = (fleet.verdicts(now), fleet.verdict_history(&name));
    let sheet = fleet.with_world(|world| network_sheet::network(&inventory, world, &name, &verdicts, &history, now));
    sheet.ok_or_else(not_found)
}

/// The nodes of the database clusters side by side.
#[server(endpoint = "fleet/databases", input = GetUrl, output = Json)]
pub async fn get_databases() -> Result<Sheet, AppError> {
    let allowed = allowed::<GetDatabases>()?;
    let (fleet, now) = (&allowed.panel.fleet, context::now());
    let Some(inventory) = fleet.inventory() else { return Ok(Sheet::without_inventory(now)) };
    Ok(fleet.with_world(|world| databases(&inventory, world, now)))
}
