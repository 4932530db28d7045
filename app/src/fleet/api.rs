//! The server functions of the map and of one machine; they read memory only.

use super::{blast::Blast, board::Board, detail::MachineDetail, map::MapSnapshot};
use crate::error::AppError;
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use crate::context::allowed;

/// The map now; `None` where there is no inventory.
#[server(endpoint = "fleet/map", input = leptos::server_fn::codec::GetUrl)]
pub async fn get_map() -> Result<Option<MapSnapshot>, AppError> {
    let allowed = allowed::<GetMap>()?;
    Ok(sight::with(&allowed.panel, |sight| MapSnapshot::of(sight, &Board::of(sight.inventory).stamp)))
}

/// Where everything stands; changes with the inventory only.
#[server(endpoint = "fleet/board", input = leptos::server_fn::codec::GetUrl)]
pub async fn get_board() -> Result<Option<Board>, AppError> {
    let allowed = allowed::<GetBoard>()?;
    Ok(allowed.panel.fleet.inventory().map(|inventory| Board::of(&inventory)))
}

/// What would stop with the machine, cluster, network or carrier of this name.
#[server(endpoint = "fleet/blast", input = leptos::server_fn::codec::GetUrl)]
pub async fn get_blast(name: String) -> Result<Option<Blast>, AppError> {
    let allowed = allowed::<GetBlast>()?;
    Ok(sight::with(&allowed.panel, |sight| super::blast::blast(sight, &name)).flatten())
}

#[server(endpoint = "fleet/machine", input = leptos::server_fn::codec::GetUrl)]
pub async fn get_machine(name: String) -> Result<MachineDetail, AppError> {
    let allowed = allowed::<GetMachine>()?;
    let detail = sight::with(&allowed.panel, |sight| super::detail::detail(sight, &name)).flatten();
    detail.ok_or_else(|| AppError::not_found(format!("machine {name} in the inventory")))
}

#[cfg(feature = "ssr")]
mod sight {
    use crate::{
        context::{self, Panel},
        fleet::{
            flows::Flows,
            inventory::Inventory,
            judge::{Finding, Judgement, MachineState},
            map::Sight,
            world::World,
        },
        values::Moment,
    };

    /// Everything known now, for whoever draws or weighs it.
    pub fn with<T>(panel: &Panel, read: impl FnOnce(&Sight<'_>) -> T) -> Option<T> {
        let inventory = panel.fleet.inventory()?;
        let now = context::now();
        Some(panel.fleet.with_world(|world| {
            let judgements = judge_all(&inventory, world, now);
            let flows = Flows::default();
            read(&Sight {
                inventory: &inventory,
                world,
                judgements: &judgements,
                networks: &[],
                flows: &flows,
                cut_off_since: None,
                now,
            })
        }))
    }

    /// Who answers at all. What answers wrongly is judged elsewhere.
    fn judge_all(inventory: &Inventory, world: &World, now: Moment) -> Vec<Judgement> {
        let ours = inventory.machines.iter().filter(|machine| machine.role.is_ours());
        let judge = |machine: &crate::fleet::inventory::Machine| {
            let name = machine.name.clone();
            let shell = world.machines.get(&name).and_then(|seen| seen.shell.as_ref());
            let failing = shell.and_then(|shell| shell.failing.as_ref());
            let observed_at = shell.and_then(|shell| shell.observed_at());
            let (state, key) = match (failing, shell.and_then(|shell| shell.fresh(now))) {
                (Some(_), _) => (MachineState::Bad, "machine.away"),
                (None, Some(_)) => (MachineState::Good, ""),
                (None, None) => (MachineState::Unknown, "machine.unknown"),
            };
            let finding = Finding {
                key: key.into(),
                severity: state,
                message: failing.map_or_else(|| format!("{name} has not been looked at."), |_| format!("{name} does not answer.")),
                evidence: failing.map_or_else(String::new, |failing| failing.why.clone()),
                since: failing.map(|failing| failing.since).or(observed_at),
            };
            let findings = if state == MachineState::Good { Vec::new() } else { vec![finding] };
            Judgement { name, state, observed_at, findings }
        };
        ours.map(judge).collect()
    }
}
