//! What is said of a cluster of two nodes, case by case.

use super::*;
use crate::fleet::{facts::Replication, facts::SemiSync, world::Seen};
use crate::values::{PortError, PortErrorKind};
use std::collections::BTreeMap;

const NOW: Moment = Moment::from_seconds(1_780_000_000);

fn inventory() -> Inventory {
    let members = vec!["mariadb-01".to_string(), "mariadb-02".to_string()];
    let primary = Some("mariadb-01".to_string());
    let cluster = Cluster { role: Role::Mariadb, members, primary, writer: BTreeMap::new(), virtual_addresses: vec![] };
    Inventory {
        name: "test".into(),
        networks: BTreeMap::new(),
        hosts: vec![],
        machines: vec![],
        endpoints: BTreeMap::new(),
        clusters: BTreeMap::from([("database".to_string(), cluster)]),
        carriers: vec![],
        customers: vec![],
        credentials: BTreeMap::new(),
    }
}

fn primary() -> DatabaseFacts {
    let semi_sync = SemiSync { primary_enabled: true, primary_active: true, replicas: 1, ..SemiSync::default() };
    DatabaseFacts {
        server_id: 1,
        gtid_binlog: "0-1-120".into(),
        gtid_binlog_state: "0-1-120".into(),
        connections_max: 200,
        semi_sync,
        ..DatabaseFacts::default()
    }
}

fn replica() -> DatabaseFacts {
    let replication =
        Replication { source_host: "mariadb-01".into(), io_running: true, sql_running: true, ..Replication::default() };
    DatabaseFacts {
        server_id: 2,
        read_only: true,
        gtid_slave: "0-1-120".into(),
        gtid_binlog_state: "0-1-120".into(),
        heartbeat_age_ms: Some(300),
        replication: Some(replication),
        semi_sync: SemiSync { replica_enabled: true, replica_active: true, ..SemiSync::default() },
        connections_max: 200,
        ..DatabaseFacts::default()
    }
}

fn world(nodes: [Option<DatabaseFacts>; 2]) -> World {
    let mut world = World::default();
    for (name, facts) in ["mariadb-01", "mariadb-02"].into_iter().zip(nodes) {
        let mut seen = Seen::new(5_000, NOW);
        let away = PortError::new(name, "look", PortErrorKind::Refused, "nobody listens");
        seen.note(facts.ok_or(away), NOW);
        world.machines.insert(name.into(), MachineSeen { database: Some(seen), ..MachineSeen::default() });
    }
    world
}

fn sheet(nodes: [Option<DatabaseFacts>; 2]) -> Sheet {
    databases(&inventory(), &world(nodes), NOW)
}

fn loss(sheet: &Sheet) -> (Tone, &str) {
    let Some(Part::Lines(lines)) = sheet.parts.first() else { panic!("losses come first: {sheet:#?}") };
    (lines.lines[0].tone, &lines.lines[0].text)
}

#[test]
fn a_whole_cluster_reads_well_and_would_lose_nothing() {
    let sheet = sheet([Some(primary()), Some(replica())]);
    let said = "mariadb-01 is the primary and the others follow, at most 0.3 s behind.";
    assert_eq!((sheet.first.tone, sheet.first.sentence.as_str()), (Tone::Good, said));
    assert_eq!(loss(&sheet), (Tone::Good, "Nothing would be lost: mariadb-02 has everything."));
}

#[test]
fn two_writers_no_writer_and_a_stopped_replica_are_wrong() {
    let writer = DatabaseFacts { replication: None, read_only: false, ..replica() };
    assert!(sheet([Some(primary()), Some(writer)]).first.sentence.starts_with("mariadb-01 and mariadb-02 all accept writes"));
    let reader = DatabaseFacts { read_only: true, ..primary() };
    assert!(sheet([Some(reader), Some(replica())]).first.sentence.starts_with("No node accepts writes"));
    let mut stopped = replica();
    stopped.replication.as_mut().expect("a replica").sql_running = false;
    let said = sheet([Some(primary()), Some(stopped)]).first;
    assert_eq!((said.tone, said.sentence.as_str()), (Tone::Bad, "mariadb-02 does not replicate from mariadb-01: see its errors."));
}

#[test]
fn what_was_not_seen_is_unknown_and_so_is_the_loss() {
    let sheet = sheet([None, Some(replica())]);
    assert_eq!((sheet.first.tone, sheet.first.word.as_str()), (Tone::Idle, "unknown"));
    assert_eq!(loss(&sheet).0, Tone::Idle);
    let later = databases(&inventory(), &world([Some(primary()), Some(replica())]), NOW.plus(Duration::from_secs(60)));
    assert_eq!(later.first.tone, Tone::Idle, "an old look says nothing of now");
}

#[test]
fn without_semi_sync_what_is_not_applied_would_be_lost() {
    let mut primary = primary();
    primary.semi_sync.primary_active = false;
    let behind = DatabaseFacts { gtid_slave: "0-1-100".into(), ..replica() };
    let sheet = sheet([Some(primary), Some(behind)]);
    assert_eq!(loss(&sheet), (Tone::Bad, "Up to 20 transactions would be lost with mariadb-02 as primary."));
}

#[test]
fn errant_transactions_forbid_the_failover() {
    let errant = DatabaseFacts { gtid_binlog_state: "0-1-120,0-2-121".into(), ..replica() };
    let sheet = sheet([Some(primary()), Some(errant)]);
    assert_eq!(loss(&sheet).0, Tone::Bad);
    assert!(loss(&sheet).1.ends_with("it must not take over."), "{sheet:?}");
}

#[test]
fn the_other_primary_than_declared_and_a_lag_are_told() {
    let swapped = sheet([Some(replica()), Some(primary())]);
    assert_eq!((swapped.first.tone, swapped.first.word.as_str()), (Tone::Notice, "look"));
    let late = DatabaseFacts { heartbeat_age_ms: Some(31_000), ..replica() };
    assert_eq!(sheet([Some(primary()), Some(late)]).first.tone, Tone::Bad);
}

#[test]
fn every_row_has_a_cell_for_each_node() {
    let Some(Part::Table(table)) = sheet([Some(primary()), None]).parts.pop() else { panic!("the table comes last") };
    assert_eq!(table.rows.len(), ROWS.len() + 1);
    assert!(table.rows.iter().all(|row| row.len() == 3), "{table:?}");
}
