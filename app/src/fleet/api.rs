//! The server functions of the map and of one machine; they read memory only.

use super::{blast::Blast, board::Board, change::Change, detail::MachineDetail, map::MapSnapshot};
use crate::error::AppError;
use crate::wire::{GetUrl, Json};
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use crate::context::{self, allowed};

/// The map now; `None` where there is no inventory.
#[server(endpoint = "fleet/map", input = GetUrl, output = Json)]
pub async fn get_map() -> Result<Option<MapSnapshot>, AppError> {
    let allowed = allowed::<GetMap>()?;
    Ok(allowed.panel.fleet.sight(context::now(), |sight| MapSnapshot::of(sight, &Board::of(sight.inventory).stamp)))
}

/// Where everything stands; changes with the inventory only.
#[server(endpoint = "fleet/board", input = GetUrl, output = Json)]
pub async fn get_board() -> Result<Option<Board>, AppError> {
    let allowed = allowed::<GetBoard>()?;
    Ok(allowed.panel.fleet.inventory().map(|inventory| Board::of(&inventory)))
}

/// What would stop with the machine, cluster, network or carrier of this name.
#[server(endpoint = "fleet/blast", input = GetUrl, output = Json)]
pub async fn get_blast(name: String) -> Result<Option<Blast>, AppError> {
    let allowed = allowed::<GetBlast>()?;
    Ok(allowed.panel.fleet.sight(context::now(), |sight| super::blast::blast(sight, &name)).flatten())
}

/// What changed on a machine lately, newest first.
#[server(endpoint = "fleet/changes", input = GetUrl, output = Json)]
pub async fn get_changes(name: String) -> Result<Vec<Change>, AppError> {
    let allowed = allowed::<GetChanges>()?;
    Ok(allowed.panel.fleet.changes_of(&name))
}

#[server(endpoint = "fleet/machine", input = GetUrl, output = Json)]
pub async fn get_machine(name: String) -> Result<MachineDetail, AppError> {
    let allowed = allowed::<GetMachine>()?;
    let detail = allowed.panel.fleet.sight(context::now(), |sight| super::detail::detail(sight, &name)).flatten();
    detail.ok_or_else(|| AppError::not_found(format!("machine {name} in the inventory")))
}
