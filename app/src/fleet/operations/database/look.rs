//! What was seen of a cluster just now, and who has which role by it.

use super::DatabaseChange;
use crate::{
    fleet::{
        facts::{DatabaseFacts, Power, ServerFacts},
        gtid::Position,
    },
    operations::{kind::OperationKind, plan::Preflight},
    values::PortError,
};
use std::collections::BTreeMap;

/// For the plan. What nobody could be asked for is absent.
#[derive(Clone, Debug, Default)]
pub struct DatabaseSeen {
    pub nodes: BTreeMap<String, NodeSeen>,
    pub clients: Vec<ClientSeen>,
    /// Others that tried to write to the primary, from their own machines.
    pub witnesses: Vec<Witness>,
    /// What became of a write of the panel's own to the primary.
    pub beat: Option<Result<(), String>>,
    /// Of each member, as its hypervisor tells.
    pub power: BTreeMap<String, Result<Power, PortError>>,
    /// When semi-sync was last seen active, and since when, in words.
    pub semi_sync_since: Option<String>,
    /// Whether acknowledged writes stood on a replica when the primary was last seen.
    pub was_safe: Option<bool>,
    /// The lock and the cool-down, which the journal knows, and whether the panel stands on its own feet.
    pub own: Vec<Preflight>,
}

#[derive(Clone, Debug)]
pub struct NodeSeen {
    /// By the panel's user, over Management.
    pub database: Result<DatabaseFacts, PortError>,
    /// By root on the machine.
    pub server: Result<ServerFacts, PortError>,
    /// Its clock minus the panel's, as exact as the way there.
    pub clock_offset_ms: Option<i64>,
}

#[derive(Clone, Debug)]
pub struct ClientSeen {
    pub machine: String,
    /// From its machine, as its user: at the writer's address, and at each member's own.
    pub at_writer: Result<(), String>,
    pub at_members: BTreeMap<String, Result<(), String>>,
}

/// Somebody else who tried.
#[derive(Clone, Debug)]
pub struct Witness {
    pub machine: String,
    /// That a write to the primary was acknowledged, or why not.
    pub wrote: Result<(), String>,
}

/// Who is what, by what was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Roles {
    /// Those that take writes.
    pub writable: Vec<String>,
    /// Who is, or was last, written to.
    pub primary: Option<String>,
    pub target: Option<String>,
    /// Members that are neither.
    pub others: Vec<String>,
}

impl NodeSeen {
    pub fn position(&self) -> Option<Position> {
        let facts = self.database.as_ref().ok()?;
        let received = facts.replication.as_ref().and_then(|replication| replication.gtid_io.parse().ok());
        let own: Position = facts.gtid_binlog.parse().ok()?;
        Some(received.map_or(own.clone(), |received: Position| received.farther(&own)))
    }
}

impl DatabaseChange {
    /// Who is, or was last, written to, by what was seen.
    pub fn primary(&self, seen: &DatabaseSeen) -> Option<String> {
        self.roles(seen).primary
    }

    pub(super) fn roles(&self, seen: &DatabaseSeen) -> Roles {
        let facts = |name: &str| seen.nodes.get(name).and_then(|node| node.database.as_ref().ok());
        let names = || self.members.iter().map(|(name, _)| name.clone());
        let writable: Vec<String> = names().filter(|name| facts(name).is_some_and(|facts| !facts.read_only)).collect();
        // Whoever is followed is the primary, whether it answers or not; else the one that takes writes.
        let followed =
            names().filter_map(|name| facts(&name)?.replication.as_ref().map(|replication| replication.source_host.clone()));
        let followed = followed
            .filter_map(|host| self.members.iter().find(|(name, address)| *name == host || address.to_string() == host))
            .map(|(name, _)| name.clone())
            .next();
        let primary = match writable.as_slice() {
            [one] => Some(one.clone()),
            _ => followed,
        };
        if self.kind == OperationKind::RejoinDatabase {
            // It is rejoined to whoever takes writes now.
            let primary = writable.iter().find(|name| **name != self.subject).cloned();
            return Roles { writable, primary, target: Some(self.subject.clone()), others: Vec::new() };
        }
        let target = self.wanted_target.clone().or_else(|| {
            let candidates = names().filter(|name| Some(name) != primary.as_ref());
            let seen_at = |name: &String| seen.nodes.get(name).and_then(NodeSeen::position);
            let mut best: Option<(String, Position)> = None;
            for (name, at) in candidates.filter_map(|name| seen_at(&name).map(|at| (name, at))) {
                // The first in the inventory wins among equals.
                if best.as_ref().is_none_or(|(_, best)| best.lacks(&at) > at.lacks(best)) {
                    best = Some((name, at));
                }
            }
            best.map(|(name, _)| name)
        });
        let others = names().filter(|name| Some(name) != primary.as_ref() && Some(name) != target.as_ref()).collect();
        Roles { writable, primary, target, others }
    }
}
