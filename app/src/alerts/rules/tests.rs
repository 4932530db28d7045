//! Observations → symptoms and groups, as tables.

use super::sight::{can_judge, is_declared};
use crate::{
    alerts::{
        group::{Group, group},
        rule::{NetworkSight, Observations, Resource, Symptom, Trend, VolumeFigures, VolumeSight, symptoms},
        subject::{Severity, Subject, SubjectKind},
    },
    fleet::{
        certificate::{Owner, Place},
        facts::{Card, CertificateFacts, DispatcherSet, DispatcherTarget, ProxyFacts, ShellFacts, TargetState},
        flows::Tries,
        inventory::Inventory,
        isolation::Violation,
        judge::{Finding, Judgement, MachineState},
        world::{Failing, MachineSeen, Seen, World},
    },
    values::{Moment, Observed, PortErrorKind},
};
use std::{collections::BTreeMap, time::Duration};

const NOW: Moment = Moment::from_seconds(1_780_000_000);

fn inventory() -> Inventory {
    let machine = |name: &str, role: &str, number: u8, networks: &[&str]| serde_json::json!({ "name": name, "role": role, "host": "lab", "number": number, "networks": networks });
    let network = |subnet: &str| serde_json::json!({ "subnet": subnet, "mtu": 9000, "uplink": "forbidden" });
    serde_json::from_value(serde_json::json!({
        "name": "test",
        "networks": { "External": network("203.0.113.0/24"), "Voice": network("10.10.10.0/24"), "Data": network("10.20.20.0/24") },
        "machines": [
            machine("kamailio-01", "kamailio", 11, &["External", "Voice"]),
            machine("kamailio-02", "kamailio", 12, &["External", "Voice"]),
            machine("asterisk-01", "asterisk", 21, &["Voice", "Data"]),
            machine("asterisk-02", "asterisk", 22, &["Voice", "Data"]),
            machine("mariadb-01", "mariadb", 41, &["Data"]),
            machine("mariadb-02", "mariadb", 42, &["Data"]),
        ],
        "clusters": {
            "proxies": { "role": "kamailio", "members": ["kamailio-01", "kamailio-02"], "virtual_addresses": [
                { "network": "External", "address": "203.0.113.10", "prefers": "kamailio-01", "router_id": 10 }] },
            "databases": { "role": "mariadb", "members": ["mariadb-01", "mariadb-02"], "primary": "mariadb-01" },
        },
        "hosts": [{ "name": "lab", "kind": "lab", "management": "10.40.40.1" }],
        "carriers": [{ "name": "carrier-a", "set": 101, "priority": 1, "trunks": ["203.0.113.101:5060"] }],
    }))
    .expect("an inventory")
}

#[derive(Default)]
struct Scene {
    world: World,
    judgements: Vec<Judgement>,
    blind_since: Option<Moment>,
    isolation: Vec<NetworkSight>,
    volume: Vec<VolumeSight>,
    certificates: Vec<Place>,
    trends: Vec<Trend>,
    tries: BTreeMap<String, Tries>,
    sources: Vec<crate::calls::sources::RecordSource>,
}

impl Scene {
    fn look<T>(&self, ask: impl FnOnce(&Observations<'_>) -> T) -> T {
        let inventory = inventory();
        ask(&Observations {
            inventory: &inventory,
            world: &self.world,
            judgements: &self.judgements,
            blind_since: self.blind_since,
            isolation: &self.isolation,
            volume: &self.volume,
            certificates: &self.certificates,
            trends: &self.trends,
            tries: &self.tries,
            sources: &self.sources,
            now: NOW,
        })
    }

    fn symptoms(&self) -> Vec<Symptom> {
        self.look(symptoms)
    }

    fn told(&self) -> Vec<String> {
        self.symptoms().iter().map(|symptom| format!("{} {}", symptom.severity.name(), symptom.identity())).collect()
    }

    fn groups(&self) -> Vec<Group> {
        group(self.symptoms())
    }

    fn find(mut self, machine: &str, findings: &[(&str, MachineState, &str)]) -> Self {
        let finding = |(key, severity, message): &(&str, MachineState, &str)| Finding {
            key: (*key).into(),
            severity: *severity,
            message: (*message).into(),
            evidence: String::new(),
            since: None,
        };
        let findings: Vec<Finding> = findings.iter().map(finding).collect();
        let state = findings.iter().map(|finding| finding.severity).max().unwrap_or(MachineState::Good);
        self.judgements.push(Judgement { name: machine.into(), state, observed_at: None, findings });
        self
    }

    fn shell(mut self, machine: &str, addresses: &[&str]) -> Self {
        let addresses = addresses.iter().map(|address| (address.parse().expect("an address"), 24)).collect();
        let card = Card { name: "eth0".into(), mac: "02:00:00:00:00:01".into(), mtu: 9_000, up: true, addresses };
        let facts = ShellFacts { cards: vec![card], ..ShellFacts::default() };
        self.seen(machine).shell = Some(fresh(facts));
        self
    }

    fn proxy(mut self, machine: &str, targets: &[(u32, &str, TargetState)]) -> Self {
        let set = |(id, uri, state): &(u32, &str, TargetState)| DispatcherSet {
            id: *id,
            targets: vec![DispatcherTarget { uri: (*uri).into(), state: *state, priority: 0, round_trip_ms: None }],
        };
        let facts = ProxyFacts { sets: targets.iter().map(set).collect(), ..ProxyFacts::default() };
        self.seen(machine).proxy = Some(fresh(facts));
        self
    }

    fn seen(&mut self, machine: &str) -> &mut MachineSeen {
        self.world.machines.entry(machine.into()).or_default()
    }
}

fn fresh<T>(value: T) -> Seen<T> {
    let last = Some(Observed { value, observed_at: NOW.minus(Duration::from_secs(1)), every_ms: 2_000 });
    Seen { last, failing: None, every_ms: 2_000, watched_since: Moment::EPOCH }
}

fn failing<T>() -> Seen<T> {
    let failing = Failing { since: NOW, kind: PortErrorKind::TimedOut, why: "no answer within 2 s".into(), times: 3 };
    Seen { last: None, failing: Some(failing), every_ms: 2_000, watched_since: Moment::EPOCH }
}

mod certificates;
mod inventory;
mod records;

const AWAY: (&str, MachineState, &str) = ("machine.away", MachineState::Bad, "It does not answer.");

#[test]
fn what_the_judges_find_becomes_a_symptom_by_its_severity() {
    use MachineState::{Bad, Busy, Notice, Unknown};
    for (key, severity, expected) in [
        ("replica.broken", Bad, Some("bad")),
        ("semi-sync.off", Notice, Some("notice")),
        ("machine.unknown", Unknown, Some("notice")),
        ("machine.new", Unknown, None),
        ("clone.running", Busy, None),
    ] {
        let told = Scene::default().find("mariadb-02", &[(key, severity, "x")]).told();
        let expected: Vec<String> = expected.iter().map(|word| format!("{word} {key}@machine:mariadb-02")).collect();
        assert_eq!(told, expected, "{key}");
    }
}

#[test]
fn a_dead_primary_explains_its_replica_and_a_dead_replica_the_lost_semi_sync() {
    let scene = Scene::default().find("mariadb-01", &[AWAY]).find(
        "mariadb-02",
        &[("replica.broken", MachineState::Bad, "MariaDB on mariadb-02 does not receive what 10.20.20.41 writes.")],
    );
    let groups = scene.groups();
    assert_eq!((groups.len(), groups[0].root.identity().as_str()), (1, "machine.away@machine:mariadb-01"));
    let scene = Scene::default()
        .find("mariadb-02", &[AWAY])
        .find("mariadb-01", &[("semi-sync.off", MachineState::Notice, "Commits on mariadb-01 wait for no replica.")]);
    assert_eq!(scene.groups().len(), 1);
    assert_eq!(Scene::default().find("mariadb-01", &[AWAY]).find("asterisk-01", &[AWAY]).groups().len(), 2, "strangers");
}

#[test]
fn a_dead_pbx_is_one_alert_whoever_misses_it() {
    let inactive = [(1, "sip:10.10.10.21:5060", TargetState::Inactive)];
    let scene = Scene::default().proxy("kamailio-01", &inactive).proxy("kamailio-02", &inactive);
    assert_eq!(scene.told(), ["bad dispatcher.inactive@machine:asterisk-01"]);
    let scene = scene.find("asterisk-01", &[AWAY]).find("kamailio-01", &[("dispatcher.inactive:1", MachineState::Notice, "x")]);
    let groups = scene.groups();
    assert_eq!((groups.len(), groups[0].root.key.as_str(), groups[0].folded.len()), (1, "machine.away", 1));
}

#[test]
fn what_one_proxy_misses_may_be_that_proxy() {
    let scene = Scene::default()
        .proxy("kamailio-01", &[(1, "sip:10.10.10.21:5060", TargetState::Inactive)])
        .proxy("kamailio-02", &[(1, "sip:10.10.10.21:5060", TargetState::Active)])
        .find("kamailio-01", &[("service.away", MachineState::Bad, "Kamailio on kamailio-01 does not answer.")]);
    let groups = scene.groups();
    assert_eq!((groups.len(), groups[0].root.key.as_str()), (1, "service.away"));
    assert_eq!(groups[0].folded[0].severity, Severity::Notice, "the other proxy still sends calls there");
}

#[test]
fn a_target_that_a_person_took_out_is_no_alert() {
    let disabled = [(1, "sip:10.10.10.21:5060", TargetState::Disabled)];
    assert_eq!(Scene::default().proxy("kamailio-01", &disabled).told(), Vec::<String>::new());
}

#[test]
fn a_carrier_that_no_proxy_reaches_is_away_and_explains_its_trunks_and_ratios() {
    let dead = [(101, "sip:203.0.113.101:5060", TargetState::Inactive)];
    let mut scene = Scene::default().proxy("kamailio-01", &dead).proxy("kamailio-02", &dead);
    scene.volume = vec![volume(SubjectKind::Carrier, "carrier-a", 5.0, &[50.0, 51.0, 49.0])];
    let groups = scene.groups();
    assert_eq!((groups.len(), groups[0].root.identity().as_str()), (1, "carrier.away@carrier:carrier-a"));
    assert_eq!(groups[0].folded.len(), 2, "{groups:?}");
    let half = scene.proxy("kamailio-02", &[(101, "sip:203.0.113.101:5060", TargetState::Active)]);
    assert!(half.told().iter().all(|line| !line.contains("carrier.away")), "{:?}", half.told());
}

#[test]
fn a_carrier_that_refuses_everything_explains_its_ratios_until_it_takes_a_call() {
    let mut scene = Scene { volume: vec![volume(SubjectKind::Carrier, "carrier-a", 5.0, &[50.0, 51.0, 49.0])], ..Scene::default() };
    let subject: Subject = "carrier:carrier-a".parse().expect("a subject");
    assert!(!scene.look(|seen| can_judge(seen, "carrier.failing", &subject)), "nobody has tried it yet");
    let tries = scene.tries.entry("carrier-a".into()).or_default();
    tries.note(&[(503, 20), (403, 4)].into(), NOW.minus(Duration::from_secs(30)));
    let groups = scene.groups();
    assert_eq!((groups.len(), groups[0].root.identity().as_str()), (1, "carrier.failing@carrier:carrier-a"));
    assert_eq!(groups[0].root.since, Some(NOW.minus(Duration::from_secs(30))));
    assert_eq!(
        groups[0].root.sentence,
        "carrier-a refused the last 24 calls sent to it: they go to the other carriers. Call carrier-a."
    );
    assert!(groups[0].root.evidence[0].starts_with("4 × SIP 403"), "{groups:?}");
    scene.tries.entry("carrier-a".into()).or_default().note(&[(200, 1)].into(), NOW);
    assert!(scene.told().iter().all(|line| !line.contains("carrier.failing")), "{:?}", scene.told());
    assert!(scene.look(|seen| can_judge(seen, "carrier.failing", &subject)), "it took one");
}

#[test]
fn a_virtual_address_stands_on_one_machine() {
    let vip = "203.0.113.10";
    for (first, second, expected) in [
        (vec![vip], vec![], vec![]),
        (vec![], vec![vip], vec!["notice address.moved:203.0.113.10@cluster:proxies"]),
        (vec![vip], vec![vip], vec!["bad address.twice:203.0.113.10@cluster:proxies"]),
        (vec![], vec![], vec!["bad address.nowhere:203.0.113.10@cluster:proxies"]),
    ] {
        let scene = Scene::default().shell("kamailio-01", &first).shell("kamailio-02", &second);
        assert_eq!(scene.told(), expected, "{first:?} {second:?}");
    }
    assert_eq!(Scene::default().shell("kamailio-02", &[]).told(), Vec::<String>::new(), "who was not looked at may hold it");
    let dead = Scene::default().shell("kamailio-02", &[vip]).find("kamailio-01", &[AWAY]);
    assert_eq!(dead.groups().len(), 1, "the address moved because its machine died: {:?}", dead.told());
}

fn volume(kind: SubjectKind, name: &str, asr: f64, weeks: &[f64]) -> VolumeSight {
    let figures = |asr: f64| VolumeFigures { attempts: 500, asr_percent: Some(asr), ..VolumeFigures::default() };
    VolumeSight {
        subject: Subject::new(kind, name),
        now: figures(asr),
        usual: weeks.iter().map(|asr| figures(*asr)).collect(),
        from: NOW,
        until: NOW,
    }
}

#[test]
fn a_ratio_is_held_against_the_same_hour_of_past_weeks() {
    for (asr, weeks, expected) in [
        (48.0, vec![50.0, 51.0, 49.0], None),
        (35.0, vec![50.0, 51.0, 49.0], Some("notice")),
        (10.0, vec![50.0, 51.0, 49.0], Some("bad")),
        (90.0, vec![50.0, 51.0, 49.0], None),
        (10.0, vec![50.0, 51.0], None),
        (30.0, vec![20.0, 80.0, 50.0, 65.0], None),
    ] {
        let scene = Scene { volume: vec![volume(SubjectKind::Traffic, "all", asr, &weeks)], ..Scene::default() };
        let expected: Vec<String> = expected.iter().map(|word| format!("{word} asr.low@traffic:all")).collect();
        assert_eq!(scene.told(), expected, "{asr} {weeks:?}");
    }
    // Of sixty calls to a destination that answers half of them twenty answered may be chance; two may not.
    for (asr, expected) in [(33.0, 0), (3.0, 1)] {
        let mut night = volume(SubjectKind::Traffic, "all", asr, &[50.0, 51.0, 49.0]);
        night.now.attempts = 60;
        assert_eq!(Scene { volume: vec![night], ..Scene::default() }.told().len(), expected, "{asr}");
    }
    let mut few = volume(SubjectKind::Traffic, "all", 5.0, &[50.0, 51.0, 49.0]);
    few.now.attempts = 20;
    assert_eq!(Scene { volume: vec![few], ..Scene::default() }.told(), Vec::<String>::new(), "twenty attempts say nothing");
}

#[test]
fn silence_where_calls_should_be_is_bad_and_a_dead_proxy_explains_it() {
    let rate = |cps: f64, attempts: u64| VolumeFigures { attempts, cps: Some(cps), ..VolumeFigures::default() };
    let sight = |cps: f64| VolumeSight {
        subject: Subject::new(SubjectKind::Traffic, "all"),
        now: rate(cps, 0),
        usual: vec![rate(10.0, 600), rate(11.0, 660), rate(9.0, 540)],
        from: NOW,
        until: NOW,
    };
    for (cps, expected) in [
        (0.0, vec!["bad cps.low@traffic:all"]),
        (3.0, vec!["notice cps.low@traffic:all"]),
        (9.5, vec![]),
        (25.0, vec!["notice cps.high@traffic:all"]),
    ] {
        assert_eq!(Scene { volume: vec![sight(cps)], ..Scene::default() }.told(), expected, "{cps}");
    }
    let scene = Scene { volume: vec![sight(0.0)], ..Scene::default() }.find("kamailio-01", &[AWAY]);
    assert_eq!(scene.groups().len(), 1);
}

#[test]
fn a_blind_panel_says_only_that() {
    let mut scene = Scene::default().find("kamailio-01", &[AWAY]).find("mariadb-01", &[AWAY]);
    scene.seen("kamailio-01").shell = Some(failing());
    scene.blind_since = Some(NOW);
    assert_eq!(scene.told(), ["bad panel.blind@panel:wirecenter"]);
    assert_eq!(scene.symptoms()[0].evidence, ["no answer within 2 s"]);
}

#[test]
fn a_violated_network_tells_of_whom_it_is_about() {
    let violation = |key: &str, subject: &str| Violation {
        key: key.into(),
        subject: subject.into(),
        sentence: "Wrong.".into(),
        evidence: "seen\nby two".into(),
        because: vec![],
    };
    let violations = vec![violation("network.uplink", "Voice"), violation("machine_id.duplicate", "asterisk-01, asterisk-02")];
    let scene = Scene { isolation: vec![NetworkSight { network: "Voice".into(), known: true, violations }], ..Scene::default() };
    assert_eq!(
        scene.told(),
        ["bad machine_id.duplicate:asterisk-02@machine:asterisk-01", "bad network.uplink:Voice@network:Voice"]
    );
    assert_eq!(scene.symptoms()[0].evidence, ["seen", "by two"]);
}

#[test]
fn twins_are_one_alert_where_no_isolation_proof_tells_of_them() {
    let scene = Scene::default()
        .find("asterisk-01", &[("identity.machine-id:asterisk-02", MachineState::Bad, "Both are the same.")])
        .find("asterisk-02", &[("identity.machine-id:asterisk-01", MachineState::Bad, "Both are the same.")]);
    assert_eq!(scene.told(), ["bad identity.machine-id:asterisk-02@machine:asterisk-01"]);
}

#[test]
fn a_disk_that_fills_is_told_before_it_is_full() {
    let trend = |per_minute: f64, used: f64| {
        let start = NOW.minus(Duration::from_secs(30 * 60));
        let points =
            (0..=30u32).map(|m| (start.plus(Duration::from_secs(60) * m), used - per_minute * f64::from(30 - m))).collect();
        Scene { trends: vec![Trend { machine: "mariadb-01".into(), what: Resource::Disk("/".into()), points }], ..Scene::default() }
    };
    let key = "disk.filling:/@machine:mariadb-01";
    assert_eq!(trend(0.005, 0.8).told(), [format!("bad {key}")]);
    assert_eq!(trend(0.001, 0.7).told(), [format!("notice {key}")]);
    assert_eq!(trend(0.0001, 0.7).told(), Vec::<String>::new());
    assert_eq!(trend(0.005, 0.3).told(), Vec::<String>::new(), "half empty");
}

#[test]
fn a_rule_that_cannot_see_ends_nothing() {
    let machine = Subject::machine("kamailio-01");
    let judges = |scene: &Scene, key: &str, subject: &Subject| scene.look(|seen| can_judge(seen, key, subject));
    let dark = Scene::default();
    for key in ["machine.away", "disk.full:/", "clock.off", "disk.filling:/", "network.uplink:Voice"] {
        assert!(!judges(&dark, key, &machine), "{key} with nothing seen");
    }
    let lit = Scene::default().shell("kamailio-01", &[]).find("kamailio-01", &[]);
    for key in ["machine.away", "disk.full:/", "clock.off"] {
        assert!(judges(&lit, key, &machine), "{key} with everything seen");
    }
    assert!(judges(&dark, "machine.away", &Subject::machine("sold-01")), "what is no longer declared is over");
    let blind = Scene { blind_since: Some(NOW), ..lit };
    assert!(!judges(&blind, "machine.away", &machine) && judges(&blind, "panel.blind", &Subject::panel()));
}

#[test]
fn a_host_that_is_silent_with_its_machines_takes_them_along() {
    let mut scene = Scene::default().find("kamailio-01", &[AWAY]).find("mariadb-01", &[AWAY]);
    scene.world.hosts.insert("lab".into(), failing());
    let groups = scene.groups();
    assert_eq!((groups.len(), groups[0].root.key.as_str(), groups[0].folded.len()), (1, "host.away", 2));
    let mut alone = Scene::default().find("kamailio-01", &[]);
    alone.world.hosts.insert("lab".into(), failing());
    assert_eq!(alone.told(), ["notice host.away@host:lab"]);
}

#[test]
fn what_is_in_the_inventory_is_known_by_its_kind() {
    for (key, subject, expected) in [
        ("machine.away", "machine:kamailio-01", true),
        ("machine.away", "machine:sold-01", false),
        ("host.away", "host:lab", true),
        ("host.away", "host:sold", false),
        ("network.uplink:Voice", "network:Voice", true),
        ("network.uplink:Sold", "network:Sold", false),
        ("address.moved:203.0.113.10", "cluster:proxies", true),
        ("address.moved:203.0.113.10", "cluster:sold", false),
        ("carrier.away", "carrier:carrier-a", true),
        ("carrier.away", "carrier:carrier-z", false),
        ("dispatcher.inactive:sip:203.0.113.9:5060", "carrier:carrier-z", false),
        // Its calls are known from records, whatever the file says.
        ("asr.low", "carrier:carrier-z", true),
        ("asr.low", "customer:acme", true),
        ("cps.low", "traffic:all", true),
        ("panel.blind", "panel:wirecenter", true),
    ] {
        let subject: Subject = subject.parse().expect("a subject");
        assert_eq!(Scene::default().look(|seen| is_declared(seen, key, &subject)), expected, "{key} {subject}");
    }
}
