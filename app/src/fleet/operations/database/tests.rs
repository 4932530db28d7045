//! Clusters in every condition, and what a plan says of them.

use super::*;
use crate::{
    fleet::facts::{DatabaseFacts, Power, Replication, SemiSync, ServerFacts},
    operations::plan::{Preflight, Verdict},
    values::{PortError, PortErrorKind},
};
use OperationKind::{FailOverDatabase, RejoinDatabase, SwitchOverDatabase};

fn inventory() -> Inventory {
    let machine = |name: &str, role: &str, number: u8| serde_json::json!({ "name": name, "role": role, "host": "host-01", "number": number, "networks": ["data", "sync"] });
    let network = |subnet: &str| serde_json::json!({ "subnet": subnet, "mtu": 9000, "uplink": "forbidden" });
    serde_json::from_value(serde_json::json!({
        "name": "test",
        "networks": { "data": network("10.20.20.0/24"), "sync": network("10.30.30.0/24") },
        "hosts": [{ "name": "host-01", "kind": "lab", "management": "10.40.40.1" }],
        "machines": [
            machine("mariadb-01", "mariadb", 41), machine("mariadb-02", "mariadb", 42), machine("mariadb-03", "mariadb", 43),
            machine("billing-01", "billing", 31), machine("kamailio-01", "kamailio", 11),
        ],
        "endpoints": {}, "credentials": {}, "carriers": [], "customers": [],
        "clusters": { "database": {
            "role": "mariadb", "members": ["mariadb-01", "mariadb-02", "mariadb-03"], "primary": "mariadb-01",
            "writer": { "data": "10.20.20.40", "sync": "10.30.30.40" },
        } },
    }))
    .expect("an inventory")
}

fn settings(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

fn change(kind: OperationKind, pairs: &[(&str, &str)]) -> DatabaseChange {
    let subject = if kind == RejoinDatabase { "mariadb-01" } else { "database" };
    DatabaseChange::new(&inventory(), kind, subject, &settings(pairs)).expect("it is known")
}

fn silence() -> PortError {
    PortError::new("mariadb-01", "look", PortErrorKind::TimedOut, "no answer")
}

fn node(name: &str, sequence: u64, follows: Option<&str>) -> NodeSeen {
    let at = format!("0-41-{sequence}");
    let replication = follows.map(|source| Replication {
        source_host: source.into(),
        io_running: true,
        sql_running: true,
        gtid_io: at.clone(),
        ..Replication::default()
    });
    let number = 40 + name.bytes().last().map_or(0, |digit| u64::from(digit - b'0'));
    let database = DatabaseFacts {
        version: "10.11.9-MariaDB".into(),
        server_id: number,
        hostname: name.into(),
        read_only: follows.is_some(),
        log_bin: true,
        log_slave_updates: true,
        gtid_strict: true,
        gtid_binlog: at.clone(),
        gtid_slave: if follows.is_some() { at.clone() } else { String::new() },
        gtid_binlog_state: at,
        replication,
        semi_sync: SemiSync { primary_active: follows.is_none(), replicas: u64::from(follows.is_none()), ..SemiSync::default() },
        heartbeat_age_ms: Some(400),
        ..DatabaseFacts::default()
    };
    let server = ServerFacts { disk_size_bytes: 10 << 30, disk_free_bytes: 5 << 30, ..ServerFacts::default() };
    NodeSeen { database: Ok(database), server: Ok(server), clock_offset_ms: Some(3) }
}

/// All is well: the first is primary, the others follow it, everybody gets everywhere.
fn well() -> DatabaseSeen {
    let nodes = [("mariadb-01", 100, None), ("mariadb-02", 99, Some("10.30.30.41")), ("mariadb-03", 100, Some("10.30.30.41"))];
    let names = ["mariadb-01", "mariadb-02", "mariadb-03"];
    let client = |machine: &str| ClientSeen {
        machine: machine.into(),
        at_writer: Ok(()),
        at_members: names.map(|name| (name.to_string(), Ok(()))).into(),
    };
    let own = ["lock", "cool_down", "without_database"].map(|name| Preflight::new(name, Verdict::Pass, "It is so."));
    DatabaseSeen {
        nodes: nodes.map(|(name, sequence, follows)| (name.to_string(), node(name, sequence, follows))).into(),
        clients: vec![client("billing-01"), client("kamailio-01")],
        power: names.map(|name| (name.to_string(), Ok(Power::On))).into(),
        own: own.into(),
        ..DatabaseSeen::default()
    }
}

/// The primary does not answer anybody.
fn gone() -> DatabaseSeen {
    let mut seen = well();
    seen.nodes.insert("mariadb-01".into(), NodeSeen { database: Err(silence()), server: Err(silence()), clock_offset_ms: None });
    seen.beat = Some(Err("no answer".into()));
    let witness = |machine: &str| Witness { machine: machine.into(), wrote: Err("no answer".into()) };
    seen.witnesses = vec![witness("billing-01"), witness("kamailio-01")];
    seen.was_safe = Some(true);
    seen
}

fn database<'a>(seen: &'a mut DatabaseSeen, name: &str) -> &'a mut DatabaseFacts {
    seen.nodes.get_mut(name).expect("a node").database.as_mut().expect("it answers")
}

/// The verdict of one question.
fn verdict(kind: OperationKind, pairs: &[(&str, &str)], seen: &DatabaseSeen, name: &str) -> (Verdict, String) {
    let plan = change(kind, pairs).plan(&settings(pairs), seen);
    let found = plan.preflights.iter().find(|one| one.name == name).unwrap_or_else(|| panic!("{name} in {plan:#?}"));
    (found.verdict, found.evidence.clone())
}

#[test]
fn what_is_well_is_switched_over_to_the_farthest_and_what_is_gone_failed_over() {
    for (kind, seen) in [(SwitchOverDatabase, well()), (FailOverDatabase, gone())] {
        let plan = change(kind, &[]).plan(&BTreeMap::new(), &seen);
        assert_eq!(plan.preflights.len(), 17, "{kind}");
        assert_eq!(plan.blocking().map(|one| &one.evidence).collect::<Vec<_>>(), Vec::<&String>::new(), "{kind}");
        assert_eq!(plan.settings.get(TARGET).map(String::as_str), Some("mariadb-03"), "{kind}: it has one transaction more");
        assert_eq!(plan.point_of_no_return().and_then(|at| plan.steps.get(at)).map(|step| step.name.as_str()), Some("promote"));
        assert!(plan.steps.iter().all(|step| DatabaseStep::find(&step.name).is_some()));
        let again = change(kind, &[(TARGET, "mariadb-03")]).plan(&settings(&[(TARGET, "mariadb-03")]), &seen);
        assert_eq!(plan.fingerprint(), again.fingerprint(), "what was chosen is what would have been said");
    }
    let fenced = change(FailOverDatabase, &[]).plan(&BTreeMap::new(), &gone());
    let names: Vec<&str> = fenced.steps.iter().map(|step| step.name.as_str()).collect();
    let at = |name: &str| names.iter().position(|step| *step == name).expect(name);
    assert!(at("fence") < at("promote") && at("confirm_gone") < at("fence"));
}

type Wound = fn(&mut DatabaseSeen);

#[test]
fn each_thing_that_is_wrong_stops_a_switchover_with_its_own_question() {
    let wounds: [(&str, Wound, &str); 15] = [
        ("identity", |seen| database(seen, "mariadb-02").read_only = false, "Several take writes"),
        ("identity", |seen| database(seen, "mariadb-02").server_id = 41, "same server_id"),
        ("identity", |seen| database(seen, "mariadb-02").hostname = "other".into(), "Not who they should be"),
        ("identity", |seen| database(seen, "mariadb-01").read_only = true, "Nobody takes writes"),
        ("gtid", |seen| database(seen, "mariadb-02").gtid_strict = false, "not strict"),
        ("gtid", |seen| database(seen, "mariadb-03").gtid_domain = 7, "several domains"),
        ("errant", |seen| database(seen, "mariadb-03").gtid_binlog_state = "0-41-100,0-43-5".into(), "Only the target has 0-43-5"),
        ("lag", |seen| database(seen, "mariadb-03").heartbeat_age_ms = Some(2_500), "2100 ms behind"),
        ("configuration", |seen| database(seen, "mariadb-03").log_slave_updates = false, "log_slave_updates=OFF"),
        ("configuration", |seen| database(seen, "mariadb-03").version = "10.6.1-MariaDB".into(), "older than the primary"),
        ("sessions", |seen| database(seen, "mariadb-01").longest_transaction_s = Some(60), "open on the primary for 60 s"),
        ("clients", |seen| seen.clients[0].at_writer = Err("refused".into()), "without_clients=billing-01"),
        ("clients", |seen| drop(seen.clients[1].at_members.insert("mariadb-03".into(), Err("denied".into()))), "kamailio-01"),
        ("clocks", |seen| seen.nodes.get_mut("mariadb-02").expect("a node").clock_offset_ms = Some(-60_000), "-60000 ms"),
        (
            "replication",
            |seen| {
                let replication = database(seen, "mariadb-03").replication.as_mut().expect("it follows");
                (replication.sql_running, replication.sql_error) = (false, Some("duplicate key".into()));
            },
            "duplicate key",
        ),
    ];
    for (name, wound, said) in wounds {
        let mut seen = well();
        wound(&mut seen);
        // Where the farthest is not fit, another is; the question is about the one that was asked for.
        let (verdict, evidence) = verdict(SwitchOverDatabase, &[(TARGET, "mariadb-03")], &seen, name);
        assert!(verdict == Verdict::Block && evidence.contains(said), "{name}: {verdict:?} {evidence}");
    }
}

#[test]
fn what_only_makes_it_less_certain_is_a_warning() {
    let wounds: [(&str, Wound); 4] = [
        ("semi_sync", |seen| database(seen, "mariadb-01").semi_sync.primary_active = false),
        ("sessions", |seen| database(seen, "mariadb-01").privileged = vec!["root@localhost".into()]),
        ("clocks", |seen| seen.nodes.get_mut("mariadb-02").expect("a node").clock_offset_ms = Some(700)),
        ("backup", |_| {}),
    ];
    for (name, wound) in wounds {
        let mut seen = well();
        wound(&mut seen);
        assert_eq!(verdict(SwitchOverDatabase, &[], &seen, name).0, Verdict::Warn, "{name}");
    }
    let mut seen = well();
    seen.nodes.get_mut("mariadb-02").expect("a node").server.as_mut().expect("it answers").backup_age_s = Some(3_600);
    assert_eq!(
        verdict(SwitchOverDatabase, &[], &seen, "backup"),
        (Verdict::Pass, "The newest backup, on mariadb-02, is 1 h old.".into())
    );
}

#[test]
fn a_failover_needs_others_who_agree_and_a_fence() {
    let with = |wound: Wound, name: &str| {
        let mut seen = gone();
        wound(&mut seen);
        verdict(FailOverDatabase, &[], &seen, name)
    };
    let (said, evidence) = with(|seen| seen.witnesses[1].wrote = Ok(()), "second_observer");
    assert!(said == Verdict::Block && evidence.contains("kamailio-01 can write to the primary"), "{evidence}");
    let (said, evidence) = with(|seen| seen.witnesses.clear(), "second_observer");
    assert!(said == Verdict::Block && evidence.contains("it may be the panel that is cut off"), "{evidence}");
    let off: Wound = |seen| {
        seen.witnesses.clear();
        seen.power.insert("mariadb-01".into(), Ok(Power::Off));
    };
    assert_eq!(with(off, "second_observer").0, Verdict::Pass, "its hypervisor agrees");
    assert_eq!(with(|seen| drop(seen.power.insert("mariadb-01".into(), Err(silence()))), "fencing").0, Verdict::Block);
    assert_eq!(with(|seen| seen.was_safe = Some(false), "semi_sync").0, Verdict::Warn, "a person may decide to lose something");
    assert_eq!(with(|seen| database(seen, "mariadb-03").heartbeat_age_ms = Some(31_000), "lag").0, Verdict::Warn);
}

#[test]
fn by_itself_it_needs_more() {
    let automatic = [(AUTOMATIC, "yes")];
    let blocked = |wound: Wound| {
        let mut seen = gone();
        wound(&mut seen);
        let plan = change(FailOverDatabase, &automatic).plan(&settings(&automatic), &seen);
        plan.blocking().map(|one| one.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(blocked(|_| {}), Vec::<String>::new());
    assert_eq!(blocked(|seen| drop(seen.witnesses.pop())), ["second_observer"]);
    assert_eq!(blocked(|seen| seen.was_safe = None), ["semi_sync"]);
    assert_eq!(blocked(|seen| drop(seen.power.insert("mariadb-01".into(), Ok(Power::Unknown)))), ["fencing"]);
}

#[test]
fn who_comes_back_shows_what_only_it_has() {
    let mut seen = well();
    let back = node("mariadb-01", 107, Some("10.30.30.42"));
    seen.nodes.insert("mariadb-01".into(), back);
    *database(&mut seen, "mariadb-02") = node("mariadb-02", 100, None).database.expect("it answers");
    let (said, evidence) = verdict(RejoinDatabase, &[], &seen, "errant");
    assert!(said == Verdict::Block && evidence.contains("0-41-107") && evidence.contains("errant=save_and_reseed"), "{evidence}");
    let reseed = [(ERRANT, "save_and_reseed")];
    assert_eq!(verdict(RejoinDatabase, &reseed, &seen, "errant").0, Verdict::Warn);
    let steps = |pairs: &[(&str, &str)]| change(RejoinDatabase, pairs).plan(&settings(pairs), &seen).steps;
    assert!(!steps(&[]).iter().any(|step| step.name == "reseed") && steps(&reseed).iter().any(|step| step.name == "reseed"));
    assert_eq!(verdict(RejoinDatabase, &[], &well(), "identity").0, Verdict::Block, "it takes writes itself");
}

#[test]
fn what_is_not_known_is_told_with_what_there_is() {
    let refused = |kind, subject: &str, pairs: &[(&str, &str)]| {
        DatabaseChange::new(&inventory(), kind, subject, &settings(pairs)).expect_err("it is wrong").to_string()
    };
    assert!(refused(SwitchOverDatabase, "mariadb-01", &[]).contains("There are: database."));
    assert!(refused(RejoinDatabase, "database", &[]).contains("mariadb-01, mariadb-02"));
    assert!(
        refused(SwitchOverDatabase, "database", &[(TARGET, "billing-01")]).contains("one of mariadb-01, mariadb-02, mariadb-03")
    );
    assert!(refused(SwitchOverDatabase, "database", &[(AUTOMATIC, "yes")]).contains("no setting \"automatic\""));
    assert!(refused(SwitchOverDatabase, "database", &[(KILL_TRANSACTIONS, "maybe")]).contains("yes or no"));
    assert!(refused(FailOverDatabase, "database", &[(WITHOUT_CLIENTS, "carrier-a")]).contains("of kamailio-01, billing-01"));
    let left_out = change(SwitchOverDatabase, &[(WITHOUT_CLIENTS, "kamailio-01")]);
    assert_eq!(left_out.clients.iter().map(|client| client.machine.as_str()).collect::<Vec<_>>(), ["billing-01"]);
}
