//! What is wrong now, in memory: stepped by the server's task, read by pages and functions. The database is where it is written as
//! soon as it can be; while that is away alerts are told on screen all the same.
//!
//! Of several panels on one database one holds the lease and steps the inbox; the others show what is stored. A person may act at
//! any of them: the panel they act at takes the lease over with the change, so that there is never more than one that writes.

use super::{
    alert::{Alert, AlertChange, AlertState},
    inbox::{Heard, Inbox},
    silence::Silence,
    store,
    subject::Severity,
    telling::Receiver,
};
use crate::{
    auth::{audit::Draft, store::audit},
    database::Database,
    error::AppError,
    lease::{Hold, Lease},
    live::Topic,
    values::{AlertId, Moment},
};
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Changes that wait for the database; past this the oldest words are dropped, never an alert that is open.
const UNWRITTEN_MAX: usize = 5_000;

pub struct AlertsState {
    inner: Mutex<Inner>,
    /// Held by whoever changes the inbox and writes it: the task's step, or a person's form. One at a time, so that what is
    /// written is what is shown.
    turn: tokio::sync::Mutex<()>,
    lease: Lease,
    pub receivers: Vec<Receiver>,
    pub escalate_after: Option<Duration>,
    staff_url: String,
}

#[derive(Default)]
struct Inner {
    inbox: Inbox,
    unwritten: Vec<AlertChange>,
    /// Whether the stored alerts were read since the start.
    restored: bool,
}

impl AlertsState {
    /// `holder` names this panel among those on the database.
    pub fn new(receivers: Vec<Receiver>, escalate_after: Option<Duration>, staff_url: String, holder: &str) -> Self {
        let (inner, turn) = (Mutex::default(), tokio::sync::Mutex::default());
        Self { inner, turn, lease: Lease::new("alerts", holder), receivers, escalate_after, staff_url }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Every change is whole before the lock is given back, so a panic elsewhere cannot leave it half made.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn find(&self, id: AlertId) -> Option<Alert> {
        self.lock().inbox.find(id).cloned()
    }

    /// Everything that is not over, with its state.
    pub fn list(&self, now: Moment) -> Vec<(Alert, AlertState)> {
        let inner = self.lock();
        inner.inbox.open().map(|alert| (alert.clone(), inner.inbox.state_of(alert, now))).collect()
    }

    pub fn state_of(&self, alert: &Alert, now: Moment) -> AlertState {
        self.lock().inbox.state_of(alert, now)
    }

    pub fn silences(&self, now: Moment) -> Vec<Silence> {
        self.lock().inbox.silences().iter().filter(|silence| silence.counts(now)).cloned().collect()
    }

    /// For the menu: alerts that nobody looks after, and the worst of them.
    pub fn firing_count(&self, now: Moment) -> (usize, Option<Severity>) {
        let firing = self.list(now).into_iter().filter(|(_, state)| *state == AlertState::Firing);
        firing.fold((0, None), |(count, worst), (alert, _)| (count + 1, worst.max(Some(alert.severity))))
    }

    pub fn open_identities(&self) -> Vec<(String, super::subject::Subject)> {
        self.lock().inbox.open().map(|alert| (alert.key.clone(), alert.subject.clone())).collect()
    }

    /// One look of the task: steps the inbox and writes what came of it, or keeps that until the database is back. Gives whether
    /// anything changed on screen.
    pub async fn step(&self, database: &Database, heard: Heard, now: Moment) -> Result<bool, String> {
        let _turn = self.turn.lock().await;
        let mut is_up = database.state().is_up();
        if is_up {
            match self.lease.keep(database).await {
                Ok(Hold::Mine) => {}
                // What this panel saw as a bystander is not what is stored: it begins like after a restart.
                Ok(Hold::Taken) => self.lock().forget(),
                Ok(Hold::Theirs) => return self.stand_by(database, now).await,
                Err(AppError::Away { .. }) => is_up = false,
                Err(error) => return Err(error.to_string()),
            }
        }
        if is_up && !self.lock().restored {
            self.restore(database, now).await.map_err(|error| error.to_string())?;
        }
        let pending = {
            let mut inner = self.lock();
            let changes = inner.inbox.step(now, heard);
            let changed = !changes.is_empty();
            changes.iter().for_each(log);
            inner.unwritten.extend(changes);
            bound(&mut inner.unwritten);
            // Before the stored alerts were read nothing is written: an alert here may be one of those.
            if !is_up || !inner.restored || inner.unwritten.is_empty() {
                return Ok(changed);
            }
            inner.unwritten.clone()
        };
        let doing = "write the alerts";
        let written = async {
            let mut tx = database.begin(doing).await?;
            if !database.within(doing, self.lease.is_mine(&mut tx)).await? {
                return Ok(false);
            }
            database.within(doing, store::write(&mut tx, &pending, &self.receivers, &self.staff_url, now)).await?;
            database.commit(tx, doing, &[Topic::Alerts]).await.map(|()| true)
        };
        match written.await {
            // Another panel goes on with what is stored, and finds by itself what was not written here.
            Ok(false) => {
                self.lock().forget();
                self.stand_by(database, now).await
            }
            Ok(true) => {
                self.lock().unwritten.drain(..pending.len());
                Ok(true)
            }
            // It is kept and written at the next look; the database's own watch tells that it is away.
            Err(AppError::Away { .. }) => Ok(true),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Shows what the panel that holds the lease has written. Gives whether that is something else than before.
    async fn stand_by(&self, database: &Database, now: Moment) -> Result<bool, String> {
        let doing = "read the alerts";
        let read = async {
            let mut conn = database.acquire(doing).await?;
            let open = database.within(doing, store::list_open(&mut conn)).await?;
            let silences = database.within(doing, store::silences::list(&mut conn, now)).await?;
            Ok::<_, AppError>((open, silences))
        };
        let (open, silences) = match read.await {
            Ok(read) => read,
            Err(AppError::Away { .. }) => return Ok(false),
            Err(error) => return Err(error.to_string()),
        };
        let mut inner = self.lock();
        let before: Vec<Alert> = inner.inbox.open().cloned().collect();
        inner.forget();
        inner.inbox = Inbox::restore(open, &[], silences, now);
        Ok(!before.iter().eq(inner.inbox.open()))
    }

    async fn restore(&self, database: &Database, now: Moment) -> Result<(), AppError> {
        let doing = "read the alerts";
        let mut conn = database.acquire(doing).await?;
        let open = database.within(doing, store::list_open(&mut conn)).await?;
        let since = now.minus(super::timing::FLAP_WINDOW);
        let ended = database.within(doing, store::list_ended(&mut conn, since, 1_000)).await?;
        let silences = database.within(doing, store::silences::list(&mut conn, now)).await?;
        let mut inner = self.lock();
        inner.inbox.remember(&ended, silences);
        let replaced = inner.inbox.adopt(open, now);
        inner.unwritten.retain(|change| !replaced.contains(&change.alert.id));
        inner.restored = true;
        Ok(())
    }

    /// A person's change: planned on a copy, written with its row in the audit log in one transaction, and only then shown.
    pub async fn change<T>(
        &self,
        database: &Database,
        doing: &str,
        now: Moment,
        plan: impl FnOnce(&mut Inbox) -> Result<(T, Vec<AlertChange>, Option<Silence>), AppError>,
        row: impl FnOnce(&T) -> Draft,
    ) -> Result<T, AppError> {
        let _turn = self.turn.lock().await;
        let mut tx = database.begin(doing).await?;
        // From here on no other panel writes; should the plan be refused, the lease stays whose it was.
        if !database.within(doing, self.lease.seize(&mut tx)).await? {
            self.lock().forget();
        }
        if !self.lock().restored {
            self.restore(database, now).await?;
        }
        let (mut inbox, mut pending) = {
            let inner = self.lock();
            (inner.inbox.clone(), inner.unwritten.clone())
        };
        let (done, changes, silence) = plan(&mut inbox)?;
        let row = row(&done);
        pending.extend(changes);
        if let Some(silence) = &silence {
            database.within(doing, store::silences::upsert(&mut tx, silence)).await?;
        }
        database.within(doing, store::write(&mut tx, &pending, &self.receivers, &self.staff_url, now)).await?;
        database.within(doing, audit::append(&mut tx, row, now)).await?;
        database.commit(tx, doing, &[Topic::Alerts, Topic::Audit]).await?;
        let mut inner = self.lock();
        inner.inbox = inbox;
        inner.unwritten.clear();
        Ok(done)
    }
}

impl Inner {
    /// As after a restart: what is stored is read again before anything else.
    fn forget(&mut self) {
        *self = Self::default();
    }
}

/// One line for each thing that happens to an alert; newer words of the same are none.
fn log(change: &AlertChange) {
    if let Some(event) = &change.event {
        let alert = &change.alert;
        let (severity, what) = (alert.severity.name(), event.kind.name());
        tracing::info!(alert = alert.id.0, key = alert.key, subject = %alert.subject, severity, what, "{}", alert.sentence);
    }
}

/// Of the changes that only tell newer words the oldest go first.
fn bound(unwritten: &mut Vec<AlertChange>) {
    if unwritten.len() > UNWRITTEN_MAX {
        let mut newest = std::collections::BTreeSet::new();
        let mut kept: Vec<AlertChange> =
            unwritten.drain(..).rev().filter(|change| change.event.is_some() || newest.insert(change.alert.id)).collect();
        kept.reverse();
        let too_many = kept.len().saturating_sub(UNWRITTEN_MAX);
        kept.drain(..too_many);
        *unwritten = kept;
    }
}
