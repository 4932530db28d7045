//! One cause, one alert: symptoms that something worse explains are folded under it.

use super::{
    rule::Symptom,
    subject::{Subject, SubjectKind},
};
use std::collections::BTreeMap;

/// A symptom that nothing else explains, and what it explains.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    pub root: Symptom,
    pub folded: Vec<Symptom>,
}

/// How much a symptom can explain. Only the higher explains the lower, so that nothing goes round in a circle.
fn reach(symptom: &Symptom) -> u8 {
    match (symptom.key.split(':').next().unwrap_or_default(), symptom.subject.kind) {
        ("panel.blind", _) => 5,
        ("host.away", _) => 4,
        ("machine.away", _) => 3,
        ("service.away", _) | (_, SubjectKind::Network) => 2,
        ("carrier.away" | "carrier.failing" | "replica.broken" | "card.down" | "card.missing", _) => 1,
        _ => 0,
    }
}

/// What one wrong thing looks like from elsewhere: a card's low MTU loses large packets and is seen by its machine too, and a slower
/// uplink lowers the MTU of the switch it is put in.
fn is_seen_in(cause: &Symptom, symptom: &Symptom) -> bool {
    let parts = (cause.key.split_once(':'), symptom.key.split_once(':'));
    let (Some((cause_key, cause_network)), Some((key, network))) = parts else { return false };
    let low = cause_key == "mtu.low" && ["card.mtu", "packet.lost"].contains(&key);
    let uplink = cause_key == "network.uplink" && key == "mtu.low" && symptom.subject == cause.subject;
    (low || uplink) && cause_network == network
}

pub fn group(symptoms: Vec<Symptom>) -> Vec<Group> {
    let mut best: BTreeMap<&Subject, usize> = BTreeMap::new();
    for (i, symptom) in symptoms.iter().enumerate().filter(|(_, symptom)| reach(symptom) > 0) {
        let known = best.entry(&symptom.subject).or_insert(i);
        if reach(symptom) > reach(&symptoms[*known]) {
            *known = i;
        }
    }
    let cause = |symptom: &Symptom| {
        // When a certificate ends was settled on the day it was issued: a dead machine explains nothing of it.
        if symptom.key.starts_with("certificate.") {
            return None;
        }
        if let Some(seen) = symptoms.iter().position(|other| is_seen_in(other, symptom)) {
            return Some(seen);
        }
        // Nothing else makes it so, and what it is seen in may reach further than it.
        if symptom.key.starts_with("mtu.low:") {
            return None;
        }
        let named = std::iter::once(&symptom.subject).chain(&symptom.because);
        let causes = named.filter_map(|subject| best.get(subject).copied());
        // Of causes that reach equally far the one that began first; then the first by name, to be the same each second.
        let first = |i: &usize| {
            let found = &symptoms[*i];
            (std::cmp::Reverse(reach(found)), found.since.map_or(i64::MAX, crate::values::Moment::micros), found.identity())
        };
        causes.filter(|i| reach(&symptoms[*i]) > reach(symptom)).min_by_key(first)
    };
    let root_of: Vec<usize> = (0..symptoms.len())
        .map(|mut i| {
            while let Some(up) = cause(&symptoms[i]) {
                i = up;
            }
            i
        })
        .collect();
    drop(best);
    let mut groups: BTreeMap<usize, Group> = BTreeMap::new();
    for (i, symptom) in symptoms.iter().enumerate().filter(|(i, _)| root_of[*i] == *i) {
        groups.insert(i, Group { root: symptom.clone(), folded: Vec::new() });
    }
    for (i, symptom) in symptoms.into_iter().enumerate().filter(|(i, _)| root_of[*i] != *i) {
        if let Some(group) = groups.get_mut(&root_of[i]) {
            group.folded.push(symptom);
        }
    }
    groups.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::subject::Severity;

    fn symptom(key: &str, subject: &str, because: &[&str]) -> Symptom {
        let parse = |text: &str| text.parse().expect("a subject");
        Symptom::new(key, parse(subject), Severity::Bad, key).because(because.iter().map(|text| parse(text)))
    }

    fn told(groups: &[Group]) -> Vec<(String, Vec<String>)> {
        let name = |symptom: &Symptom| symptom.identity();
        groups.iter().map(|group| (name(&group.root), group.folded.iter().map(name).collect())).collect()
    }

    #[test]
    fn a_dead_proxy_is_one_alert_with_all_it_takes_along() {
        let groups = group(vec![
            symptom("asr.low", "traffic:all", &["machine:kamailio-01", "machine:asterisk-01"]),
            symptom("address.moved", "cluster:proxies", &["machine:kamailio-01"]),
            symptom("dmq.lost", "machine:kamailio-02", &["machine:kamailio-01"]),
            symptom("service.away", "machine:kamailio-01", &[]),
            symptom("machine.away", "machine:kamailio-01", &["host:lab"]),
        ]);
        let folded = [
            "asr.low@traffic:all",
            "address.moved@cluster:proxies",
            "dmq.lost@machine:kamailio-02",
            "service.away@machine:kamailio-01",
        ];
        assert_eq!(told(&groups), [("machine.away@machine:kamailio-01".into(), folded.map(String::from).to_vec())]);
    }

    #[test]
    fn a_host_takes_its_machines_and_what_hangs_on_them() {
        let groups = group(vec![
            symptom("replica.broken", "machine:mariadb-02", &["machine:mariadb-01"]),
            symptom("machine.away", "machine:mariadb-01", &["host:esx-1"]),
            symptom("host.away", "host:esx-1", &[]),
        ]);
        assert_eq!(groups.len(), 1);
        assert_eq!((groups[0].root.key.as_str(), groups[0].folded.len()), ("host.away", 2));
    }

    #[test]
    fn a_low_mtu_is_one_alert_wherever_it_is_seen() {
        let groups = group(vec![
            symptom("packet.lost:sync", "network:sync", &["machine:mariadb-02"]),
            symptom("card.mtu:sync", "machine:mariadb-02", &[]),
            symptom("mtu.low:sync", "machine:mariadb-02", &[]),
            symptom("replica.broken", "machine:mariadb-02", &["network:sync"]),
            symptom("packet.lost:data", "network:data", &[]),
        ]);
        let roots: Vec<&str> = groups.iter().map(|group| group.root.key.as_str()).collect();
        assert_eq!(roots, ["mtu.low:sync", "packet.lost:data"]);
        let groups =
            group(vec![symptom("mtu.low:voice", "network:voice", &[]), symptom("network.uplink:voice", "network:voice", &[])]);
        assert_eq!(told(&groups), [("network.uplink:voice@network:voice".into(), vec!["mtu.low:voice@network:voice".into()])]);
    }

    #[test]
    fn two_that_could_explain_each_other_stay_two_and_strangers_stay_apart() {
        let groups = group(vec![
            symptom("machine.away", "machine:a", &["machine:b"]),
            symptom("machine.away", "machine:b", &["machine:a"]),
            symptom("disk.full:/", "machine:c", &["machine:d"]),
        ]);
        assert_eq!(groups.len(), 3);
    }

    #[test]
    fn a_broken_carrier_explains_its_answer_ratio() {
        let groups =
            group(vec![symptom("asr.low", "carrier:a", &["machine:kamailio-01"]), symptom("carrier.away", "carrier:a", &[])]);
        assert_eq!(told(&groups), [("carrier.away@carrier:a".into(), vec!["asr.low@carrier:a".into()])]);
    }
}
