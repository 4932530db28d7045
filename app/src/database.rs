//! Our own database: a pool, what is known of its state, and the one place where its failures become sentences.
//!
//! A request never waits for a database that is known to be away: it is refused at once, and the watch task (in the server)
//! says when it is back. Our own database has no port trait: it is tested for real.

use crate::{error::AppError, limits, live::Hub, live::Topic, system::snapshot::DatabaseState, values::Moment};
use sqlx::{MySql, MySqlConnection, MySqlPool, Transaction, pool::PoolConnection};
use std::{future::Future, sync::Arc};
use tokio::sync::watch;

pub struct Database {
    pool: MySqlPool,
    state: watch::Sender<DatabaseState>,
    hub: Arc<Hub>,
}

impl Database {
    pub fn new(pool: MySqlPool, hub: Arc<Hub>, now: Moment) -> Self {
        Self { pool, state: watch::Sender::new(DatabaseState::Starting { since: now }), hub }
    }

    pub fn pool(&self) -> &MySqlPool {
        &self.pool
    }

    pub fn state(&self) -> DatabaseState {
        self.state.borrow().clone()
    }

    pub fn watch_state(&self) -> watch::Receiver<DatabaseState> {
        self.state.subscribe()
    }

    /// Told by the watch task. A state of the same kind keeps its `since`.
    pub fn set_state(&self, new: DatabaseState) -> bool {
        let changed = self.state.send_if_modified(|old| {
            let changed = old.word() != new.word();
            if changed {
                *old = new;
            }
            changed
        });
        if changed {
            self.hub.wake(Topic::System);
        }
        changed
    }

    /// A connection; `doing` completes "the panel could not …".
    pub async fn acquire(&self, doing: &str) -> Result<PoolConnection<MySql>, AppError> {
        self.check_up(doing)?;
        self.within(doing, self.pool.acquire()).await
    }

    pub async fn begin(&self, doing: &str) -> Result<Transaction<'static, MySql>, AppError> {
        self.check_up(doing)?;
        self.within(doing, self.pool.begin()).await
    }

    /// Runs one statement, or a few, under the deadline.
    pub async fn within<T>(&self, doing: &str, work: impl Future<Output = sqlx::Result<T>>) -> Result<T, AppError> {
        match tokio::time::timeout(limits::DATABASE_DEADLINE, work).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(self.failure(doing, &error)),
            Err(_) => Err(self.away(doing)),
        }
    }

    /// Commits, and wakes whoever looks at what was changed: here at once, in other processes by the topic's version.
    pub async fn commit(&self, mut tx: Transaction<'static, MySql>, doing: &str, topics: &[Topic]) -> Result<(), AppError> {
        self.within(doing, async {
            raise_versions(&mut tx, topics).await?;
            tx.commit().await
        })
        .await?;
        topics.iter().for_each(|topic| self.hub.wake(*topic));
        Ok(())
    }

    fn check_up(&self, doing: &str) -> Result<(), AppError> {
        if self.state.borrow().is_up() { Ok(()) } else { Err(self.away(doing)) }
    }

    fn away(&self, doing: &str) -> AppError {
        let state = self.state.borrow();
        let since = (!state.is_up()).then(|| state.since());
        AppError::Away { system: "The database".into(), since, doing: doing.into() }
    }

    fn failure(&self, doing: &str, error: &sqlx::Error) -> AppError {
        if number(error).is_some_and(|number| FULL.contains(&number)) {
            tracing::error!(%error, doing, "the database's disk is full");
            let system = "The database has no room on its disk (make room there) and".into();
            return AppError::Away { system, since: None, doing: doing.into() };
        }
        if is_away(error) {
            tracing::info!(%error, doing, "a statement failed because the database is away");
            return self.away(doing);
        }
        tracing::error!(%error, doing, "a statement failed");
        AppError::Broken
    }
}

/// MariaDB's numbers for a disk that is full: 3 and 5 writing a file failed · 1021 disk full · 1114 table full.
const FULL: [u16; 4] = [3, 5, 1021, 1114];
/// For "not now": 1040 too many connections · 1053 shutdown · 1205 lock wait · 1290 read-only · 1927 connection killed ·
/// 1969 statement timeout.
const NOT_NOW: [u16; 6] = [1040, 1053, 1205, 1290, 1927, 1969];

fn number(error: &sqlx::Error) -> Option<u16> {
    let sqlx::Error::Database(error) = error else { return None };
    Some(error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>()?.number())
}

/// Whether an error says that the database cannot work now, rather than that our statement is wrong.
pub fn is_away(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_) => true,
        _ => number(error).is_some_and(|number| FULL.contains(&number) || NOT_NOW.contains(&number)),
    }
}

async fn raise_versions(conn: &mut MySqlConnection, topics: &[Topic]) -> sqlx::Result<()> {
    for topic in topics {
        crate::store::raise_version(conn, topic.name()).await?;
    }
    Ok(())
}
