//! What the panel does by itself every so often. Each task has a name, a round and a deadline; its last run and last error stand
//! on the System page; the log has one line when its state changes, not one a round.

pub mod alerts;
pub mod automatic_failover;
pub mod clock;
pub mod measure;
pub mod measures;
pub mod notices;
pub mod operations;
pub mod rehearsals;
pub mod versions;
pub mod volume;

use app::{
    context,
    system::{snapshot::TaskError, snapshot::TaskView, state::SystemState},
    values::Tone,
};
use std::{future::Future, sync::Arc, time::Duration};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub struct Tasks {
    system: Arc<SystemState>,
    stop: CancellationToken,
    tracker: TaskTracker,
}

/// What a task is called, and how often it runs.
#[derive(Clone, Copy, Debug)]
pub struct Round {
    pub name: &'static str,
    /// For the System page: "asks the database how it is".
    pub does: &'static str,
    pub every: Duration,
    pub deadline: Duration,
}

impl Tasks {
    pub fn new(system: Arc<SystemState>, stop: CancellationToken) -> Self {
        Self { system, stop, tracker: TaskTracker::new() }
    }

    /// Runs `work` now and then every round, one run at a time. A run that fails, takes too long or panics is told, and the next
    /// round comes as if nothing had been.
    pub fn spawn<F>(&self, round: Round, mut work: impl FnMut() -> F + Send + 'static)
    where
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        let (system, stop) = (Arc::clone(&self.system), self.stop.clone());
        let mut view = TaskView {
            name: round.name.into(),
            does: round.does.into(),
            every_ms: u64::try_from(round.every.as_millis()).unwrap_or(u64::MAX),
            last_run_at: None,
            last_took_ms: None,
            runs: 0,
            last_error: None,
            failing_since: None,
        };
        system.set_task(view.clone());
        self.tracker.spawn(async move {
            let mut timer = tokio::time::interval(round.every);
            timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    _ = timer.tick() => {}
                }
                let started = std::time::Instant::now();
                // A task of its own, so that a panic ends this run only.
                let mut run = tokio::spawn(work());
                let result = tokio::select! {
                    () = stop.cancelled() => { run.abort(); return }
                    done = tokio::time::timeout(round.deadline, &mut run) => match done {
                        Ok(Ok(result)) => result,
                        Ok(Err(panic)) => Err(format!("it panicked: {panic}")),
                        Err(_) => { run.abort(); Err(format!("no end within {} ms", round.deadline.as_millis())) }
                    }
                };
                note(&system, &mut view, started.elapsed(), result);
            }
        });
    }

    /// Waits until every task has heard the stop.
    pub async fn finished(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }
}

fn note(system: &SystemState, view: &mut TaskView, took: Duration, result: Result<(), String>) {
    let now = context::now();
    view.runs += 1;
    view.last_run_at = Some(now);
    view.last_took_ms = Some(u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
    match (result, view.failing_since) {
        (Ok(()), Some(_)) => {
            tracing::info!(task = view.name, "the task works again");
            view.failing_since = None;
            system.tell(now, Tone::Good, format!("The task “{}” works again.", view.name));
        }
        (Ok(()), None) => {}
        (Err(text), failing) => {
            if failing.is_none() {
                tracing::warn!(task = view.name, error = text, "the task fails");
                view.failing_since = Some(now);
                system.tell(now, Tone::Bad, format!("The task “{}” fails: {text}.", view.name));
            }
            view.last_error = Some(TaskError { at: now, text });
        }
    }
    system.set_task(view.clone());
}
