//! What the judges of the machines found. Findings that several machines share are left to the rules that see all of them.

use crate::{
    alerts::{
        rule::{Observations, Symptom},
        subject::{Severity, Subject, SubjectKind},
    },
    fleet::judge::{Finding, MachineState},
};

/// Seen better by a rule over all machines: one target that two proxies miss is one alert, not two.
const ELSEWHERE: [&str; 3] = ["dispatcher.inactive", "identity.machine-id", "identity.host-key"];

pub fn judged(seen: &Observations<'_>) -> Vec<Symptom> {
    let mut found = Vec::new();
    for judgement in seen.judgements {
        for finding in &judgement.findings {
            found.extend(symptom(seen, &judgement.name, finding));
        }
    }
    found.extend(twins(seen));
    found
}

fn kind(key: &str) -> &str {
    key.split(':').next().unwrap_or_default()
}

fn symptom(seen: &Observations<'_>, machine: &str, finding: &Finding) -> Option<Symptom> {
    let severity = match (finding.severity, finding.key.as_str()) {
        (MachineState::Bad, _) => Severity::Bad,
        // Somebody who should look does not: the panel's own fault, or that of a very slow machine.
        (MachineState::Notice, _) | (MachineState::Unknown, "machine.unknown") => Severity::Notice,
        (MachineState::Good | MachineState::Busy | MachineState::Unknown, _) => return None,
    };
    if ELSEWHERE.contains(&kind(&finding.key)) {
        return None;
    }
    let mut because = named(seen, machine, &[&finding.message, &finding.evidence]);
    because.extend(host_of(seen, machine));
    if let Some(replica) = finding.key.starts_with("semi-sync").then(|| cluster_mates(seen, machine)) {
        because.extend(replica);
    }
    let mut symptom = Symptom::new(finding.key.clone(), Subject::machine(machine), severity, finding.message.clone())
        .evidence(finding.evidence.lines())
        .because(because);
    symptom.since = finding.since;
    Some(symptom)
}

/// Machines that a text names, by name or by address: whoever is named may be the cause.
pub(super) fn named(seen: &Observations<'_>, but: &str, texts: &[&str]) -> Vec<Subject> {
    let others = seen.inventory.machines.iter().filter(|machine| machine.name != but);
    let is_named = |machine: &&crate::fleet::inventory::Machine| {
        let addresses = seen.inventory.nics(machine).into_iter().map(|nic| nic.address.to_string());
        let words: Vec<String> = addresses.chain([machine.name.clone()]).collect();
        texts.iter().any(|text| words.iter().any(|word| has_word(text, word)))
    };
    others.filter(is_named).map(|machine| Subject::machine(&machine.name)).collect()
}

/// Whether `word` stands in the text by itself: 10.0.0.1 does not stand in 10.0.0.11.
fn has_word(text: &str, word: &str) -> bool {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '-';
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back().is_none_or(|c| !part(c) && c != '.');
        let mut after = text[at + word.len()..].chars();
        let next = after.next();
        before && next.is_none_or(|c| !part(c)) && (next != Some('.') || after.next().is_none_or(|c| !c.is_ascii_alphanumeric()))
    })
}

pub(super) fn host_of(seen: &Observations<'_>, machine: &str) -> Option<Subject> {
    seen.inventory.machine(machine).map(|machine| Subject::new(SubjectKind::Host, &machine.host))
}

fn cluster_mates(seen: &Observations<'_>, machine: &str) -> Vec<Subject> {
    let of = seen.inventory.clusters.values().filter(|cluster| cluster.members.iter().any(|member| member == machine));
    of.flat_map(|cluster| &cluster.members).filter(|member| *member != machine).map(Subject::machine).collect()
}

/// Two machines with one identity are one alert, on the one whose name comes first.
fn twins(seen: &Observations<'_>) -> Vec<Symptom> {
    let mut found = Vec::new();
    // The isolation proof, where there is one, tells of shared identities with more evidence.
    if !seen.isolation.is_empty() {
        return found;
    }
    for judgement in seen.judgements {
        for finding in judgement.findings.iter().filter(|finding| finding.key.starts_with("identity.")) {
            let Some((key, other)) = finding.key.split_once(':') else { continue };
            let first = judgement.name.as_str().min(other);
            if first == judgement.name {
                let symptom = Symptom::new(format!("{key}:{other}"), Subject::machine(first), Severity::Bad, &*finding.message);
                found.push(symptom.evidence(finding.evidence.lines()));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::has_word;

    #[test]
    fn an_address_is_not_found_in_a_longer_one() {
        assert!(has_word("sip:10.10.10.1:5060", "10.10.10.1") && has_word("behind mariadb-01.", "mariadb-01"));
        assert!(!has_word("sip:10.10.10.11:5060", "10.10.10.1") && !has_word("110.10.10.1", "10.10.10.1"));
        assert!(!has_word("10.10.10.1.5", "10.10.10.1") && !has_word("old-mariadb-01", "mariadb-01"));
    }
}
