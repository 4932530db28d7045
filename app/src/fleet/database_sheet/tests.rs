//! What is said of a cluster of two nodes, case by case.

use super::*;
use crate::fleet::{facts::Replication, facts::SemiSync};
use crate::values::{PortError, PortErrorKind};
use std::collections::BTreeMap;

const NOW: Moment = Moment::from_seconds(1_780_000_000);

fn inventory() -> Inventory {
    let members = vec!["mariadb-01".to_string(), "mariadb-02".to_string()];
    let primary = Some("mariadb-01".to_string());
    let cluster =
        Cluster { role: Role::Mariadb, members, primary, writer: BTreeMap::new(), virtual_addresses: vec![], backups: None };
    Inventory {
        name: "test".into(),
        networks: BTreeMap::new(),
        hosts: vec![],
        machines: vec![],
        endpoints: BTreeMap::new(),
        clusters: BTreeMap::from([("database".to_string(), cluster)]),
        carriers: vec![],
        customers: vec![],
        certificates: vec![],
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
        heartbeat_age_ms: Some(200),
        observed_at: NOW,
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
        observed_at: NOW,
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
    assert_eq!(loss(&sheet).0, Tone::Good);
    assert!(loss(&sheet).1.starts_with("With mariadb-02 as primary. Nothing: each commit waits"), "{sheet:?}");
}

#[test]
fn two_writers_no_writer_and_a_stopped_replica_are_wrong() {
    let wrong = |nodes, said: &str| {
        let first = sheet(nodes).first;
        assert!(first.tone == Tone::Bad && first.sentence.starts_with(said), "{first:?}");
    };
    let writer = DatabaseFacts { replication: None, read_only: false, ..replica() };
    wrong([Some(primary()), Some(writer)], "mariadb-01 and mariadb-02 take writes at the same time");
    wrong([Some(DatabaseFacts { read_only: true, ..primary() }), Some(replica())], "Nobody takes writes");
    let mut stopped = replica();
    stopped.replication.as_mut().expect("a replica").sql_running = false;
    wrong([Some(primary()), Some(stopped)], "mariadb-02 applies nothing from mariadb-01");
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
fn what_the_replica_lacks_would_be_lost() {
    let mut primary = primary();
    primary.semi_sync.primary_active = false;
    let behind = DatabaseFacts { gtid_slave: "0-1-100".into(), ..replica() };
    let sheet = sheet([Some(primary), Some(behind)]);
    assert_eq!(sheet.first.tone, Tone::Notice, "commits wait for nobody");
    assert!(loss(&sheet).0 == Tone::Bad && loss(&sheet).1.contains("20 transactions"), "{sheet:?}");
}

#[test]
fn errant_transactions_are_named_and_make_the_loss_unknown() {
    let errant = DatabaseFacts { gtid_binlog_state: "0-1-120,0-2-121".into(), ..replica() };
    let sheet = sheet([Some(primary()), Some(errant)]);
    assert_eq!((sheet.first.tone, loss(&sheet).0), (Tone::Bad, Tone::Idle));
    let Some(Part::Table(table)) = sheet.parts.last() else { panic!("the table comes last") };
    let row = table.rows.iter().find(|row| row[0].text == "Errant transactions").expect("a row of it");
    assert_eq!((row[2].tone, row[2].text.as_str()), (Some(Tone::Bad), "0-2-121"));
}

#[test]
fn the_other_primary_than_declared_and_a_lag_are_told() {
    let swapped = [Some(DatabaseFacts { server_id: 2, ..replica() }), Some(DatabaseFacts { server_id: 1, ..primary() })];
    let swapped = sheet(swapped);
    assert!(swapped.first.tone == Tone::Notice && swapped.first.sentence.contains("the inventory says mariadb-01"), "{swapped:?}");
    let late = DatabaseFacts { heartbeat_age_ms: Some(31_000), ..replica() };
    assert_eq!(sheet([Some(primary()), Some(late)]).first.tone, Tone::Bad);
}

#[test]
fn every_row_has_a_cell_for_each_node() {
    let Some(Part::Table(table)) = sheet([Some(primary()), None]).parts.pop() else { panic!("the table comes last") };
    assert_eq!(table.rows.len(), ROWS.len() + 1);
    assert!(table.rows.iter().all(|row| row.len() == 3), "{table:?}");
}
