//! Collecting call records on a real MariaDB: exactly once under kills at random points, late rows, doubles, ids out of order, a
//! source that is away.

use crate::harness::{Database, until};
use app::{
    calls::store,
    context,
    live::{Hub, Topic},
    system::snapshot::DatabaseState,
    values::{Moment, RequestId},
};
use server::cdr::{Cluster, Collector, Node};
use sqlx::{Connection, Executor, MySqlConnection, MySqlPool};
use std::{
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

/// 2026-11-22 03:00 UTC.
pub const START_US: i64 = 1_795_316_400_000_000;

/// A cluster of one node, played by a schema for each of its two databases beside ours.
pub struct Source {
    pub ours: Database,
    pub pbx: String,
    proxy: String,
}

/// The statement that makes a table, out of the stack's own file.
fn table(file: &str, name: &str) -> String {
    let begin = file.find(&format!("CREATE TABLE {name} (")).expect("the stack makes this table");
    let end = file[begin..].find("\n);").expect("it ends") + begin;
    format!("{}\n)", &file[begin..end])
}

impl Source {
    pub async fn new() -> Self {
        let ours = Database::new();
        let pool = MySqlPool::connect(&ours.url()).await.expect("it answers");
        server::database::migrate::migrate(&pool).await.expect("an empty database can be migrated");
        pool.close().await;
        let (pbx, proxy) = (format!("{}_pbx", ours.name), format!("{}_proxy", ours.name));
        for name in [&pbx, &proxy] {
            ours.sql(&format!("CREATE DATABASE {name}"));
        }
        let cdr = table(include_str!("../../stack/mariadb/cdr.sql"), "cdr");
        let attempts = table(include_str!("../../stack/mariadb/kamailio.sql"), "attempts");
        ours.sql(&format!("USE {pbx}; {cdr}; USE {proxy}; {attempts}"));
        Self { ours, pbx, proxy }
    }

    pub fn cluster(&self) -> Cluster {
        cluster(&self.ours.url(), &self.pbx, &self.proxy)
    }

    pub async fn collector(&self) -> Collector {
        collector(&self.ours.url(), "one", vec![self.cluster()]).await
    }

    /// `count` calls from number `first` on, a tenth of a second apart: answered, busy, refused, failed, given up, in turn.
    pub fn call(&self, first: u64, count: u64) {
        self.ours.sql(&self.calls(first, count));
    }

    fn calls(&self, first: u64, count: u64) -> String {
        format!(
            "INSERT INTO {}.cdr (reference, uniqueid, pbx, proxy, customer, caller, called, carrier, rate, refusal, disposition, hangup_cause,
               sip_status, started_us, answered_us, ended_us, billsec)
             SELECT CONCAT('ref-', seq), CONCAT('asterisk-01-1795316400.', seq), CONCAT('asterisk-0', 1 + seq MOD 3), 'kamailio-01',
               IF(seq MOD 2, 'acme', 'umbrella'), CONCAT('4930', 1000000 + seq MOD 1000), CONCAT('4420', 7000000 + seq MOD 10000),
               IF(seq MOD 5 = 0, 'carrier-a', ''), IF(seq MOD 5 = 0, 0.004200, NULL), IF(seq MOD 5 = 2, 'no_rate', ''),
               ELT(1 + seq MOD 5, 'ANSWERED', 'BUSY', 'FAILED', 'FAILED', 'CANCEL'), ELT(1 + seq MOD 5, 16, 17, 3, 34, 16),
               ELT(1 + seq MOD 5, 200, 486, NULL, 503, NULL), {START_US} + seq * 100000,
               IF(seq MOD 5 = 0, {START_US} + seq * 100000 + 2000000, NULL), {START_US} + seq * 100000 + 2000000 + (seq MOD 300) * 1000000,
               IF(seq MOD 5 = 0, seq MOD 300, 0)
             FROM seq_{first}_to_{};
             INSERT INTO {}.attempts (proxy, reference, authorization_id, carrier, prefix, rate, sip_status, started_us, ms, called)
             SELECT 'kamailio-01', CONCAT('ref-', seq), '', IF(seq MOD 5 = 3, 'carrier-b', 'carrier-a'), '4420', 0.004200,
               ELT(1 + seq MOD 5, 200, 486, 404, 503, 487), {START_US} + seq * 100000 + 5000, 40, '4420'
             FROM seq_{first}_to_{} WHERE seq MOD 5 <> 2",
            self.pbx,
            first + count - 1,
            self.proxy,
            first + count - 1,
        )
    }

    /// Our tables hold what the source holds, once, and the sums are those of the rows.
    pub fn proved(&self) {
        let Self { ours, pbx, proxy } = self;
        let theirs = ours.sql(&format!("SELECT COUNT(DISTINCT reference, uniqueid), COUNT(*) FROM {pbx}.cdr"));
        let distinct = theirs.split('\t').next().expect("two columns").to_string();
        assert_eq!(ours.sql("SELECT COUNT(*) FROM cdrs"), distinct, "each call once");
        assert_eq!(ours.sql("SELECT COUNT(*) FROM attempts"), ours.sql(&format!("SELECT COUNT(*) FROM {proxy}.attempts")));
        let talk = "SUM(IF(answered_at IS NULL, 0, TIMESTAMPDIFF(MICROSECOND, answered_at, ended_at)))";
        for (table, at, format) in [
            ("volume_minutes", "minute", "%Y-%m-%d %H:%i:00"),
            ("volume_hours", "hour", "%Y-%m-%d %H:00:00"),
            ("volume_days", "day", "%Y-%m-%d"),
        ] {
            for (cut, name) in [(0, "'total'"), (2, "customer"), (3, "destination"), (4, "pbx")] {
                let rows = format!(
                    "SELECT DATE_FORMAT(started_at, '{format}') AS at, {name} AS name, COUNT(*), SUM(outcome = 'answered'), SUM(outcome = 'busy'),
                     SUM(outcome = 'refused'), SUM(outcome = 'failed'), SUM(outcome = 'abandoned'), {talk} FROM cdrs GROUP BY 1, 2"
                );
                let sums = format!(
                    "SELECT DATE_FORMAT({at}, '{format}'), name, attempts, answered, busy, refused, failed, abandoned, talk_us FROM {table}
                     WHERE cut = {cut} AND attempts > 0"
                );
                assert_eq!(ours.sql(&format!("SELECT COUNT(*) FROM (({rows}) EXCEPT ({sums})) AS x")), "0", "{table} {cut}");
                assert_eq!(ours.sql(&format!("SELECT COUNT(*) FROM (({sums}) EXCEPT ({rows})) AS x")), "0", "{table} {cut}");
            }
            let carrier = format!(
                "SELECT (SELECT COALESCE(SUM(attempts), 0) FROM {table} WHERE cut = 1) = (SELECT COUNT(*) FROM attempts)
                   AND (SELECT COALESCE(SUM(answered), 0) FROM {table} WHERE cut = 1) = (SELECT COUNT(*) FROM attempts WHERE sip_status = 200)"
            );
            assert_eq!(ours.sql(&carrier), "1", "{table} by carrier");
        }
        let overlaps = "SELECT COUNT(*) FROM volume_minutes AS m WHERE cut = 0 AND concurrent <> (SELECT COUNT(*) FROM cdrs
                        WHERE started_at < m.minute + INTERVAL 1 MINUTE AND ended_at >= m.minute)";
        assert_eq!(ours.sql(overlaps), "0", "calls at once");
        let peaks = "SELECT COUNT(*) FROM volume_hours AS h WHERE concurrent <> (SELECT MAX(concurrent) FROM volume_minutes AS m
                     WHERE m.cut = h.cut AND m.name = h.name AND m.minute >= h.hour AND m.minute < h.hour + INTERVAL 1 HOUR)";
        assert_eq!(ours.sql(peaks), "0", "an hour's peak is that of its minutes");
        let columns = ours.sql(
            "SELECT GROUP_CONCAT(column_name ORDER BY ordinal_position) FROM information_schema.columns
             WHERE table_schema = DATABASE() AND table_name = 'volume_days' AND ordinal_position > 3",
        );
        assert_eq!(columns.split(',').count(), 27, "{columns}");
        let summed = |column: &str| if column == "concurrent" { "MAX(concurrent)".into() } else { format!("SUM({column})") };
        let summed: Vec<String> = columns.split(',').map(summed).collect();
        let days = format!("SELECT cut, day, name, {columns} FROM volume_days");
        let hours = format!("SELECT cut, DATE(hour), name, {} FROM volume_hours GROUP BY 1, 2, 3", summed.join(", "));
        for (one, other) in [(&days, &hours), (&hours, &days)] {
            assert_eq!(ours.sql(&format!("SELECT COUNT(*) FROM (({one}) EXCEPT ({other})) AS x")), "0", "a day is its hours");
        }
    }
}

fn cluster(url: &str, pbx: &str, proxy: &str) -> Cluster {
    let pool = MySqlPool::connect_lazy(url).expect("a URL");
    let node = Node { name: "mariadb-01".into(), pool };
    Cluster { pbx_database: pbx.into(), proxy_database: proxy.into(), ..Cluster::new("main", vec![node]) }
}

pub async fn database(url: &str) -> Arc<app::database::Database> {
    let hub = Arc::new(Hub::new(RequestId("test".into())));
    let pool = MySqlPool::connect(url).await.expect("it answers");
    let database = Arc::new(app::database::Database::new(pool, hub, context::now()));
    database.set_state(DatabaseState::Up { since: context::now() });
    database
}

async fn collector(url: &str, reader: &str, clusters: Vec<Cluster>) -> Collector {
    Collector::new(database(url).await, reader, clusters)
}

/// Rounds until nothing is new any more.
pub async fn drain(collector: &Collector) -> usize {
    let mut all = 0;
    loop {
        match collector.round().await.expect("a round") {
            0 => return all,
            new => all += new,
        }
    }
}

#[tokio::test]
async fn what_the_source_holds_is_collected_once_and_adds_up() {
    let source = Source::new().await;
    source.call(1, 5_000);
    let collector = source.collector().await;
    assert_eq!(drain(&collector).await, 9_000, "five thousand calls, four thousand tries");
    source.proved();
    // A process that begins reads again what may have had gaps, and changes nothing.
    assert_eq!(drain(&source.collector().await).await, 0);
    source.call(5_001, 10);
    assert_eq!(drain(&collector).await, 18);
    source.proved();
}

#[tokio::test]
async fn a_row_committed_below_a_larger_id_is_not_missed() {
    let source = Source::new().await;
    let collector = source.collector().await;
    source.call(1, 10);
    drain(&collector).await;
    let mut slow = MySqlConnection::connect(&source.ours.url()).await.expect("it answers");
    let mut transaction = slow.begin().await.expect("a transaction");
    transaction.execute(sqlx::AssertSqlSafe(source.calls(11, 3))).await.expect("rows that nobody sees yet");
    source.call(100, 10);
    assert_eq!(drain(&collector).await, 18, "the later ids");
    let mut restarted = source.collector().await;
    drain(&restarted).await;
    transaction.commit().await.expect("now they are there");
    assert_eq!(drain(&collector).await, 5, "by the one that saw the gap: three calls, two tries");
    source.proved();
    drain(&restarted).await;
    restarted = source.collector().await;
    drain(&restarted).await;
    source.proved();
}

#[tokio::test]
async fn a_late_record_lands_in_the_minute_it_began_and_a_double_counts_once() {
    let source = Source::new().await;
    let collector = source.collector().await;
    source.call(40_000, 50);
    drain(&collector).await;
    // An hour before, written an hour after.
    source.call(1, 50);
    assert_eq!(drain(&collector).await, 90);
    source.proved();
    let minute = "SELECT attempts FROM volume_minutes WHERE cut = 0 AND minute = '2026-11-22 03:00:00'";
    assert_eq!(source.ours.sql(minute), "50");
    // A writer that was not sure sends its row again: another id, the same call.
    let columns = "reference, uniqueid, pbx, proxy, customer, caller, called, carrier, rate, refusal, disposition, hangup_cause, sip_status, \
                   started_us, answered_us, ended_us, billsec";
    source.ours.sql(&format!("INSERT INTO {0}.cdr ({columns}) SELECT {columns} FROM {0}.cdr WHERE id <= 20", source.pbx));
    assert_eq!(drain(&collector).await, 0);
    source.proved();
}

#[tokio::test]
async fn a_source_that_was_away_is_caught_up_with() {
    let source = Source::new().await;
    source.call(1, 20);
    // The first node is a server that is not there; the second answers.
    let nowhere = Node {
        name: "mariadb-00".into(),
        pool: sqlx::mysql::MySqlPoolOptions::new()
            .acquire_timeout(Duration::from_millis(300))
            .connect_lazy("mysql://x@127.0.0.1:9/x")
            .expect("a URL"),
    };
    let mut nodes = source.cluster();
    nodes.nodes.insert(0, nowhere);
    let collector = collector(&source.ours.url(), "one", vec![nodes]).await;
    assert_eq!(drain(&collector).await, 36);
    source.ours.sql(&format!("RENAME TABLE {0}.cdr TO {0}.away", source.pbx));
    let said = collector.round().await.expect_err("the table is away");
    assert!(said.contains("mariadb-01") && said.contains("main"), "{said}");
    source.ours.sql(&format!("RENAME TABLE {0}.away TO {0}.cdr", source.pbx));
    source.call(21, 20);
    until("it is caught up with", Duration::from_secs(5), async || {
        // The rounds in which it is found again may fail.
        let _ = collector.round().await;
        source.ours.sql("SELECT COUNT(*) FROM cdrs") == "40"
    })
    .await;
    source.proved();
}

#[tokio::test]
async fn a_table_that_was_made_anew_is_read_from_its_beginning() {
    let source = Source::new().await;
    source.call(1, 30);
    drain(&source.collector().await).await;
    source.ours.sql("UPDATE cdr_sources SET settled = position");
    source.ours.sql(&format!("TRUNCATE {}.cdr; TRUNCATE {}.attempts", source.pbx, source.proxy));
    source.call(1_001, 10);
    assert_eq!(drain(&source.collector().await).await, 18);
    assert_eq!(source.ours.sql("SELECT COUNT(*) FROM cdrs"), "40");
}

#[tokio::test]
async fn a_second_panel_stands_by_and_takes_over() {
    let source = Source::new().await;
    source.call(1, 10);
    drain(&source.collector().await).await;
    source.call(11, 10);
    let other = collector(&source.ours.url(), "two", vec![source.cluster()]).await;
    assert_eq!(drain(&other).await, 0, "the first has just read it");
    source.ours.sql("UPDATE cdr_sources SET read_at = read_at - INTERVAL 11 SECOND");
    assert_eq!(drain(&other).await, 18);
    source.proved();
}

/// What [`killed_at_any_point_nothing_is_lost_or_doubled`] kills.
#[tokio::test]
#[ignore = "a child of another test"]
async fn collects_until_it_is_killed() {
    let Ok(given) = std::env::var("WIRECENTER_TEST_SOURCE") else { return };
    let [url, pbx, proxy] = given.split(' ').collect::<Vec<_>>()[..] else { return };
    let collector = collector(url, "one", vec![cluster(url, pbx, proxy)]).await;
    loop {
        // A round can fail while the killed one's transaction is undone.
        let _ = collector.round().await;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn child(source: &Source) -> Child {
    Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "cdr::collects_until_it_is_killed", "--ignored"])
        .env("WIRECENTER_TEST_SOURCE", format!("{} {} {}", source.ours.url(), source.pbx, source.proxy))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("this program again")
}

#[tokio::test]
async fn killed_at_any_point_nothing_is_lost_or_doubled() {
    let source = Source::new().await;
    // Partitions are made here, because their making takes longer than a child lives.
    drain(&source.collector().await).await;
    let (mut first, mut kills_at_work) = (1, 0);
    for round in 0..25u64 {
        let count = 400 + 137 * (round % 7);
        source.call(first, count);
        first += count;
        let before = source.ours.sql("SELECT COUNT(*) FROM cdrs");
        let mut child = child(&source);
        // From its first connection on: before its first statement, or long after its last commit.
        until("the child is connected", Duration::from_secs(30), async || {
            source.ours.sql("SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()")
                != "0"
        })
        .await;
        tokio::time::sleep(Duration::from_millis((round * 53) % 900)).await;
        child.kill().expect("it runs");
        child.wait().expect("it ends");
        if source.ours.sql("SELECT COUNT(*) FROM cdrs") != before {
            kills_at_work += 1;
        }
    }
    assert!(kills_at_work > 2, "the kills came too early to hit anything: {kills_at_work}");
    drain(&source.collector().await).await;
    source.proved();
}

#[tokio::test]
async fn a_connection_cut_at_any_point_loses_and_doubles_nothing() {
    let source = Source::new().await;
    let collector = source.collector().await;
    source.call(1, 20_000);
    let name = source.ours.name.clone();
    for round in 0..12u64 {
        let cut = async {
            tokio::time::sleep(Duration::from_millis(3 + (round * 37) % 200)).await;
            let ids = source.ours.sql(&format!(
                "SELECT GROUP_CONCAT(id) FROM information_schema.processlist WHERE db = '{name}' AND id <> CONNECTION_ID()"
            ));
            for id in ids.split(',').filter(|id| id.parse::<u64>().is_ok()) {
                // It may have gone by itself.
                let _ = source.ours.try_sql(&format!("KILL {id}"));
            }
        };
        // A round that is cut fails or not, depending on where; the next one goes on.
        let _ = tokio::join!(collector.round(), cut);
    }
    until("all is there", Duration::from_secs(20), async || {
        let _ = collector.round().await;
        source.ours.sql("SELECT COUNT(*) FROM cdrs") == "20000" && source.ours.sql("SELECT COUNT(*) FROM attempts") == "16000"
    })
    .await;
    source.proved();
}

#[tokio::test]
async fn days_are_made_ahead_and_a_row_of_a_day_that_was_not_made_is_kept() {
    let source = Source::new().await;
    let mut conn = MySqlConnection::connect(&source.ours.url()).await.expect("it answers");
    let day = |text: &str| Moment::parse(text).expect("a date");
    assert!(store::days::make_days(&mut conn, day("2026-11-15T12:00")).await.expect("it answers") > 14);
    assert_eq!(store::days::make_days(&mut conn, day("2026-11-15T13:00")).await.expect("it answers"), 0);
    let partitions = "SELECT COUNT(*) FROM information_schema.partitions WHERE table_schema = DATABASE() AND table_name = 'cdrs'
                      AND partition_name IN ('d20261115', 'd20261122', 'd20261123')";
    assert_eq!(source.ours.sql(partitions), "2", "seven days ahead and no more");
    // Collected into the partition without an end, then found in its own day.
    let rows =
        "INSERT INTO cdrs (started_at, id, reference, uniqueid, caller, called, destination, pbx, billsec, disposition, outcome)
                VALUES ('2026-11-25 01:00:00', 7, 'r', 'u', '1', '2', 'x', 'p', 0, 'FAILED', 'failed')";
    source.ours.sql(rows);
    assert_eq!(store::days::make_days(&mut conn, day("2026-11-20")).await.expect("it answers"), 10, "five days of two tables");
    assert_eq!(source.ours.sql("SELECT id FROM cdrs PARTITION (d20261125)"), "7");
}

#[tokio::test]
async fn a_round_that_found_something_wakes_the_pages() {
    let source = Source::new().await;
    source.call(1, 10);
    let hub = Arc::new(Hub::new(RequestId("test".into())));
    let mut woken = hub.watch(Topic::Calls);
    let pool = MySqlPool::connect(&source.ours.url()).await.expect("it answers");
    let database = Arc::new(app::database::Database::new(pool, hub, context::now()));
    database.set_state(DatabaseState::Up { since: context::now() });
    let collector = Collector::new(database, "one", vec![source.cluster()]);
    assert_eq!(collector.round().await, Ok(18));
    assert!(woken.has_changed().expect("the hub lives"));
    woken.mark_unchanged();
    assert_eq!(collector.round().await, Ok(0));
    assert!(!woken.has_changed().expect("the hub lives"), "nothing new wakes nobody");
}
