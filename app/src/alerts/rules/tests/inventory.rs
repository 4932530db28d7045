//! Differences between the inventory and what the hypervisors show.

use super::*;
use crate::fleet::facts::{HypervisorFacts, Power, SeenCard, SeenMachine, VirtualSwitch};

fn machine(name: &str, networks: &[&str]) -> SeenMachine {
    let card = |(i, network): (usize, &&str)| SeenCard {
        network: (*network).into(),
        mac: format!("{name}/{i}"),
        connected: true,
        mtu: Some(9_000),
    };
    let cards = networks.iter().enumerate().map(card).collect();
    SeenMachine { name: name.into(), id: name.into(), power: Power::On, tools: None, cards }
}

fn switch(network: &str, mtu: u32) -> VirtualSwitch {
    VirtualSwitch { name: format!("br-{network}"), mtu: Some(mtu), uplinks: Vec::new(), port_groups: vec![network.into()] }
}

/// The hypervisor as the inventory says.
fn agreeing() -> HypervisorFacts {
    let inventory = inventory();
    let seen = |known: &crate::fleet::inventory::Machine| {
        let networks: Vec<&str> = known.networks.iter().map(String::as_str).collect();
        machine(&known.name, &networks)
    };
    HypervisorFacts {
        host: "lab".into(),
        switches: inventory.networks.keys().map(|network| switch(network, 9_000)).collect(),
        machines: inventory.machines.iter().map(seen).collect(),
        ..HypervisorFacts::default()
    }
}

fn shown(change: impl FnOnce(&mut HypervisorFacts)) -> Scene {
    let mut facts = agreeing();
    change(&mut facts);
    let mut scene = Scene::default();
    scene.world.hosts.insert("lab".into(), fresh(facts));
    scene
}

fn remove(facts: &mut HypervisorFacts, name: &str) {
    facts.machines.retain(|machine| machine.name != name);
}

type Change = fn(&mut HypervisorFacts);

#[test]
fn each_difference_is_a_notice_on_what_it_is_about() {
    let cases: [(Change, &[&str]); 8] = [
        (|_| {}, &[]),
        (|facts| facts.machines.push(machine("stranger", &["Office"])), &["inventory.undeclared:stranger@host:lab"]),
        (|facts| remove(facts, "mariadb-01"), &["inventory.machine-missing:lab@machine:mariadb-01"]),
        (
            |facts| {
                remove(facts, "mariadb-01");
                facts.machines.push(machine("mariadb-01", &[]));
            },
            &["inventory.card-missing:Data@machine:mariadb-01"],
        ),
        (
            |facts| {
                remove(facts, "mariadb-01");
                facts.machines.push(machine("mariadb-01", &["Office"]));
            },
            &["inventory.card-network:Data@machine:mariadb-01"],
        ),
        (
            |facts| {
                remove(facts, "mariadb-01");
                facts.machines.push(machine("mariadb-01", &["Data", "Office"]));
            },
            &["inventory.card-undeclared:Office@machine:mariadb-01"],
        ),
        (|facts| facts.switches.retain(|switch| switch.name != "br-External"), &["inventory.network-missing:lab@network:External"]),
        (
            |facts| {
                facts.switches.iter_mut().filter(|switch| switch.name == "br-Voice").for_each(|switch| switch.mtu = Some(9_500));
            },
            &["inventory.switch-mtu:lab@network:Voice"],
        ),
    ];
    for (change, expected) in cases {
        let scene = shown(change);
        let expected: Vec<String> = expected.iter().map(|identity| format!("notice {identity}")).collect();
        assert_eq!(scene.told(), expected);
        for symptom in scene.symptoms() {
            assert!(symptom.sentence.contains("inventory") && symptom.evidence[0].starts_with("lab shows "), "{symptom:?}");
        }
    }
}

#[test]
fn what_the_isolation_proof_tells_is_not_told_twice() {
    let violation = |key: &str, subject: &str| Violation { key: key.into(), subject: subject.into(), ..Violation::default() };
    let sight = |violation| vec![NetworkSight { network: "Voice".into(), known: true, violations: vec![violation] }];
    let mut scene = shown(|facts| facts.machines.push(machine("stranger", &["Voice"])));
    assert_eq!(scene.told(), ["notice inventory.undeclared:stranger@host:lab"]);
    scene.isolation = sight(violation("card.undeclared", "another"));
    assert_eq!(scene.told().len(), 2, "that is about another machine");
    scene.isolation = sight(violation("card.undeclared", "stranger"));
    assert_eq!(scene.told(), ["bad card.undeclared:Voice@network:Voice"]);
    let mut scene =
        shown(|facts| facts.switches.iter_mut().filter(|s| s.name == "br-Voice").for_each(|s| s.uplinks.push("eth0".into())));
    assert_eq!(scene.told(), ["notice inventory.network-uplink:lab@network:Voice"]);
    scene.isolation = sight(violation("network.uplink", "Voice"));
    assert_eq!(scene.told(), ["bad network.uplink:Voice@network:Voice"]);
}

#[test]
fn a_machine_that_is_dead_and_gone_is_one_alert() {
    let scene = shown(|facts| remove(facts, "mariadb-01")).find("mariadb-01", &[AWAY]);
    let groups = scene.groups();
    assert_eq!((groups.len(), groups[0].root.key.as_str(), groups[0].folded.len()), (1, "machine.away", 1));
}

#[test]
fn it_is_frozen_while_its_hypervisor_is_not_seen() {
    let keys = [
        ("inventory.undeclared:stranger", "host:lab"),
        ("inventory.card-missing:Data", "machine:mariadb-01"),
        ("inventory.mac-duplicate:02", "machine:mariadb-01"),
        ("inventory.network-missing:lab", "network:Voice"),
    ];
    let judges = |scene: &Scene, key: &str, subject: &str| {
        let subject = subject.parse().expect("a subject");
        scene.look(|seen| can_judge(seen, key, &subject))
    };
    let mut dark = Scene::default();
    let lit = shown(|_| {});
    for (key, subject) in keys {
        assert!(judges(&lit, key, subject) && !judges(&dark, key, subject), "{key}");
    }
    dark.world.hosts.insert("lab".into(), failing());
    for (key, subject) in keys {
        assert!(!judges(&dark, key, subject), "{key} with a hypervisor that fails");
    }
    for (key, subject) in [
        ("inventory.undeclared:stranger", "host:sold"),
        ("inventory.card-missing:Data", "machine:sold-01"),
        ("inventory.network-missing:lab", "network:Sold"),
    ] {
        assert!(judges(&dark, key, subject), "{key}: what is no longer declared is over");
    }
}
