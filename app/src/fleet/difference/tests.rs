//! Each difference, planted alone into a world that agrees with its inventory.

use super::*;
use crate::{
    fleet::{facts::Power, world::Seen},
    values::{PortError, PortErrorKind},
};

const NOW: Moment = Moment::from_seconds(1_000);

const INVENTORY: &str = r#"{
    "name": "t",
    "networks": {
        "external": {"subnet": "203.0.113.0/24", "mtu": 1500, "uplink": "expected"},
        "voice": {"subnet": "10.10.10.0/24", "mtu": 9000, "uplink": "forbidden"},
        "data": {"subnet": "10.20.20.0/24", "mtu": 9000, "uplink": "forbidden"}
    },
    "hosts": [{"name": "host-01", "kind": "lab", "management": "10.40.40.1"}, {"name": "host-02", "kind": "vsphere", "management": "10.40.40.2"}],
    "machines": [
        {"name": "proxy", "role": "kamailio", "host": "host-01", "number": 11, "networks": ["external", "voice"]},
        {"name": "database", "role": "mariadb", "host": "host-02", "number": 41, "networks": ["data"]}
    ]
}"#;

fn inventory() -> Inventory {
    serde_json::from_str(INVENTORY).expect("an inventory")
}

fn card(network: &str, last: u8) -> SeenCard {
    SeenCard { network: network.into(), mac: format!("52:54:00:00:00:{last:02x}"), connected: true, mtu: None }
}

fn machine(name: &str, cards: Vec<SeenCard>) -> SeenMachine {
    SeenMachine { name: name.into(), id: name.into(), power: Power::On, tools: None, cards }
}

fn switch(name: &str, mtu: u32, uplinks: &[&str], groups: &[&str]) -> VirtualSwitch {
    let texts = |all: &[&str]| all.iter().map(ToString::to_string).collect();
    VirtualSwitch { name: name.into(), mtu: Some(mtu), uplinks: texts(uplinks), port_groups: texts(groups) }
}

/// Two hosts that show what the inventory says; the second writes its networks with a capital.
fn agreeing() -> (HypervisorFacts, HypervisorFacts) {
    let first = HypervisorFacts {
        switches: vec![switch("br-external", 1500, &["eth0"], &["external"]), switch("br-voice", 9000, &[], &["voice"])],
        machines: vec![machine("proxy", vec![card("external", 1), card("voice", 2)])],
        ..HypervisorFacts::default()
    };
    let second = HypervisorFacts {
        switches: vec![switch("vSwitch1", 9000, &[], &["Data"])],
        machines: vec![machine("database", vec![card("Data", 3)])],
        ..HypervisorFacts::default()
    };
    (first, second)
}

fn world(first: HypervisorFacts, second: HypervisorFacts) -> World {
    let mut world = World::default();
    for (name, facts) in [("host-01", first), ("host-02", second)] {
        let mut seen = Seen::new(5_000, NOW);
        seen.note(Ok(facts), NOW);
        world.hosts.insert(name.into(), seen);
    }
    world
}

type Host = HypervisorFacts;

/// Subject, key, severity and sentence of all differences after a change.
fn after(change: impl FnOnce(&mut Host, &mut Host)) -> Vec<(String, String, MachineState, String)> {
    let (mut first, mut second) = agreeing();
    change(&mut first, &mut second);
    let found = differences(&inventory(), &world(first, second), NOW);
    let row = |one: Difference| {
        assert!(one.evidence().starts_with("host-0") && one.sentence().ends_with('.'), "{one:?}");
        let (Subject::Machine(name) | Subject::Network(name)) = one.subject;
        assert!(one.finding.message.ends_with('.') && !one.finding.evidence.is_empty(), "{:?}", one.finding);
        let (kind, which) = one.finding.key.split_once(':').expect("a kind and which of it");
        assert!(!which.is_empty(), "{}", one.finding.key);
        (name, kind.into(), one.finding.severity, one.finding.message)
    };
    found.into_iter().map(row).collect()
}

#[test]
fn a_world_as_declared_differs_in_nothing() {
    assert_eq!(after(|_, _| {}), []);
}

#[test]
fn each_difference_is_found_alone_and_named() {
    use MachineState::{Bad, Notice};
    type Change = fn(&mut Host, &mut Host);
    let table: [(&str, Change, &str, &str, MachineState, &str); 16] = [
        (
            "a stranger",
            |one, _| one.machines.push(machine("x", vec![card("external", 9)])),
            "x",
            "machine.undeclared",
            Notice,
            "Nobody declared x, which host-01 has.",
        ),
        (
            "a stranger inside",
            |_, two| two.machines.push(machine("x", vec![card("data", 9)])),
            "x",
            "machine.undeclared",
            Bad,
            "Nobody declared x; it runs on host-02 and has a card on data, which is isolated.",
        ),
        (
            "a stranger without cards",
            |one, _| one.machines.push(machine("x", vec![])),
            "x",
            "machine.undeclared",
            Notice,
            "Nobody declared x, which host-01 has.",
        ),
        (
            "gone",
            |_, two| two.machines.clear(),
            "database",
            "machine.missing",
            Bad,
            "database is declared, but host-02 does not have it.",
        ),
        (
            "moved",
            |one, two| one.machines.append(&mut two.machines),
            "database",
            "machine.elsewhere",
            Notice,
            "database is on host-01, not on host-02 as the inventory says.",
        ),
        ("no card", |one, _| drop(one.machines[0].cards.pop()), "proxy", "card.missing", Bad, "proxy has no card on voice."),
        (
            "wrong network",
            |one, _| one.machines[0].cards[1].network = "data".into(),
            "proxy",
            "card.network",
            Bad,
            "A card of proxy hangs on data instead of voice.",
        ),
        (
            "a network nobody knows",
            |one, _| one.machines[0].cards[1].network = "VM Network".into(),
            "proxy",
            "card.network",
            Bad,
            "A card of proxy hangs on VM Network instead of voice.",
        ),
        (
            "a foot outside",
            |_, two| two.machines[0].cards.push(card("external", 9)),
            "database",
            "card.undeclared",
            Bad,
            "database has a card on external that nobody declared.",
        ),
        (
            "twice on one network",
            |_, two| two.machines[0].cards.push(card("data", 9)),
            "database",
            "card.undeclared",
            Bad,
            "database has a card on data that nobody declared.",
        ),
        (
            "small switch",
            |one, _| one.switches[1].mtu = Some(1500),
            "voice",
            "switch.mtu",
            Bad,
            "The switch br-voice of voice on host-01 has an MTU of 1500 instead of 9000.",
        ),
        (
            "large switch",
            |one, _| one.switches[0].mtu = Some(9000),
            "external",
            "switch.mtu",
            Notice,
            "The switch br-external of external on host-01 has an MTU of 9000 instead of 1500.",
        ),
        (
            "small card",
            |one, _| one.machines[0].cards[1].mtu = Some(1500),
            "proxy",
            "card.mtu",
            Bad,
            "The card of proxy on voice has an MTU of 1500 instead of 9000.",
        ),
        (
            "uplink",
            |_, two| two.switches[0].uplinks.push("vmnic1".into()),
            "data",
            "network.uplink",
            Bad,
            "data is to be isolated, but its switch vSwitch1 on host-02 has a way out.",
        ),
        (
            "no switch",
            |one, _| drop(one.switches.pop()),
            "voice",
            "network.missing",
            Bad,
            "No virtual switch of host-01 offers voice, which machines on it are to be on.",
        ),
        (
            "own MAC twice",
            |one, _| one.machines[0].cards[1].mac = one.machines[0].cards[0].mac.clone(),
            "proxy",
            "mac.duplicate",
            Bad,
            "Two cards of proxy have the same MAC 52:54:00:00:00:01.",
        ),
    ];
    for (what, change, subject, key, severity, message) in table {
        assert_eq!(after(change), [(subject.into(), key.into(), severity, message.into())], "{what}");
    }
}

#[test]
fn two_mistakes_of_one_kind_are_two_findings() {
    let (mut first, second) = agreeing();
    first.machines[0].cards.clear();
    let keys: Vec<String> = differences(&inventory(), &world(first, second), NOW).into_iter().map(|one| one.finding.key).collect();
    assert_eq!(keys, ["card.missing:external", "card.missing:voice"]);
}

#[test]
fn two_machines_of_one_mac_are_both_told_over_all_hosts() {
    let found = after(|one, two| two.machines[0].cards[0].mac = one.machines[0].cards[0].mac.clone());
    let told: Vec<(&str, &str)> = found.iter().map(|(name, _, _, message)| (name.as_str(), message.as_str())).collect();
    assert_eq!(
        told,
        [
            ("database", "database has the same MAC 52:54:00:00:00:01 as proxy."),
            ("proxy", "proxy has the same MAC 52:54:00:00:00:01 as database."),
        ]
    );
}

#[test]
fn cards_without_a_mac_are_not_equal_and_a_shared_switch_has_the_largest_mtu() {
    let without = |one: &mut Host, two: &mut Host| {
        one.machines[0].cards.iter_mut().chain(&mut two.machines[0].cards).for_each(|card| card.mac = String::new());
    };
    assert_eq!(after(without), []);
    // External on the switch of voice: large packets are right, the way out is not.
    let shared = after(|one, _| one.switches = vec![switch("vSwitch0", 9000, &["eth0"], &["external", "voice"])]);
    assert_eq!(shared.iter().map(|row| row.1.as_str()).collect::<Vec<_>>(), ["network.uplink"]);
}

#[test]
fn what_is_not_seen_freshly_says_nothing() {
    let (mut first, second) = agreeing();
    first.machines.clear();
    let mut world = world(first, second);
    assert_eq!(differences(&inventory(), &world, NOW).len(), 1);
    assert_eq!(differences(&inventory(), &world, Moment::from_seconds(2_000)), [], "older than three rounds");
    let mut failing: Seen<HypervisorFacts> = Seen::new(5_000, NOW);
    failing.note(Err(PortError::new("host-01", "look", PortErrorKind::Refused, "no")), NOW);
    world.hosts.insert("host-01".into(), failing);
    assert_eq!(differences(&inventory(), &world, NOW), []);
    assert_eq!(differences(&inventory(), &World::default(), NOW), []);
}

#[test]
fn a_card_on_a_port_group_that_the_inventory_names_is_on_that_network() {
    let (first, mut second) = agreeing();
    second.switches[0].port_groups = vec!["VM Sync".into()];
    second.machines[0].cards[0].network = "VM Sync".into();
    let mut inventory = inventory();
    let world = world(first, second);
    let unknown = differences(&inventory, &world, NOW);
    let keys: Vec<&str> = unknown.iter().map(|one| one.finding.key.as_str()).collect();
    assert_eq!(keys, ["network.missing:host-02", "card.network:data"], "nobody said what VM Sync is");
    assert_eq!(unknown[1].evidence(), "host-02 shows cards: VM Sync (52:54:00:00:00:03)");
    inventory.networks.get_mut("data").expect("declared").port_group = Some("vm sync".into());
    assert_eq!(differences(&inventory, &world, NOW), []);
}
