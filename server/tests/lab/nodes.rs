//! Machines and database nodes, looked at over their real interfaces: what the observers tell while all is well, and of each fault.

use crate::harness::{Lab, lab, measured, wait_until};
use app::{
    context::now,
    fleet::{
        facts::{DatabaseFacts, NetworkProbes, ShellFacts},
        inventory::Inventory,
        replication::{self, ClusterView, Lag, Primary},
        world::{MachineSeen, Seen, World},
    },
    ports::{DatabaseNode, RemoteShell},
    values::{PortError, PortErrorKind},
};
use server::{
    adapters::{
        mariadb::{Beat, MariaDb},
        ssh::{Jump, KnownHosts, PublicKey, Ssh, Target, of_lab, offered},
    },
    lab::{enter, place::Layout},
};
use std::{
    collections::BTreeSet,
    fs::File,
    net::{Ipv4Addr, SocketAddrV4},
    os::fd::AsFd,
    time::{Duration, Instant},
};

const PATIENCE: Duration = Duration::from_secs(20);
const DEADLINE: Duration = Duration::from_secs(3);

/// What the panel has of a lab: its inventory, its keys, and a known-hosts file of its own.
struct Panel {
    layout: Layout,
    inventory: Inventory,
    dir: tempfile::TempDir,
    known: KnownHosts,
}

impl Panel {
    fn of(lab: &Lab) -> Self {
        let layout = Layout::below(&lab.state);
        let text = std::fs::read_to_string(layout.inventory()).expect("the lab's inventory");
        let dir = tempfile::tempdir().expect("a folder");
        let known = KnownHosts::at(&dir.path().join("known_hosts"));
        let panel = Self { layout, inventory: toml::from_str(&text).expect("an inventory"), dir, known };
        panel.forget_neighbors();
        for name in panel.ours() {
            panel.known.pin(&name, &of_lab(&panel.layout, &name).expect("its keys")).expect("written");
        }
        panel
    }

    fn ours(&self) -> Vec<String> {
        let ours = self.inventory.machines.iter().filter(|machine| machine.role.is_ours());
        ours.map(|machine| machine.name.clone()).collect()
    }

    /// A machine of the lab that was switched off and on has new cards, and the host believes in the old ones for a minute.
    fn forget_neighbors(&self) {
        let mut ip = enter::at_switches(&self.layout).expect("the lab is up");
        enter::run(&mut ip, &["ip", "neigh", "flush", "all"]).expect("it forgets");
    }

    fn address(&self, machine: &str, network: &str) -> Ipv4Addr {
        let machine = self.inventory.machine(machine).expect("a machine");
        self.inventory.address(machine, network).expect("its address")
    }

    fn target(&self, machine: &str) -> Target {
        Target {
            machine: machine.into(),
            address: SocketAddrV4::new(self.address(machine, "management"), 22),
            user: "root".into(),
            key_file: self.layout.dir().join("secrets/ssh"),
            known_hosts: self.known.clone(),
            jump: None,
            control_dir: self.dir.path().join("control"),
            deadline: DEADLINE,
        }
    }

    fn ssh(&self, machine: &str) -> Ssh {
        Ssh::new(self.target(machine)).expect("a target")
    }

    fn node_with(&self, machine: &str, password: &str) -> MariaDb {
        MariaDb::new(machine, SocketAddrV4::new(self.address(machine, "management"), 3306), "panel", password, DEADLINE)
    }

    fn node(&self, machine: &str) -> MariaDb {
        let password = std::fs::read_to_string(self.layout.dir().join("secrets/panel")).expect("a password");
        self.node_with(machine, password.trim())
    }

    /// In the network of the lab's host, where Management is reached; `ssh` inherits it.
    fn inside<T: Send>(&self, work: impl AsyncFnOnce() -> T + Send) -> T {
        let host = self.layout.host_process().expect("the lab is up");
        let network = File::open(format!("/proc/{host}/ns/net")).expect("its network");
        let enter = || {
            let kind = Some(rustix::thread::LinkNameSpaceType::Network);
            rustix::thread::move_into_link_name_space(network.as_fd(), kind).expect("root may enter");
            tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(work())
        };
        std::thread::scope(|scope| scope.spawn(enter).join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    }

    fn look(&self, machine: &str) -> Result<ShellFacts, PortError> {
        self.inside(async || self.ssh(machine).observe().await)
    }

    /// The cluster as a round of looks sees it, after a beat on the declared primary.
    fn cluster(&self) -> ClusterView {
        let cluster = &self.inventory.clusters["database"];
        let mut world = World::default();
        self.inside(async || {
            let primary = self.node("mariadb-01");
            assert!(matches!(primary.beat(now()).await, Ok(Beat::Written { .. })));
            tokio::time::sleep(Duration::from_millis(200)).await;
            for name in &cluster.members {
                let mut seen = Seen::new(1_000, now());
                seen.note(self.node(name).observe().await, now());
                world.machines.insert(name.clone(), MachineSeen { database: Some(seen), ..MachineSeen::default() });
            }
        });
        replication::view(cluster, &world, now())
    }

    fn has(&self, key: &str) -> bool {
        self.cluster().findings.iter().any(|(machine, finding)| machine == "mariadb-02" && finding.key == key)
    }

    fn probe(&self, from: &str, network: &str, peers: &[&str], asked: &[Ipv4Addr]) -> Result<NetworkProbes, PortError> {
        let size_bytes = self.inventory.networks[network].mtu;
        let peers: Vec<(String, Ipv4Addr)> = peers.iter().map(|peer| (peer.to_string(), self.address(peer, network))).collect();
        self.inside(async || self.ssh(from).probe(network, size_bytes, &peers, asked).await)
    }
}

/// Breaks, waits until it is seen, heals, waits until it is not.
fn seen_and_healed(lab: &Lab, fault: &str, target: &str, is_seen: impl Fn() -> bool) {
    assert!(!is_seen(), "{fault} {target} before it is made");
    lab.json(&["break", fault, target]);
    wait_until(&format!("{fault} {target} to be seen"), PATIENCE, &is_seen);
    lab.json(&["heal", fault, target]);
    wait_until(&format!("{fault} {target} to be gone"), PATIENCE, || !is_seen());
}

fn children() -> String {
    let found = server::process::Processes::look().descendants(std::process::id());
    let lines = found.into_iter().filter_map(server::process::command_line).filter(|line| line.contains("ssh"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn each_machine_tells_of_itself_and_nothing_is_left_behind() {
    let Some(lab) = lab() else { return };
    let panel = Panel::of(&lab);
    let names = panel.ours();
    let mut ids = BTreeSet::new();
    panel.inside(async || {
        let shells: Vec<Ssh> = names.iter().map(|name| panel.ssh(name)).collect();
        for (shell, name) in shells.iter().zip(&names) {
            let first = shell.observe().await.unwrap_or_else(|error| panic!("{error}"));
            assert_eq!((&first.hostname, first.cpu_percent), (name, None));
            let pinned = panel.known.pinned(name).expect("read");
            assert_eq!(first.host_keys, pinned.iter().map(PublicKey::named).collect::<Vec<_>>(), "{name}");
            assert!(first.clock_offset_ms.abs() < 500.0 && first.memory_total_bytes > first.memory_available_bytes, "{first:?}");
            assert!(first.disks.iter().any(|disk| disk.mount == "/var" && disk.used_percent() < 90), "{first:?}");
            let machine = panel.inventory.machine(name).expect("declared");
            for nic in panel.inventory.nics(machine) {
                let card = first.cards.iter().find(|card| card.name == nic.network).unwrap_or_else(|| panic!("{name} {nic:?}"));
                assert!(card.up && card.mtu == nic.mtu && card.addresses.contains(&(nic.address, nic.prefix_len)), "{card:?}");
            }
            assert!(ids.insert(first.machine_id), "{name} shares its machine-id");
        }
        let began = Instant::now();
        for shell in &shells {
            let second = shell.observe().await.unwrap_or_else(|error| panic!("{error}"));
            assert!(second.cpu_percent.is_some_and(|percent| (0.0..=100.0).contains(&percent)), "{:?}", second.cpu_percent);
        }
        measured(&format!("ten machines looked at one after the other over open connections: {:?}", began.elapsed()));
        assert!(!children().is_empty(), "the connections are held");
        drop(shells);
        tokio::time::sleep(Duration::from_millis(500)).await;
    });
    wait_until("every ssh to be gone", Duration::from_secs(5), || children().is_empty());
    let left = std::fs::read_dir(panel.dir.path().join("control")).expect("a folder").count();
    assert_eq!(left, 0, "control sockets");
}

#[test]
fn a_machine_is_known_by_its_key_and_not_by_its_address() {
    let Some(lab) = lab() else { return };
    let panel = Panel::of(&lab);
    // Somebody else answers at its address.
    let mut target = panel.target("asterisk-02");
    target.address = panel.target("asterisk-01").address;
    let refused =
        |target: &Target| panel.inside(async || Ssh::new(target.clone()).expect("a target").observe().await.expect_err("refused"));
    let error = refused(&target);
    assert_eq!(error.kind, PortErrorKind::WrongIdentity, "{error}");
    let own = of_lab(&panel.layout, "asterisk-01").expect("its key")[0].fingerprint();
    assert!(error.said.contains(&format!("the key it sent, {own}, is that of asterisk-01")), "{error}");
    // A machine whose key nobody confirmed.
    panel.known.pin("asterisk-01", &[]).expect("forgotten");
    let error = refused(&panel.target("asterisk-01"));
    assert_eq!(error.kind, PortErrorKind::NotConfigured, "{error}");
    assert!(error.said.starts_with("nobody has confirmed the key of asterisk-01 yet"), "{error}");
    // Offered over the network it is the same key here; confirmed, it is let in.
    let keys = panel.inside(async || offered(panel.target("asterisk-01").address, DEADLINE).await.expect("keys"));
    assert_eq!(keys, of_lab(&panel.layout, "asterisk-01").expect("its keys"));
    panel.known.pin("asterisk-01", &keys).expect("written");
    assert_eq!(panel.look("asterisk-01").expect("let in").hostname, "asterisk-01");
    // Through another machine, each by its own key.
    let mut target = panel.target("asterisk-02");
    target.jump = Some(Jump { machine: "asterisk-01".into(), address: panel.target("asterisk-01").address, user: "root".into() });
    let facts = panel.inside(async || Ssh::new(target.clone()).expect("a target").observe().await);
    assert_eq!(facts.expect("let in").hostname, "asterisk-02");
    panel.known.pin("asterisk-01", &[]).expect("forgotten");
    assert_eq!(refused(&target).kind, PortErrorKind::NotConfigured);
}

#[test]
fn a_key_that_opens_nothing_is_denied() {
    let Some(lab) = lab() else { return };
    let panel = Panel::of(&lab);
    let key_file = panel.dir.path().join("stranger");
    let mut make = std::process::Command::new("ssh-keygen");
    let made = make.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key_file).status().expect("ssh-keygen");
    assert!(made.success());
    let target = Target { key_file, ..panel.target("billing-01") };
    let error = panel.inside(async || Ssh::new(target.clone()).expect("a target").observe().await.expect_err("a stranger"));
    assert_eq!(error.kind, PortErrorKind::Denied, "{error}");
    let error = panel.inside(async || {
        let target = Target { key_file: panel.dir.path().join("nothing"), ..target };
        Ssh::new(target).expect("a target").observe().await.expect_err("no key")
    });
    assert!(matches!(error.kind, PortErrorKind::NotConfigured | PortErrorKind::Denied), "{error}");
}

#[test]
fn a_connection_outlives_neither_a_frozen_nor_a_dead_machine() {
    let Some(lab) = lab() else { return };
    let panel = Panel::of(&lab);
    panel.inside(async || {
        let shell = panel.ssh("monitor-01");
        shell.observe().await.expect("it is up");
        lab.json(&["break", "freeze", "monitor-01"]);
        let began = Instant::now();
        let error = shell.observe().await.expect_err("it is frozen");
        assert_eq!(error.kind, PortErrorKind::TimedOut, "{error}");
        assert!(began.elapsed() < DEADLINE + Duration::from_secs(1), "{:?}", began.elapsed());
        lab.json(&["heal", "freeze", "monitor-01"]);
        shell.observe().await.expect("it goes on");
        lab.json(&["break", "kill", "monitor-01"]);
        let error = shell.observe().await.expect_err("it is off");
        assert!(matches!(error.kind, PortErrorKind::Refused | PortErrorKind::TimedOut | PortErrorKind::Broken), "{error}");
        lab.json(&["heal", "kill", "monitor-01"]);
        panel.forget_neighbors();
        let give_up = Instant::now() + PATIENCE;
        while let Err(error) = shell.observe().await {
            assert!(Instant::now() < give_up, "{error}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    });
}

#[test]
fn faults_of_a_machine_are_seen_from_its_shell() {
    let Some(lab) = lab() else { return };
    let panel = Panel::of(&lab);
    let id = |machine: &str| panel.look(machine).expect("it answers").machine_id;
    seen_and_healed(&lab, "duplicate_machine_id", "asterisk-02", || id("asterisk-01") == id("asterisk-02"));
    seen_and_healed(&lab, "fill_disk", "billing-02", || {
        let facts = panel.look("billing-02").expect("it answers");
        facts.disks.iter().any(|disk| disk.used_percent() > 95)
    });
    seen_and_healed(&lab, "cut", "monitor-01/data", || {
        let facts = panel.look("monitor-01").expect("it answers");
        facts.cards.iter().any(|card| card.name == "data" && !card.up)
    });
}

#[test]
fn an_isolated_network_is_tried_between_each_pair() {
    let Some(lab) = lab() else { return };
    let panel = Panel::of(&lab);
    let members = ["kamailio-01", "kamailio-02", "asterisk-01", "asterisk-02", "asterisk-03", "monitor-01"];
    let asked: Vec<Ipv4Addr> = members.iter().map(|name| panel.address(name, "voice")).collect();
    let began = Instant::now();
    panel.inside(async || {
        let tried = members.iter().map(|from| {
            let (panel, asked) = (&panel, &asked);
            let peers = members.iter().filter(|to| *to != from).map(|to| (to.to_string(), panel.address(to, "voice")));
            let peers: Vec<(String, Ipv4Addr)> = peers.collect();
            async move {
                // Who answers is asked from one machine; the others would hear the same.
                let asked = if *from == "asterisk-01" { asked.as_slice() } else { &[] };
                panel.ssh(from).probe("voice", 9_000, &peers, asked).await.unwrap_or_else(|error| panic!("{error}"))
            }
        });
        let all = futures::future::join_all(tried).await;
        let pings: Vec<_> = all.iter().flat_map(|probes| &probes.pings).collect();
        assert_eq!(pings.len(), 30);
        assert!(pings.iter().all(|ping| ping.answered && ping.size_bytes == 9_000 && ping.round_trip_ms.is_some()), "{pings:?}");
        let answers = &all[2].answers;
        assert_eq!(answers.len(), 6);
        // Its own address nobody else has.
        assert!(answers.iter().all(|answer| answer.macs.len() == usize::from(answer.address != asked[2])), "{answers:?}");
    });
    measured(&format!("jumbo pings between all pairs of six machines, and ARP: {:?}", began.elapsed()));
    assert!(began.elapsed() < Duration::from_secs(8));
    // A packet larger than the network is no proof, and says so.
    let probes = panel.inside(async || {
        let peer = ("asterisk-02".to_string(), panel.address("asterisk-02", "voice"));
        panel.ssh("asterisk-01").probe("voice", 9_001, &[peer], &[]).await.expect("probed")
    });
    assert_eq!(probes.pings[0].said.as_deref(), Some("message too long, mtu=9000"));
}

#[test]
fn faults_of_a_network_are_seen_by_probes() {
    let Some(lab) = lab() else { return };
    let panel = Panel::of(&lab);
    let said = |from: &str, to: &str| {
        let probes = panel.probe(from, "sync", &[to], &[]).expect("probed");
        probes.pings[0].said.clone()
    };
    let is_small = || said("mariadb-02", "mariadb-01").as_deref() == Some("message too long, mtu=1500");
    seen_and_healed(&lab, "wrong_mtu", "mariadb-02/sync", is_small);
    assert_eq!(said("mariadb-01", "mariadb-02"), None);
    let address = panel.address("asterisk-02", "management");
    let two_answer = || panel.probe("asterisk-01", "management", &[], &[address]).expect("probed").answers[0].macs.len() == 2;
    seen_and_healed(&lab, "duplicate_address", "asterisk-02/management", two_answer);
}

#[test]
fn both_database_nodes_tell_of_themselves() {
    let Some(lab) = lab() else { return };
    let panel = Panel::of(&lab);
    let (first, second): (DatabaseFacts, DatabaseFacts) = panel.inside(async || {
        let (first, second) = (panel.node("mariadb-01"), panel.node("mariadb-02"));
        assert!(matches!(first.beat(now()).await, Ok(Beat::Written { .. })));
        assert_eq!(second.beat(now()).await, Ok(Beat::ReadOnly));
        tokio::time::sleep(Duration::from_millis(300)).await;
        let began = Instant::now();
        let both = (first.observe().await.expect("facts"), second.observe().await.expect("facts"));
        measured(&format!("both database nodes looked at, connecting included: {:?}", began.elapsed()));
        both
    });
    assert_eq!((first.server_id, first.hostname.as_str(), first.read_only), (41, "mariadb-01", false));
    assert_eq!((second.server_id, second.hostname.as_str(), second.read_only), (42, "mariadb-02", true));
    for facts in [&first, &second] {
        assert!(facts.version.contains("MariaDB") && facts.log_bin && facts.log_slave_updates && facts.gtid_strict, "{facts:?}");
        assert!(facts.heartbeat_age_ms.is_some_and(|ms| ms < 3_000), "{facts:?}");
        assert!(facts.connections > 0 && facts.connections_max == 200 && facts.queries > 0 && facts.commits > 0, "{facts:?}");
        assert_eq!(facts.privileged, [""; 0], "nobody with special rights is connected");
    }
    assert_eq!(first.replication, None);
    let replication = second.replication.expect("it follows");
    assert!(replication.io_running && replication.sql_running && replication.io_error.is_none(), "{replication:?}");
    assert_eq!(replication.using_gtid, "Slave_Pos");
    assert!(first.semi_sync.primary_active && first.semi_sync.replicas == 1 && second.semi_sync.replica_active);
    assert_eq!(first.semi_sync.wait_point, "AFTER_SYNC");
    let view = panel.cluster();
    assert_eq!((view.primary, view.findings), (Primary::One("mariadb-01".into()), Vec::new()));
    assert_eq!(view.nodes[1].loss.as_ref().and_then(|loss| loss.transactions), Some(0), "{:?}", view.nodes[1]);
    let denied = panel.inside(async || panel.node_with("mariadb-01", "not the password").observe().await.expect_err("denied"));
    assert_eq!(denied.kind, PortErrorKind::Denied, "{denied}");
}

#[test]
fn faults_of_a_replica_are_seen_and_named() {
    let Some(lab) = lab() else { return };
    let panel = Panel::of(&lab);
    seen_and_healed(&lab, "stop_replication", "mariadb-02", || panel.has("replica.io_stopped") && panel.has("replica.sql_stopped"));
    seen_and_healed(&lab, "errant_transaction", "mariadb-02", || panel.has("replica.errant"));
    wait_until("replication to go on", PATIENCE, || panel.cluster().findings.is_empty());
    seen_and_healed(&lab, "lag_replication", "mariadb-02", || {
        let view = panel.cluster();
        let behind = matches!(view.nodes[1].lag, Lag::Heartbeat { ms } if ms > 2_000);
        behind && view.findings.iter().any(|(_, finding)| finding.key == "replica.delayed")
    });
}

#[test]
fn a_frozen_primary_is_not_written_to_late() {
    let Some(lab) = lab() else { return };
    let panel = Panel::of(&lab);
    panel.inside(async || {
        let node = panel.node("mariadb-01");
        assert!(matches!(node.beat(now()).await, Ok(Beat::Written { .. })));
        lab.json(&["break", "freeze", "mariadb-01"]);
        let error = node.beat(now()).await.expect_err("it is frozen");
        assert_eq!(error.kind, PortErrorKind::TimedOut, "{error}");
        let began = Instant::now();
        assert_eq!(node.observe().await.expect_err("it is frozen").kind, PortErrorKind::TimedOut);
        assert!(began.elapsed() < DEADLINE + Duration::from_secs(1));
        lab.json(&["heal", "freeze", "mariadb-01"]);
    });
    let last = || lab.sql("mariadb-01", "SELECT at_us FROM wirecenter_watch.heartbeat WHERE server_id = 41");
    let before = last();
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(last(), before, "what was given up is not written afterwards");
    wait_until("replication to go on", PATIENCE, || panel.cluster().findings.is_empty());
}
