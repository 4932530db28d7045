//! One observer's schedule: looks at even intervals, a second look soon after a failure, fewer looks at what keeps refusing.

use app::{
    context,
    values::{Moment, PortError, PortErrorKind},
};
use std::{
    future::Future,
    time::{Duration, Instant},
};

#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    pub every: Duration,
    /// A look that takes longer has failed. Adapters have deadlines of their own; this one is for what they overlook.
    pub deadline: Duration,
}

/// One failure may be chance: it is looked again this soon.
const CONFIRM_AFTER: Duration = Duration::from_millis(500);
/// What a person has to mend is not mended within seconds.
const REFUSED_EVERY_MAX: Duration = Duration::from_secs(60);

/// Also what is looked at every hour may be back within minutes.
const AWAY_EVERY_MAX: Duration = Duration::from_secs(60);

/// What is worth a line in the log.
#[derive(Debug, Default)]
pub struct Told {
    failing: Option<PortErrorKind>,
    times: u32,
}

impl Told {
    /// Says when the state changes: after the second failure in a row, and at the first success after it.
    fn tell(&mut self, subject: &str, result: Result<(), &PortError>) {
        match result {
            Ok(()) => {
                if self.failing.take().is_some() {
                    tracing::info!(subject, "it answers again");
                }
                self.times = 0;
            }
            Err(error) => {
                self.times += 1;
                if self.times >= 2 && self.failing != Some(error.kind) {
                    self.failing = Some(error.kind);
                    tracing::warn!(subject, kind = ?error.kind, "{error}");
                }
            }
        }
    }
}

/// How long to wait after a look.
fn pause(schedule: Schedule, failures: u32, kind: Option<PortErrorKind>, took: Duration) -> Duration {
    let rest = schedule.every.saturating_sub(took);
    match kind {
        None => rest,
        Some(_) if failures == 1 => CONFIRM_AFTER.min(schedule.every),
        Some(PortErrorKind::Denied | PortErrorKind::NotConfigured | PortErrorKind::WrongVersion | PortErrorKind::WrongIdentity) => {
            let doubled = schedule.every.saturating_mul(1 << failures.min(6));
            doubled.min(REFUSED_EVERY_MAX.max(schedule.every))
        }
        // What is merely away is looked at as often as ever, and at least every minute: its return should be seen at once.
        Some(_) => rest.min(AWAY_EVERY_MAX).max(CONFIRM_AFTER),
    }
}

/// Looks until the task is dropped. `note` gets every result with the moment it came.
pub async fn rounds<T, F>(
    subject: String,
    schedule: Schedule,
    mut look: impl FnMut() -> F,
    mut note: impl FnMut(Result<T, PortError>, Moment),
) where
    F: Future<Output = Result<T, PortError>>,
{
    let mut told = Told::default();
    let mut failures = 0;
    loop {
        let began = Instant::now();
        let result = match tokio::time::timeout(schedule.deadline, look()).await {
            Ok(result) => result,
            Err(_) => {
                let said = format!("no end within {} ms", schedule.deadline.as_millis());
                Err(PortError::new(subject.clone(), "look", PortErrorKind::TimedOut, said))
            }
        };
        told.tell(&subject, result.as_ref().map(|_| ()));
        let kind = result.as_ref().err().map(|error| error.kind);
        failures = if kind.is_some() { failures + 1 } else { 0 };
        note(result, context::now());
        tokio::time::sleep(pause(schedule, failures, kind, began.elapsed())).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEDULE: Schedule = Schedule { every: Duration::from_secs(2), deadline: Duration::from_secs(1) };

    #[test]
    fn a_failure_is_confirmed_soon_and_a_refusal_is_left_alone() {
        let took = Duration::from_millis(300);
        assert_eq!(pause(SCHEDULE, 0, None, took), Duration::from_millis(1_700));
        assert_eq!(pause(SCHEDULE, 1, Some(PortErrorKind::TimedOut), took), CONFIRM_AFTER);
        assert_eq!(pause(SCHEDULE, 9, Some(PortErrorKind::TimedOut), took), Duration::from_millis(1_700));
        let hourly = Schedule { every: Duration::from_secs(3_600), ..SCHEDULE };
        assert_eq!(pause(hourly, 0, None, took), Duration::from_millis(3_599_700));
        assert_eq!(pause(hourly, 9, Some(PortErrorKind::Refused), took), AWAY_EVERY_MAX);
        assert_eq!(pause(SCHEDULE, 3, Some(PortErrorKind::Denied), took), Duration::from_secs(16));
        assert_eq!(pause(SCHEDULE, 30, Some(PortErrorKind::Denied), took), REFUSED_EVERY_MAX);
    }

    #[tokio::test]
    async fn a_look_that_hangs_is_cut_off_and_the_next_one_comes() {
        let quick = Schedule { every: Duration::from_millis(20), deadline: Duration::from_millis(10) };
        let (mut looks, mut failed) = (0, Vec::new());
        let hang = || {
            looks += 1;
            std::future::pending::<Result<(), PortError>>()
        };
        let note = |result: Result<(), PortError>, _| failed.push(result.expect_err("it hangs").kind);
        let watched = tokio::time::timeout(Duration::from_secs(2), rounds("x".into(), quick, hang, note)).await;
        assert!(watched.is_err(), "it looks for ever");
        assert!(looks >= 3, "{looks} looks");
        assert!(failed.iter().all(|kind| *kind == PortErrorKind::TimedOut), "{failed:?}");
    }
}
