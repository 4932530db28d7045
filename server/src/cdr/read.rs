//! Reading a node of a cluster: the table `cdr` of the PBXs and the table `attempts` of the proxies, as `server/stack/mariadb`
//! makes them. Columns that an older stack does not have are read as NULL.

use super::{
    Cluster,
    record::{Record, call, number},
};
use app::{
    calls::cdr::{Attempt, Cdr},
    values::{Moment, RatePerMinute},
};
use sqlx::{
    AssertSqlSafe, ConnectOptions, MySqlPool, Row,
    mysql::{MySqlConnectOptions, MySqlPoolOptions, MySqlRow, MySqlSslMode},
};
use std::{path::Path, time::Duration};

/// One server of a cluster.
pub struct Node {
    pub name: String,
    pub pool: MySqlPool,
}

/// A node reached through a socket of the observers, who are where Management is. Nothing is connected yet.
pub fn node(name: &str, socket: &Path, user: &str, password: &str) -> Node {
    let options = MySqlConnectOptions::new()
        .socket(socket)
        .username(user)
        .password(password)
        .ssl_mode(MySqlSslMode::Disabled)
        .log_statements(tracing::log::LevelFilter::Off)
        .log_slow_statements(tracing::log::LevelFilter::Debug, Duration::from_secs(1));
    let pool = MySqlPoolOptions::new().max_connections(2).acquire_timeout(Duration::from_secs(2)).connect_lazy_with(options);
    Node { name: name.into(), pool }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    Calls,
    Attempts,
}

impl Table {
    pub const fn name(self) -> &'static str {
        match self {
            Table::Calls => "cdr",
            Table::Attempts => "attempts",
        }
    }

    fn database(self, cluster: &Cluster) -> &str {
        match self {
            Table::Calls => &cluster.pbx_database,
            Table::Attempts => &cluster.proxy_database,
        }
    }

    /// The columns we read, but for `id`, with what stands for one that is not there.
    const fn columns(self) -> &'static [&'static str] {
        match self {
            Table::Calls => &[
                "reference",
                "uniqueid",
                "sip_call_id",
                "carrier_call_id",
                "pbx",
                "proxy",
                "customer",
                "caller",
                "called",
                "carrier",
                "called_prefix",
                "rate",
                "refusal",
                "disposition",
                "hangup_cause",
                "sip_status",
                "started_us",
                "ringing_us",
                "answered_us",
                "ended_us",
                "billsec",
                "customer_codec",
                "carrier_codec",
            ],
            Table::Attempts => {
                &["reference", "proxy", "carrier", "prefix", "rate", "called", "sip_status", "started_us", "ms", "ringing_ms"]
            }
        }
    }
}

/// Rows of one table with their ids in the source, ascending.
pub enum Rows {
    Calls(Vec<u64>, Vec<Cdr>),
    Attempts(Vec<u64>, Vec<(u64, Attempt)>),
}

impl Rows {
    pub fn ids(&self) -> &[u64] {
        match self {
            Rows::Calls(ids, _) | Rows::Attempts(ids, _) => ids,
        }
    }
}

/// Columns that a stack from before this version does not have.
const NEW_COLUMNS: [&str; 4] = ["ringing_us", "ringing_ms", "customer_codec", "carrier_codec"];

impl Node {
    pub async fn is_writer(&self) -> sqlx::Result<bool> {
        let read_only: i64 = sqlx::query_scalar("SELECT CAST(@@global.read_only AS SIGNED)").fetch_one(&self.pool).await?;
        Ok(read_only == 0)
    }

    /// The highest id of a table, and whether this node takes writes.
    pub async fn top(&self, cluster: &Cluster, table: Table) -> sqlx::Result<(u64, bool)> {
        let statement = format!("SELECT CAST(COALESCE(MAX(id), 0) AS UNSIGNED) FROM {}", place(cluster, table)?);
        let top: u64 = sqlx::query_scalar(AssertSqlSafe(statement)).fetch_one(&self.pool).await?;
        Ok((top, self.is_writer().await?))
    }

    /// The rows after an id and those of the missing ids that have appeared; ascending.
    pub async fn rows(&self, cluster: &Cluster, table: Table, after: u64, missing: &[u64], rows_max: u32) -> sqlx::Result<Rows> {
        let columns = self.columns(cluster, table).await?;
        let mut found = Vec::new();
        if !missing.is_empty() {
            let marks = vec!["?"; missing.len()].join(", ");
            let statement = format!("SELECT id, {columns} FROM {} WHERE id IN ({marks}) ORDER BY id", place(cluster, table)?);
            let mut query = sqlx::query(AssertSqlSafe(statement));
            for id in missing {
                query = query.bind(*id);
            }
            found = query.fetch_all(&self.pool).await?;
        }
        let statement = format!("SELECT id, {columns} FROM {} WHERE id > ? ORDER BY id LIMIT ?", place(cluster, table)?);
        found.extend(sqlx::query(AssertSqlSafe(statement)).bind(after).bind(rows_max).fetch_all(&self.pool).await?);
        let ids = found.iter().map(|row| row.try_get("id")).collect::<sqlx::Result<_>>()?;
        Ok(match table {
            Table::Calls => Rows::Calls(ids, found.iter().map(call).collect::<sqlx::Result<_>>()?),
            Table::Attempts => Rows::Attempts(ids, found.iter().map(read_attempt).collect::<sqlx::Result<_>>()?),
        })
    }

    /// The list of columns to select. Only the newer ones may be missing: a table without the others is not one we know.
    async fn columns(&self, cluster: &Cluster, table: Table) -> sqlx::Result<String> {
        let known: Vec<String> = sqlx::query_scalar(
            "SELECT CAST(column_name AS CHAR) FROM information_schema.columns WHERE table_schema = ? AND table_name = ?",
        )
        .bind(table.database(cluster))
        .bind(table.name())
        .fetch_all(&self.pool)
        .await?;
        let select = |column: &&str| {
            let is_there = known.iter().any(|name| name.eq_ignore_ascii_case(column));
            match (*column, is_there || !NEW_COLUMNS.contains(column)) {
                (column, false) => format!("NULL AS {column}"),
                // As text, because no float may touch it.
                ("rate", true) => "CAST(rate AS CHAR) AS rate".to_string(),
                (column, true) => column.to_string(),
            }
        };
        Ok(table.columns().iter().map(select).collect::<Vec<_>>().join(", "))
    }
}

/// `asterisk.cdr`. The database's name is configuration, and cannot be bound.
fn place(cluster: &Cluster, table: Table) -> sqlx::Result<String> {
    let database = table.database(cluster);
    let plain = !database.is_empty() && database.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !plain {
        return Err(sqlx::Error::Configuration(format!("{database:?} is not the name of a database").into()));
    }
    Ok(format!("`{database}`.{}", table.name()))
}

impl Record for MySqlRow {
    type Error = sqlx::Error;

    fn text(&self, column: &str) -> sqlx::Result<Option<String>> {
        self.try_get(column)
    }

    fn at(&self, column: &str) -> sqlx::Result<Option<Moment>> {
        self.try_get::<Option<i64>, _>(column).map(|us| us.map(Moment::from_micros))
    }

    fn code(&self, column: &str) -> sqlx::Result<Option<u16>> {
        self.try_get(column)
    }

    fn seconds(&self, column: &str) -> sqlx::Result<u32> {
        self.try_get(column)
    }
}

fn read_attempt(row: &MySqlRow) -> sqlx::Result<(u64, Attempt)> {
    let rate: String = row.try_get("rate")?;
    let attempt = Attempt {
        started_at: Moment::from_micros(row.try_get("started_us")?),
        reference: row.try_get("reference")?,
        proxy: row.try_get("proxy")?,
        carrier: row.try_get("carrier")?,
        prefix: row.try_get("prefix")?,
        // The column is a decimal of six places that cannot be negative unless somebody wrote it by hand.
        rate: rate.parse().unwrap_or(RatePerMinute::from_micros(0)),
        called: row.try_get("called")?,
        sip_status: row.try_get("sip_status")?,
        took_ms: row.try_get("ms")?,
        ringing_ms: row.try_get("ringing_ms")?,
    };
    Ok((number(&[&attempt.reference, &attempt.carrier, &attempt.proxy]), attempt))
}
