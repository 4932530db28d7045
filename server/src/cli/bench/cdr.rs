//! Call records: searching thirty million of them, a month's chart, and how fast they are collected. The rows are made once, by the
//! database itself, and kept below the cache folder for the next run (about 20 GB; half an hour the first time).
//! `WIRECENTER_BENCH_CDRS` makes another number of them.

use super::{
    Failure,
    figure::{Figure, Goal, percentile},
};
use crate::{
    cdr::{Cluster, Collector, Node},
    database::{Owner, PrivateMariadb, migrate::migrate, private::user_name},
    wiring,
};
use app::{
    calls::{
        cdr::CdrFilter,
        store,
        tally::Tally,
        volume::{Grouping, Range, VolumeQuestion},
    },
    context,
    database::Database,
    live::Hub,
    system::snapshot::DatabaseState,
    values::Moment,
};
use sqlx::{AssertSqlSafe, Executor, MySqlConnection, MySqlPool};
use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

pub const NUMBER: Goal = Goal::at_most(
    "cdr-search-number",
    "the newest 50 calls of a number on a day among 30 million, p95 (baseline: a call by its key)",
    "ms",
    300.0,
);
pub const CUSTOMER: Goal = Goal::at_most(
    "cdr-search-customer",
    "the newest 50 calls of a customer on a day among 30 million, p95 (baseline: a call by its key)",
    "ms",
    300.0,
);
pub const CHART: Goal = Goal::at_most(
    "cdr-chart-30d",
    "30 days of volume by customer with last week's shadow, p95 (baseline: the last hour's)",
    "ms",
    300.0,
);
pub const COLLECTION: Goal = Goal::at_most(
    "cdr-collection",
    "time to collect 5,000 calls of a backlog of 100,000, sums included (baseline: copying the rows in one statement)",
    "ms",
    1_000.0,
);
#[cfg(test)]
pub const GOALS: [Goal; 4] = [NUMBER, CUSTOMER, CHART, COLLECTION];

const DAYS: u64 = 30;
const CALLS: u64 = 30_000_000;
/// Searches and charts of one figure.
const TIMES: u64 = 40;
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// For making the rows only: with the panel's own small memory a day of them takes a quarter of an hour.
const WHILE_MAKING: [&str; 3] = [
    "SET GLOBAL innodb_buffer_pool_size = 4294967296",
    "SET GLOBAL innodb_log_file_size = 2147483648",
    "SET GLOBAL innodb_flush_log_at_trx_commit = 0",
];

/// A MariaDB with the made calls.
struct Archive {
    server: PrivateMariadb,
    url: String,
    /// The day after the last day of calls.
    end: Moment,
}

impl Archive {
    async fn open(dir: PathBuf) -> Result<(PrivateMariadb, String), Failure> {
        let server = tokio::task::spawn_blocking(move || PrivateMariadb::start(&dir, Owner::Command, None));
        let server = server.await.map_err(Failure::new)?.map_err(Failure::new)?;
        let url = format!("mysql://{}@localhost/mysql?socket={}", user_name(), server.socket().display());
        let until = Instant::now() + Duration::from_secs(60);
        let mut conn = loop {
            match <MySqlConnection as sqlx::Connection>::connect(&url).await {
                Ok(conn) => break conn,
                Err(error) if Instant::now() > until => return Err(error.into()),
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        };
        conn.execute("CREATE DATABASE IF NOT EXISTS wirecenter CHARACTER SET utf8mb4 COLLATE utf8mb4_bin").await?;
        Ok((server, url.replace("/mysql?", "/wirecenter?")))
    }

    /// Starts the kept server, and makes the days that are not there yet.
    async fn with_calls() -> Result<Self, Failure> {
        let calls = std::env::var("WIRECENTER_BENCH_CDRS").ok().and_then(|count| count.parse().ok()).unwrap_or(CALLS);
        let dir = cache().join(format!("bench-cdrs-{calls}"));
        let (mut server, url) = Self::open(dir.clone()).await?;
        let pool = MySqlPool::connect(&url).await?;
        migrate(&pool).await.map_err(Failure::new)?;
        let mut conn = pool.acquire().await?;
        conn.execute("CREATE TABLE IF NOT EXISTS made (day DATE NOT NULL PRIMARY KEY)").await?;
        let first: Option<String> = sqlx::query_scalar("SELECT CAST(MIN(day) AS CHAR) FROM made").fetch_one(&mut *conn).await?;
        let today = context::now().whole(DAY.as_secs());
        let first = first.as_deref().and_then(Moment::parse).unwrap_or_else(|| today.minus(DAY * 30));
        let end = first.plus(Duration::from_secs(DAYS * DAY.as_secs()));
        store::days::make_days(&mut conn, end).await?;
        let mut makes = false;
        for number in 0..DAYS {
            let day = first.plus(Duration::from_secs(number * DAY.as_secs())).date();
            let made: i64 =
                sqlx::query_scalar("SELECT COUNT(*) FROM made WHERE day = ?").bind(day.as_str()).fetch_one(&mut *conn).await?;
            if made == 0 {
                if !makes {
                    makes = true;
                    for statement in WHILE_MAKING {
                        conn.execute(statement).await?;
                    }
                }
                make_day(&mut conn, &first.date(), &day, calls / DAYS).await?;
                super::warn(format!("made the calls of {day} ({} of {DAYS} days)", number + 1));
            }
        }
        drop(conn);
        pool.close().await;
        if makes {
            // Measured is a server as the panel starts it.
            server.stop();
            server = Self::open(dir).await?.0;
        }
        Ok(Self { server, url, end })
    }

    fn stop(self) {
        self.server.stop();
    }

    /// A day of those made, another each time.
    fn day(&self, time: u64) -> (Moment, Moment) {
        let from = self.end.minus(DAY * u32::try_from(1 + time * 7 % DAYS).unwrap_or(1));
        (from, from.plus(DAY))
    }
}

/// A day that was cut off half way is made again, whole. The calls of each day are the same but for the date, so the sums of a day
/// are those of the `first`, moved.
async fn make_day(conn: &mut MySqlConnection, first: &str, day: &str, calls: u64) -> Result<(), Failure> {
    let fill = |text: &str| {
        let text = text.replace("{day}", day).replace("{day_number}", &day.replace('-', ""));
        text.replace("{rows}", &calls.to_string())
    };
    let of = |at: &str, day: &str| format!("{at} >= '{day}' AND {at} < '{day}' + INTERVAL 1 DAY");
    let mut statements = vec![
        format!("DELETE FROM cdrs WHERE {}", of("started_at", day)),
        format!("DELETE FROM volume_hours WHERE {}", of("hour", day)),
        format!("DELETE FROM volume_days WHERE day = '{day}'"),
        fill(include_str!("cdr_day.sql")),
    ];
    if day == first {
        let cuts = [(0, "'total'"), (1, "COALESCE(carrier, 'carrier-0')"), (2, "customer"), (3, "destination"), (4, "pbx")];
        let sum =
            |(cut, name): (u8, &str)| fill(include_str!("cdr_sums.sql")).replace("{cut}", &cut.to_string()).replace("{name}", name);
        statements.extend(cuts.map(sum));
    } else {
        statements.extend([
            format!("CREATE OR REPLACE TEMPORARY TABLE moved AS SELECT * FROM volume_hours WHERE {}", of("hour", first)),
            format!("UPDATE moved SET hour = hour + INTERVAL DATEDIFF('{day}', '{first}') DAY"),
            "INSERT INTO volume_hours SELECT * FROM moved".into(),
        ]);
    }
    // As the days of what was there before them were made; those that are there stay.
    statements.push(include_str!("../../../../migrations/20261123000002_volume_days_of_hours.sql").into());
    for statement in statements {
        conn.execute(AssertSqlSafe(statement)).await?;
    }
    sqlx::query("INSERT INTO made (day) VALUES (?)").bind(day).execute(conn).await?;
    Ok(())
}

fn cache() -> PathBuf {
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_else(|| "/var/cache".into())).join(".cache");
    let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|dir| dir.is_absolute()).unwrap_or_else(home);
    std::env::var_os("WIRECENTER_TARGET").map_or_else(|| base.join("wirecenter"), PathBuf::from)
}

async fn timed<T>(work: impl Future<Output = sqlx::Result<T>>) -> Result<f64, Failure> {
    let began = Instant::now();
    work.await?;
    Ok(began.elapsed().as_secs_f64() * 1_000.0)
}

/// A search of a day, again and again for other days and values, beside reading one call by its key.
async fn search(goal: Goal, filter: impl Fn(u64) -> CdrFilter) -> Result<Figure, Failure> {
    let archive = Archive::with_calls().await?;
    let pool = MySqlPool::connect(&archive.url).await?;
    let mut conn = pool.acquire().await?;
    let (mut took, mut single) = (Vec::new(), Vec::new());
    for time in 0..TIMES {
        let (from, to) = archive.day(time);
        let filter = CdrFilter { from: Some(from), to: Some(to), ..filter(time) };
        took.push(timed(store::cdr::list(&mut conn, &filter, None, 51)).await?);
        let at = from.plus(Duration::from_secs(time * 1_000));
        let query = sqlx::query("SELECT reference FROM cdrs WHERE started_at >= ? ORDER BY started_at, id LIMIT 1");
        single.push(timed(query.bind(time::PrimitiveDateTime::from(at)).fetch_optional(&mut *conn)).await?);
    }
    drop(conn);
    pool.close().await;
    archive.stop();
    Ok(goal.judge(percentile(&mut took, 95), Some(percentile(&mut single, 95))))
}

pub async fn search_number() -> Result<Figure, Failure> {
    // Seven digits: some hundred calls of a day; a whole number has fewer.
    search(NUMBER, |time| CdrFilter { number: Some(format!("4420{:03}", 100 + time * 17)), ..CdrFilter::default() }).await
}

pub async fn search_customer() -> Result<Figure, Failure> {
    search(CUSTOMER, |time| CdrFilter { customer: Some(format!("customer-{}", time * 13 % 200)), ..CdrFilter::default() }).await
}

pub async fn chart_month() -> Result<Figure, Failure> {
    let archive = Archive::with_calls().await?;
    let pool = MySqlPool::connect(&archive.url).await?;
    let mut conn = pool.acquire().await?;
    let (mut took, mut hour) = (Vec::new(), Vec::new());
    for _ in 0..TIMES {
        let ask = |range| VolumeQuestion { grouping: Grouping::Customer, only: None, range };
        took.push(timed(store::volume::get(&mut conn, &ask(Range::Month), &Tally::default(), archive.end)).await?);
        hour.push(timed(store::volume::get(&mut conn, &ask(Range::Hour), &Tally::default(), archive.end)).await?);
    }
    drop(conn);
    pool.close().await;
    archive.stop();
    Ok(CHART.judge(percentile(&mut took, 95), Some(percentile(&mut hour, 95))))
}

const BACKLOG: u64 = 100_000;

/// A backlog in a source beside our own tables, on one server: what reading, hashing, writing and adding up take together.
pub async fn collection() -> Result<Figure, Failure> {
    let dir = tempfile::Builder::new().prefix("wc-bench").tempdir().map_err(Failure::new)?;
    let (server, url) = Archive::open(dir.path().into()).await?;
    let pool = MySqlPool::connect(&url).await?;
    migrate(&pool).await.map_err(Failure::new)?;
    let cdr = include_str!("../../../stack/mariadb/cdr.sql");
    let kamailio = include_str!("../../../stack/mariadb/kamailio.sql");
    for database in ["asterisk", "kamailio"] {
        pool.execute(AssertSqlSafe(format!("CREATE DATABASE {database}"))).await?;
    }
    for (database, table, file) in [("asterisk", "cdr", cdr), ("kamailio", "attempts", kamailio)] {
        let made = file.split_once(&format!("CREATE TABLE {table} (")).and_then(|(_, rest)| rest.split_once("\n);"));
        let (columns, _) = made.ok_or_else(|| Failure::new(format!("The stack does not make {table} as it did.")))?;
        pool.execute(AssertSqlSafe(format!("CREATE TABLE {database}.{table} ({columns}\n)"))).await?;
    }
    let now = context::now();
    let backlog = format!(
        "INSERT INTO asterisk.cdr (reference, uniqueid, pbx, proxy, customer, caller, called, carrier, rate, disposition, hangup_cause,
           sip_status, started_us, answered_us, ended_us, billsec)
         SELECT CONCAT('reference-', seq, '@customer'), CONCAT('asterisk-01-1.', seq), CONCAT('asterisk-0', 1 + seq MOD 3), 'kamailio-01',
           CONCAT('customer-', seq MOD 50), CONCAT('4930', seq), CONCAT(ELT(1 + seq MOD 5, '4420', '1212', '4989', '331', '8190'), seq),
           CONCAT('carrier-', seq MOD 4), 0.0042, 'ANSWERED', 16, 200, {start} + seq * 200, {start} + seq * 200 + 3000000,
           {start} + seq * 200 + (seq MOD 180) * 1000000, 0 FROM seq_1_to_{BACKLOG}",
        start = now.minus(Duration::from_secs(600)).micros()
    );
    pool.execute(AssertSqlSafe(backlog)).await?;
    let began = Instant::now();
    pool.execute("CREATE TABLE asterisk.copied LIKE asterisk.cdr").await?;
    pool.execute("INSERT INTO asterisk.copied (reference, uniqueid, customer, caller, called, started_us) SELECT reference, uniqueid, customer, caller, called, started_us FROM asterisk.cdr").await?;
    let copied = began.elapsed();
    let hub = Arc::new(Hub::new(wiring::new_id()));
    let database = Arc::new(Database::new(pool.clone(), hub, now));
    database.set_state(DatabaseState::Up { since: now });
    let cluster = Cluster::new("bench", vec![Node { name: "bench".into(), pool: MySqlPool::connect(&url).await? }]);
    let collector = Collector::new(database, "bench", vec![cluster]);
    let (began, mut collected) = (Instant::now(), 0u64);
    while collected < BACKLOG {
        let new = collector.round().await.map_err(Failure::new)?;
        collected += u64::try_from(new).unwrap_or(0);
        if began.elapsed() > Duration::from_secs(300) {
            return Err(Failure::new(format!("Only {collected} of {BACKLOG} calls were collected in five minutes.")));
        }
    }
    let took = began.elapsed();
    pool.close().await;
    server.stop();
    let of_5_000 = |took: Duration| took.as_secs_f64() * 1_000.0 * 5_000.0 / f64::from(u32::try_from(BACKLOG).unwrap_or(1));
    Ok(COLLECTION.judge(of_5_000(took), Some(of_5_000(copied))))
}
