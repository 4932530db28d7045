//! Who of a database cluster is written to: `switch_over_database` with everybody's consent, `fail_over_database` when the primary is
//! gone, and `rejoin_database` for the one that came back.
//!
//! Words: the *primary* takes writes and stands at the *writer's addresses*; the others *follow* it. The *target* is who becomes
//! primary. *Errant* transactions stand in one server's log and not in that of the primary. To *fence* a server is to make sure that
//! nobody can write to it any more.
//!
//! Invariants: there are never two that take writes, so the old one is read-only, or switched off, before the new one is promoted; up
//! to the promotion everything is undone; nothing that was acknowledged is thrown away unseen.

mod look;
mod preflight;
mod steps;
mod surroundings;

pub use look::{ClientSeen, DatabaseSeen, NodeSeen, Witness};
pub use steps::DatabaseStep;

use crate::{
    fleet::inventory::{Cluster, Inventory, Role},
    operations::{
        kind::OperationKind,
        plan::Plan,
        refusal::{DESPITE_COOL_DOWN, Refusal},
    },
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, net::Ipv4Addr};

/// Who becomes primary; without it the farthest that follows.
pub const TARGET: &str = "target";
/// Ends what is in the way of stopping writes.
pub const KILL_TRANSACTIONS: &str = "kill_transactions";
/// Goes on where a person has seen the warning for what it is: a client whose way cannot be tried.
pub const WITHOUT_CLIENTS: &str = "without_clients";
/// Nobody looks at the plan before it starts: it asks for more certainty.
pub const AUTOMATIC: &str = "automatic";
/// What becomes of transactions that only the one to be rejoined has.
pub const ERRANT: &str = "errant";

/// How long stopping writes waits for transactions that are open.
pub const STOP_WITHIN_S: u64 = 2;
/// How long the target may take to apply what the primary had.
pub const CATCH_UP_WITHIN_S: u64 = 10;

/// What a switchover, failover or rejoin is about, by the inventory alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseChange {
    pub kind: OperationKind,
    pub subject: String,
    pub cluster: String,
    /// In the inventory's order, with the address each is followed at.
    pub members: Vec<(String, Ipv4Addr)>,
    /// Where writers connect to, by network, with the length of the network.
    pub writer: BTreeMap<String, (Ipv4Addr, u8)>,
    /// Who connects there.
    pub clients: Vec<Client>,
    pub wanted_target: Option<String>,
    pub kill_transactions: bool,
    pub without_clients: Vec<String>,
    /// Whether errant transactions are saved and the server is made anew from the primary.
    pub reseed: bool,
    pub despite_cool_down: bool,
    pub automatic: bool,
}

/// A machine that writes or reads at the writer's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    pub machine: String,
    /// Its user at the database, and the name of its credential.
    pub user: &'static str,
    pub network: &'static str,
}

/// The network over which servers follow each other.
pub const SYNC: &str = "sync";

const CLIENTS: [(Role, &str, &str); 3] =
    [(Role::Kamailio, "kamailio", SYNC), (Role::Asterisk, "asterisk", "data"), (Role::Billing, "billing", "data")];

/// Kept between the steps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeFacts {
    pub primary: String,
    pub target: String,
    /// Whether the one to be rejoined was switched off.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub was_off: bool,
    /// How far the old primary was when its writes were stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<String>,
    /// Between the last moment the old primary took writes and the first at which the new one stood at the writer's addresses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub write_gap_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_at_us: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fenced: Option<String>,
    /// What of the acknowledged is gone, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errant_file: Option<String>,
    /// Clients that wrote at the writer's address afterwards.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proved_by: Vec<String>,
}

impl DatabaseChange {
    pub fn new(
        inventory: &Inventory,
        kind: OperationKind,
        subject: &str,
        settings: &BTreeMap<String, String>,
    ) -> Result<Self, Refusal> {
        let known: &[&'static str] = match kind {
            OperationKind::SwitchOverDatabase => &[TARGET, KILL_TRANSACTIONS, WITHOUT_CLIENTS, DESPITE_COOL_DOWN],
            OperationKind::FailOverDatabase => &[TARGET, WITHOUT_CLIENTS, DESPITE_COOL_DOWN, AUTOMATIC],
            OperationKind::RejoinDatabase => &[ERRANT],
            _ => return Err(Refusal::NotBuilt { kind }),
        };
        if let Some(read) = settings.keys().find(|name| !known.contains(&name.as_str())) {
            return Err(Refusal::UnknownSetting { kind, read: read.clone(), known: known.to_vec() });
        }
        let (cluster, declared) = find_cluster(inventory, kind, subject)?;
        let address = |name: &String| {
            let machine = inventory.machine(name)?;
            Some((name.clone(), inventory.address(machine, SYNC)?))
        };
        let members: Vec<(String, Ipv4Addr)> = declared.members.iter().filter_map(address).collect();
        let writer = declared.writer.iter().map(|(network, address)| {
            let length = inventory.networks.get(network).map_or(32, |network| network.subnet.prefix_len);
            (network.clone(), (*address, length))
        });
        let clients: Vec<Client> = CLIENTS
            .into_iter()
            .flat_map(|(role, user, network)| inventory.of_role(role).map(move |machine| (machine.name.clone(), user, network)))
            .filter(|(_, _, network)| declared.writer.contains_key(*network))
            .map(|(machine, user, network)| Client { machine, user, network })
            .collect();
        let wrong = |name, read: &str, expected: String| Refusal::WrongSetting { name, read: read.into(), expected };
        let names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
        let wanted_target = settings.get(TARGET).cloned();
        if let Some(read) = wanted_target.as_ref().filter(|read| !names.contains(&read.as_str())) {
            return Err(wrong(TARGET, read, format!("one of {}", names.join(", "))));
        }
        let says_yes = |name: &'static str| match settings.get(name).map(String::as_str) {
            None | Some("no") => Ok(false),
            Some("yes") => Ok(true),
            Some(other) => Err(wrong(name, other, "yes or no".into())),
        };
        let reseed = match settings.get(ERRANT).map(String::as_str) {
            None => false,
            Some("save_and_reseed") => true,
            Some(other) => return Err(wrong(ERRANT, other, "save_and_reseed".into())),
        };
        let without = settings.get(WITHOUT_CLIENTS).map(String::as_str).unwrap_or_default();
        let without_clients: Vec<String> = without.split(',').filter(|name| !name.is_empty()).map(Into::into).collect();
        if let Some(read) = without_clients.iter().find(|name| !clients.iter().any(|client| client.machine == **name)) {
            let each: Vec<&str> = clients.iter().map(|client| client.machine.as_str()).collect();
            return Err(wrong(WITHOUT_CLIENTS, read, format!("names divided by commas, of {}", each.join(", "))));
        }
        Ok(Self {
            kind,
            subject: subject.into(),
            cluster,
            members,
            writer: writer.collect(),
            clients: clients.into_iter().filter(|client| !without_clients.contains(&client.machine)).collect(),
            wanted_target,
            kill_transactions: says_yes(KILL_TRANSACTIONS)?,
            without_clients,
            reseed,
            despite_cool_down: says_yes(DESPITE_COOL_DOWN)?,
            automatic: says_yes(AUTOMATIC)?,
        })
    }

    pub fn plan(&self, settings: &BTreeMap<String, String>, seen: &DatabaseSeen) -> Plan {
        let roles = self.roles(seen);
        let mut settings = settings.clone();
        if let (Some(target), true) = (&roles.target, self.kind != OperationKind::RejoinDatabase) {
            // What was chosen for the operator stands in the plan, so that whoever runs it chooses nobody else.
            settings.insert(TARGET.into(), target.clone());
        }
        Plan {
            kind: self.kind,
            subject: self.subject.clone(),
            settings,
            level: self.kind.level(),
            steps: self.steps(&roles),
            preflights: self.preflights(&roles, seen),
        }
    }

    /// Where a member is followed at.
    pub fn sync_address(&self, name: &str) -> Option<Ipv4Addr> {
        self.members.iter().find(|(member, _)| member == name).map(|(_, address)| *address)
    }
}

fn find_cluster<'a>(inventory: &'a Inventory, kind: OperationKind, subject: &str) -> Result<(String, &'a Cluster), Refusal> {
    let all = || inventory.clusters.iter().filter(|(_, cluster)| cluster.role == Role::Mariadb);
    let by_machine = kind == OperationKind::RejoinDatabase;
    let is_it = |(name, cluster): &(&String, &Cluster)| match by_machine {
        true => cluster.members.iter().any(|member| member == subject),
        false => *name == subject,
    };
    let known = match by_machine {
        true => all().flat_map(|(_, cluster)| cluster.members.clone()).collect(),
        false => all().map(|(name, _)| name.clone()).collect(),
    };
    let found = all().find(is_it).map(|(name, cluster)| (name.clone(), cluster));
    let sort = if by_machine { "database" } else { "database cluster" };
    found.ok_or_else(|| Refusal::UnknownSubject { sort, read: subject.into(), known })
}

#[cfg(test)]
mod tests;
