//! The observers against the real daemons: what they read of a whole carrier, and what they say of one that is not.

use crate::harness::{Lab, lab, wait_until};
use app::{
    fleet::facts::{HypervisorFacts, Power, TargetState},
    ports::{Hypervisor, SipPeer, SipProxy},
    values::PortErrorKind,
};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use server::{
    adapters::{kamailio::Kamailio, lab::LabHost, sip::SipOptions},
    lab::place::Layout,
};
use std::{
    fs::File,
    os::fd::AsFd,
    time::{Duration, Instant},
};

const DEADLINE: Duration = Duration::from_secs(1);

fn layout(lab: &Lab) -> Layout {
    Layout::below(&lab.state)
}

/// Runs a future on a thread of its own in the network of this process.
fn in_network_of<T: Send>(process: u32, work: impl AsyncFnOnce() -> T + Send) -> T {
    let network = File::open(format!("/proc/{process}/ns/net")).expect("the process is there");
    let run = move || {
        move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network)).expect("we are root");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(work())
    };
    std::thread::scope(|scope| scope.spawn(run).join().expect("it does not panic"))
}

fn at_management<T: Send>(lab: &Lab, work: impl AsyncFnOnce() -> T + Send) -> T {
    in_network_of(layout(lab).host_process().expect("the lab is up"), work)
}

fn in_machine<T: Send>(lab: &Lab, machine: &str, work: impl AsyncFnOnce() -> T + Send) -> T {
    in_network_of(layout(lab).machine_process(machine).expect("the machine runs"), work)
}

fn proxy(number: u8) -> Kamailio {
    let url = format!("http://10.40.40.{number}:8060/RPC");
    Kamailio::new(&format!("kamailio-{:02}", number - 10), &url, DEADLINE).expect("an address")
}

fn host(lab: &Lab) -> HypervisorFacts {
    let host = LabHost::new("host-01", layout(lab), Duration::from_secs(5));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(host.observe()).expect("the lab can be looked at")
}

fn uplinks(facts: &HypervisorFacts, network: &str) -> Vec<String> {
    let switch = facts.switches.iter().find(|switch| switch.port_groups == [network]).expect("the network has a switch");
    switch.uplinks.clone()
}

#[test]
fn a_proxy_tells_its_targets_trees_tables_and_peers() {
    let Some(lab) = lab() else { return };
    lab.call(&["--to", "442079460123", "--talk", "100ms"]);
    let (one, other) =
        at_management(&lab, async || tokio::join!(async { proxy(11).observe().await }, async { proxy(12).observe().await }));
    let (one, other) = (one.expect("it answers"), other.expect("it answers"));
    for facts in [&one, &other] {
        assert!(facts.version.starts_with("kamailio 5") && facts.uptime_s > 0, "{facts:?}");
        let set = |id: u32| facts.sets.iter().find(|set| set.id == id).unwrap_or_else(|| panic!("set {id} in {:?}", facts.sets));
        assert_eq!((set(1).targets.len(), set(101).targets.len(), set(102).targets.len()), (3, 1, 1));
        assert!(set(1).targets.iter().all(|target| target.state == TargetState::Active), "{:?}", set(1));
        assert!(set(101).targets[0].uri.contains("203.0.113.101"), "{:?}", set(101));
        // A carrier of the lab answers in less than a millisecond, which Kamailio counts as none.
        assert!(set(101).targets[0].round_trip_ms.is_some_and(|ms| ms < 1_000.0), "{:?}", set(101));
        let tree = facts.trees.first().expect("the routes");
        assert!(tree.rows > 10 && tree.memory_bytes > 1_000 && tree.reloaded_at.is_some(), "{tree:?}");
        assert!(["block", "fraud", "silent"].iter().all(|table| facts.hash_tables.contains_key(*table)), "{:?}", facts.hash_tables);
        assert_eq!(facts.dmq_peers.iter().map(|peer| (peer.active, peer.is_self)).filter(|(active, _)| *active).count(), 2);
        assert_eq!(facts.dmq_peers.iter().filter(|peer| peer.is_self).count(), 1);
        let (used, total) = (facts.shared_memory_used_bytes, facts.shared_memory_total_bytes);
        assert!(used > 100_000 && used < total && total == 256 * 1024 * 1024, "{used} of {total}");
    }
    let counted = |name: &str| one.counters.get(name).copied().unwrap_or(0) + other.counters.get(name).copied().unwrap_or(0);
    assert!(counted("core.rcv_requests_invite") >= 1);
    let attempts = one.counters.iter().chain(&other.counters).filter(|(name, _)| name.starts_with("attempts_total{carrier="));
    assert!(attempts.map(|(_, value)| value).sum::<u64>() >= 1, "a carrier was tried for the call");
}

#[test]
fn a_killed_pbx_is_inactive_at_the_proxy_and_a_frozen_proxy_ends_at_the_deadline() {
    let Some(lab) = lab() else { return };
    lab.run(&["break", "kill", "asterisk-02"]);
    wait_until("the proxy to see it", Duration::from_secs(20), || {
        let facts = at_management(&lab, async || proxy(11).observe().await).expect("the proxy answers");
        let pool = facts.sets.iter().find(|set| set.id == 1).expect("the pool");
        pool.targets.iter().any(|target| target.uri.contains("10.10.10.22") && target.state == TargetState::Inactive)
    });
    lab.run(&["heal"]);
    assert!(lab.run(&["break", "freeze", "kamailio-01"]).status.success());
    let (error, took) = at_management(&lab, async || {
        let began = Instant::now();
        (proxy(11).observe().await.expect_err("it is frozen"), began.elapsed())
    });
    let sip = in_machine(&lab, "customer-01", async || options("203.0.113.11:5060").await);
    assert_eq!(error.kind, PortErrorKind::TimedOut, "{error}");
    assert!(took < 2 * DEADLINE, "{took:?}");
    assert_eq!(sip.expect_err("it is frozen").kind, PortErrorKind::TimedOut);
    lab.run(&["heal"]);
    wait_until("it to answer again", Duration::from_secs(10), || at_management(&lab, async || proxy(11).observe().await).is_ok());
}

async fn options(address: &str) -> Result<app::fleet::facts::SipAnswer, app::values::PortError> {
    SipOptions::new("peer", address.parse().expect("an address"), DEADLINE).ask().await
}

#[test]
fn proxies_and_pbxs_answer_options() {
    let Some(lab) = lab() else { return };
    let proxy = in_machine(&lab, "customer-01", async || options("203.0.113.11:5060").await).expect("a customer is answered");
    assert!(proxy.status == 200 && proxy.round_trip_ms < 500.0, "{proxy:?}");
    let pbx = in_machine(&lab, "kamailio-01", async || options("10.10.10.21:5060").await).expect("the proxy is answered");
    assert!(pbx.status == 200 && pbx.server.is_some(), "{pbx:?}");
    let nobody = in_machine(&lab, "customer-01", async || options("10.10.10.21:5060").await).expect_err("there is no way");
    assert_eq!(nobody.kind, PortErrorKind::Refused, "{nobody}");
}

#[test]
fn the_host_shows_every_switch_machine_and_card() {
    let Some(lab) = lab() else { return };
    let facts = host(&lab);
    assert_eq!(
        facts.switches.iter().map(|switch| (switch.port_groups[0].as_str(), switch.mtu)).collect::<Vec<_>>(),
        [("data", Some(9000)), ("external", Some(1500)), ("management", Some(1500)), ("sync", Some(9000)), ("voice", Some(9000)),]
    );
    assert!(facts.switches.iter().all(|switch| switch.uplinks.is_empty()), "{:?}", facts.switches);
    let inventory = server::lab::shipped::shipped_inventory().expect("it is shipped");
    assert_eq!(facts.machines.len(), inventory.machines.len());
    for machine in &inventory.machines {
        let seen = facts.machines.iter().find(|seen| seen.name == machine.name).expect("it is there");
        assert_eq!(seen.power, Power::On, "{}", seen.name);
        let networks: Vec<&str> = seen.cards.iter().map(|card| card.network.as_str()).collect();
        assert_eq!(networks, machine.networks, "{}", seen.name);
        for card in &seen.cards {
            let inside = lab.exec(&seen.name, &["ip", "-br", "link", "show", &card.network]);
            assert!(card.connected && inside.contains(&card.mac), "{}: {inside} and {card:?}", seen.name);
        }
    }
}

#[test]
fn an_uplink_on_an_isolated_network_is_seen_until_it_is_healed() {
    let Some(lab) = lab() else { return };
    assert!(lab.run(&["break", "uplink", "data"]).status.success());
    let facts = host(&lab);
    let found = uplinks(&facts, "data");
    assert!(found.len() == 1 && found[0].contains("external"), "{found:?}");
    assert!(uplinks(&facts, "voice").is_empty() && uplinks(&facts, "sync").is_empty());
    lab.run(&["heal"]);
    assert!(uplinks(&host(&lab), "data").is_empty());
}

#[test]
fn a_frozen_machine_is_suspended_and_a_cut_cable_is_not_connected() {
    let Some(lab) = lab() else { return };
    assert!(lab.run(&["break", "freeze", "billing-01"]).status.success());
    assert!(lab.run(&["break", "cut", "asterisk-01/voice"]).status.success());
    let facts = host(&lab);
    let seen = |name: &str| facts.machines.iter().find(|machine| machine.name == name).expect("it is there");
    assert_eq!((seen("billing-01").power, seen("billing-02").power), (Power::Suspended, Power::On));
    let cut: Vec<&str> =
        seen("asterisk-01").cards.iter().filter(|card| !card.connected).map(|card| card.network.as_str()).collect();
    assert_eq!(cut, ["voice"]);
}
