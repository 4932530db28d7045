//! Every ten seconds a sample of the fleet goes into memory; what the database has not got yet is written each minute, and at once
//! when something changed. With the database away it waits in memory. Of several panels on one database one writes; the others keep
//! what they saw long enough to write it should that one die.

use app::{
    context,
    database::Database,
    error::AppError,
    fleet::{measure::KEPT_FOR, record::CHANGES_KEPT, record::Pending, state::FleetState, store},
    lease::{Hold, Lease},
    live::Topic,
    values::Moment,
};
use std::{sync::Arc, time::Duration};

/// Rows removed in one statement, so that nobody waits for it; as many statements as there are old rows, up to the second figure.
const OLD_ROWS_AT_ONCE: u32 = 2_000;
const OLD_BATCHES_MAX: u32 = 10;
const CHANGES_KEPT_FOR: Duration = Duration::from_secs(90 * 86_400);
/// Verdicts read back at the start: enough for the tails of all networks.
const VERDICTS_READ: u32 = 500;
/// Rows in one statement: a document of some 2 MB, far below MariaDB's packet of 16.
const ROWS_AT_ONCE: usize = 20_000;

/// Longer than a lease lasts: what is older was written by whoever held it.
const KEPT_BESIDE: Duration = Duration::from_secs(20);

pub struct FleetMeasures {
    fleet: Arc<FleetState>,
    database: Arc<Database>,
    lease: Lease,
    /// What another panel writes, and since when it is kept here beside.
    beside: Option<(Moment, Pending)>,
    /// When old rows were last removed.
    cleaned_at: Moment,
}

impl FleetMeasures {
    pub fn new(fleet: Arc<FleetState>, database: Arc<Database>, holder: &str) -> Self {
        Self { fleet, database, lease: Lease::new("measures", holder), beside: None, cleaned_at: Moment::EPOCH }
    }

    pub async fn look(&mut self) -> Result<(), String> {
        let now = context::now();
        self.fleet.sample(now);
        if !self.database.state().is_up() {
            return Ok(());
        }
        match self.write(now).await {
            // The database's own watch tells that it is away; nothing is lost.
            Ok(()) | Err(AppError::Away { .. }) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    }

    async fn write(&mut self, now: Moment) -> Result<(), AppError> {
        let (fleet, database) = (&self.fleet, &self.database);
        if !fleet.is_resumed() {
            let doing = "read what changed before";
            let mut conn = database.acquire(doing).await?;
            let changes_max = u32::try_from(CHANGES_KEPT).unwrap_or(u32::MAX);
            let changes = database.within(doing, store::list_changes(&mut conn, changes_max)).await?;
            let verdicts = database.within(doing, store::list_verdicts(&mut conn, VERDICTS_READ)).await?;
            fleet.resume(changes, verdicts);
        }
        if self.lease.keep(database).await? == Hold::Theirs {
            self.keep_beside(now);
            return Ok(());
        }
        self.beside = None;
        let pending = fleet.pending();
        if !pending.is_empty() {
            self.write_pending(&pending).await?;
            fleet.written(&pending);
        }
        if now.since(self.cleaned_at) >= Duration::from_secs(60) {
            self.remove_old(now).await?;
            self.cleaned_at = now;
        }
        Ok(())
    }

    fn keep_beside(&mut self, now: Moment) {
        match &self.beside {
            Some((since, _)) if now.since(*since) < KEPT_BESIDE => return,
            Some((_, pending)) => self.fleet.written(pending),
            None => {}
        }
        self.beside = Some((now, self.fleet.pending()));
    }

    async fn write_pending(&self, pending: &Pending) -> Result<(), AppError> {
        let (database, doing) = (&self.database, "write the measures of the fleet");
        let mut tx = database.begin(doing).await?;
        for minutes in pending.minutes.chunks(ROWS_AT_ONCE) {
            database.within(doing, store::insert_minutes(&mut tx, minutes)).await?;
        }
        if !pending.changes.is_empty() {
            database.within(doing, store::insert_changes(&mut tx, &pending.changes)).await?;
        }
        for verdict in &pending.verdicts {
            database.within(doing, store::insert_verdict(&mut tx, verdict)).await?;
        }
        let topics: &[Topic] = if pending.verdicts.is_empty() && pending.changes.is_empty() { &[] } else { &[Topic::Fleet] };
        database.commit(tx, doing, topics).await
    }

    async fn remove_old(&self, now: Moment) -> Result<(), AppError> {
        let (database, doing) = (&self.database, "remove old measures");
        let mut conn = database.acquire(doing).await?;
        for _ in 0..OLD_BATCHES_MAX {
            let gone = database.within(doing, store::delete_minutes(&mut conn, now.minus(KEPT_FOR), OLD_ROWS_AT_ONCE)).await?;
            if gone < u64::from(OLD_ROWS_AT_ONCE) {
                break;
            }
        }
        database.within(doing, store::delete_changes(&mut conn, now.minus(CHANGES_KEPT_FOR), OLD_ROWS_AT_ONCE)).await?;
        Ok(())
    }
}
