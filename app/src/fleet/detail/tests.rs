//! The page of one machine, from made-up looks.

use super::*;
use crate::{
    fleet::{
        facts::{Card, DispatcherSet, DispatcherTarget, ProxyFacts, RouteTree, ShellFacts, TargetState},
        flows::Flows,
        judge::{Judgement, MachineState},
        sample,
        world::World,
    },
    values::{PortError, PortErrorKind},
};

const NOW: Moment = Moment::from_seconds(1_795_317_152);

fn judged(inventory: &Inventory) -> Vec<Judgement> {
    let judge = |machine: &Machine| Judgement {
        name: machine.name.clone(),
        state: MachineState::Good,
        observed_at: None,
        findings: Vec::new(),
    };
    inventory.machines.iter().map(judge).collect()
}

fn of(seen: MachineSeen) -> MachineDetail {
    let (inventory, flows) = (sample::lab(), Flows::default());
    let mut world = World::default();
    world.machines.insert("kamailio-01".into(), seen);
    let sight = Sight {
        inventory: &inventory,
        world: &world,
        judgements: &judged(&inventory),
        networks: &[],
        flows: &flows,
        cut_off_since: None,
        now: NOW,
    };
    assert!(detail(&sight, "nobody").is_none() && detail(&sight, "carrier-a").is_none());
    detail(&sight, "kamailio-01").expect("it is in the inventory")
}

fn seen<T>(value: T) -> Option<Seen<T>> {
    let mut seen = Seen::new(2_000, NOW);
    seen.note(Ok(value), NOW);
    Some(seen)
}

#[test]
fn cards_are_compared_with_what_was_declared() {
    let card = |name: &str, address: [u8; 4], mtu, up| Card {
        name: name.into(),
        mac: "02:00:00:00:00:01".into(),
        mtu,
        up,
        addresses: vec![(address.into(), 24)],
    };
    let cards = vec![
        card("eth0", [10, 40, 40, 11], 1500, true),
        card("eth1", [203, 0, 113, 11], 1500, false),
        card("eth2", [10, 10, 10, 11], 1500, true),
    ];
    let detail = of(MachineSeen { shell: seen(ShellFacts { cards, ..ShellFacts::default() }), ..MachineSeen::default() });
    let words: Vec<(&str, &str)> = detail.cards.iter().map(|card| (card.network.as_str(), card.word.as_str())).collect();
    assert_eq!(words, [("Management", "as declared"), ("External", "down"), ("Voice", "MTU too small"), ("Sync", "missing")]);
}

#[test]
fn what_was_told_before_the_silence_keeps_no_color() {
    let card =
        Card { name: "eth0".into(), mac: String::new(), mtu: 1500, up: true, addresses: vec![([10, 40, 40, 11].into(), 24)] };
    let mut shell = seen(ShellFacts { cards: vec![card], ..ShellFacts::default() });
    if let Some(shell) = &mut shell {
        shell.note(Err(PortError::new("kamailio-01", "look", PortErrorKind::TimedOut, "no answer")), NOW);
    }
    let detail = of(MachineSeen { shell, ..MachineSeen::default() });
    assert!(detail.cards.iter().all(|card| card.tone == Tone::Idle), "{:?}", detail.cards);
}

#[test]
fn an_interface_that_fails_says_what_the_failure_said() {
    let mut shell: Seen<ShellFacts> = Seen::new(2_000, NOW);
    shell.note(Err(PortError::new("kamailio-01 SSH 10.40.40.11:22", "look", PortErrorKind::TimedOut, "no answer within 2 s")), NOW);
    let detail = of(MachineSeen { shell: Some(shell), ..MachineSeen::default() });
    assert_eq!((detail.interfaces[0].tone, detail.interfaces[0].address.as_str()), (Tone::Bad, "10.40.40.11:22"));
    assert!(detail.interfaces[0].said.contains("no answer within 2 s"));
    assert!(detail.cards.iter().all(|card| card.word == "not seen"));
}

#[test]
fn dispatcher_targets_carry_their_carriers_name_state_and_round_trip() {
    let target = DispatcherTarget {
        uri: "sip:203.0.113.102:5060".into(),
        state: TargetState::Inactive,
        priority: 0,
        round_trip_ms: Some(1.25),
    };
    let near = DispatcherTarget {
        uri: "sip:203.0.113.103:5060".into(),
        state: TargetState::Active,
        priority: 0,
        round_trip_ms: Some(0.0),
    };
    let proxy = ProxyFacts { sets: vec![DispatcherSet { id: 102, targets: vec![target, near] }], ..ProxyFacts::default() };
    let detail = of(MachineSeen { proxy: seen(proxy), ..MachineSeen::default() });
    let section = detail.sections.iter().find(|section| section.title == "Dispatcher").expect("there is a target");
    assert_eq!(
        section.facts,
        [
            Fact::toned("carrier-b", "sip:203.0.113.102:5060 · inactive · 1.2 ms", Tone::Bad),
            Fact::toned("carrier-b", "sip:203.0.113.103:5060 · active · under 1 ms", Tone::Good),
        ]
    );
}

#[test]
fn a_machine_whose_clock_is_wrong_makes_nothing_look_new_or_old() {
    for ahead_s in [0, 7_200, -7_200] {
        let reloaded_at = Some(Moment::from_seconds(1_795_317_152 - 600 + ahead_s));
        let tree = RouteTree { name: "lcr".into(), rows: 9, memory_bytes: 1_024, reloaded_at };
        let shell = ShellFacts { clock_offset_ms: ahead_s as f64 * 1_000.0, ..ShellFacts::default() };
        let proxy = ProxyFacts { trees: vec![tree], ..ProxyFacts::default() };
        let detail = of(MachineSeen { proxy: seen(proxy), shell: seen(shell), ..MachineSeen::default() });
        let section = detail.sections.iter().find(|section| section.title == "Route tables").expect("there is a tree");
        assert!(section.facts[0].value.contains("read 10 min"), "{ahead_s} s ahead: {:?}", section.facts);
    }
}

#[test]
fn the_way_there_is_a_line_to_copy() {
    let detail = of(MachineSeen::default());
    assert_eq!(detail.reach[0], ("shell".into(), "ssh root@10.40.40.11".into()));
    assert_eq!(detail.reach[1], ("through host-01".into(), "ssh -J root@10.40.40.1 root@10.40.40.11".into()));
    assert_eq!(detail.reach[2], ("jsonrpc".into(), "10.40.40.11:8060/RPC on Management".into()));
}

#[test]
fn a_certificate_presented_at_its_address_stands_on_its_page() {
    let (mut inventory, flows) = (sample::lab(), Flows::default());
    let endpoint = serde_json::json!({ "name": "sip-tls", "address": "203.0.113.11:5061" });
    inventory.certificates = vec![serde_json::from_value(endpoint).expect("an endpoint")];
    let sight = Sight {
        inventory: &inventory,
        world: &World::default(),
        judgements: &judged(&inventory),
        networks: &[],
        flows: &flows,
        cut_off_since: None,
        now: NOW,
    };
    let section = |name| {
        let found = detail(&sight, name).expect("it is in the inventory");
        found.sections.into_iter().find(|section| section.title == "Certificates").map(|section| section.facts)
    };
    assert_eq!(section("kamailio-01"), Some(vec![Fact::toned("sip-tls 203.0.113.11:5061", "not seen yet", Tone::Idle)]));
    assert_eq!(section("kamailio-02"), None);
}
