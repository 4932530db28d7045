//! Observations, and what is judged from them.

use super::*;
use crate::{
    fleet::{
        facts::{DatabaseFacts, DiskUse, Replication, ShellFacts},
        world::{MachineSeen, Seen},
    },
    values::{PortError, PortErrorKind},
};

const T0: i64 = 1_795_317_127;

fn at(seconds: i64) -> Moment {
    Moment::from_seconds(T0 + seconds)
}

fn inventory() -> Inventory {
    let machines = [
        ("mariadb-01", "mariadb", 41),
        ("mariadb-02", "mariadb", 42),
        ("billing-01", "billing", 31),
        ("billing-02", "billing", 32),
    ]
    .map(|(name, role, number)| serde_json::json!({ "name": name, "role": role, "host": "h", "number": number, "networks": [] }));
    serde_json::from_value(serde_json::json!({
        "name": "test", "networks": {}, "machines": machines,
        "clusters": { "database": { "role": "mariadb", "members": ["mariadb-01", "mariadb-02"], "primary": "mariadb-01" } },
    }))
    .expect("an inventory")
}

fn seen<T>(value: T) -> Option<Seen<T>> {
    let mut seen = Seen::new(2_000, at(0));
    seen.note(Ok(value), at(10));
    Some(seen)
}

fn failing<T>(kind: PortErrorKind, times: u32) -> Option<Seen<T>> {
    let mut seen = Seen::new(2_000, at(0));
    for i in 0..times {
        seen.note(Err(PortError::new("x 10.0.0.1:1", "look", kind, "no answer within 1 s")), at(9 + i64::from(i)));
    }
    Some(seen)
}

fn shell(name: &str) -> ShellFacts {
    ShellFacts { hostname: name.into(), machine_id: format!("id of {name}"), ..ShellFacts::default() }
}

fn whole(name: &str) -> MachineSeen {
    MachineSeen { shell: seen(shell(name)), ..MachineSeen::default() }
}

fn replica() -> DatabaseFacts {
    let replication =
        Replication { source_host: "10.30.30.41".into(), io_running: true, sql_running: true, ..Replication::default() };
    DatabaseFacts { read_only: true, replication: Some(replication), heartbeat_age_ms: Some(400), ..DatabaseFacts::default() }
}

fn world(changed: &[(&str, MachineSeen)]) -> World {
    let mut world = World::default();
    for name in ["mariadb-01", "mariadb-02", "billing-01", "billing-02"] {
        world.machines.insert(name.into(), whole(name));
    }
    for (name, seen) in changed {
        world.machines.insert((*name).into(), seen.clone());
    }
    world
}

fn of(world: &World, name: &str) -> (MachineState, Vec<String>) {
    let judged = judge_all(&inventory(), world, at(11)).into_iter().find(|judged| judged.name == name).expect("it is ours");
    (judged.state, judged.findings.into_iter().map(|finding| finding.key).collect())
}

#[test]
fn a_machine_that_tells_of_nothing_wrong_is_good() {
    assert_eq!(of(&world(&[]), "billing-01"), (MachineState::Good, vec![]));
}

#[test]
fn one_failed_look_is_no_verdict_and_two_are() {
    let once = MachineSeen { shell: failing(PortErrorKind::TimedOut, 1), ..MachineSeen::default() };
    assert_eq!(of(&world(&[("billing-01", once)]), "billing-01").0, MachineState::Good);
    let twice = MachineSeen { shell: failing(PortErrorKind::TimedOut, 2), ..MachineSeen::default() };
    assert_eq!(of(&world(&[("billing-01", twice)]), "billing-01"), (MachineState::Bad, vec!["machine.away".into()]));
}

#[test]
fn what_still_answers_tells_what_is_wrong() {
    let cases = [
        (MachineSeen { database: failing(PortErrorKind::TimedOut, 2), ..whole("mariadb-02") }, MachineState::Bad, "service.away"),
        (
            MachineSeen { database: failing(PortErrorKind::Denied, 2), ..whole("mariadb-02") },
            MachineState::Notice,
            "observer.refused",
        ),
        (
            MachineSeen { database: seen(replica()), shell: failing(PortErrorKind::Refused, 2), ..MachineSeen::default() },
            MachineState::Notice,
            "shell.away",
        ),
        (
            MachineSeen { database: seen(replica()), shell: failing(PortErrorKind::WrongIdentity, 2), ..MachineSeen::default() },
            MachineState::Bad,
            "identity.key",
        ),
    ];
    for (machine, state, key) in cases {
        assert_eq!(of(&world(&[("mariadb-02", machine)]), "mariadb-02"), (state, vec![key.to_string()]));
    }
}

#[test]
fn a_machine_that_only_has_a_shell_and_refuses_us_there_is_not_away() {
    for (kind, state, key) in [
        (PortErrorKind::NotConfigured, MachineState::Notice, "observer.refused"),
        (PortErrorKind::Denied, MachineState::Notice, "observer.refused"),
        (PortErrorKind::WrongIdentity, MachineState::Bad, "identity.key"),
        (PortErrorKind::Refused, MachineState::Bad, "machine.away"),
    ] {
        let refusing = MachineSeen { shell: failing(kind, 2), ..MachineSeen::default() };
        assert_eq!(of(&world(&[("billing-01", refusing)]), "billing-01"), (state, vec![key.to_string()]), "{kind:?}");
    }
    let both = MachineSeen {
        database: failing(PortErrorKind::TimedOut, 2),
        shell: failing(PortErrorKind::NotConfigured, 2),
        ..MachineSeen::default()
    };
    assert_eq!(of(&world(&[("mariadb-02", both)]), "mariadb-02").1, ["machine.away"], "what we may not ask says nothing for it");
}

#[test]
fn what_is_wrong_between_the_nodes_stands_with_the_machine_it_is_about() {
    let mut stopped = replica();
    stopped.replication.iter_mut().for_each(|replication| replication.sql_running = false);
    let world = world(&[("mariadb-02", MachineSeen { database: seen(stopped), ..whole("mariadb-02") })]);
    assert_eq!(of(&world, "mariadb-02"), (MachineState::Bad, vec!["replica.sql_stopped".into()]));
    assert_eq!(of(&world, "mariadb-01"), (MachineState::Good, vec![]));
}

#[test]
fn twins_are_found_on_both() {
    let mut clone = shell("billing-02");
    clone.machine_id = "id of billing-01".into();
    let world = world(&[("billing-02", MachineSeen { shell: seen(clone), ..MachineSeen::default() })]);
    assert_eq!(of(&world, "billing-01"), (MachineState::Bad, vec!["identity.machine-id:billing-02".into()]));
    assert_eq!(of(&world, "billing-02"), (MachineState::Bad, vec!["identity.machine-id:billing-01".into()]));
}

#[test]
fn a_disk_that_fills_up_is_told_before_it_is_full() {
    let mut facts = shell("billing-01");
    facts.disks = vec![DiskUse { mount: "/".into(), size_bytes: 1_000, free_bytes: 80 }];
    let world = world(&[("billing-01", MachineSeen { shell: seen(facts), ..MachineSeen::default() })]);
    assert_eq!(of(&world, "billing-01"), (MachineState::Notice, vec!["disk.full:/".into()]));
}

#[test]
fn a_clock_that_is_off_is_told_with_how_far_and_which_way() {
    for (offset_ms, way) in
        [(700.0, Some("0.7 s ahead of")), (-7_200_000.0, Some("2 h 00 min behind")), (499.0, None), (-499.0, None)]
    {
        let facts = ShellFacts { clock_offset_ms: offset_ms, round_trip_ms: 4.0, ..shell("billing-01") };
        let world = world(&[("billing-01", MachineSeen { shell: seen(facts), ..MachineSeen::default() })]);
        let judged = judge_all(&inventory(), &world, at(11)).into_iter().find(|judged| judged.name == "billing-01").expect("ours");
        let told: Vec<_> = judged.findings.iter().map(|finding| (finding.key.as_str(), finding.severity)).collect();
        match way {
            None => assert_eq!(told, [], "{offset_ms}"),
            Some(way) => {
                assert_eq!(told, [("clock.off", MachineState::Notice)], "{offset_ms}");
                assert!(judged.findings[0].message.contains(way), "{:?}", judged.findings);
            }
        }
    }
}

#[test]
fn after_three_missed_rounds_nothing_is_known() {
    let judged = judge_all(&inventory(), &world(&[]), at(17));
    assert!(judged.iter().all(|judged| judged.state == MachineState::Unknown), "{judged:?}");
    assert!(judged[0].findings[0].message.contains("unknown since"), "{judged:?}");
}

#[test]
fn when_almost_nobody_answers_the_panel_says_it_of_itself() {
    let silent = || MachineSeen { shell: failing(PortErrorKind::TimedOut, 3), ..MachineSeen::default() };
    let three = world(&[("mariadb-01", silent()), ("mariadb-02", silent()), ("billing-01", silent())]);
    assert_eq!(isolated_since(&inventory(), &three), Some(at(9)));
    assert_eq!(of(&three, "mariadb-01"), (MachineState::Unknown, vec!["machine.unknown".into()]));
    assert_eq!(isolated_since(&inventory(), &world(&[("mariadb-01", silent())])), None);
}
