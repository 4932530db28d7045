//! Switching a database cluster over, failing it over, and letting a server rejoin it, at the real servers.

mod look;
mod rejoin;
mod run;
mod verify;

use crate::{
    adapters::{mariadb::DatabaseWay, mariadb_root::MariaDbRoot},
    credentials,
    observe::hosts::AnyHypervisor,
    operations::{ground::Ground, last_seen},
};
use app::{
    fleet::{inventory::Machine, operations::database::DatabaseChange},
    operations::{kind::OperationKind, plan::Plan, refusal::Refusal},
    values::{PortError, PortErrorKind},
};
use std::{collections::BTreeMap, time::Duration};

pub use run::{DatabaseOperation, Member, Patience, Way};

/// Of one answer, also of a machine that is gone.
const ANSWER_MAX: Duration = Duration::from_millis(1_500);

/// Asks everybody at the same time.
pub async fn plan(
    kind: OperationKind,
    subject: &str,
    settings: &BTreeMap<String, String>,
    ground: &Ground,
) -> Result<Plan, Refusal> {
    let change = DatabaseChange::new(&ground.inventory, kind, subject, settings)?;
    let seen = look::look(&change, settings, ground).await;
    Ok(change.plan(settings, &seen))
}

pub fn operation(plan: &Plan, ground: &Ground) -> Result<DatabaseOperation<MariaDbRoot, DatabaseWay, AnyHypervisor>, String> {
    let change =
        DatabaseChange::new(&ground.inventory, plan.kind, &plan.subject, &plan.settings).map_err(|refusal| refusal.to_string())?;
    let sentence = |error: PortError| format!("{error}.");
    let mut members = BTreeMap::new();
    for (name, sync) in &change.members {
        let machine = ground.inventory.machine(name).ok_or_else(|| format!("The inventory has no machine {name} any more."))?;
        let server = server(&change, ground, machine).map_err(sentence)?;
        // Without a hypervisor a planned change can be made all the same.
        members.insert(name.clone(), Member { sync: *sync, server, hypervisor: ground.hypervisor(machine) });
    }
    let mut ways = Vec::new();
    for client in &change.clients {
        let writer = change.writer.get(client.network).map(|(address, _)| *address);
        let at_members = at_members(&change, ground, client.network);
        if let (Some(writer), Some(machine)) = (writer, ground.inventory.machine(&client.machine)) {
            let way = way(ground, machine, client.user).map_err(sentence)?;
            ways.push(Way { machine: client.machine.clone(), way, writer, at_members });
        }
    }
    let last = last_seen::read(&ground.state);
    Ok(DatabaseOperation { change, members, ways, last, patience: Patience::REAL })
}

/// Where each member is on this network.
fn at_members(change: &DatabaseChange, ground: &Ground, network: &str) -> BTreeMap<String, std::net::Ipv4Addr> {
    let address = |name: &String| {
        let machine = ground.inventory.machine(name)?;
        Some((name.clone(), ground.inventory.address(machine, network)?))
    };
    change.members.iter().filter_map(|(name, _)| address(name)).collect()
}

fn secret(ground: &Ground, name: &str, of: &str) -> Result<String, PortError> {
    let read = credentials::beside(&ground.file, &ground.inventory)(name);
    read.map_err(|error| PortError::new(of, "read its credential", PortErrorKind::NotConfigured, error))
}

fn server(change: &DatabaseChange, ground: &Ground, machine: &Machine) -> Result<MariaDbRoot, PortError> {
    let cluster = ground.inventory.clusters.get(&change.cluster);
    Ok(MariaDbRoot {
        ssh: ground.shell(machine, ANSWER_MAX)?,
        writer: change.writer.clone(),
        backups: cluster.and_then(|cluster| cluster.backups.clone()),
        replication_password: secret(ground, "replication", &machine.name)?,
        look_within: ANSWER_MAX,
    })
}

fn way(ground: &Ground, machine: &Machine, user: &str) -> Result<DatabaseWay, PortError> {
    let password = secret(ground, user, &machine.name)?;
    Ok(DatabaseWay { ssh: ground.shell(machine, ANSWER_MAX)?, user: user.into(), password, deadline: ANSWER_MAX })
}

#[cfg(test)]
mod stand_in;
#[cfg(test)]
mod tests;
