//! What would follow, as a table.

use super::*;
use crate::{
    fleet::{
        facts::{DatabaseFacts, DispatcherSet, DispatcherTarget, PbxFacts, ProxyFacts, Replication, SemiSync, TargetState},
        flows::Flows,
        judge::{Judgement, MachineState},
        sample,
        world::{MachineSeen, Seen, World},
    },
    values::Moment,
};

const NOW: Moment = Moment::from_seconds(1_795_317_152);

fn seen<T>(value: T) -> Option<Seen<T>> {
    let mut seen = Seen::new(2_000, NOW);
    seen.note(Ok(value), NOW);
    Some(seen)
}

fn proxy(reached: &[u32]) -> MachineSeen {
    let set = |id: u32| {
        let state = if reached.contains(&id) { TargetState::Active } else { TargetState::Inactive };
        DispatcherSet { id, targets: vec![DispatcherTarget { uri: "sip:x".into(), state, priority: 0, round_trip_ms: None }] }
    };
    MachineSeen {
        proxy: seen(ProxyFacts { dialogs: 7, sets: vec![set(101), set(102)], ..ProxyFacts::default() }),
        ..MachineSeen::default()
    }
}

fn world(semi_sync: bool, lag_ms: u64) -> World {
    let mut world = World::default();
    let pbx = |calls| MachineSeen { pbx: seen(PbxFacts { calls, ..PbxFacts::default() }), ..MachineSeen::default() };
    let semi_sync = SemiSync { primary_enabled: semi_sync, primary_active: semi_sync, ..SemiSync::default() };
    let primary = DatabaseFacts { semi_sync, ..DatabaseFacts::default() };
    let replication = Some(Replication { io_running: true, sql_running: true, ..Replication::default() });
    let replica = DatabaseFacts { read_only: true, replication, heartbeat_age_ms: Some(lag_ms), ..DatabaseFacts::default() };
    for (name, seen) in [
        ("kamailio-01", proxy(&[101, 102])),
        ("kamailio-02", proxy(&[101])),
        ("asterisk-01", pbx(3)),
        ("asterisk-02", pbx(12)),
        ("asterisk-03", pbx(0)),
        ("mariadb-01", MachineSeen { database: seen(primary), ..MachineSeen::default() }),
        ("mariadb-02", MachineSeen { database: seen(replica), ..MachineSeen::default() }),
    ] {
        world.machines.insert(name.into(), seen);
    }
    world
}

fn of(name: &str, world: &World, dead: &[&str]) -> Blast {
    let inventory = sample::lab();
    let judge = |machine: &Machine| {
        let state = if dead.contains(&machine.name.as_str()) { MachineState::Bad } else { MachineState::Good };
        Judgement { name: machine.name.clone(), state, observed_at: Some(NOW), findings: Vec::new() }
    };
    let judgements: Vec<Judgement> = inventory.machines.iter().map(judge).collect();
    let flows = Flows::default();
    let sight = Sight {
        inventory: &inventory,
        world,
        judgements: &judgements,
        networks: &[],
        flows: &flows,
        cut_off_since: None,
        now: NOW,
    };
    blast(&sight, name).expect("something has this name")
}

fn worst(blast: &Blast) -> Tone {
    blast.lines.first().expect("a sentence at least").tone
}

fn text(blast: &Blast) -> String {
    blast.lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>().join(" ")
}

#[test]
fn each_loss_has_its_consequences() {
    let (all, none): (&[&str], &[&str]) = (&["carrier-a", "carrier-b", "customer-01"], &[]);
    let pbxs = ["asterisk-01", "asterisk-02", "asterisk-03"];
    // What is lost, who is dead already, the worst tone, a part of the sentences, machines touched, outsiders touched.
    type Row<'a> = (&'a str, &'a [&'a str], Tone, &'a str, &'a [&'a str], &'a [&'a str]);
    let rows: &[Row<'_>] = &[
        ("kamailio-02", &[], Tone::Notice, "203.0.113.20 moves to kamailio-01 by VRRP", &["kamailio-01", "kamailio-02"], none),
        ("kamailio-01", &[], Tone::Bad, "carrier-b is out of reach", &["kamailio-01", "kamailio-02"], &["carrier-b"]),
        ("kamailio-01", &["kamailio-02"], Tone::Bad, "No proxy is left", &["kamailio-01", pbxs[0], pbxs[1], pbxs[2]], all),
        ("kamailio-01", &["kamailio-02"], Tone::Bad, "Nobody takes 203.0.113.10 over", &["kamailio-01"], all),
        ("proxy", &[], Tone::Bad, "No proxy is left", &["kamailio-01", "kamailio-02"], all),
        ("asterisk-02", &[], Tone::Bad, "12 calls are up on asterisk-02 and would end.", &["asterisk-02", "kamailio-01"], none),
        ("asterisk-03", &[], Tone::Good, "New calls go to asterisk-01 and asterisk-02 (2 of 3 left)", &["asterisk-03"], none),
        ("billing-01", &[], Tone::Notice, "billing-02 authorizes alone", &["billing-01", pbxs[0]], none),
        ("billing-01", &["billing-02"], Tone::Bad, "every new call is refused (authorizer_unavailable)", &["billing-01"], all),
        (
            "mariadb-01",
            &[],
            Tone::Bad,
            "mariadb-02 can take over and has every commit",
            &["mariadb-01", "mariadb-02", "billing-01"],
            none,
        ),
        ("mariadb-01", &["mariadb-02"], Tone::Bad, "No node is left that could take over.", &["mariadb-01"], none),
        ("mariadb-02", &[], Tone::Bad, "Semi-sync is off meanwhile", &["mariadb-01", "mariadb-02"], none),
        ("monitor-01", &[], Tone::Notice, "No call depends on it.", &["monitor-01"], none),
        ("voice", &[], Tone::Bad, "15 calls up now would lose their signaling", &["kamailio-01", pbxs[2], "monitor-01"], all),
        ("external", &[], Tone::Bad, "15 calls up now would lose their audio", &["billing-01"], all),
        ("data", &[], Tone::Bad, "every new call is refused", &["mariadb-02"], all),
        ("sync", &[], Tone::Bad, "Replication stops", &["kamailio-01", "mariadb-01"], none),
        ("management", &[], Tone::Bad, "The panel sees nothing", &["billing-02"], none),
        ("carrier-a", &[], Tone::Busy, "Kamailio goes on to carrier-b", &["kamailio-01"], &["carrier-a", "carrier-b"]),
    ];
    for (name, dead, tone, part, machines, outsiders) in rows {
        let blast = of(name, &world(true, 400), dead);
        assert!(text(&blast).contains(part), "{name}: {}", text(&blast));
        assert_eq!(worst(&blast), *tone, "{name}: {}", text(&blast));
        for machine in *machines {
            assert!(blast.machines.iter().any(|touched| touched == machine), "{name} touches {machine}: {:?}", blast.machines);
        }
        assert_eq!(blast.outsiders, *outsiders, "{name}");
    }
}

#[test]
fn a_failover_without_semi_sync_says_what_it_would_lose() {
    let text = text(&of("mariadb-01", &world(false, 31_000), &[]));
    assert!(text.contains("mariadb-02 is 31 s behind: a failover now may lose that much."), "{text}");
}

#[test]
fn no_machine_is_touched_that_has_nothing_to_do_with_it() {
    let blast = of("mariadb-02", &world(true, 400), &[]);
    assert_eq!((blast.machines, blast.networks), (vec!["mariadb-01".to_string(), "mariadb-02".into()], vec!["sync".to_string()]));
}

#[test]
fn nothing_has_the_name_of_somebody_elses_switch_or_of_nobody() {
    let inventory = sample::lab();
    let (world, flows) = (World::default(), Flows::default());
    let sight = Sight {
        inventory: &inventory,
        world: &world,
        judgements: &[],
        networks: &[],
        flows: &flows,
        cut_off_since: None,
        now: NOW,
    };
    assert_eq!(blast(&sight, "nobody"), None);
    assert!(blast(&sight, "asterisk-01").is_some(), "a machine nobody has judged yet has one too");
}
