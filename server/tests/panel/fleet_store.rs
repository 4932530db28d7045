//! The memory of the fleet on a real MariaDB: what is written twice is one row, what is read back is what was written, what is old goes.

use crate::harness::Database;
use app::{
    fleet::{
        change::Change,
        facts::DatabaseFacts,
        history::HistoryRow,
        isolation::{Verdict, Violation},
        measure::{Measure, MinuteRow},
        state::FleetState,
        store,
        world::Seen,
    },
    live::Hub,
    system::snapshot::DatabaseState,
    values::{Moment, RequestId, Tone},
};
use server::tasks::measures::FleetMeasures;
use sqlx::{Connection, MySqlConnection, MySqlPool};
use std::{sync::Arc, time::Duration};

/// The beginning of an hour.
const NOW: Moment = Moment::from_seconds(1_779_998_400);

async fn migrated() -> (Database, MySqlConnection) {
    let database = Database::new();
    let pool = MySqlPool::connect(&database.url()).await.expect("it answers");
    server::database::migrate::migrate(&pool).await.expect("an empty database can be migrated");
    pool.close().await;
    let connection = MySqlConnection::connect(&database.url()).await.expect("it answers");
    (database, connection)
}

fn after(s: u64) -> Moment {
    NOW.plus(Duration::from_secs(s))
}

fn minute(s: u64, average: f64, maximum: f64) -> MinuteRow {
    MinuteRow { machine: "kamailio-01".into(), measure: Measure::Dialogs, minute: after(s), average, maximum }
}

#[tokio::test]
async fn minutes_are_read_back_by_buckets_in_order() {
    let (_database, mut conn) = migrated().await;
    let rows = [minute(660, 5.0, 9.0), minute(0, 1.0, 4.0), minute(60, 3.0, 3.5), minute(3_600, 0.25, 0.5)];
    store::insert_minutes(&mut conn, &rows).await.expect("it answers");
    for (bucket_s, wanted) in [
        (60, vec![(0, 1.0, 4.0), (60, 3.0, 3.5), (660, 5.0, 9.0), (3_600, 0.25, 0.5)]),
        (600, vec![(0, 2.0, 4.0), (600, 5.0, 9.0), (3_600, 0.25, 0.5)]),
        (3_600, vec![(0, 3.0, 9.0), (3_600, 0.25, 0.5)]),
    ] {
        let read = store::list_points(&mut conn, "kamailio-01", Measure::Dialogs, bucket_s, NOW).await.expect("it answers");
        let read: Vec<(Moment, f64, f64)> = read.into_iter().map(|point| (point.at, point.average, point.maximum)).collect();
        assert_eq!(read, wanted.into_iter().map(|(s, a, m)| (after(s), a, m)).collect::<Vec<_>>(), "{bucket_s}");
    }
    let later = store::list_points(&mut conn, "kamailio-01", Measure::Dialogs, 60, after(60)).await.expect("it answers");
    assert_eq!(later.len(), 3);
    for (machine, measure) in [("kamailio-02", Measure::Dialogs), ("kamailio-01", Measure::Load)] {
        assert!(store::list_points(&mut conn, machine, measure, 60, NOW).await.expect("it answers").is_empty());
    }
}

#[tokio::test]
async fn a_minute_written_twice_is_one_row_and_keeps_its_highest_value() {
    let (database, mut conn) = migrated().await;
    store::insert_minutes(&mut conn, &[minute(0, 2.0, 8.0)]).await.expect("it answers");
    store::insert_minutes(&mut conn, &[minute(0, 3.0, 5.0)]).await.expect("it answers");
    assert_eq!(database.sql("SELECT COUNT(*), average, maximum FROM measures"), "1\t3\t8");
    store::insert_minutes(&mut conn, &[]).await.expect("nothing is written without complaint");
}

#[tokio::test]
async fn an_hours_backlog_of_a_large_fleet_is_one_statement() {
    let (database, mut conn) = migrated().await;
    let rows: Vec<MinuteRow> = (0..60)
        .flat_map(|m| (0..200).map(move |n| MinuteRow { machine: format!("machine-{n}"), ..minute(m * 60, 1.5, 2.5) }))
        .collect();
    let began = std::time::Instant::now();
    store::insert_minutes(&mut conn, &rows).await.expect("it answers");
    assert_eq!(database.sql("SELECT COUNT(*) FROM measures"), "12000");
    assert!(began.elapsed() < Duration::from_secs(3), "within the deadline of a statement: {:?}", began.elapsed());
}

#[tokio::test]
async fn old_minutes_go_in_small_batches() {
    let (database, mut conn) = migrated().await;
    let rows: Vec<MinuteRow> = (0..30).map(|m| minute(m * 60, 1.0, 1.0)).collect();
    store::insert_minutes(&mut conn, &rows).await.expect("it answers");
    let before = after(20 * 60);
    assert_eq!(store::delete_minutes(&mut conn, before, 15).await.expect("it answers"), 15);
    assert_eq!(store::delete_minutes(&mut conn, before, 15).await.expect("it answers"), 5);
    assert_eq!(store::delete_minutes(&mut conn, before, 15).await.expect("it answers"), 0);
    assert_eq!(database.sql("SELECT COUNT(*) FROM measures"), "10");
}

fn change(s: u64, machine: &str, text: &str) -> Change {
    Change { at: after(s), machine: machine.into(), tone: Tone::Notice, text: text.into() }
}

#[tokio::test]
async fn changes_are_read_oldest_first_and_written_once() {
    let (database, mut conn) = migrated().await;
    let exact = Change { at: Moment::from_micros(NOW.micros() + 123_456), ..change(0, "mariadb-01", "read_only turned off") };
    let quoted = change(5, "mariadb-01", "replication stopped applying (SQL): Duplicate entry '7' \"x\" \\ für 中");
    let rows = [quoted.clone(), exact.clone(), change(3, "mariadb-02", "restarted")];
    store::insert_changes(&mut conn, &rows).await.expect("it answers");
    store::insert_changes(&mut conn, &rows).await.expect("a second time");
    let read = store::list_changes(&mut conn, 10).await.expect("it answers");
    assert_eq!(read, [exact, change(3, "mariadb-02", "restarted"), quoted]);
    assert_eq!(store::list_changes(&mut conn, 1).await.expect("it answers")[0].at, after(5), "the newest");
    assert_eq!(store::delete_changes(&mut conn, after(5), 10).await.expect("it answers"), 2);
    assert_eq!(database.sql("SELECT COUNT(*) FROM fleet_changes"), "1");
}

#[tokio::test]
async fn a_text_too_long_loses_its_end_not_its_row() {
    let (_database, mut conn) = migrated().await;
    let long = "ü".repeat(400);
    store::insert_changes(&mut conn, &[change(0, &"m".repeat(90), &long)]).await.expect("it answers");
    let read = store::list_changes(&mut conn, 10).await.expect("it answers");
    assert_eq!((read[0].text.chars().count(), read[0].machine.len()), (255, 64));
}

#[tokio::test]
async fn verdicts_are_read_back_with_their_violations() {
    let (_database, mut conn) = migrated().await;
    let violation = Violation {
        key: "network.uplink".into(),
        subject: "voice".into(),
        sentence: "voice has a way out on host-01: take eth7 off switch br-voice.".into(),
        evidence: "host-01 shows uplink eth7 on switch br-voice.".into(),
        because: vec![],
    };
    let row = |s, verdict, violations| HistoryRow { network: "voice".into(), at: after(s), verdict, violations };
    let rows = [row(0, Verdict::Proved, vec![]), row(9, Verdict::Violated, vec![violation]), row(20, Verdict::Unknown, vec![])];
    for row in rows.iter().rev().chain(&rows) {
        store::insert_verdict(&mut conn, row).await.expect("it answers");
    }
    assert_eq!(store::list_verdicts(&mut conn, 10).await.expect("it answers"), rows);
    assert_eq!(store::list_verdicts(&mut conn, 2).await.expect("it answers"), rows[1..]);
}

/// A fleet with one machine, and the task that keeps what is known of it.
fn task(database: &Arc<app::database::Database>, hub: &Arc<Hub>) -> (Arc<FleetState>, FleetMeasures) {
    let fleet = Arc::new(FleetState::new(Arc::clone(hub)));
    fleet.set_inventory(Some(Arc::new(server::lab::shipped::shipped_inventory().expect("it is valid"))));
    let task = FleetMeasures::new(Arc::clone(&fleet), Arc::clone(database), "test");
    (fleet, task)
}

fn see(fleet: &FleetState, read_only: bool, now: Moment) {
    fleet.update_machine("mariadb-01", now, |seen| {
        let facts = DatabaseFacts { read_only, connections: 7, observed_at: now, ..DatabaseFacts::default() };
        seen.database.get_or_insert_with(|| Seen::new(60_000, now)).note(Ok(facts), now);
    });
}

#[tokio::test]
async fn what_is_seen_while_the_database_is_away_is_written_when_it_is_back_and_read_after_a_restart() {
    let (rows, _conn) = migrated().await;
    let hub = Arc::new(Hub::new(RequestId("test".into())));
    let now = app::context::now();
    let pool = MySqlPool::connect(&rows.url()).await.expect("it answers");
    let database = Arc::new(app::database::Database::new(pool, Arc::clone(&hub), now));
    let (fleet, mut measures) = task(&database, &hub);
    // A minute ago, so that its minute is over at the first sample of now.
    see(&fleet, true, now.minus(Duration::from_secs(70)));
    fleet.sample(now.minus(Duration::from_secs(70)));
    see(&fleet, false, now);
    measures.look().await.expect("away is no failure");
    assert_eq!(rows.sql("SELECT (SELECT COUNT(*) FROM measures) + (SELECT COUNT(*) FROM fleet_changes)"), "0");
    assert_eq!(fleet.changes_of("mariadb-01")[0].text, "read_only turned off", "it can be read all the same");
    assert!(!fleet.measure_points("mariadb-01", Measure::Connections, 60, Moment::EPOCH).is_empty());

    database.set_state(DatabaseState::Up { since: now });
    measures.look().await.expect("it is back");
    measures.look().await.expect("and again");
    assert_eq!(rows.sql("SELECT machine, text, tone FROM fleet_changes"), "mariadb-01\tread_only turned off\tnotice");
    assert_eq!(rows.sql("SELECT DISTINCT average, maximum FROM measures WHERE measure = 'connections'"), "7\t7");
    assert!(fleet.pending().changes.is_empty() && fleet.pending().minutes.is_empty());

    let (after_restart, mut measures) = task(&database, &hub);
    assert!(after_restart.changes().is_empty());
    measures.look().await.expect("it is there");
    assert_eq!(after_restart.changes(), fleet.changes());
    assert!(after_restart.is_resumed() && after_restart.pending().is_empty(), "what was read is not written again");
}

#[tokio::test]
async fn what_is_too_old_is_removed_by_the_task() {
    let (rows, mut conn) = migrated().await;
    let hub = Arc::new(Hub::new(RequestId("test".into())));
    let now = app::context::now();
    let day = Duration::from_secs(86_400);
    let aged = |days| MinuteRow { minute: Moment::from_seconds(now.minus(day * days).seconds() / 60 * 60), ..minute(0, 1.0, 1.0) };
    store::insert_minutes(&mut conn, &[aged(9), aged(7)]).await.expect("it answers");
    let old = Change { at: now.minus(day * 91), ..change(0, "mariadb-01", "read_only turned off") };
    store::insert_changes(&mut conn, &[old]).await.expect("it answers");
    let pool = MySqlPool::connect(&rows.url()).await.expect("it answers");
    let database = Arc::new(app::database::Database::new(pool, Arc::clone(&hub), now));
    database.set_state(DatabaseState::Up { since: now });
    let (_fleet, mut measures) = task(&database, &hub);
    measures.look().await.expect("it is there");
    assert_eq!(rows.sql("SELECT (SELECT COUNT(*) FROM measures), (SELECT COUNT(*) FROM fleet_changes)"), "1\t0");
}
