//! The map of made-up worlds.

use super::{
    slots::{Put, beside_rail, changes, network_slots},
    *,
};
use crate::{
    fleet::{
        board::Board,
        facts::{DatabaseFacts, DispatcherSet, DispatcherTarget, ProxyFacts, Replication, ShellFacts, TargetState},
        judge::Finding,
        sample,
        world::{MachineSeen, Seen},
    },
    values::Moment,
};

const NOW: Moment = Moment::from_seconds(1_795_317_152);

fn ago(seconds: u64) -> Moment {
    NOW.minus(Duration::from_secs(seconds))
}

fn seen<T>(value: T) -> Option<Seen<T>> {
    let mut seen = Seen::new(2_000, ago(600));
    seen.note(Ok(value), ago(1));
    Some(seen)
}

fn judged(inventory: &Inventory, wrong: &[(&str, &str, MachineState, u64)]) -> Vec<Judgement> {
    let ours = inventory.machines.iter().filter(|machine| machine.role.is_ours());
    let judge = |machine: &super::super::inventory::Machine| {
        let findings: Vec<Finding> = wrong
            .iter()
            .filter(|(name, ..)| *name == machine.name)
            .map(|(name, key, severity, since)| Finding {
                key: (*key).into(),
                severity: *severity,
                message: format!("{name} has {key}."),
                evidence: String::new(),
                since: Some(ago(*since)),
            })
            .collect();
        let state = findings.first().map_or(MachineState::Good, |finding| finding.severity);
        Judgement { name: machine.name.clone(), state, observed_at: Some(ago(1)), findings }
    };
    ours.map(judge).collect()
}

fn proved(name: &str) -> NetworkLine {
    let (verdict_word, note) = ("no uplink".into(), "proved".into());
    NetworkLine { name: name.into(), verdict_tone: Tone::Good, verdict_word, note, at: Some(ago(12)) }
}

fn map(world: &World, wrong: &[(&str, &str, MachineState, u64)], networks: &[NetworkLine], cut_off: Option<Moment>) -> MapSnapshot {
    let inventory = sample::lab();
    let (judgements, flows) = (judged(&inventory, wrong), Flows::default());
    let sight =
        Sight { inventory: &inventory, world, judgements: &judgements, networks, flows: &flows, cut_off_since: cut_off, now: NOW };
    MapSnapshot::of(&sight, "stamp")
}

fn said(map: &MapSnapshot) -> String {
    map.lead.iter().map(|said| said.text.as_str()).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_first_sentence_names_the_worst_first() {
    let proofs = ["voice", "data", "sync"].map(proved);
    let world = World::default();
    assert_eq!(said(&map(&world, &[], &proofs, None)), "All 10 machines are well. Voice, Data and Sync proved isolated");
    let wrong = [
        ("mariadb-02", "replica.behind", MachineState::Notice, 60),
        ("asterisk-02", "machine.away", MachineState::Bad, 42),
        ("billing-01", "machine.unknown", MachineState::Unknown, 9),
    ];
    let map = map(&world, &wrong, &proofs[..2], None);
    let text = "asterisk-02: down, billing-01: unknown, mariadb-02: lagging. Voice and Data proved isolated Isolation of Sync is not proved.";
    assert_eq!(said(&map), text);
    assert_eq!(map.lead[0].tone, Some(Tone::Bad));
}

#[test]
fn many_of_a_kind_are_counted_and_a_violation_is_said() {
    let wrong = ["asterisk-01", "asterisk-02", "asterisk-03"].map(|name| (name, "machine.away", MachineState::Bad, 42));
    let broken = NetworkLine { verdict_tone: Tone::Bad, note: "eth9 leads out".into(), ..proved("voice") };
    let map = map(&World::default(), &wrong, &[broken], None);
    assert!(said(&map).starts_with("3 machines: down. Voice is not isolated: eth9 leads out."), "{}", said(&map));
}

#[test]
fn a_panel_that_is_cut_off_says_that_first_and_blames_nobody() {
    let wrong = [("asterisk-02", "machine.away", MachineState::Bad, 42)];
    let map = map(&World::default(), &wrong, &[], Some(ago(20)));
    assert!(said(&map).starts_with("This panel itself seems cut off since 03:12:12 UTC."), "{}", said(&map));
    assert!(!said(&map).contains("asterisk-02"));
}

#[test]
fn a_card_says_what_its_role_is_about() {
    let mut world = World::default();
    let shell = ShellFacts {
        cards: vec![crate::fleet::facts::Card {
            name: "eth1".into(),
            mac: "02:00:00:00:00:0b".into(),
            mtu: 1500,
            up: true,
            addresses: vec![([203, 0, 113, 11].into(), 24), ([203, 0, 113, 10].into(), 32)],
        }],
        load: [0.42, 0.3, 0.2],
        ..ShellFacts::default()
    };
    let proxy = ProxyFacts { dialogs: 412, ..ProxyFacts::default() };
    let running = Replication { io_running: true, sql_running: true, ..Replication::default() };
    let replica =
        DatabaseFacts { read_only: true, replication: Some(running), heartbeat_age_ms: Some(2_400), ..DatabaseFacts::default() };
    world
        .machines
        .insert("kamailio-01".into(), MachineSeen { shell: seen(shell.clone()), proxy: seen(proxy), ..MachineSeen::default() });
    world.machines.insert("mariadb-02".into(), MachineSeen { database: seen(replica), ..MachineSeen::default() });
    world.machines.insert("billing-01".into(), MachineSeen { shell: seen(shell), ..MachineSeen::default() });
    let map = map(&world, &[("asterisk-02", "machine.away", MachineState::Bad, 42)], &[], None);
    let of = |name: &str| map.machine(name).expect("it is on the map");
    assert_eq!(
        (of("kamailio-01").role.as_str(), of("kamailio-01").role_short.as_str()),
        ("proxy · holds 203.0.113.10", "203.0.113.10")
    );
    assert_eq!(of("kamailio-01").figures, ["412 dialogs", "load 0.42"]);
    assert_eq!((of("mariadb-02").role.as_str(), of("mariadb-02").figures.clone()), ("replica", ["2.4 s".into(), "behind".into()]));
    assert_eq!(of("billing-01").figures, ["load 0.42", "–"]);
    assert_eq!((of("asterisk-02").word.as_str(), of("asterisk-02").figures.clone()), ("down", ["no answer".into(), String::new()]));
    assert!(of("asterisk-02").taps.iter().all(|(_, tone)| *tone == Tone::Bad));
    assert_eq!((map.links[0].figure.as_str(), map.links[0].tone), ("2.4 s", Tone::Notice));
}

#[test]
fn a_card_that_is_down_marks_its_tap_alone() {
    let wrong = [("asterisk-01", "card.down:voice", MachineState::Bad, 5)];
    let map = map(&World::default(), &wrong, &[], None);
    let taps = &map.machine("asterisk-01").expect("it is on the map").taps;
    let bad: Vec<&str> = taps.iter().filter(|(_, tone)| *tone == Tone::Bad).map(|(name, _)| name.as_str()).collect();
    assert_eq!((bad, taps.len()), (vec!["voice"], 4));
}

#[test]
fn only_what_changed_is_written() {
    let world = World::default();
    let before = map(&world, &[], &[proved("voice")], None);
    let after = map(&world, &[("asterisk-02", "machine.away", MachineState::Bad, 42)], &[proved("voice")], None);
    let written = changes(Some(&before), &after, 1);
    assert!(written.iter().all(|slot| slot.id.contains("asterisk-02") || slot.id.contains("management")), "{written:?}");
    let class = written.iter().find(|slot| slot.id == "m-asterisk-02").expect("its card changed");
    assert_eq!(class.put, Put::Class("node bad".into()));
    assert!(changes(Some(&after), &after, 1).is_empty());
    let mut again = after.clone();
    again.machines[0].observed_at = Some(NOW);
    let written = changes(Some(&after), &again, 1);
    assert_eq!(written, [super::slots::Slot { id: "r-kamailio-01-seen".into(), put: Put::Age(Some(NOW)) }]);
    assert!(written[0].is_below_board(), "when a machine was seen stands in the table only");
    let all = changes(None, &again, 1);
    let board = all.iter().filter(|slot| !slot.is_below_board());
    let prefixes: std::collections::BTreeSet<&str> = board.filter_map(|slot| slot.id.split('-').next()).collect();
    assert!(prefixes.is_subset(&["m", "t", "n0", "o", "k"].into()) && prefixes.contains("m"), "{prefixes:?}");
    assert!(changes(None, &after, 1).len() > 100, "a page that shows nothing yet is written whole");
}

#[test]
fn a_silent_panel_leaves_no_color() {
    let silenced = map(&World::default(), &[], &["voice", "data", "sync"].map(proved), None).silenced();
    assert!(silenced.machines.iter().all(|machine| machine.state == MachineState::Unknown && machine.figures[1] == "03:12:32"));
    assert!(silenced.networks.iter().all(|network| network.tone == Tone::Idle));
    assert_eq!(said(&silenced), "Unknown since 03:12:32 UTC: the panel does not answer this page.");
}

#[test]
fn two_hundred_machines_are_a_small_message() {
    let inventory = sample::large();
    let (judgements, flows, world) = (judged(&inventory, &[]), Flows::default(), World::default());
    let sight = Sight {
        inventory: &inventory,
        world: &world,
        judgements: &judgements,
        networks: &[],
        flows: &flows,
        cut_off_since: None,
        now: NOW,
    };
    let map = MapSnapshot::of(&sight, &Board::of(&inventory).stamp);
    let json = serde_json::to_string(&map).expect("a map is JSON");
    assert_eq!(map.machines.len(), 200);
    assert!(json.len() < 80_000, "{} bytes", json.len());
    assert_eq!(serde_json::from_str::<MapSnapshot>(&json).expect("and back"), map);
}

#[test]
fn a_machine_nobody_declared_is_told_with_its_host_and_makes_another_drawing() {
    let host = crate::fleet::facts::HypervisorFacts {
        machines: vec![crate::fleet::facts::SeenMachine {
            name: "stranger".into(),
            id: "7".into(),
            power: crate::fleet::facts::Power::On,
            tools: None,
            cards: Vec::new(),
        }],
        ..Default::default()
    };
    let mut world = World::default();
    world.hosts.insert("host-99".into(), seen(host).expect("seen"));
    let map = map(&world, &[], &[], None);
    assert_eq!((map.differences, map.stamp.as_str()), (1, "stamp stranger"));
    let stranger = &map.undeclared[0];
    assert_eq!((stranger.name.as_str(), stranger.host.as_str(), stranger.state), ("stranger", "host-99", MachineState::Notice));
    assert!(stranger.why.ends_with("Declare it in the inventory, or remove it."), "{}", stranger.why);
    assert!(said(&map).ends_with("1 difference from the inventory."), "{}", said(&map));
    assert!(map.silenced().undeclared.len() == 1);
}

#[test]
fn a_long_note_is_cut_beside_its_rail_and_whole_in_the_list() {
    let long = "voice has a way out on host-01: take uplink-voice off switch br-voice";
    assert_eq!(beside_rail(long), "voice has a way…");
    assert_eq!(beside_rail("proved"), "proved");
    let broken = NetworkLine { verdict_tone: Tone::Bad, note: long.into(), ..proved("voice") };
    let map = map(&World::default(), &[], &[broken], None);
    let voice = map.networks.iter().find(|network| network.name == "voice").expect("it is in the inventory");
    let notes: Vec<_> = network_slots(voice, 1).into_iter().filter(|slot| slot.id.ends_with("-note")).collect();
    assert_eq!(notes[0].put, Put::Text("voice has a way…".into()));
    assert_eq!(notes[1].put, Put::Text(long.into()));
}

#[test]
fn a_carrier_that_refuses_is_red_and_in_the_first_sentence_until_it_takes_a_call() {
    let inventory = sample::lab();
    let name = inventory.carriers[0].name.clone();
    let mut world = World::default();
    let set = DispatcherSet {
        id: inventory.carriers[0].set.into(),
        targets: vec![DispatcherTarget {
            uri: "sip:203.0.113.101:5060".into(),
            state: TargetState::Active,
            priority: 0,
            round_trip_ms: None,
        }],
    };
    let proxy = seen(ProxyFacts { sets: vec![set], ..ProxyFacts::default() });
    world.machines.insert("kamailio-01".into(), MachineSeen { proxy, ..MachineSeen::default() });
    let mut flows = Flows::default();
    let shown = |flows: &Flows| {
        let sight =
            Sight { inventory: &inventory, world: &world, judgements: &[], networks: &[], flows, cut_off_since: None, now: NOW };
        let map = MapSnapshot::of(&sight, "stamp");
        let carrier = map.outsiders.iter().find(|outsider| outsider.name == name).expect("it is in the inventory");
        (carrier.tone, carrier.word.clone(), map.lead.iter().any(|said| said.text == format!("{name}: refuses.")))
    };
    assert_eq!(shown(&flows), (Tone::Good, "reached".into(), false));
    flows.carrier_tries.entry(name.clone()).or_default().note(&[(503, 12)].into(), NOW);
    assert_eq!(shown(&flows), (Tone::Bad, "refuses".into(), true));
    flows.carrier_tries.entry(name.clone()).or_default().note(&[(200, 1)].into(), NOW);
    assert_eq!(shown(&flows), (Tone::Good, "reached".into(), false));
}
