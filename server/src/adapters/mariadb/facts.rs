//! From the rows of [look.sql](look.sql) to facts.

use app::{
    fleet::facts::{DatabaseFacts, Replication, SemiSync},
    values::Moment,
};
use std::collections::BTreeMap;

/// One row, by its columns' names in small letters; NULL is absent.
pub type Row = BTreeMap<String, String>;

/// MariaDB of this version and newer is understood.
const OLDEST: (u32, u32) = (10, 6);

/// Why a server of this version cannot be watched.
pub fn wrong_version(version: &str) -> Option<String> {
    let number = version.strip_prefix("5.5.5-").unwrap_or(version);
    let mut parts = number.split(['.', '-']).map(|part| part.parse::<u32>().ok());
    let seen = parts.next().flatten().zip(parts.next().flatten());
    let fits = version.contains("MariaDB") && seen.is_some_and(|seen| seen >= OLDEST);
    let (major, minor) = OLDEST;
    (!fits).then(|| format!("it is {version:?}, and only MariaDB {major}.{minor} and newer can be watched"))
}

/// Of the five answers; `None` in words where one is not what it should be.
pub fn facts(answers: &[Vec<Row>], observed_at: Moment) -> Result<DatabaseFacts, String> {
    let [variables, sources, status, transactions, users] = answers else {
        return Err(format!("{} answers to five questions", answers.len()));
    };
    let own = variables.first().ok_or("no row of variables")?;
    let counters: BTreeMap<String, String> =
        status.iter().filter_map(|row| Some((row.get("variable_name")?.to_ascii_lowercase(), row.get("value")?.clone()))).collect();
    let semi_sync = SemiSync {
        primary_enabled: flag(own, "semi_sync_primary")?,
        primary_active: flag(&counters, "rpl_semi_sync_master_status")?,
        replicas: number(&counters, "rpl_semi_sync_master_clients")?,
        replica_enabled: flag(own, "semi_sync_replica")?,
        replica_active: flag(&counters, "rpl_semi_sync_slave_status")?,
        wait_point: text(own, "semi_sync_wait_point")?,
        timeout_ms: number(own, "semi_sync_timeout")?,
        unacknowledged: number(&counters, "rpl_semi_sync_master_no_tx")?,
    };
    // Rows that come over the binary log are committed there too; without one the statements count.
    let log_bin = flag(own, "log_bin")?;
    let commits = number(&counters, if log_bin { "binlog_commits" } else { "com_commit" })?;
    let longest = transactions.first().and_then(|row| row.get("seconds"));
    Ok(DatabaseFacts {
        version: text(own, "version")?,
        server_id: number(own, "server_id")?,
        hostname: text(own, "hostname")?,
        uptime_s: number(&counters, "uptime")?,
        read_only: flag(own, "read_only")?,
        log_bin,
        log_slave_updates: flag(own, "log_slave_updates")?,
        gtid_strict: flag(own, "gtid_strict_mode")?,
        gtid_domain: u32::try_from(number(own, "gtid_domain_id")?).map_err(|_| "a gtid_domain_id beyond 32 bits")?,
        gtid_binlog: text(own, "gtid_binlog_pos")?,
        gtid_current: text(own, "gtid_current_pos")?,
        gtid_slave: text(own, "gtid_slave_pos")?,
        gtid_binlog_state: text(own, "gtid_binlog_state")?,
        replication: sources.first().map(replication).transpose()?,
        semi_sync,
        heartbeat_age_ms: None,
        connections: number(&counters, "threads_connected")?,
        connections_max: number(own, "max_connections")?,
        threads_running: number(&counters, "threads_running")?,
        queries: number(&counters, "queries")?,
        commits,
        privileged: users.iter().map(named).collect::<Result<_, _>>()?,
        longest_transaction_s: longest.and_then(|seconds| seconds.parse().ok()),
        observed_at,
    })
}

/// `name@host`; a connection that has not signed in yet has no name.
fn named(row: &Row) -> Result<String, String> {
    Ok(format!("{}@{}", text(row, "user")?, row.get("host").map_or("", String::as_str)))
}

fn replication(row: &Row) -> Result<Replication, String> {
    let error = |name: &str| row.get(name).filter(|said| !said.is_empty()).cloned();
    let runs = |name: &str| text(row, name).map(|word| word == "Yes");
    Ok(Replication {
        source_host: text(row, "master_host")?,
        // "Connecting" and "Preparing" are not running: nothing arrives.
        io_running: runs("slave_io_running")?,
        sql_running: runs("slave_sql_running")?,
        io_error: error("last_io_error"),
        sql_error: error("last_sql_error"),
        seconds_behind: row.get("seconds_behind_master").and_then(|seconds| seconds.parse().ok()),
        delay_s: number(row, "sql_delay")?,
        gtid_io: text(row, "gtid_io_pos")?,
        using_gtid: text(row, "using_gtid")?,
    })
}

fn text(row: &Row, name: &str) -> Result<String, String> {
    row.get(name).cloned().ok_or_else(|| format!("it did not tell {name}"))
}

fn number(row: &Row, name: &str) -> Result<u64, String> {
    let value = text(row, name)?;
    value.parse().map_err(|_| format!("{value:?} is no number for {name}"))
}

/// `1`, `ON`, and the two new kinds of read_only (`NO_LOCK`, `NO_LOCK_NO_ADMIN`) of MariaDB 12.
pub fn flag(row: &Row, name: &str) -> Result<bool, String> {
    match text(row, name)?.to_ascii_uppercase().as_str() {
        "1" | "ON" | "NO_LOCK" | "NO_LOCK_NO_ADMIN" => Ok(true),
        "0" | "OFF" => Ok(false),
        other => Err(format!("{other:?} is neither on nor off for {name}")),
    }
}
