//! Which rules can see just now. What cannot be seen is not over: its alerts stay as they are.

use super::{certificate, inventory, reach, records};
use crate::{
    alerts::{
        rule::{Observations, Resource},
        subject::{Subject, SubjectKind},
    },
    fleet::{judge::MachineState, world::Seen},
    values::Moment,
};

/// Whether an alert of this rule about this subject may end because its symptom is gone.
pub fn can_judge(seen: &Observations<'_>, key: &str, subject: &Subject) -> bool {
    let kind = key.split(':').next().unwrap_or_default();
    if kind == "panel.blind" {
        return true;
    }
    if seen.blind_since.is_some() {
        return false;
    }
    if kind.starts_with("certificate.") {
        return certificate::can_judge(seen, key);
    }
    if kind == records::KEY {
        return records::can_judge(seen, subject) || !is_declared(seen, key, subject);
    }
    if kind.starts_with("inventory.") {
        return inventory::can_judge(seen, key, subject);
    }
    match subject.kind {
        SubjectKind::Panel => true,
        SubjectKind::Host => seen.world.hosts.get(&subject.name).is_none_or(|host| sees(host, seen.now)),
        SubjectKind::Network => knows_network(seen, &subject.name),
        SubjectKind::Cluster => {
            let members = seen.inventory.clusters.get(&subject.name).map(|cluster| &cluster.members);
            members.is_none_or(|members| members.iter().all(|member| sees_shell(seen, member)))
        }
        SubjectKind::Carrier if kind == "carrier.away" || kind == "dispatcher.inactive" => {
            reach::proxies_seen_at(seen).is_some() || !seen.inventory.carriers.iter().any(|carrier| carrier.name == subject.name)
        }
        // Until a call is sent to it again nobody knows whether it takes one.
        SubjectKind::Carrier if kind == "carrier.failing" => {
            seen.tries.contains_key(&subject.name) || !is_declared(seen, key, subject)
        }
        SubjectKind::Carrier | SubjectKind::Customer | SubjectKind::Traffic => {
            seen.volume.iter().any(|sight| sight.subject == *subject)
        }
        SubjectKind::Machine => of_machine(seen, kind, key, &subject.name),
    }
}

/// Whether what an open alert is about is still in the inventory. Carriers and customers are also known from call records, so of
/// those only what was told of their trunks counts.
pub fn is_declared(seen: &Observations<'_>, key: &str, subject: &Subject) -> bool {
    let (inventory, name) = (seen.inventory, &subject.name);
    match subject.kind {
        SubjectKind::Machine => inventory.machine(name).is_some(),
        SubjectKind::Host => inventory.hosts.iter().any(|host| host.name == *name),
        SubjectKind::Network => inventory.networks.contains_key(name),
        SubjectKind::Cluster => inventory.clusters.contains_key(name),
        SubjectKind::Carrier if key.starts_with("carrier.") || key.starts_with("dispatcher.inactive") => {
            inventory.carriers.iter().any(|carrier| carrier.name == *name)
        }
        SubjectKind::Carrier | SubjectKind::Customer | SubjectKind::Traffic | SubjectKind::Panel => true,
    }
}

fn of_machine(seen: &Observations<'_>, kind: &str, key: &str, machine: &str) -> bool {
    if seen.inventory.machine(machine).is_none() {
        return true; // It is no longer declared: nothing can be wrong with it.
    }
    let known = seen.world.machines.get(machine);
    match kind.split('.').next().unwrap_or_default() {
        "disk" | "memory" if kind.ends_with(".filling") => {
            let what = |trend: &&crate::alerts::rule::Trend| match &trend.what {
                Resource::Disk(mount) => key.ends_with(&format!(":{mount}")),
                Resource::Memory => kind == "memory.filling",
            };
            seen.trends.iter().filter(|trend| trend.machine == machine).any(|trend| what(&trend)) && sees_shell(seen, machine)
        }
        "disk" | "memory" | "cpu" | "clock" | "identity" | "card" => sees_shell(seen, machine),
        "replica" | "primary" | "semi-sync" | "connections" => {
            known.and_then(|known| known.database.as_ref()).is_none_or(|database| sees(database, seen.now))
        }
        "routes" | "dmq" => known.and_then(|known| known.proxy.as_ref()).is_none_or(|proxy| sees(proxy, seen.now)),
        "trunk" => known.and_then(|known| known.pbx.as_ref()).is_none_or(|pbx| sees(pbx, seen.now)),
        "dispatcher" => reach::proxies_seen_at(seen).is_some(),
        "network" | "mtu" | "packet" | "address" | "machine_id" | "host_key" | "mac" => {
            let network = key.split_once(':').map_or("", |(_, rest)| rest);
            knows_network(seen, network)
        }
        // Away, unknown, refused: whatever was judged counts, unless nobody has looked.
        _ => {
            let judgement = seen.judgements.iter().find(|judgement| judgement.name == machine);
            judgement.is_some_and(|judgement| judgement.state != MachineState::Unknown)
        }
    }
}

pub(super) fn sees<T>(seen: &Seen<T>, now: Moment) -> bool {
    seen.failing.is_none() && seen.fresh(now).is_some()
}

fn sees_shell(seen: &Observations<'_>, machine: &str) -> bool {
    let known = seen.world.machines.get(machine);
    known.and_then(|known| known.shell.as_ref()).is_some_and(|shell| sees(shell, seen.now))
}

/// One network where it is named, else all there are.
fn knows_network(seen: &Observations<'_>, network: &str) -> bool {
    let one = seen.isolation.iter().find(|sight| sight.network == network);
    one.map_or_else(|| !seen.isolation.is_empty() && seen.isolation.iter().all(|sight| sight.known), |sight| sight.known)
}
