//! Clients of the cluster that write as fast as they are told, and keep what was acknowledged. They live in a machine of the lab, as
//! billing does.

use super::place::Layout;
use crate::observe::place::{Outpost, Place};
use sqlx::{
    ConnectOptions, Connection, MySqlConnection,
    mysql::{MySqlConnectOptions, MySqlSslMode},
};
use std::{
    net::Ipv4Addr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::time::{MissedTickBehavior, interval, timeout};

const HOME: &str = "billing-01";
/// An address nobody has costs this long; a server that is there answers in a millisecond.
const CONNECT_MAX: Duration = Duration::from_millis(200);
/// Longer than a commit waits for a replica that has gone.
const INSERT_MAX: Duration = Duration::from_millis(1_500);

/// A row that was acknowledged.
#[derive(Clone, Copy, Debug)]
pub struct Acknowledged {
    pub id: u64,
    pub at: Instant,
}

pub struct Writer {
    _outpost: Outpost,
    acknowledged: Arc<Mutex<Vec<Acknowledged>>>,
}

impl Writer {
    /// Rows with numbers from `first` on, into this table, at this address.
    pub fn start(
        lab: &Layout,
        at: Ipv4Addr,
        password: &str,
        table: &'static str,
        first: u64,
        every: Duration,
    ) -> Result<Self, String> {
        let home = lab.machine_process(HOME).ok_or_else(|| format!("{HOME} is off."))?;
        let options = MySqlConnectOptions::new().host(&at.to_string()).username("bench").password(password);
        let options = options.ssl_mode(MySqlSslMode::Disabled).disable_statement_logging();
        let acknowledged: Arc<Mutex<Vec<Acknowledged>>> = Arc::default();
        let kept = Arc::clone(&acknowledged);
        let outpost = Outpost::start(Place::of_process(home), "writer", move |_stop| write(options, table, first, every, kept));
        Ok(Self { _outpost: outpost?, acknowledged })
    }

    pub fn acknowledged(&self) -> Vec<Acknowledged> {
        self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn write(
    options: MySqlConnectOptions,
    table: &'static str,
    first: u64,
    every: Duration,
    kept: Arc<Mutex<Vec<Acknowledged>>>,
) {
    let statement = format!("INSERT INTO {table} (id) VALUES (?)");
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut connection: Option<MySqlConnection> = None;
    let mut id = first;
    loop {
        ticks.tick().await;
        let mut open = match connection.take() {
            Some(open) => open,
            None => match timeout(CONNECT_MAX, options.connect()).await {
                Ok(Ok(open)) => open,
                _ => continue,
            },
        };
        id += 1;
        let insert = sqlx::query(sqlx::AssertSqlSafe(statement.as_str())).bind(id).execute(&mut open);
        match timeout(INSERT_MAX, insert).await {
            Ok(Ok(_)) => {
                kept.lock().unwrap_or_else(PoisonError::into_inner).push(Acknowledged { id, at: Instant::now() });
                connection = Some(open);
            }
            // "Read-only" leaves the connection as it is; anything else, and silence, ends it.
            Ok(Err(sqlx::Error::Database(_))) if timeout(CONNECT_MAX, open.ping()).await.is_ok_and(|answer| answer.is_ok()) => {
                connection = Some(open);
            }
            _ => {}
        }
    }
}

/// The longest time between two rows.
pub fn longest_gap(rows: &[Acknowledged]) -> Duration {
    rows.windows(2).map(|pair| pair[1].at - pair[0].at).max().unwrap_or_default()
}

/// What has to be there before anybody writes, as root at the primary.
pub fn setup(password: &str) -> String {
    format!(
        "CREATE DATABASE IF NOT EXISTS bench; CREATE TABLE IF NOT EXISTS bench.acknowledged (id BIGINT UNSIGNED PRIMARY KEY); \
         CREATE TABLE IF NOT EXISTS bench.probes LIKE bench.acknowledged; CREATE OR REPLACE USER bench@'%' IDENTIFIED BY '{password}'; \
         GRANT SELECT, INSERT ON bench.* TO bench@'%'"
    )
}
