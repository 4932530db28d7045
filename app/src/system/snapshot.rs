//! What the System page shows, as one value.

use crate::{
    auth::{role::Door, session::SessionCounts},
    values::{Moment, Tone},
};
use serde::{Deserialize, Serialize};

/// How often the panel measures itself.
pub const SAMPLE_EVERY_MS: u32 = 2_000;
/// Samples kept for the live charts: 5 minutes.
pub const SAMPLES_KEPT: usize = 150;
/// Minutes kept for the longer charts: a day.
pub const MINUTES_KEPT: usize = 1_440;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SystemSnapshot {
    pub version: String,
    pub host: String,
    pub started_at: Moment,
    pub observed_at: Moment,
    pub database: DatabaseView,
    pub sessions: SessionCounts,
    /// Browsers that hear wake-ups now.
    pub live_browsers: u64,
    pub disk: Option<DiskView>,
    /// Set while the wall clock and the monotonic clock disagree about how much time went by.
    pub clock_step_ms: Option<i64>,
    pub tasks: Vec<TaskView>,
    pub changes: Vec<Change>,
    /// Samples newer than what the asker had, oldest first.
    pub samples: Vec<Sample>,
}

/// One measurement of the panel's own process. Everything is what happened since the sample before.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "SampleRow", into = "SampleRow")]
pub struct Sample {
    pub at: Moment,
    /// Of one core, in percent.
    pub cpu_percent: f32,
    pub rss_bytes: u64,
    pub requests_per_s: f32,
    /// The database's round trip; absent while it is away.
    pub database_ms: Option<f32>,
}

impl Sample {
    /// As it goes over the wire, so that server and browser draw the same: two decimals, whole KiB, whole milliseconds.
    pub fn rounded(self) -> Self {
        let short = |value: f32| (value * 100.0).round() / 100.0;
        Self {
            at: Moment::from_millis(self.at.millis()),
            cpu_percent: short(self.cpu_percent),
            rss_bytes: self.rss_bytes / 1_024 * 1_024,
            requests_per_s: short(self.requests_per_s),
            database_ms: self.database_ms.map(short),
        }
    }

    /// Memory as a chart's number; a process far below 2^53 bytes is exact in a double.
    pub fn rss_mib(&self) -> f64 {
        self.rss_bytes as f64 / 1_048_576.0
    }
}

/// A sample on the wire, without its 150 times repeated field names: milliseconds, CPU, memory in KiB, requests, database.
type SampleRow = (i64, f32, u64, f32, Option<f32>);

impl From<Sample> for SampleRow {
    fn from(sample: Sample) -> Self {
        let Sample { at, cpu_percent, rss_bytes, requests_per_s, database_ms } = sample.rounded();
        (at.millis(), cpu_percent, rss_bytes / 1_024, requests_per_s, database_ms)
    }
}

impl From<SampleRow> for Sample {
    fn from((at_ms, cpu_percent, rss_kib, requests_per_s, database_ms): SampleRow) -> Self {
        Self { at: Moment::from_millis(at_ms), cpu_percent, rss_bytes: rss_kib * 1_024, requests_per_s, database_ms }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskView {
    pub path: String,
    pub free_bytes: u64,
    pub total_bytes: u64,
}

impl DiskView {
    /// Below this MariaDB may stop in the middle of a write.
    pub const FREE_BYTES_MIN: u64 = 256 * 1024 * 1024;

    pub const fn tone(&self) -> Tone {
        if self.free_bytes < Self::FREE_BYTES_MIN {
            Tone::Bad
        } else if self.free_bytes < 4 * Self::FREE_BYTES_MIN {
            Tone::Notice
        } else {
            Tone::Good
        }
    }
}

/// Whether the panel's own database can be used, and since when it is so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DatabaseState {
    Starting {
        since: Moment,
    },
    Up {
        since: Moment,
    },
    Down {
        since: Moment,
        why: String,
    },
    /// It answers, but must not be used: too old, wrong settings, a migration half done.
    Unfit {
        since: Moment,
        why: String,
    },
}

impl DatabaseState {
    pub const fn word(&self) -> &'static str {
        match self {
            DatabaseState::Starting { .. } => "starting",
            DatabaseState::Up { .. } => "answers",
            DatabaseState::Down { .. } => "does not answer",
            DatabaseState::Unfit { .. } => "cannot be used",
        }
    }

    pub const fn tone(&self) -> Tone {
        match self {
            DatabaseState::Starting { .. } => Tone::Busy,
            DatabaseState::Up { .. } => Tone::Good,
            DatabaseState::Down { .. } | DatabaseState::Unfit { .. } => Tone::Bad,
        }
    }

    pub const fn since(&self) -> Moment {
        match self {
            DatabaseState::Starting { since }
            | DatabaseState::Up { since }
            | DatabaseState::Down { since, .. }
            | DatabaseState::Unfit { since, .. } => *since,
        }
    }

    pub const fn is_up(&self) -> bool {
        matches!(self, DatabaseState::Up { .. })
    }

    /// The state without its cause where that is nobody's business: paths and addresses stay on the staff side.
    pub fn as_told_at(mut self, door: Door) -> Self {
        if let (Door::Portal, DatabaseState::Down { why, .. } | DatabaseState::Unfit { why, .. }) = (door, &mut self) {
            why.clear();
        }
        self
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DatabaseView {
    pub state: DatabaseState,
    /// "private MariaDB, process 4711" or "MariaDB at db.example:3306"; never a password.
    pub place: String,
    pub version: Option<String>,
    pub round_trip_ms: Option<f32>,
    pub pool_open: u32,
    pub pool_idle: u32,
    pub pool_max: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskView {
    pub name: String,
    pub does: String,
    pub every_ms: u64,
    pub last_run_at: Option<Moment>,
    pub last_took_ms: Option<u64>,
    pub runs: u64,
    pub last_error: Option<TaskError>,
    /// Set while the last run failed.
    pub failing_since: Option<Moment>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskError {
    pub at: Moment,
    pub text: String,
}

impl TaskView {
    /// Late means three rounds, and five seconds for the quickest ones.
    pub fn is_late(&self, now: Moment) -> bool {
        let limit = std::time::Duration::from_millis((self.every_ms * 3).max(5_000));
        self.last_run_at.is_some_and(|at| now.since(at) > limit)
    }

    pub fn tone(&self, now: Moment) -> Tone {
        if self.failing_since.is_some() {
            Tone::Bad
        } else if self.last_run_at.is_none() {
            Tone::Busy
        } else if self.is_late(now) {
            Tone::Notice
        } else {
            Tone::Good
        }
    }

    pub fn word(&self, now: Moment) -> &'static str {
        if self.failing_since.is_some() {
            "failing"
        } else if self.last_run_at.is_none() {
            "not run yet"
        } else if self.is_late(now) {
            "late"
        } else {
            "runs"
        }
    }
}

/// One line of what happened to the panel lately.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    pub at: Moment,
    pub tone: Tone,
    pub text: String,
}

impl SystemSnapshot {
    /// The first sentence of the page: how things are, worst first.
    pub fn sentence(&self, now: Moment) -> String {
        let failing: Vec<&str> =
            self.tasks.iter().filter(|task| task.tone(now) == Tone::Bad).map(|task| task.name.as_str()).collect();
        let mut wrong = Vec::new();
        if !self.database.state.is_up() {
            wrong.push(format!(
                "The database {} since {} UTC",
                self.database.state.word(),
                self.database.state.since().time_of_day()
            ));
        }
        if let Some(disk) = self.disk.as_ref().filter(|disk| disk.tone() != Tone::Good) {
            wrong.push(format!("only {} are free on the disk", crate::values::quantity::format_bytes(disk.free_bytes)));
        }
        if let Some(step_ms) = self.clock_step_ms {
            wrong.push(format!("the clock was moved by {:.1} s", step_ms as f64 / 1_000.0));
        }
        // What fails because the database is away is a symptom, said by the first sentence already.
        if self.database.state.is_up() && !failing.is_empty() {
            wrong.push(format!("failing: {}", failing.join(", ")));
        }
        match wrong.as_slice() {
            [] => "Everything the panel needs answers.".into(),
            some => format!("{}.", some.join("; ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot() -> SystemSnapshot {
        SystemSnapshot {
            version: "0.1.0".into(),
            host: "panel-01".into(),
            started_at: Moment::EPOCH,
            observed_at: Moment::from_seconds(60),
            database: DatabaseView {
                state: DatabaseState::Up { since: Moment::EPOCH },
                place: "private MariaDB".into(),
                version: Some("10.11.14".into()),
                round_trip_ms: Some(0.2),
                pool_open: 1,
                pool_idle: 1,
                pool_max: 10,
            },
            sessions: SessionCounts::default(),
            live_browsers: 0,
            disk: None,
            clock_step_ms: None,
            tasks: vec![task(Some(59), None)],
            changes: Vec::new(),
            samples: Vec::new(),
        }
    }

    fn task(last_run_s: Option<i64>, failing_since: Option<Moment>) -> TaskView {
        TaskView {
            name: "sweep".into(),
            does: "removes ended sessions".into(),
            every_ms: 2_000,
            last_run_at: last_run_s.map(Moment::from_seconds),
            last_took_ms: None,
            runs: 1,
            last_error: None,
            failing_since,
        }
    }

    #[test]
    fn the_first_sentence_names_the_worst_first() {
        let now = Moment::from_seconds(60);
        assert_eq!(snapshot().sentence(now), "Everything the panel needs answers.");
        let mut failing = snapshot();
        failing.tasks = vec![task(Some(59), Some(now))];
        failing.disk = Some(DiskView { path: "/".into(), free_bytes: 1_048_576, total_bytes: 1 << 40 });
        assert_eq!(failing.sentence(now), "only 1.0 MiB are free on the disk; failing: sweep.");
        failing.database.state = DatabaseState::Down { since: now, why: "refused".into() };
        assert!(failing.sentence(now).starts_with("The database does not answer since 00:01:00 UTC;"));
        assert!(!failing.sentence(now).contains("sweep"), "a symptom of the database is not said twice");
    }

    #[test]
    fn a_task_is_late_after_three_rounds_and_at_least_five_seconds() {
        assert_eq!(task(Some(54), None).tone(Moment::from_seconds(60)), Tone::Good);
        assert_eq!(task(Some(53), None).tone(Moment::from_seconds(60)), Tone::Notice);
        assert_eq!(task(None, None).word(Moment::from_seconds(60)), "not run yet");
    }
}
