//! Each violation, planted into a whole world; and each observation, taken away.

use super::*;
use crate::fleet::facts::{ArpAnswer, HostKey, HypervisorFacts, NetworkProbes, PairPing, SeenMachine, VirtualSwitch};
use crate::values::PortError;
use std::collections::BTreeMap;

pub(in crate::fleet) const NOW: Moment = Moment::from_seconds(1_780_000_000);
const ROUND_MS: u32 = 5_000;

fn machine(name: &str, role: Role, number: u8, networks: &[&str]) -> Machine {
    let networks = networks.iter().map(|name| (*name).to_string()).collect();
    Machine { name: name.into(), role, host: "host-01".into(), number, networks, jump: None, disk_mib: 256 }
}

pub(in crate::fleet) fn inventory() -> Inventory {
    let network = |subnet: &str, mtu, uplink| Network { subnet: subnet.parse().expect("a subnet"), mtu, uplink, port_group: None };
    Inventory {
        name: "test".into(),
        networks: BTreeMap::from([
            ("data".into(), network("10.20.20.0/24", 9_000, Uplink::Forbidden)),
            ("external".into(), network("203.0.113.0/24", 1_500, Uplink::Expected)),
            ("management".into(), network("10.40.40.0/24", 1_500, Uplink::Expected)),
        ]),
        hosts: vec![
            serde_json::from_value(serde_json::json!({ "name": "host-01", "kind": "lab", "management": "10.40.40.1" }))
                .expect("a host"),
        ],
        machines: vec![
            machine("asterisk-01", Role::Asterisk, 21, &["management", "external", "data"]),
            machine("mariadb-01", Role::Mariadb, 41, &["management", "data"]),
            machine("mariadb-02", Role::Mariadb, 42, &["management", "data"]),
        ],
        endpoints: BTreeMap::new(),
        clusters: BTreeMap::new(),
        carriers: vec![],
        customers: vec![],
        certificates: vec![],
        credentials: BTreeMap::new(),
    }
}

pub(in crate::fleet) fn seen<T>(value: T) -> Seen<T> {
    let mut seen = Seen::new(ROUND_MS, NOW);
    seen.note(Ok(value), NOW);
    seen
}

fn mac(network: usize, number: u8) -> String {
    format!("02:00:00:00:{network:02x}:{number:02x}")
}

/// Everything as declared, seen just now.
pub(in crate::fleet) fn world(inventory: &Inventory) -> World {
    let mut world = World::default();
    let mut host = HypervisorFacts { host: "host-01".into(), ..HypervisorFacts::default() };
    for (name, network) in &inventory.networks {
        let uplinks = if network.uplink == Uplink::Expected { vec!["eth0".to_string()] } else { vec![] };
        let port_groups = vec![name.clone()];
        host.switches.push(VirtualSwitch { name: format!("br-{name}"), mtu: Some(network.mtu), uplinks, port_groups });
    }
    for machine in &inventory.machines {
        let nics = || inventory.nics(machine).into_iter().enumerate();
        let cards = nics().map(|(i, nic)| SeenCard {
            network: nic.network,
            mac: mac(i, machine.number),
            connected: true,
            mtu: Some(nic.mtu),
        });
        let (name, id) = (machine.name.clone(), format!("id-{}", machine.number));
        host.machines.push(SeenMachine { name, id, power: Power::On, tools: None, cards: cards.collect() });
        let cards = nics().map(|(i, nic)| Card {
            name: format!("eth{i}"),
            mac: mac(i, machine.number),
            mtu: nic.mtu,
            up: true,
            addresses: vec![(nic.address, nic.prefix_len)],
        });
        let keys = vec![HostKey { kind: "ssh-ed25519".into(), fingerprint: format!("SHA256:{}", machine.number) }];
        let facts = ShellFacts {
            machine_id: format!("id{}", machine.number),
            host_keys: keys,
            cards: cards.collect(),
            ..ShellFacts::default()
        };
        world.machines.insert(machine.name.clone(), MachineSeen { shell: Some(seen(facts)), ..MachineSeen::default() });
    }
    world.hosts.insert("host-01".into(), seen(host));
    let names = ["asterisk-01", "mariadb-01", "mariadb-02"];
    let pairs = names.iter().flat_map(|a| names.iter().filter(move |b| *a < **b).map(move |b| (*a, *b)));
    let pings = pairs.map(|(from, to)| PairPing {
        from: from.into(),
        to: to.into(),
        size_bytes: 9_000,
        answered: true,
        said: None,
        small_answered: None,
        round_trip_ms: Some(0.1),
    });
    let answers = vec![ArpAnswer { address: [10, 20, 20, 41].into(), macs: vec![mac(1, 41)] }];
    let probes = NetworkProbes { network: "data".into(), pings: pings.collect(), answers, observed_at: NOW };
    world.networks.insert("data".into(), seen(probes));
    world
}

fn verdict(inventory: &Inventory, world: &World, network: &str) -> NetworkVerdict {
    prove(inventory, world, NOW).into_iter().find(|verdict| verdict.network == network).expect("each network has a verdict")
}

pub(in crate::fleet) fn host(world: &mut World) -> &mut HypervisorFacts {
    &mut world.hosts.get_mut("host-01").expect("there").last.as_mut().expect("seen").value
}

pub(in crate::fleet) fn shell<'a>(world: &'a mut World, name: &str) -> &'a mut Seen<ShellFacts> {
    world.machines.get_mut(name).expect("there").shell.as_mut().expect("watched")
}

fn guest<'a>(world: &'a mut World, name: &str) -> &'a mut ShellFacts {
    &mut shell(world, name).last.as_mut().expect("seen").value
}

pub(in crate::fleet) fn probes(world: &mut World) -> &mut NetworkProbes {
    &mut world.networks.get_mut("data").expect("there").last.as_mut().expect("seen").value
}

fn away(kind: PortErrorKind) -> PortError {
    PortError::new("mariadb-01 SSH 10.40.40.41:22", "look at it", kind, "nobody listens")
}

#[test]
fn a_world_as_declared_and_seen_just_now_is_proved_on_every_network() {
    let inventory = inventory();
    for verdict in prove(&inventory, &world(&inventory), NOW) {
        assert_eq!(verdict.verdict, Verdict::Proved, "{verdict:#?}");
        assert!(verdict.violations.is_empty() && verdict.missing.is_empty() && verdict.at == NOW, "{verdict:#?}");
    }
    let data = verdict(&inventory, &world(&inventory), "data");
    let said = data.evidence.join("\n");
    for part in ["without an uplink", "3 of 3 pairs", "9,000 bytes", "One card answers", "used twice by 3 machines"] {
        assert!(said.contains(part), "{part} in {said}");
    }
}

type Plant = fn(&mut Inventory, &mut World);

#[test]
fn every_planted_violation_is_found_on_its_network_and_named() {
    let table: &[(&str, &str, &str, Plant)] = &[
        ("network.uplink", "data", "data", |_, world| host(world).switches[0].uplinks.push("eth7".into())),
        ("card.external", "external", "mariadb-01", |inventory, _| inventory.machines[1].networks.push("external".into())),
        ("card.external", "external", "mariadb-02", |_, world| {
            guest(world, "mariadb-02").cards[1].addresses.push(([203, 0, 113, 42].into(), 24));
        }),
        ("card.external", "external", "mariadb-02", |_, world| {
            host(world).machines[2].cards[1].network = "External".into();
        }),
        ("card.undeclared", "external", "mariadb-02", |_, world| {
            guest(world, "mariadb-02").cards[1].addresses.push(([203, 0, 113, 42].into(), 24));
        }),
        ("card.undeclared", "data", "stranger", |_, world| {
            let mut stranger = host(world).machines[0].clone();
            stranger.name = "stranger".into();
            stranger.cards.iter_mut().for_each(|card| card.mac = format!("02:99{}", &card.mac[5..]));
            host(world).machines.push(stranger);
        }),
        ("mtu.low", "data", "br-data", |_, world| host(world).switches[0].mtu = Some(1_500)),
        ("mtu.low", "data", "mariadb-01", |_, world| guest(world, "mariadb-01").cards[1].mtu = 8_999),
        ("mtu.low", "data", "mariadb-01", |_, world| host(world).machines[1].cards[1].mtu = Some(1_500)),
        ("mtu.low", "management", "mariadb-01", |_, world| guest(world, "mariadb-01").cards[0].mtu = 1_400),
        ("packet.lost", "data", "data", |_, world| {
            let ping = &mut probes(world).pings[0];
            (ping.answered, ping.said) = (false, Some("message too long, mtu=1500".into()));
        }),
        ("address.conflict", "data", "10.20.20.41", |_, world| probes(world).answers[0].macs.push("02:aa:aa:aa:aa:aa".into())),
        ("address.duplicate", "data", "10.20.20.41", |_, world| {
            guest(world, "mariadb-02").cards[1].addresses.push(([10, 20, 20, 41].into(), 24));
        }),
        ("mac.duplicate", "data", "mariadb-01, mariadb-02", |_, world| guest(world, "mariadb-02").cards[1].mac = mac(1, 41)),
        ("mac.duplicate", "data", "mariadb-01, mariadb-02", |_, world| host(world).machines[2].cards[1].mac = mac(1, 41)),
        ("machine_id.duplicate", "data", "mariadb-01, mariadb-02", |_, world| {
            guest(world, "mariadb-02").machine_id = "id41".into();
        }),
        ("host_key.duplicate", "data", "mariadb-01, mariadb-02", |_, world| {
            guest(world, "mariadb-02").host_keys[0].fingerprint = "SHA256:41".into();
        }),
    ];
    for (key, network, subject, plant) in table {
        let mut inventory = inventory();
        let mut world = world(&inventory);
        plant(&mut inventory, &mut world);
        let verdict = verdict(&inventory, &world, network);
        assert_eq!(verdict.verdict, Verdict::Violated, "{key} on {network}: {verdict:#?}");
        let found = verdict.violations.iter().find(|violation| violation.key == *key && violation.subject == *subject);
        let found = found.unwrap_or_else(|| panic!("{key} of {subject} on {network}: {verdict:#?}"));
        assert!(found.sentence.ends_with('.') && found.evidence.ends_with('.'), "{found:?}");
        assert!(verdict.evidence.iter().any(|line| line == &found.evidence), "{verdict:#?}");
    }
}

#[test]
fn a_shared_identity_is_told_on_one_network_only() {
    let inventory = inventory();
    let mut world = world(&inventory);
    guest(&mut world, "mariadb-02").machine_id = "id41".into();
    let told = prove(&inventory, &world, NOW).into_iter().filter(|verdict| verdict.verdict == Verdict::Violated).count();
    assert_eq!(told, 1);
}

#[test]
fn what_was_not_seen_or_not_lately_is_missing_and_never_proved() {
    let late = |at: &mut Moment| *at = NOW.minus(std::time::Duration::from_secs(16));
    let table: &[(&str, &str, Plant)] = &[
        ("no hypervisor", "host-01 is not observed", |_, world| world.hosts.clear()),
        ("old hypervisor", "host-01 was last seen", |_, world| {
            world.hosts.get_mut("host-01").expect("there").last.as_mut().expect("seen").observed_at = Moment::from_seconds(1);
        }),
        ("no switch", "shows no switch", |_, world| {
            host(world).switches.remove(0);
        }),
        ("no probes", "No large packet was tried on data", |_, world| world.networks.clear()),
        ("no pair", "was tried between asterisk-01 and mariadb-01", |_, world| {
            probes(world).pings.remove(0);
        }),
        ("small packet", "was tried between asterisk-01 and mariadb-01", |_, world| probes(world).pings[0].size_bytes = 1_500),
        ("no shell", "mariadb-01 has not been looked at", |_, world| {
            world.machines.get_mut("mariadb-01").expect("there").shell = None;
        }),
        ("no card", "mariadb-01 itself shows no card on data", |_, world| {
            guest(world, "mariadb-01").cards.remove(1);
        }),
    ];
    for (name, missing, take) in table {
        let mut inventory = inventory();
        let mut world = world(&inventory);
        take(&mut inventory, &mut world);
        let verdict = verdict(&inventory, &world, "data");
        assert_eq!(verdict.verdict, Verdict::Unknown, "{name}: {verdict:#?}");
        assert!(verdict.missing.iter().any(|line| line.contains(missing)), "{name}: {verdict:#?}");
        assert!(verdict.sentence().starts_with("Not proved: "), "{}", verdict.sentence());
    }
    let inventory = inventory();
    let mut stale = world(&inventory);
    late(&mut stale.networks.get_mut("data").expect("there").last.as_mut().expect("seen").observed_at);
    let verdict = verdict(&inventory, &stale, "data");
    assert_eq!((verdict.verdict, verdict.violations.len()), (Verdict::Unknown, 0), "{verdict:#?}");
}

#[test]
fn a_machine_that_does_not_answer_loses_no_packets_it_is_unknown() {
    let inventory = inventory();
    let mut world = world(&inventory);
    probes(&mut world).pings[0].answered = false;
    shell(&mut world, "mariadb-01").note(Err(away(PortErrorKind::TimedOut)), NOW);
    let verdict = verdict(&inventory, &world, "data");
    assert_eq!(verdict.verdict, Verdict::Unknown, "{verdict:#?}");
    assert!(verdict.missing.iter().any(|line| line.contains("mariadb-01 does not answer since")), "{verdict:#?}");
}

#[test]
fn a_machine_that_is_switched_off_is_said_and_the_others_are_proved() {
    let inventory = inventory();
    let mut world = world(&inventory);
    probes(&mut world).pings[0].answered = false;
    host(&mut world).machines[1].power = Power::Suspended;
    assert_eq!(reach(&world, &inventory.machines[1], NOW), Reach::Off("suspended"));
    host(&mut world).machines[1].power = Power::Off;
    let seen = world.machines.get_mut("mariadb-01").expect("there").shell.as_mut().expect("watched");
    seen.last = None;
    let verdict = verdict(&inventory, &world, "data");
    assert_eq!(verdict.verdict, Verdict::Proved, "{verdict:#?}");
    assert!(verdict.evidence.iter().any(|line| line == "mariadb-01 is switched off: its pairs are unknown."), "{verdict:#?}");
    assert!(verdict.evidence.iter().any(|line| line.starts_with("1 of 1 pairs")), "{verdict:#?}");
}

#[test]
fn behind_a_firewall_only_a_packet_called_too_long_counts() {
    let inventory = inventory();
    let mut world = world(&inventory);
    let mut probed = probes(&mut world).clone();
    probed.pings.iter_mut().for_each(|ping| ping.answered = false);
    world.networks.insert("management".into(), seen(probed.clone()));
    assert_eq!(verdict(&inventory, &world, "management").verdict, Verdict::Proved);
    probed.pings[0].said = Some("message too long, mtu=1400".into());
    world.networks.insert("management".into(), seen(probed));
    assert_eq!(verdict(&inventory, &world, "management").violations[0].key, "packet.lost");
}

#[test]
fn a_port_group_is_a_network_by_name_or_by_a_word_of_its_name() {
    for port_group in ["voice", "Voice", "wc-voice", "PG Voice 9000", "br.voice"] {
        assert!(inventory().is_offered_as("voice", port_group), "{port_group}");
    }
    for port_group in ["voicemail", "", "invoice", "data"] {
        assert!(!inventory().is_offered_as("voice", port_group), "{port_group}");
    }
}

#[test]
fn what_the_inventory_calls_a_port_group_goes_before_its_words() {
    let mut inventory = inventory();
    inventory.networks.get_mut("data").expect("a network").port_group = Some("VM External".into());
    assert_eq!(inventory.network_called("vm external"), Some("data"), "though external is a word of it");
    assert!(!inventory.is_offered_as("external", "VM External") && !inventory.is_offered_as("data", "data"));
    assert_eq!(inventory.network_called("VM Network"), None);
    let world = world(&inventory);
    let verdict = verdict(&inventory, &world, "data");
    assert_eq!(verdict.verdict, Verdict::Unknown, "the hosts of this world offer no VM External");
    assert!(verdict.missing[0].contains("shows no switch that carries data"), "{:?}", verdict.missing);
}

#[test]
fn the_verdict_is_written_as_the_interface_says() {
    let inventory = inventory();
    let json = serde_json::to_value(prove(&inventory, &world(&inventory), NOW)).expect("plain values");
    assert_eq!((&json[0]["network"], &json[0]["verdict"]), (&"data".into(), &"proved".into()));
    assert!(json[0]["evidence"].is_array() && json[0]["at"].is_number());
}

#[test]
fn lost_pairs_are_one_violation_that_names_both_sides_and_tells_size_from_silence() {
    let inventory = inventory();
    let told = |lost: &[(usize, Option<bool>)]| {
        let mut world = world(&inventory);
        for (at, small_answered) in lost {
            let ping = &mut probes(&mut world).pings[*at];
            (ping.answered, ping.said, ping.small_answered) = (false, Some("no answer within 1 s".into()), *small_answered);
        }
        let found = verdict(&inventory, &world, "data").violations;
        found.into_iter().map(|violation| (violation.key, violation.sentence, violation.because.join(" "))).collect::<Vec<_>>()
    };
    let large = |between: &str, because: &str| {
        let sentence = format!(
            "Packets of 9,000 bytes do not get through on data between {between}: look at the MTU of their cards and of the switch."
        );
        ("packet.lost".to_string(), sentence, because.to_string())
    };
    let everything = |between: &str, because: &str| {
        let sentence =
            format!("Nothing gets through on data between {between}: look at their firewalls and cards and at the switch.");
        ("pair.cut".to_string(), sentence, because.to_string())
    };
    // The pairs: asterisk-01 with mariadb-01 and mariadb-02, then these two.
    assert_eq!(told(&[(0, Some(true))]), [large("asterisk-01 and mariadb-01", "asterisk-01 mariadb-01")]);
    assert_eq!(told(&[(0, None), (1, Some(true))]), [large("asterisk-01 and mariadb-01, mariadb-02", "asterisk-01")]);
    assert_eq!(told(&[(1, Some(false)), (2, Some(false))]), [everything("asterisk-01, mariadb-01 and mariadb-02", "mariadb-02")]);
    assert_eq!(
        told(&[(0, Some(true)), (1, Some(true)), (2, Some(true))]),
        [large("asterisk-01 and mariadb-01 and 2 other pairs", "")]
    );
    assert_eq!(told(&[(0, Some(false)), (1, Some(true))]).len(), 2);
}
