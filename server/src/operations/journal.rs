//! The journal on this machine's disk, in SQLite: it must be there when the databases are not.
//!
//! Entries are appended under the number that the writer saw as the next one. Who appends second is refused by the primary key,
//! reads what came between, and decides anew: so a cancel and the point of no return cannot pass each other unseen.

use crate::files::make_private_dir;
use app::{
    operations::{
        journal::{Entry, Event},
        kind::OperationKind,
        plan::Plan,
        run::Run,
    },
    values::{Moment, OperationId},
};
use sqlx::{
    Row, Sqlite, SqliteConnection, SqlitePool, Transaction,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous},
};
use std::{
    fs::File,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// Below the state folder.
pub const FILE: &str = "operations.sqlite";
/// Two processes write it: the panel and a command.
const BUSY_MAX: Duration = Duration::from_secs(5);
const BUSY_RETRY: Duration = Duration::from_millis(20);
/// SQLITE_BUSY of the SQLite documents; its other results that tell why are in the bits above.
const BUSY: u32 = 5;

const SCHEMA: [&str; 6] = [
    "CREATE TABLE IF NOT EXISTS entries (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        operation INTEGER NOT NULL,
        number INTEGER NOT NULL,
        at_us INTEGER NOT NULL,
        by TEXT NOT NULL,
        event TEXT NOT NULL,
        UNIQUE (operation, number)
    ) STRICT",
    "CREATE TABLE IF NOT EXISTS holds (subject TEXT PRIMARY KEY, operation INTEGER NOT NULL UNIQUE) STRICT, WITHOUT ROWID",
    "CREATE TRIGGER IF NOT EXISTS entries_no_update BEFORE UPDATE ON entries
        BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END",
    "CREATE TRIGGER IF NOT EXISTS entries_no_delete BEFORE DELETE ON entries
        BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END",
    // A name of its own, so that its copy is not taken for that of another journal at the same place.
    "CREATE TABLE IF NOT EXISTS identity (one INTEGER PRIMARY KEY CHECK (one = 1), name TEXT NOT NULL) STRICT",
    "INSERT OR IGNORE INTO identity (one, name) VALUES (1, lower(hex(randomblob(8))))",
];

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// Somebody else appended first; read again.
    #[error("another entry came first")]
    Conflict,
    #[error("operation {0} has the subject")]
    Held(OperationId),
    #[error("There is no operation {0}. See: wirecenter operation list")]
    Unknown(OperationId),
    #[error("The journal {file} {said}. Nothing was begun that is not in it; mend that, and what was begun goes on.")]
    Failed { file: String, said: String },
}

#[derive(Clone)]
pub struct Journal {
    pool: SqlitePool,
    file: PathBuf,
    name: String,
}

/// What is known of the subject of a plan.
#[derive(Default)]
pub struct SubjectRuns {
    pub active: Option<Run>,
    pub last_done: Option<Run>,
}

impl Journal {
    /// Opens the journal of a state folder, making both where they are missing.
    pub async fn open(state: &Path) -> Result<Self, JournalError> {
        let file = state.join(FILE);
        let failed = |said: String| JournalError::Failed { file: file.display().to_string(), said };
        make_private_dir(state).map_err(|error| failed(format!("has no folder: {error}")))?;
        // SQLite gives its other files the mode of this one.
        let made = File::options().create(true).append(true).mode(0o600).open(&file);
        made.map_err(|error| failed(format!("cannot be opened: {error}")))?;
        let options = SqliteConnectOptions::new()
            .filename(&file)
            .journal_mode(SqliteJournalMode::Wal)
            // What was appended is on the disk before anything is begun.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_MAX);
        let begun = Instant::now();
        let pool = loop {
            let pool = SqlitePoolOptions::new().max_connections(3).acquire_timeout(BUSY_MAX).connect_with(options.clone());
            match pool.await {
                Ok(pool) => break pool,
                // SQLite does not wait for another that makes the same new file a journal in this moment: both would wait for ever.
                Err(error) if is_busy(&error) && begun.elapsed() < BUSY_MAX => sleep(BUSY_RETRY).await,
                Err(error) => return Err(failed(format!("cannot be opened: {}", words(&error)))),
            }
        };
        let mut journal = Self { pool, file, name: String::new() };
        let mut tx = journal.begin().await?;
        for statement in SCHEMA {
            sqlx::query(statement).execute(&mut *tx).await.map_err(|error| journal.failed(&error))?;
        }
        let row = sqlx::query("SELECT name FROM identity").fetch_one(&mut *tx).await.map_err(|error| journal.failed(&error))?;
        let name = row.try_get("name").map_err(|error| journal.failed(&error))?;
        tx.commit().await.map_err(|error| journal.failed(&error))?;
        journal.name = name;
        Ok(journal)
    }

    /// Opens it only where there is one.
    pub async fn open_existing(state: &Path) -> Result<Option<Self>, JournalError> {
        if state.join(FILE).exists() { Self::open(state).await.map(Some) } else { Ok(None) }
    }

    /// The name it gave itself when it was made.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn failed(&self, error: &sqlx::Error) -> JournalError {
        match error.as_database_error() {
            Some(error) if error.is_unique_violation() => JournalError::Conflict,
            _ => JournalError::Failed { file: self.file.display().to_string(), said: format!("cannot be used: {}", words(error)) },
        }
    }

    fn broken(&self, said: String) -> JournalError {
        JournalError::Failed { file: self.file.display().to_string(), said }
    }

    /// For writing: SQLite lets one in at a time, and takes a reader that wants to write later for a mistake.
    async fn begin(&self) -> Result<Transaction<'static, Sqlite>, JournalError> {
        self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(|error| self.failed(&error))
    }

    /// Writes the plan down as begun, unless its subject has an operation already.
    pub async fn start(&self, plan: &Plan, by: &str, at: Moment) -> Result<OperationId, JournalError> {
        let mut tx = self.begin().await?;
        let failed = |error: sqlx::Error| self.failed(&error);
        let hold = plan.hold();
        let held = sqlx::query("SELECT operation FROM holds WHERE subject = ?").bind(&hold);
        if let Some(row) = held.fetch_optional(&mut *tx).await.map_err(failed)? {
            return Err(JournalError::Held(operation(&row, "operation").map_err(failed)?));
        }
        let last =
            sqlx::query("SELECT COALESCE(MAX(operation), 0) AS last FROM entries").fetch_one(&mut *tx).await.map_err(failed)?;
        let id = OperationId(operation(&last, "last").map_err(failed)?.0 + 1);
        let event = Event::Started { plan: Box::new(plan.clone()) };
        self.insert(&mut tx, &Entry { operation: id, number: 0, at, by: by.into(), event }).await?;
        let hold = sqlx::query("INSERT INTO holds (subject, operation) VALUES (?, ?)").bind(hold).bind(number(id.0));
        hold.execute(&mut *tx).await.map_err(failed)?;
        tx.commit().await.map_err(failed)?;
        Ok(id)
    }

    /// Appends what happened next in this run as the writer saw it. The end of an operation lets go of its subject.
    pub async fn append(&self, run: &Run, by: &str, at: Moment, event: Event) -> Result<Entry, JournalError> {
        let over = matches!(event, Event::Finished { .. });
        let entry = Entry { operation: run.id, number: run.next_number, at, by: by.into(), event };
        let mut tx = self.begin().await?;
        self.insert(&mut tx, &entry).await?;
        if over {
            let freed = sqlx::query("DELETE FROM holds WHERE operation = ?").bind(number(run.id.0)).execute(&mut *tx).await;
            freed.map_err(|error| self.failed(&error))?;
        }
        tx.commit().await.map_err(|error| self.failed(&error))?;
        Ok(entry)
    }

    async fn insert(&self, conn: &mut SqliteConnection, entry: &Entry) -> Result<(), JournalError> {
        let event = serde_json::to_string(&entry.event).map_err(|error| self.broken(format!("takes no such entry: {error}")))?;
        let insert = sqlx::query("INSERT INTO entries (operation, number, at_us, by, event) VALUES (?, ?, ?, ?, ?)")
            .bind(number(entry.operation.0))
            .bind(number(entry.number))
            .bind(entry.at.micros())
            .bind(&entry.by)
            .bind(event);
        insert.execute(conn).await.map(drop).map_err(|error| self.failed(&error))
    }

    fn entry(&self, row: &SqliteRow) -> Result<Entry, JournalError> {
        let read = || -> sqlx::Result<(OperationId, i64, i64, String, String)> {
            Ok((
                operation(row, "operation")?,
                row.try_get("number")?,
                row.try_get("at_us")?,
                row.try_get("by")?,
                row.try_get("event")?,
            ))
        };
        let (operation, number, at_us, by, event) = read().map_err(|error| self.failed(&error))?;
        let event = serde_json::from_str(&event).map_err(|error| {
            self.broken(format!("has an entry of operation {operation} that this program cannot read: {error}"))
        })?;
        Ok(Entry { operation, number: number.unsigned_abs(), at: Moment::from_micros(at_us), by, event })
    }

    /// The entries of an operation from this number on.
    pub async fn entries(&self, id: OperationId, from: u64) -> Result<Vec<Entry>, JournalError> {
        let rows = sqlx::query(
            "SELECT operation, number, at_us, by, event FROM entries WHERE operation = ? AND number >= ? ORDER BY number",
        )
        .bind(number(id.0))
        .bind(number(from))
        .fetch_all(&self.pool)
        .await;
        rows.map_err(|error| self.failed(&error))?.iter().map(|row| self.entry(row)).collect()
    }

    /// Entries of all operations in the order they were written, after this place, with their places; for copying them.
    pub async fn after(&self, sequence: i64, limit: u32) -> Result<Vec<(i64, Entry)>, JournalError> {
        let select =
            "SELECT sequence, operation, number, at_us, by, event FROM entries WHERE sequence > ? ORDER BY sequence LIMIT ?";
        let rows = sqlx::query(select).bind(sequence).bind(limit).fetch_all(&self.pool).await;
        let rows = rows.map_err(|error| self.failed(&error))?;
        let place = |row: &SqliteRow| row.try_get("sequence").map_err(|error| self.failed(&error));
        rows.iter().map(|row| Ok((place(row)?, self.entry(row)?))).collect()
    }

    pub async fn run(&self, id: OperationId) -> Result<Run, JournalError> {
        let entries = self.entries(id, 0).await?;
        if entries.is_empty() {
            return Err(JournalError::Unknown(id));
        }
        Run::fold(&entries).map_err(|broken| self.broken(format!("cannot be followed in operation {id}: {broken}")))
    }

    /// The place of the last entry; 0 before the first.
    pub async fn last(&self) -> Result<i64, JournalError> {
        let row = sqlx::query("SELECT COALESCE(MAX(sequence), 0) AS last FROM entries").fetch_one(&self.pool).await;
        row.and_then(|row| row.try_get("last")).map_err(|error| self.failed(&error))
    }

    /// Operations that are not over.
    pub async fn active(&self) -> Result<Vec<OperationId>, JournalError> {
        let rows = sqlx::query("SELECT operation FROM holds ORDER BY operation").fetch_all(&self.pool).await;
        let rows = rows.map_err(|error| self.failed(&error))?;
        rows.iter().map(|row| operation(row, "operation").map_err(|error| self.failed(&error))).collect()
    }

    /// The newest first.
    pub async fn newest(&self, limit: u32) -> Result<Vec<OperationId>, JournalError> {
        let rows = sqlx::query("SELECT DISTINCT operation FROM entries ORDER BY operation DESC LIMIT ?").bind(limit);
        let rows = rows.fetch_all(&self.pool).await.map_err(|error| self.failed(&error))?;
        rows.iter().map(|row| operation(row, "operation").map_err(|error| self.failed(&error))).collect()
    }

    /// The newest first.
    pub async fn latest(&self, limit: u32) -> Result<Vec<Run>, JournalError> {
        let mut runs = Vec::new();
        for id in self.newest(limit).await? {
            runs.push(self.run(id).await?);
        }
        Ok(runs)
    }

    /// Who has the plan's subject, and what was last done to it by an operation after which it is left alone.
    pub async fn of_subject(&self, plan: &Plan) -> Result<SubjectRuns, JournalError> {
        let mut found = SubjectRuns::default();
        let held = sqlx::query("SELECT operation FROM holds WHERE subject = ?").bind(plan.hold()).fetch_optional(&self.pool);
        if let Some(row) = held.await.map_err(|error| self.failed(&error))? {
            found.active = Some(self.run(operation(&row, "operation").map_err(|error| self.failed(&error))?).await?);
        }
        if plan.kind.cool_down().is_some() {
            let rows = sqlx::query(
                "SELECT s.operation FROM entries s JOIN entries f ON f.operation = s.operation
                 WHERE s.number = 0 AND json_extract(s.event, '$.plan.kind') IN (SELECT value FROM json_each(?))
                   AND json_extract(s.event, '$.plan.subject') = ?
                   AND json_extract(f.event, '$.event') = 'finished' AND json_extract(f.event, '$.outcome') = 'done'
                 ORDER BY s.operation DESC LIMIT 1",
            );
            // After a switchover a failover has to be thought about, too.
            let kinds: Vec<&str> =
                OperationKind::ALL.into_iter().filter(|kind| kind.cool_down().is_some()).map(OperationKind::name).collect();
            let kinds = serde_json::to_string(&kinds).map_err(|error| self.broken(format!("takes no such question: {error}")))?;
            let row = rows.bind(kinds).bind(&plan.subject).fetch_optional(&self.pool).await;
            if let Some(row) = row.map_err(|error| self.failed(&error))? {
                found.last_done = Some(self.run(operation(&row, "operation").map_err(|error| self.failed(&error))?).await?);
            }
        }
        Ok(found)
    }

    pub async fn close(self) {
        self.pool.close().await;
    }
}

/// SQLite counts with a sign; our numbers begin at 0.
fn number(of: u64) -> i64 {
    i64::try_from(of).unwrap_or(i64::MAX)
}

fn operation(row: &SqliteRow, column: &str) -> sqlx::Result<OperationId> {
    row.try_get::<i64, _>(column).map(|id| OperationId(id.unsigned_abs()))
}

fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code()?.parse::<u32>().ok());
    code.is_some_and(|code| code & 0xff == BUSY)
}

fn words(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => error.message().to_string(),
        sqlx::Error::PoolTimedOut => format!("another program has kept it for {} s", BUSY_MAX.as_secs()),
        other => other.to_string(),
    }
}

#[cfg(test)]
#[path = "journal_tests.rs"]
mod tests;
