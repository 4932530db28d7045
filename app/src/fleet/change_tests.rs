//! Each change as a pair of looks and the words it is told with.

use super::*;
use crate::fleet::facts::{DispatcherSet, DispatcherTarget, DmqPeer, HostKey, PbxEndpoint, Replication, SeenMachine, SemiSync};
use crate::values::{PortError, PortErrorKind};

fn at(s: i64) -> Moment {
    Moment::from_seconds(1_780_000_000 + s)
}

fn seen<T>(value: T, s: i64) -> Option<Seen<T>> {
    let mut seen = Seen::new(5_000, at(0));
    seen.note(Ok(value), at(s));
    Some(seen)
}

fn texts(changes: &[Change]) -> Vec<&str> {
    changes.iter().map(|change| change.text.as_str()).collect()
}

fn shells(change: impl FnOnce(&mut ShellFacts)) -> Vec<Change> {
    let card =
        Card { name: "eth1".into(), mac: "02:aa".into(), mtu: 9_000, up: true, addresses: vec![([10, 20, 20, 41].into(), 24)] };
    let keys = vec![HostKey { kind: "ssh-ed25519".into(), fingerprint: "SHA256:a".into() }];
    let before = ShellFacts { machine_id: "1".into(), uptime_s: 100, cards: vec![card], host_keys: keys, ..ShellFacts::default() };
    let mut after = ShellFacts { uptime_s: 105, ..before.clone() };
    change(&mut after);
    let of = |facts, s| MachineSeen { shell: seen(facts, s), ..MachineSeen::default() };
    changes("mariadb-01", &of(before, 0), &of(after, 5), at(5))
}

fn databases(change: impl FnOnce(&mut DatabaseFacts)) -> Vec<Change> {
    let replication =
        Replication { source_host: "mariadb-01".into(), io_running: true, sql_running: true, ..Replication::default() };
    let semi_sync = SemiSync { primary_active: true, replica_active: true, ..SemiSync::default() };
    let before =
        DatabaseFacts { read_only: true, uptime_s: 100, replication: Some(replication), semi_sync, ..DatabaseFacts::default() };
    let mut after = DatabaseFacts { uptime_s: 105, queries: 99, ..before.clone() };
    change(&mut after);
    let of = |facts, s| MachineSeen { database: seen(facts, s), ..MachineSeen::default() };
    changes("mariadb-02", &of(before, 0), &of(after, 5), at(5))
}

fn replication(facts: &mut DatabaseFacts) -> &mut Replication {
    facts.replication.as_mut().expect("a replica")
}

#[test]
fn values_that_only_move_are_no_change() {
    assert!(shells(|facts| facts.load = [9.0; 3]).is_empty());
    assert!(databases(|facts| facts.gtid_slave = "0-1-99".into()).is_empty());
}

#[test]
fn a_machines_identity_and_cards_are_told() {
    assert_eq!(texts(&shells(|facts| facts.machine_id = "2".into())), ["machine-id changed from 1 to 2"]);
    let keys = shells(|facts| facts.host_keys[0].fingerprint = "SHA256:b".into());
    assert_eq!(texts(&keys), ["ssh-ed25519 host key changed from SHA256:a to SHA256:b"]);
    assert_eq!(keys[0].tone, Tone::Bad);
    let mtu = shells(|facts| facts.cards[0].mtu = 1_500);
    assert_eq!((texts(&mtu), mtu[0].tone), (vec!["MTU of eth1 changed from 9000 to 1500"], Tone::Bad));
    assert_eq!(texts(&shells(|facts| facts.cards[0].mac = "02:bb".into())), ["MAC of eth1 changed from 02:aa to 02:bb"]);
    assert_eq!(texts(&shells(|facts| facts.cards[0].up = false)), ["card eth1 went down"]);
    let moved = shells(|facts| facts.cards[0].addresses = vec![([10, 20, 20, 40].into(), 24)]);
    assert_eq!(texts(&moved), ["address 10.20.20.40 added to eth1", "address 10.20.20.41 taken off eth1"]);
    assert_eq!(texts(&shells(|facts| facts.cards[0].name = "eth2".into())).len(), 3, "one card gone, one added with its address");
}

#[test]
fn a_restart_is_told_with_its_own_time() {
    let restarted = shells(|facts| facts.uptime_s = 3);
    assert_eq!((texts(&restarted), restarted[0].at), (vec!["the machine restarted"], at(2)));
    assert_eq!(texts(&databases(|facts| facts.uptime_s = 1)), ["MariaDB restarted"]);
}

#[test]
fn what_matters_of_a_database_is_told() {
    let off = databases(|facts| facts.read_only = false);
    assert_eq!((texts(&off), off[0].at, off[0].machine.as_str()), (vec!["read_only turned off"], at(5), "mariadb-02"));
    assert_eq!(texts(&databases(|facts| facts.semi_sync.primary_active = false)), ["semi-sync turned off"]);
    assert_eq!(texts(&databases(|facts| facts.replication = None)), ["is no replica of mariadb-01 anymore"]);
    let stopped = databases(|facts| {
        let replication = replication(facts);
        (replication.sql_running, replication.sql_error) = (false, Some("Duplicate entry '7'".into()));
    });
    assert_eq!(texts(&stopped), ["replication stopped applying (SQL): Duplicate entry '7'"]);
    let source = databases(|facts| replication(facts).source_host = "mariadb-03".into());
    assert_eq!(texts(&source), ["replicates from mariadb-03 instead of mariadb-01"]);
}

#[test]
fn targets_peers_and_trunks_are_told() {
    let proxy = |state, active| ProxyFacts {
        sets: vec![DispatcherSet {
            id: 1,
            targets: vec![DispatcherTarget { uri: "sip:10.10.10.21".into(), state, priority: 0, round_trip_ms: None }],
        }],
        dmq_peers: vec![DmqPeer { uri: "sip:10.30.30.12".into(), active, is_self: false }],
        ..ProxyFacts::default()
    };
    let of = |facts, s| MachineSeen { proxy: seen(facts, s), ..MachineSeen::default() };
    let (before, after) = (of(proxy(TargetState::Active, true), 0), of(proxy(TargetState::Inactive, false), 5));
    let expected = ["target sip:10.10.10.21 of set 1 is inactive: it does not answer", "DMQ peer sip:10.30.30.12 does not answer"];
    assert_eq!(texts(&changes("kamailio-01", &before, &after, at(5))), expected);
    let gone = of(ProxyFacts::default(), 5);
    assert_eq!(texts(&changes("kamailio-01", &before, &gone, at(5))), ["target sip:10.10.10.21 taken out of set 1"]);

    let pbx = |reachable, started| PbxFacts {
        started_at: Some(at(started)),
        endpoints: vec![PbxEndpoint {
            name: "kamailio".into(),
            reachable: Some(reachable),
            contact: None,
            round_trip_ms: None,
            channels: 0,
        }],
        ..PbxFacts::default()
    };
    let of = |facts, s| MachineSeen { pbx: seen(facts, s), ..MachineSeen::default() };
    let told = changes("asterisk-01", &of(pbx(true, -50), 0), &of(pbx(false, 3), 5), at(5));
    assert_eq!(texts(&told), ["trunk kamailio does not answer", "Asterisk restarted"]);
    assert_eq!(told[1].at, at(3));
}

#[test]
fn a_restart_is_told_at_our_time_whatever_the_machines_clock_says() {
    let machine = |started, s, ahead_s: f64| MachineSeen {
        pbx: seen(PbxFacts { started_at: Some(at(started)), ..PbxFacts::default() }, s),
        shell: seen(ShellFacts { clock_offset_ms: ahead_s * 1_000.0, ..ShellFacts::default() }, s),
        ..MachineSeen::default()
    };
    let restarted = |told: Vec<Change>| told.into_iter().find(|change| change.text == "Asterisk restarted").map(|change| change.at);
    // It began at 3 by our clock, between the looks at 0 and 5.
    for ahead_s in [0, 3_600, -3_600, 1_000_000] {
        let off = ahead_s as f64;
        let told = changes("asterisk-01", &machine(ahead_s - 900, 0, off), &machine(ahead_s + 3, 5, off), at(5));
        assert_eq!(restarted(told), Some(at(3)), "{ahead_s} s ahead");
    }
    // The clock was put right, by an hour, and nothing else happened.
    let told = changes("asterisk-01", &machine(-900, 0, 3_600.0), &machine(-900, 5, 0.0), at(5));
    assert_eq!(restarted(told), None);
    // It was put back by the restart; how far off it is now the shell has not told yet.
    let told = changes("asterisk-01", &machine(3_000, 0, 3_600.0), &machine(3, 5, 3_600.0), at(5));
    assert_eq!(restarted(told), Some(at(0)), "not before the look that saw the old one");
    let told = changes("asterisk-01", &machine(-900, 0, 0.0), &machine(7_203, 5, 0.0), at(5));
    assert_eq!(restarted(told), Some(at(5)), "and never in the future");
}

#[test]
fn a_service_is_away_at_the_second_missed_look_since_the_first_and_comes_back() {
    let error = || Err(PortError::new("mariadb-01 MariaDB", "look", PortErrorKind::Refused, "nobody listens"));
    let mut machine = MachineSeen { database: seen(DatabaseFacts::default(), 0), ..MachineSeen::default() };
    let mut look = |result: Result<DatabaseFacts, PortError>, s| {
        let before = machine.clone();
        machine.database.as_mut().expect("watched").note(result, at(s));
        changes("mariadb-01", &before, &machine, at(s))
    };
    assert!(look(error(), 5).is_empty(), "one miss is a lost packet");
    let away = look(error(), 10);
    assert_eq!(texts(&away), ["MariaDB went away: mariadb-01 MariaDB: nobody listens (look)"]);
    assert_eq!((away[0].at, away[0].tone), (at(5), Tone::Bad));
    assert!(look(error(), 15).is_empty(), "told once");
    assert_eq!(texts(&look(Ok(DatabaseFacts::default()), 20)), ["MariaDB came back after 15 s"]);
    look(error(), 25);
    look(error(), 30);
    let anew = MachineSeen { database: Some(Seen::new(5_000, at(31))), ..MachineSeen::default() };
    assert!(changes("mariadb-01", &machine, &anew, at(31)).is_empty(), "an observer that begins anew has seen nothing");
}

#[test]
fn power_is_told_from_the_hypervisor() {
    let machine = |name: &str, power| SeenMachine { name: name.into(), id: name.into(), power, tools: None, cards: vec![] };
    let facts = |machines| HypervisorFacts { host: "host-01".into(), machines, ..HypervisorFacts::default() };
    let before = facts(vec![machine("a", Power::On), machine("b", Power::Off), machine("c", Power::On), machine("d", Power::On)]);
    let after =
        facts(vec![machine("a", Power::Off), machine("b", Power::On), machine("c", Power::Unknown), machine("e", Power::On)]);
    let told = power_changes(&before, &after, at(0));
    assert_eq!(texts(&told), ["switched off", "switched on", "appeared on host-01", "gone from host-01"]);
    assert_eq!(told.iter().map(|change| change.machine.as_str()).collect::<Vec<_>>(), ["a", "b", "e", "d"]);
}
