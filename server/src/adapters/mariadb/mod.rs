//! A MariaDB node, asked in SQL as a user who may look and not touch.
//!
//! **The heartbeat.** Each second [`MariaDb::beat`] writes the panel's time into the primary's row of `wirecenter_watch.heartbeat`;
//! replication carries it on. A node's lag is the panel's time at the look minus the newest time that node has
//! (`heartbeat_age_ms`). Both are the panel's clock, so no other clock matters. Nothing is subtracted: the figure includes the commit
//! with its wait for a replica (semi-sync), and is too large by the time since the last beat, one interval at most. A figure that
//! grows on the primary too means that beats are not written, not that a replica lags.
//!
//! **No harm.** There are two connections to a node at most, one for looks and one for beats, made when needed and thrown away
//! when a deadline passes. A statement has a time limit on the server too, so that what was given up does not wait there. A beat
//! is not tried on a node that is read-only, and one that reaches a server late, because it was frozen, writes nothing: it
//! may have been replaced meanwhile, and a row would keep it from following the new primary.

mod client;
mod facts;

pub use client::DatabaseWay;

use app::{
    context::now,
    fleet::facts::DatabaseFacts,
    ports::DatabaseNode,
    values::{Moment, PortError, PortErrorKind},
};
use facts::{Row, flag, wrong_version};
use futures::{FutureExt, TryStreamExt};
use sqlx::{
    Column, ConnectOptions, Connection, Either, Error, MySqlConnection, Row as _,
    mysql::{MySqlConnectOptions, MySqlDatabaseError, MySqlRow, MySqlSslMode},
};
use std::{
    collections::BTreeSet,
    io::ErrorKind,
    net::SocketAddrV4,
    panic::AssertUnwindSafe,
    time::{Duration, Instant},
};
use tokio::sync::Mutex;

const LOOK: &str = include_str!("look.sql");
const WATCH: &str = include_str!("watch.sql");
/// How much older than its asking a beat may be when the server comes to write it.
const BEAT_LATE_US_MAX: i64 = 2_000_000;
/// A node that did not answer is left in peace for this long by beats: each would be one more connection in its queue.
const BEAT_REST: Duration = Duration::from_secs(5);

type Failure = (PortErrorKind, String);

pub struct MariaDb {
    system: String,
    user: String,
    options: MySqlConnectOptions,
    deadline: Duration,
    looks: Mutex<Option<MySqlConnection>>,
    beats: Mutex<Beats>,
}

#[derive(Default)]
struct Beats {
    connection: Option<MySqlConnection>,
    rest_until: Option<Instant>,
}

/// What became of a beat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beat {
    /// On disk, and where semi-sync is on acknowledged by a replica; how long that took.
    Written { took: Duration },
    /// The node takes no writes: nothing was tried.
    ReadOnly,
    /// The server came to it too late and wrote nothing.
    Late,
}

impl MariaDb {
    /// `deadline` is of one look or beat, the connecting included.
    pub fn new(machine: &str, address: SocketAddrV4, user: &str, password: &str, deadline: Duration) -> Self {
        let options = MySqlConnectOptions::new().host(&address.ip().to_string()).port(address.port());
        let options = options.username(user).password(password).ssl_mode(MySqlSslMode::Disabled).disable_statement_logging();
        let system = format!("{machine} MariaDB {address}");
        Self { system, user: user.into(), options, deadline, looks: Mutex::default(), beats: Mutex::default() }
    }

    /// Writes the panel's time, if this node takes writes. For the primary, once a second.
    pub async fn beat(&self, at: Moment) -> Result<Beat, PortError> {
        let mut beats = self.beats.lock().await;
        if beats.rest_until.is_some_and(|end| Instant::now() < end) {
            let said = "it did not answer a moment ago and is left in peace".to_string();
            return Err(self.failed("write the heartbeat", (PortErrorKind::TimedOut, said)));
        }
        beats.rest_until = None;
        let open = beats.connection.take();
        let written = self.within(async {
            let mut connection = self.connected(open).await?;
            let beat = self.write(&mut connection, at).await?;
            Ok((connection, beat))
        });
        match written.await {
            Ok((connection, beat)) => {
                beats.connection = Some(connection);
                Ok(beat)
            }
            Err(failure) => {
                beats.rest_until = (failure.0 == PortErrorKind::TimedOut).then(|| Instant::now() + BEAT_REST);
                Err(self.failed("write the heartbeat", failure))
            }
        }
    }

    async fn write(&self, connection: &mut MySqlConnection, at: Moment) -> Result<Beat, Failure> {
        // By its own clock, so that a wrong clock does not keep beats from being written.
        let asked = "SELECT @@GLOBAL.read_only AS read_only, CAST(UNIX_TIMESTAMP(SYSDATE(6)) * 1000000 AS SIGNED) AS at_us";
        let answers = answers(connection, asked).await.map_err(|error| self.why(&error))?;
        let garbage = |said: String| (PortErrorKind::Garbage, said);
        let row = answers.into_iter().flatten().next().ok_or_else(|| garbage("no row of variables".into()))?;
        if flag(&row, "read_only").map_err(garbage)? {
            return Ok(Beat::ReadOnly);
        }
        let server_us = row.get("at_us").and_then(|at| at.parse::<i64>().ok()).ok_or_else(|| garbage("no time".into()))?;
        let began = Instant::now();
        let statement = "INSERT INTO wirecenter_watch.heartbeat (server_id, at_us) SELECT @@server_id, ? FROM DUAL \
                         WHERE @@GLOBAL.read_only = 0 AND UNIX_TIMESTAMP(SYSDATE(6)) * 1000000 < ? \
                         ON DUPLICATE KEY UPDATE at_us = GREATEST(at_us, VALUES(at_us))";
        let written = sqlx::query(statement).bind(at.micros()).bind(server_us + BEAT_LATE_US_MAX).execute(connection).await;
        match written {
            Ok(result) if result.rows_affected() == 0 => Ok(Beat::Late),
            Ok(_) => Ok(Beat::Written { took: began.elapsed() }),
            Err(error) if code(&error) == Some(READ_ONLY) => Ok(Beat::ReadOnly),
            Err(error) => Err(self.why(&error)),
        }
    }

    /// The connection that is there, if it still is, or a new one, with a limit for each statement.
    async fn connected(&self, open: Option<MySqlConnection>) -> Result<MySqlConnection, Failure> {
        if let Some(mut connection) = open
            && connection.ping().await.is_ok()
        {
            return Ok(connection);
        }
        let mut connection = self.options.connect().await.map_err(|error| self.why(&error))?;
        let version: String =
            sqlx::query_scalar("SELECT VERSION()").fetch_one(&mut connection).await.map_err(|error| self.why(&error))?;
        if let Some(said) = wrong_version(&version) {
            return Err((PortErrorKind::WrongVersion, said));
        }
        let limits = sqlx::query("SET SESSION max_statement_time = ?, lock_wait_timeout = ?, innodb_lock_wait_timeout = ?");
        let whole = self.deadline.as_secs().max(1);
        let limits = limits.bind(self.deadline.as_secs_f64()).bind(whole).bind(whole);
        limits.execute(&mut connection).await.map_err(|error| self.why(&error))?;
        Ok(connection)
    }

    async fn look(&self, connection: &mut MySqlConnection) -> Result<DatabaseFacts, Failure> {
        let answered = answers(connection, LOOK).await.map_err(|error| self.why(&error))?;
        let observed_at = now();
        let mut facts = facts::facts(&answered, observed_at).map_err(|said| (PortErrorKind::Garbage, said))?;
        // Who can always write is root; of others the cluster tells, where it has the panel's tables.
        let mut privileged = BTreeSet::from(["root".to_string()]);
        match answers(connection, WATCH).await {
            Ok(watch) => {
                let at_us = watch.first().and_then(|rows| rows.first()?.get("at_us")?.parse().ok());
                let age = |at_us| now().since(Moment::from_micros(at_us)).as_millis();
                facts.heartbeat_age_ms = at_us.map(|at_us| u64::try_from(age(at_us)).unwrap_or(u64::MAX));
                privileged.extend(watch.into_iter().skip(1).flatten().filter_map(|mut row| row.remove("user_name")));
            }
            Err(error) if code(&error).is_some_and(|code| NO_TABLES.contains(&code)) => {}
            Err(error) => return Err(self.why(&error)),
        }
        facts.privileged.retain(|user| user.rsplit_once('@').is_some_and(|(name, _)| privileged.contains(name)));
        Ok(facts)
    }

    /// Until the deadline. A packet that is not what it says may be more than the client's own reading bears: that ends the look only.
    async fn within<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        match tokio::time::timeout(self.deadline, AssertUnwindSafe(work).catch_unwind()).await {
            Ok(Ok(done)) => done,
            Ok(Err(_)) => Err((PortErrorKind::Garbage, "whoever answers there does not speak MariaDB's protocol".into())),
            Err(_) => Err((PortErrorKind::TimedOut, format!("no answer within {} s", self.deadline.as_secs_f32()))),
        }
    }

    fn failed(&self, doing: &str, (kind, said): Failure) -> PortError {
        PortError::new(self.system.as_str(), doing, kind, said)
    }

    fn why(&self, error: &Error) -> Failure {
        use PortErrorKind as Kind;
        let user = &self.user;
        match error {
            Error::Io(io) => match io.kind() {
                ErrorKind::ConnectionRefused => (Kind::Refused, "nobody listens there".into()),
                ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => (Kind::Refused, io.to_string()),
                ErrorKind::TimedOut => (Kind::TimedOut, "no answer".into()),
                ErrorKind::InvalidData => (Kind::Garbage, io.to_string()),
                _ => (Kind::Broken, io.to_string()),
            },
            Error::Database(refused) => match code(error) {
                Some(1045 | 1698 | 1130) => (Kind::Denied, format!("it does not let {user} in with the password we have")),
                Some(1044 | 1142 | 1143 | 1227) => {
                    (Kind::Denied, format!("{user} may not do this: {}. Grant it as setup.sql does.", refused.message()))
                }
                Some(1969) => (Kind::TimedOut, format!("it did not answer within {} s", self.deadline.as_secs_f32())),
                Some(1053 | 1927) => (Kind::Broken, refused.message().into()),
                Some(1193) => (Kind::WrongVersion, refused.message().into()),
                _ => (Kind::Failed, refused.message().into()),
            },
            Error::Protocol(said) => (Kind::Garbage, said.clone()),
            Error::Decode(why) | Error::ColumnDecode { source: why, .. } => (Kind::Garbage, why.to_string()),
            other => (Kind::Garbage, other.to_string()),
        }
    }
}

/// "The MariaDB server is running with the --read-only option".
const READ_ONLY: u16 = 1290;
/// No such database, no such table, or no right to it.
const NO_TABLES: [u16; 4] = [1049, 1146, 1142, 1044];

fn code(error: &Error) -> Option<u16> {
    Some(error.as_database_error()?.try_downcast_ref::<MySqlDatabaseError>()?.number())
}

/// All rows of each statement, in one round trip.
async fn answers(connection: &mut MySqlConnection, statements: &'static str) -> Result<Vec<Vec<Row>>, Error> {
    let mut answers = Vec::new();
    let mut rows = Vec::new();
    let mut stream = sqlx::raw_sql(statements).fetch_many(connection);
    while let Some(next) = stream.try_next().await? {
        match next {
            Either::Left(_) => answers.push(std::mem::take(&mut rows)),
            Either::Right(row) => rows.push(read(&row)?),
        }
    }
    Ok(answers)
}

/// In the text protocol every value is text, whatever its type.
fn read(row: &MySqlRow) -> Result<Row, Error> {
    let mut read = Row::new();
    for column in row.columns() {
        if let Some(value) = row.try_get_unchecked::<Option<String>, _>(column.ordinal())? {
            read.insert(column.name().to_ascii_lowercase(), value);
        }
    }
    Ok(read)
}

impl DatabaseNode for MariaDb {
    async fn observe(&self) -> Result<DatabaseFacts, PortError> {
        let mut slot = self.looks.lock().await;
        let open = slot.take();
        let looked = self.within(async {
            let mut connection = self.connected(open).await?;
            let facts = self.look(&mut connection).await?;
            Ok((connection, facts))
        });
        let (connection, facts) = looked.await.map_err(|failure| self.failed("read its state", failure))?;
        *slot = Some(connection);
        Ok(facts)
    }
}

#[cfg(test)]
mod tests;
