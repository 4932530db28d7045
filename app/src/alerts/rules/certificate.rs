//! Certificates that end soon, have ended, are not valid yet, or are for another name.

use crate::{
    alerts::{
        rule::{Observations, Symptom},
        subject::{Severity, Subject, SubjectKind},
    },
    fleet::{
        certificate::{Owner, Place, findings, seen_at},
        judge::MachineState,
    },
};

pub fn wrong(seen: &Observations<'_>) -> Vec<Symptom> {
    let of = |place: &Place| {
        let facts = seen_at(seen.world, place, seen.now)?;
        let symptom = |finding: crate::fleet::judge::Finding| {
            let severity = if finding.severity == MachineState::Bad { Severity::Bad } else { Severity::Notice };
            Symptom::new(finding.key, subject(place), severity, finding.message).evidence(finding.evidence.lines())
        };
        Some(findings(place, facts, seen.now).into_iter().map(symptom).collect::<Vec<_>>())
    };
    seen.certificates.iter().filter_map(of).flatten().collect()
}

fn subject(place: &Place) -> Subject {
    match &place.owner {
        Owner::Host(name) => Subject::new(SubjectKind::Host, name),
        Owner::Declared(Some(machine)) => Subject::machine(machine),
        // Nobody's but the panel's, which looks there.
        Owner::Panel | Owner::Declared(None) => Subject::panel(),
    }
}

/// Whether an alert of this key may end: its place was seen just now, or is no longer one.
pub(super) fn can_judge(seen: &Observations<'_>, key: &str) -> bool {
    let name = key.split_once(':').map_or("", |(_, name)| name);
    let place = seen.certificates.iter().find(|place| place.name == name);
    place.is_none_or(|place| seen_at(seen.world, place, seen.now).is_some())
}
