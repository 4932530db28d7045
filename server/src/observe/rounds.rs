//! One observer's schedule: looks at even intervals, a second look soon after a failure, fewer looks at what keeps refusing.

use app::{
    context,
    values::{Moment, PortError, PortErrorKind},
};
use futures::FutureExt;
use std::{
    future::Future,
    panic::AssertUnwindSafe,
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
        // What a look leaves half done is its own, and is made anew by the next.
        let looked = AssertUnwindSafe(look()).catch_unwind();
        let result = match tokio::time::timeout(schedule.deadline, looked).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => {
                let said = "the panel failed over what it was told; its log has the place";
                Err(PortError::new(subject.clone(), "look", PortErrorKind::Garbage, said))
            }
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
    use app::fleet::world::Seen;
    use std::{
        cell::{Cell, RefCell},
        rc::Rc,
    };

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
    async fn a_look_that_breaks_is_a_failure_and_the_next_one_comes() {
        let quick = Schedule { every: Duration::from_millis(20), deadline: Duration::from_millis(10) };
        let (mut looks, mut kinds) = (0, Vec::new());
        let run = rounds(
            "x".into(),
            quick,
            || {
                looks += 1;
                let breaks = looks == 1;
                async move { if breaks { panic!("too large a number") } else { Ok(()) } }
            },
            |result: Result<(), PortError>, _| kinds.push(result.err().map(|error| error.kind)),
        );
        assert!(tokio::time::timeout(Duration::from_millis(200), run).await.is_err(), "it never ends by itself");
        assert_eq!(kinds[..2], [Some(PortErrorKind::Garbage), None], "{kinds:?}");
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

    /// Counts looks that are under way, and ends its count when the look is dropped.
    struct UnderWay(Rc<Cell<u32>>);

    impl UnderWay {
        fn begin(count: &Rc<Cell<u32>>) -> Self {
            count.set(count.get() + 1);
            Self(Rc::clone(count))
        }
    }

    impl Drop for UnderWay {
        fn drop(&mut self) {
            self.0.set(self.0.get() - 1);
        }
    }

    /// On one thread, as all observers are: a machine that never answers, one that answers after ten rounds where its deadline lets
    /// it, one whose deadline does not, and one that is well.
    #[tokio::test]
    async fn one_that_hangs_and_one_ten_times_too_slow_pile_up_nothing_and_delay_nobody() {
        const EVERY: Duration = Duration::from_millis(20);
        let whole = Duration::from_millis(1_500);
        let patient = Schedule { every: EVERY, deadline: EVERY * 20 };
        let strict = Schedule { every: EVERY, deadline: EVERY };
        let cases = [
            ("well", patient, Some(Duration::ZERO)),
            ("hangs", strict, None),
            ("slow", patient, Some(EVERY * 10)),
            ("cut off", strict, Some(EVERY * 10)),
        ];
        let local = tokio::task::LocalSet::new();
        let watched = cases.map(|(name, schedule, answers_after)| {
            let (under_way, most, noted) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)), Rc::new(RefCell::new(Vec::new())));
            let (counted, highest, results) = (Rc::clone(&under_way), Rc::clone(&most), Rc::clone(&noted));
            let look = move || {
                let (counted, highest) = (Rc::clone(&counted), Rc::clone(&highest));
                async move {
                    let _look = UnderWay::begin(&counted);
                    highest.set(counted.get().max(highest.get()));
                    match answers_after {
                        Some(after) => tokio::time::sleep(after).await,
                        None => std::future::pending().await,
                    }
                    Ok(context::now())
                }
            };
            let note = move |result: Result<Moment, PortError>, at: Moment| results.borrow_mut().push((result, at));
            let rounds = local.spawn_local(rounds(name.to_string(), schedule, look, note));
            (name, rounds, under_way, most, noted)
        });
        local.run_until(tokio::time::sleep(whole)).await;
        for (name, rounds, under_way, most, noted) in watched {
            rounds.abort();
            let noted = noted.borrow();
            assert_eq!(most.get(), 1, "{name}: a second look never begins before the first has ended");
            assert!(under_way.get() <= 1, "{name}: what was given up does not go on");
            let answered = noted.iter().filter(|(result, _)| result.is_ok()).count();
            match name {
                // Half of what there is time for: this computer has other things to do.
                "well" => assert!(answered > 37 && answered == noted.len(), "{answered} of {}", noted.len()),
                "slow" => {
                    assert!((1..=7).contains(&answered) && answered == noted.len(), "{answered} of {}", noted.len());
                    // Its value is of the moment it came, by our clock, and unknown again before the next one comes.
                    for (result, at) in noted.iter() {
                        let (mut seen, answered_at) = (Seen::new(20, *at), result.clone().expect("it answers"));
                        seen.note(result.clone(), *at);
                        assert!(at.since(answered_at) < Duration::from_secs(1));
                        assert!(seen.fresh(*at).is_some() && seen.fresh(at.plus(EVERY * 4)).is_none());
                    }
                }
                _ => {
                    assert!(noted.len() >= 2, "{name}: {}", noted.len());
                    let errors = noted.iter().filter_map(|(result, _)| result.as_ref().err());
                    assert!(errors.clone().all(|error| error.kind == PortErrorKind::TimedOut), "{name}");
                    assert!(errors.count() * 2 > noted.len(), "{name}: {noted:?}");
                }
            }
        }
    }
}
