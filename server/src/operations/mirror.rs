//! Copies the journal into the panel's database, where other panels and reports read it. It runs behind, and the runner never waits
//! for it: with the database away the entries wait on the disk, where they are anyway.

use super::journal::Journal;
use app::{database::Database, error::AppError, operations::store};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

const ROWS_AT_ONCE: u32 = 200;

pub struct Mirror {
    state: PathBuf,
    /// Names this panel among those on the database.
    panel: String,
    database: Arc<Database>,
    journal: Option<Journal>,
    /// The place of the last entry the database has; asked anew after a failure.
    copied: Option<u64>,
}

impl Mirror {
    pub fn new(state: &Path, panel: &str, database: Arc<Database>) -> Self {
        Self { state: state.into(), panel: panel.into(), database, journal: None, copied: None }
    }

    pub async fn look(&mut self) -> Result<(), String> {
        if !self.database.state().is_up() {
            return Ok(());
        }
        if self.journal.is_none() {
            self.journal = Journal::open_existing(&self.state).await.map_err(|error| error.to_string())?;
        }
        let Some(journal) = self.journal.clone() else { return Ok(()) };
        match self.copy(&journal).await {
            Ok(()) => Ok(()),
            Err(why) => {
                self.copied = None;
                why.map_or(Ok(()), Err)
            }
        }
    }

    /// `None` as an error: the database went away, which its own watch tells.
    async fn copy(&mut self, journal: &Journal) -> Result<(), Option<String>> {
        let failed = |error: AppError| if matches!(error, AppError::Away { .. }) { None } else { Some(error.to_string()) };
        let (database, doing) = (&self.database, "copy the journal of operations");
        let mut copied = match self.copied {
            Some(copied) => copied,
            None => {
                let mut conn = database.acquire(doing).await.map_err(failed)?;
                database.within(doing, store::last_sequence(&mut conn, journal.name())).await.map_err(failed)?
            }
        };
        loop {
            let after = i64::try_from(copied).unwrap_or(i64::MAX);
            let entries = journal.after(after, ROWS_AT_ONCE).await.map_err(|error| Some(error.to_string()))?;
            let Some((last, _)) = entries.last() else { break };
            let mut tx = database.begin(doing).await.map_err(failed)?;
            for (sequence, entry) in &entries {
                let insert = store::insert_entry(&mut tx, journal.name(), &self.panel, sequence.unsigned_abs(), entry);
                database.within(doing, insert).await.map_err(failed)?;
            }
            database.commit(tx, doing, &[]).await.map_err(failed)?;
            copied = last.unsigned_abs();
        }
        self.copied = Some(copied);
        Ok(())
    }
}
