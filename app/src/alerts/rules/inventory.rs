//! What the hypervisors show and the inventory does not say, or the other way round.
//!
//! Told as a notice, because a person has to decide which of the two is wrong. What the isolation proof tells of is left to it, and
//! machines of others (carriers, customers) are theirs.

use super::sight::sees;
use crate::{
    alerts::{
        rule::{NetworkSight, Observations, Symptom},
        subject::{Severity, Subject, SubjectKind},
    },
    fleet::difference::{self, Difference, differences},
};

pub fn differing(seen: &Observations<'_>) -> Vec<Symptom> {
    let all = differences(seen.inventory, seen.world, seen.now);
    let told = all.iter().filter(|difference| !is_proved_elsewhere(seen, difference));
    told.filter_map(|difference| symptom(seen, difference)).collect()
}

fn symptom(seen: &Observations<'_>, difference: &Difference) -> Option<Symptom> {
    let (kind, which) = difference.finding.key.split_once(':')?;
    let (key, subject) = match &difference.subject {
        // It has no page and no judge of its own: its host is whom it is about.
        difference::Subject::Machine(name) if difference.undeclared().is_some() => {
            (format!("inventory.undeclared:{name}"), Subject::new(SubjectKind::Host, which))
        }
        difference::Subject::Machine(name) => {
            let is_ours = seen.inventory.machine(name).is_some_and(|machine| machine.role.is_ours());
            is_ours.then(|| (format!("inventory.{}:{which}", kind.replace('.', "-")), Subject::machine(name)))?
        }
        difference::Subject::Network(name) => {
            (format!("inventory.{}:{which}", kind.replace('.', "-")), Subject::new(SubjectKind::Network, name))
        }
    };
    let host = super::findings::host_of(seen, &subject.name).filter(|_| subject.kind == SubjectKind::Machine);
    let symptom = Symptom::new(key, subject, Severity::Notice, difference.sentence());
    Some(symptom.evidence([difference.evidence()]).because(host))
}

/// Whether the isolation proof tells the same, as the worse thing that it is there.
fn is_proved_elsewhere(seen: &Observations<'_>, difference: &Difference) -> bool {
    let kind = match difference.finding.key.split(':').next().unwrap_or_default() {
        "network.uplink" => "network.uplink",
        "switch.mtu" | "card.mtu" => "mtu.low",
        "machine.undeclared" | "card.undeclared" | "card.network" => "card.undeclared",
        "mac.duplicate" => "mac.duplicate",
        _ => return false,
    };
    let about = |sight: &NetworkSight, names: &str| match &difference.subject {
        difference::Subject::Network(network) => sight.network == *network,
        difference::Subject::Machine(machine) => names.split(',').any(|name| name.trim() == machine),
    };
    let mut violations = seen.isolation.iter().flat_map(|sight| sight.violations.iter().map(move |violation| (sight, violation)));
    violations.any(|(sight, violation)| violation.key == kind && about(sight, &violation.subject))
}

/// Whether an alert of this key may end: the hypervisors that would still show it were seen just now.
pub(super) fn can_judge(seen: &Observations<'_>, key: &str, subject: &Subject) -> bool {
    let (kind, which) = key.split_once(':').unwrap_or((key, ""));
    // A host that is no longer declared shows nothing any more.
    let shows = |name: &str| {
        let is_declared = seen.inventory.hosts.iter().any(|host| host.name == name);
        !is_declared || seen.world.hosts.get(name).is_some_and(|host| sees(host, seen.now))
    };
    match (subject.kind, seen.inventory.machine(&subject.name)) {
        (SubjectKind::Host, _) => shows(&subject.name),
        (SubjectKind::Machine, None) => true,
        // These two are seen by several hypervisors at once.
        (SubjectKind::Machine, Some(_)) if matches!(kind, "inventory.machine-elsewhere" | "inventory.mac-duplicate") => {
            seen.inventory.hosts.iter().all(|host| shows(&host.name))
        }
        (SubjectKind::Machine, Some(machine)) => shows(&machine.host),
        _ => !seen.inventory.networks.contains_key(&subject.name) || shows(which),
    }
}
