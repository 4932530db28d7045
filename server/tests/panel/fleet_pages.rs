//! The pages of networks and databases as HTML, with a made-up world: everything is there before any script.

use app::{
    fleet::{
        database_sheet::databases,
        facts::{
            ArpAnswer, Card, DatabaseFacts, DiskUse, HypervisorFacts, NetworkProbes, PairPing, Power, Replication, SeenCard,
            SeenMachine, SemiSync, ShellFacts, VirtualSwitch,
        },
        history::History,
        inventory::{Inventory, Machine, Uplink},
        isolation::prove,
        network_sheet,
        pages::sheet_live::{SheetLive, Source},
        sheet::Sheet,
        world::{MachineSeen, Seen, World},
    },
    values::{Moment, PortError, PortErrorKind},
};
use leptos::prelude::*;
use std::time::Duration;

fn seen<T>(value: T, now: Moment) -> Seen<T> {
    let mut seen = Seen::new(5_000, now);
    seen.note(Ok(value), now);
    seen
}

fn mac(network: usize, number: u8) -> String {
    format!("02:57:43:00:{network:02x}:{number:02x}")
}

/// The lab as it should be.
fn world(inventory: &Inventory, now: Moment) -> World {
    let mut world = World::default();
    let mut host = HypervisorFacts { host: "host-01".into(), ..HypervisorFacts::default() };
    for (name, network) in &inventory.networks {
        let uplinks = if network.uplink == Uplink::Expected { vec!["to-switch-01".into()] } else { vec![] };
        let port_groups = vec![name.clone()];
        host.switches.push(VirtualSwitch { name: format!("br-{name}"), mtu: Some(network.mtu), uplinks, port_groups });
        let members: Vec<&Machine> = inventory.machines.iter().filter(|machine| machine.role.is_ours()).collect();
        let members: Vec<&Machine> = members.into_iter().filter(|machine| machine.networks.contains(name)).collect();
        let pairs = members.iter().enumerate().flat_map(|(i, a)| members[i + 1..].iter().map(move |b| (*a, *b)));
        let ping = |(a, b): (&Machine, &Machine)| PairPing {
            from: a.name.clone(),
            to: b.name.clone(),
            size_bytes: network.mtu,
            answered: true,
            said: None,
            small_answered: None,
            round_trip_ms: Some(f32::from(a.number.abs_diff(b.number)) / 60.0),
        };
        let pings = if network.uplink == Uplink::Forbidden { pairs.map(ping).collect() } else { vec![] };
        let answers = members.iter().map(|machine| ArpAnswer {
            address: network.subnet.address(machine.number),
            macs: vec![mac(usize::from(network.subnet.base.octets()[1]), machine.number)],
        });
        let probes = NetworkProbes { network: name.clone(), pings, answers: answers.collect(), observed_at: now };
        world.networks.insert(name.clone(), seen(probes, now));
    }
    for machine in &inventory.machines {
        let nics = inventory.nics(machine);
        let own = |network: &str| usize::from(inventory.networks[network].subnet.base.octets()[1]);
        let at_host = nics.iter().map(|nic| SeenCard {
            network: nic.network.clone(),
            mac: mac(own(&nic.network), machine.number),
            connected: true,
            mtu: Some(nic.mtu),
        });
        let (name, cards) = (machine.name.clone(), at_host.collect());
        host.machines.push(SeenMachine { id: name.clone(), name, power: Power::On, tools: None, cards });
        if !machine.role.is_ours() {
            continue;
        }
        let inside = nics.iter().map(|nic| Card {
            name: nic.network.clone(),
            mac: mac(own(&nic.network), machine.number),
            mtu: nic.mtu,
            up: true,
            addresses: vec![(nic.address, nic.prefix_len)],
        });
        let facts = ShellFacts {
            machine_id: format!("{:032x}", machine.number),
            cards: inside.collect(),
            disks: vec![DiskUse { mount: "/".into(), size_bytes: 1 << 30, free_bytes: 700 << 20 }],
            ..ShellFacts::default()
        };
        world.machines.insert(machine.name.clone(), MachineSeen { shell: Some(seen(facts, now)), ..MachineSeen::default() });
    }
    world.hosts.insert("host-01".into(), seen(host, now));
    for (name, facts) in [("mariadb-01", primary()), ("mariadb-02", replica())] {
        world.machines.entry(name.into()).or_default().database = Some(seen(facts, now));
    }
    world
}

fn primary() -> DatabaseFacts {
    DatabaseFacts {
        version: "10.11.19-MariaDB".into(),
        server_id: 1,
        uptime_s: 93_000,
        gtid_binlog: "0-1-41230".into(),
        gtid_binlog_state: "0-1-41230".into(),
        semi_sync: SemiSync { primary_enabled: true, primary_active: true, replicas: 1, ..SemiSync::default() },
        connections: 31,
        connections_max: 200,
        threads_running: 2,
        heartbeat_age_ms: Some(210),
        observed_at: app::context::now(),
        ..DatabaseFacts::default()
    }
}

fn replica() -> DatabaseFacts {
    let replication = Replication {
        source_host: "10.30.30.41".into(),
        io_running: true,
        sql_running: true,
        gtid_io: "0-1-41230".into(),
        ..Replication::default()
    };
    DatabaseFacts {
        server_id: 2,
        read_only: true,
        gtid_binlog: "0-1-41230".into(),
        gtid_slave: "0-1-41230".into(),
        heartbeat_age_ms: Some(340),
        replication: Some(replication),
        semi_sync: SemiSync { replica_enabled: true, replica_active: true, ..SemiSync::default() },
        ..primary()
    }
}

/// Several things wrong at once, and one machine that does not answer.
fn broken(inventory: &Inventory, now: Moment) -> World {
    let mut world = world(inventory, now);
    let host = &mut world.hosts.get_mut("host-01").expect("there").last.as_mut().expect("seen").value;
    let voice = host.switches.iter_mut().find(|switch| switch.name == "br-voice").expect("there");
    voice.uplinks.push("planted0 (leads to br-external)".into());
    let sync = &mut world.networks.get_mut("sync").expect("there").last.as_mut().expect("seen").value;
    (sync.pings[0].answered, sync.pings[0].said) = (false, Some("message too long, mtu=1500".into()));
    sync.answers[0].macs.push("02:aa:bb:cc:dd:ee".into());
    let away = |name: &str| PortError::new(name, "look at it", PortErrorKind::TimedOut, "no answer within 2 s");
    let mariadb = world.machines.get_mut("mariadb-02").expect("there");
    mariadb.shell.as_mut().expect("watched").note(Err(away("mariadb-02 SSH 10.40.40.42:22")), now);
    let database = mariadb.database.as_mut().expect("watched");
    database.last.as_mut().expect("seen").observed_at = now.minus(Duration::from_secs(70));
    database.note(Err(away("mariadb-02 MariaDB 10.40.40.42:3306")), now);
    world
}

fn html(source: Source, sheet: Sheet) -> String {
    let owner = Owner::new();
    owner.with(|| view! { <SheetLive source=source initial=sheet/> }.to_html())
}

/// Where somebody wants to look at them.
fn keep(name: &str, html: &str) {
    if let Some(dir) = std::env::var_os("WIRECENTER_KEEP_PAGES") {
        std::fs::write(std::path::Path::new(&dir).join(name), html).expect("a folder that can be written");
    }
}

fn sheets(world: &World, inventory: &Inventory, now: Moment) -> [(&'static str, Source, Sheet); 3] {
    let verdicts = prove(inventory, world, now);
    let mut history = History::default();
    history.note(&verdicts, now);
    let sync = network_sheet::network(inventory, world, "sync", &verdicts, &history.of("sync"), now).expect("it is declared");
    [
        ("networks", Source::Networks, network_sheet::networks(inventory, world, &verdicts, now)),
        ("network", Source::Network("sync".into()), sync),
        ("databases", Source::Databases, databases(inventory, world, now)),
    ]
}

#[tokio::test]
async fn a_whole_fleet_reads_well_without_a_script() {
    let (inventory, now) = (server::lab::shipped::shipped_inventory().expect("it is valid"), app::context::now());
    for (name, source, sheet) in sheets(&world(&inventory, now), &inventory, now) {
        let html = html(source, sheet);
        keep(&format!("{name}-whole.html"), &html);
        let wanted: &[&str] = match name {
            "networks" => &["All 5 networks are proved", "/networks/voice", "10.10.10.0/24", "proved"],
            "network" => &["4 of 4 seen", "6 of 6 pairs", "/machines/mariadb-01", "Verdicts until now"],
            _ => &[
                "mariadb-01 is the primary",
                "Nothing: each commit waits for mariadb-02",
                "0-1-41230",
                "May write despite read_only",
            ],
        };
        for part in wanted {
            assert!(html.contains(part), "{part} on {name}: {html}");
        }
        assert!(!html.contains("badge bad"), "{name}: {html}");
    }
}

#[tokio::test]
async fn what_is_broken_is_said_first_and_what_is_unknown_is_never_green() {
    let (inventory, now) = (server::lab::shipped::shipped_inventory().expect("it is valid"), app::context::now());
    for (name, source, sheet) in sheets(&broken(&inventory, now), &inventory, now) {
        let html = html(source, sheet);
        keep(&format!("{name}-broken.html"), &html);
        let wanted: &[&str] = match name {
            "networks" => &["sync and voice are violated", "planted0 (leads to br-external)", "Two cards answer for 10.30.30.11"],
            "network" => &["message too long, mtu=1500", "badge idle", "mariadb-02 does not answer since"],
            _ => &["mariadb-02 was not seen lately", "badge idle", "no answer within 2 s"],
        };
        for part in wanted {
            assert!(html.contains(part), "{part} on {name}: {html}");
        }
    }
}
