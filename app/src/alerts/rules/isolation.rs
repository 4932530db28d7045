//! Networks that are not as isolated as they must be, and identities that two machines share.

use crate::{
    alerts::{
        rule::{Observations, Symptom},
        subject::{Severity, Subject, SubjectKind},
    },
    fleet::isolation::Violation,
};

pub fn violations(seen: &Observations<'_>) -> Vec<Symptom> {
    let of = |network: &crate::alerts::rule::NetworkSight| {
        let name = network.network.clone();
        network.violations.iter().map(move |violation| (name.clone(), violation.clone())).collect::<Vec<_>>()
    };
    seen.isolation.iter().flat_map(of).map(|(network, violation)| symptom(seen, &network, &violation)).collect()
}

fn symptom(seen: &Observations<'_>, network: &str, violation: &Violation) -> Symptom {
    let names: Vec<&str> = violation.subject.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    let is_machine = |name: &&&str| seen.inventory.machine(name).is_some();
    let machine = names.iter().find(is_machine).map(|name| Subject::machine(*name));
    let subject = machine.unwrap_or_else(|| Subject::new(SubjectKind::Network, network));
    // Several on one machine differ by whom or what they are about.
    let rest = if names.len() > 1 { format!(":{}", names[1..].join(",")) } else { format!(":{network}") };
    Symptom::new(format!("{}{rest}", violation.key), subject, Severity::Bad, violation.sentence.clone())
        .evidence(violation.evidence.lines())
        .because(violation.because.iter().map(Subject::machine))
}
