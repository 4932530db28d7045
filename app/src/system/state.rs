//! What is known of the running panel, in memory: written by the server's tasks, read by the System page.

use crate::{
    auth::session::SessionCounts,
    database::Database,
    live::{Hub, Topic},
    system::{
        ring::Ring,
        snapshot::{Change, DatabaseView, DiskView, MINUTES_KEPT, SAMPLES_KEPT, Sample, SystemSnapshot, TaskView},
    },
    values::{Moment, Tone},
};
use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

/// Lines of "what happened lately" that are kept.
const CHANGES_KEPT: usize = 50;

pub struct SystemState {
    hub: Arc<Hub>,
    started_at: Moment,
    version: String,
    host: String,
    inner: Mutex<Inner>,
    pub live_browsers: AtomicU64,
    pub requests: AtomicU64,
}

struct Inner {
    tasks: Vec<TaskView>,
    samples: Ring<Sample>,
    minutes: Ring<Sample>,
    changes: Ring<Change>,
    disk: Option<DiskView>,
    clock_step_ms: Option<i64>,
    place: String,
    database_version: Option<String>,
    round_trip_ms: Option<f32>,
}

impl SystemState {
    pub fn new(hub: Arc<Hub>, version: String, host: String, now: Moment) -> Self {
        let inner = Inner {
            tasks: Vec::new(),
            samples: Ring::new(SAMPLES_KEPT),
            minutes: Ring::new(MINUTES_KEPT),
            changes: Ring::new(CHANGES_KEPT),
            disk: None,
            clock_step_ms: None,
            place: String::new(),
            database_version: None,
            round_trip_ms: None,
        };
        Self {
            hub,
            started_at: now,
            version,
            host,
            inner: Mutex::new(inner),
            live_browsers: AtomicU64::new(0),
            requests: AtomicU64::new(0),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Every change below is a plain assignment, so a panic elsewhere cannot leave it half made.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn started_at(&self) -> Moment {
        self.started_at
    }

    /// One line of what happened, shown on the System page.
    pub fn tell(&self, at: Moment, tone: Tone, text: impl Into<String>) {
        self.lock().changes.push(Change { at, tone, text: text.into() });
        self.hub.wake(Topic::System);
    }

    pub fn set_task(&self, task: TaskView) {
        let mut inner = self.lock();
        match inner.tasks.iter_mut().find(|known| known.name == task.name) {
            Some(known) => *known = task,
            None => inner.tasks.push(task),
        }
    }

    pub fn tasks(&self) -> Vec<TaskView> {
        self.lock().tasks.clone()
    }

    pub fn add_sample(&self, sample: Sample) {
        let sample = sample.rounded();
        {
            let mut inner = self.lock();
            inner.samples.push(sample);
            let minute_old = inner.minutes.last().is_none_or(|last| sample.at.since(last.at).as_secs() >= 60);
            if minute_old {
                inner.minutes.push(sample);
            }
        }
        self.hub.wake(Topic::System);
    }

    pub fn set_disk(&self, disk: Option<DiskView>) {
        self.lock().disk = disk;
    }

    pub fn set_clock_step(&self, step_ms: Option<i64>) {
        self.lock().clock_step_ms = step_ms;
    }

    pub fn set_database(&self, version: Option<String>, round_trip_ms: Option<f32>) {
        let mut inner = self.lock();
        if version.is_some() {
            inner.database_version = version;
        }
        inner.round_trip_ms = round_trip_ms;
    }

    pub fn set_database_place(&self, place: String) {
        self.lock().place = place;
    }

    pub fn round_trip_ms(&self) -> Option<f32> {
        self.lock().round_trip_ms
    }

    /// The samples of the last `span_minutes`, one a minute.
    pub fn minutes(&self, since: Moment) -> Vec<Sample> {
        self.lock().minutes.iter().filter(|sample| sample.at >= since).copied().collect()
    }

    pub fn snapshot(&self, database: &Database, sessions: SessionCounts, newer_than: Moment, now: Moment) -> SystemSnapshot {
        let inner = self.lock();
        SystemSnapshot {
            version: self.version.clone(),
            host: self.host.clone(),
            started_at: self.started_at,
            observed_at: inner.samples.last().map_or(now, |sample| sample.at),
            database: DatabaseView {
                state: database.state(),
                place: inner.place.clone(),
                version: inner.database_version.clone(),
                round_trip_ms: inner.round_trip_ms,
                pool_open: database.pool().size(),
                pool_idle: u32::try_from(database.pool().num_idle()).unwrap_or(u32::MAX),
                pool_max: crate::limits::DATABASE_CONNECTIONS_MAX,
            },
            sessions,
            live_browsers: self.live_browsers.load(Ordering::Relaxed),
            disk: inner.disk.clone(),
            clock_step_ms: inner.clock_step_ms,
            tasks: inner.tasks.clone(),
            changes: inner.changes.iter().rev().cloned().collect(),
            samples: inner.samples.iter().filter(|sample| sample.at > newer_than).copied().collect(),
        }
    }
}
