//! Certificates: what is told of them, and what is frozen while they are not seen.

use super::*;

const DAY: Duration = Duration::from_secs(86_400);

fn place(name: &str, owner: Owner) -> Place {
    Place { name: name.into(), owner, host: "noc.example.net".into(), port: 443, server_name: Some("noc.example.net".into()) }
}

fn facts(valid_until: Moment) -> CertificateFacts {
    CertificateFacts {
        valid_from: NOW.minus(DAY),
        valid_until,
        names: vec!["www.example.net".into()],
        issuer: "CN=test".into(),
        is_for_name: true,
    }
}

impl Scene {
    fn certificate(mut self, place: Place, seen: Seen<CertificateFacts>) -> Self {
        self.world.certificates.insert(place.name.clone(), seen);
        self.certificates.push(place);
        self
    }
}

#[test]
fn a_certificate_is_told_of_before_it_ends() {
    for (days, expected) in [(22, None), (21, Some("notice")), (8, Some("notice")), (7, Some("bad")), (0, Some("bad"))] {
        let scene = Scene::default().certificate(place("staff door", Owner::Panel), fresh(facts(NOW.plus(DAY * days))));
        let expected: Vec<String> =
            expected.iter().map(|word| format!("{word} certificate.ending:staff door@panel:wirecenter")).collect();
        assert_eq!(scene.told(), expected, "{days}");
    }
}

#[test]
fn one_that_is_not_valid_yet_or_for_another_name_is_told_with_what_it_is_for() {
    let late = CertificateFacts { valid_from: NOW.plus(DAY), is_for_name: false, ..facts(NOW.plus(DAY * 90)) };
    let scene = Scene::default().certificate(place("lab", Owner::Host("lab".into())), fresh(late));
    assert_eq!(scene.told(), ["bad certificate.early:lab@host:lab", "bad certificate.name:lab@host:lab"]);
    let symptoms = scene.symptoms();
    assert!(symptoms[1].sentence.contains("(noc.example.net:443) is not for noc.example.net"), "{}", symptoms[1].sentence);
    assert_eq!(symptoms[1].evidence, ["it is for www.example.net"]);
}

#[test]
fn each_place_is_frozen_by_itself_and_one_that_left_is_over() {
    let ended = || fresh(facts(NOW.minus(DAY)));
    let mut broken = ended();
    broken.failing = failing::<()>().failing;
    let mut old = ended();
    if let Some(last) = &mut old.last {
        last.observed_at = NOW.minus(Duration::from_secs(60));
    }
    let scene = Scene::default()
        .certificate(place("good", Owner::Panel), fresh(facts(NOW.plus(DAY * 90))))
        .certificate(place("broken", Owner::Panel), broken)
        .certificate(place("old", Owner::Panel), old)
        .certificate(place("never", Owner::Panel), Seen::new(3_600_000, NOW));
    assert_eq!(scene.told(), Vec::<String>::new(), "what is not seen now is not told anew");
    for (key, expected) in [
        ("certificate.ending:good", true),
        ("certificate.ending:broken", false),
        ("certificate.name:old", false),
        ("certificate.early:never", false),
        ("certificate.ending:sold", true),
    ] {
        assert_eq!(scene.look(|seen| can_judge(seen, key, &Subject::panel())), expected, "{key}");
    }
}

#[test]
fn the_death_of_its_machine_does_not_explain_it() {
    let scene = Scene::default()
        .certificate(place("sip", Owner::Declared(Some("kamailio-01".into()))), fresh(facts(NOW)))
        .find("kamailio-01", &[AWAY]);
    let keys: Vec<String> = scene.groups().iter().map(|group| group.root.identity()).collect();
    assert_eq!(keys, ["certificate.ending:sip@machine:kamailio-01", "machine.away@machine:kamailio-01"]);
}
