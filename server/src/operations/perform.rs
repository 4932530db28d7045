//! Bringing one operation to its end, or to where a person must decide: read the journal, do what comes next, write it down.

use super::journal::{Journal, JournalError};
use app::{
    operations::{
        journal::Event,
        run::{Next, Run},
    },
    values::{Moment, OperationId},
};
use serde::{Serialize, de::DeserializeOwned};
use std::{future::Future, pin::pin, time::Duration};
use tokio::sync::mpsc;

/// How soon what other processes append is noticed.
pub const POLL: Duration = Duration::from_millis(200);
/// Whose entries these are.
pub const BY: &str = "panel";

/// One kind of operation on one subject. Its steps are an enum, and `run` and `undo` match it exhaustively: a step without its undo
/// does not compile.
pub trait Operation {
    type Step: Copy;
    /// What the steps found out; kept in the journal after each step, so a step that *changes* the world must not be the one that
    /// notes how it was before.
    type Facts: Serialize + DeserializeOwned + Default;

    /// By the name it has in the plan.
    fn find_step(name: &str) -> Option<Self::Step>;
    /// A step, or an undo, that takes longer has failed.
    fn deadline(&self, step: Self::Step) -> Duration;
    /// May be called again after it was cut off anywhere. Why it failed is a sentence.
    fn run(&self, step: Self::Step, facts: &mut Self::Facts, say: &Say<'_>) -> impl Future<Output = Result<(), String>>;
    /// May be called again, and after a `run` that did half of it, or nothing.
    fn undo(&self, step: Self::Step, facts: &Self::Facts, say: &Say<'_>) -> impl Future<Output = Result<(), String>>;
}

/// A line for whoever watches.
pub type Say<'a> = dyn Fn(String) + 'a;

/// What time it is, and how long waiting takes; tests hurry.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    pub now: fn() -> Moment,
    pub times_faster: u32,
}

impl Pace {
    pub const REAL: Self = Self { now: app::context::now, times_faster: 1 };
}

pub struct Performer<'a> {
    pub journal: &'a Journal,
    pub id: OperationId,
    pub pace: Pace,
}

impl Performer<'_> {
    /// Comes back when there is nothing to do: it is over, paused or stuck. An error is the journal's; nothing was begun that is not
    /// in it.
    pub async fn perform<O: Operation>(&self, operation: &O) -> Result<Run, JournalError> {
        loop {
            let run = self.journal.run(self.id).await?;
            let done = match run.next((self.pace.now)()) {
                Next::Rest => return Ok(run),
                Next::Wait(left) => {
                    tokio::time::sleep(left.min(POLL) / self.pace.times_faster).await;
                    continue;
                }
                Next::Finish(outcome) => self.append(&run, Event::Finished { outcome }).await,
                Next::BeStuck { question } => self.append(&run, Event::Stuck { question }).await,
                Next::GiveUp { step, attempt, why } => self.append(&run, Event::StepFailed { step, attempt, why }).await,
                Next::RunStep { step, attempt } => self.attempt(operation, &run, step, attempt, false).await,
                Next::UndoStep { step, attempt } => self.attempt(operation, &run, step, attempt, true).await,
            };
            match done {
                // Somebody asked for something meanwhile: decide anew.
                Ok(()) | Err(JournalError::Conflict) => {}
                Err(error) => return Err(error),
            }
        }
    }

    async fn append(&self, run: &Run, event: Event) -> Result<(), JournalError> {
        self.journal.append(run, BY, (self.pace.now)(), event).await.map(drop)
    }

    /// What has happened is written down whatever others appended before it.
    async fn append_surely(&self, event: Event) -> Result<(), JournalError> {
        loop {
            let run = self.journal.run(self.id).await?;
            match self.append(&run, event.clone()).await {
                Err(JournalError::Conflict) => {}
                done => return done,
            }
        }
    }

    async fn attempt<O: Operation>(
        &self,
        operation: &O,
        run: &Run,
        number: usize,
        attempt: u32,
        undo: bool,
    ) -> Result<(), JournalError> {
        let name = run.plan.steps.get(number).map_or("", |step| step.name.as_str());
        let read = match run.facts.is_null() {
            true => Ok(O::Facts::default()),
            false => serde_json::from_value(run.facts.clone()),
        };
        let (Some(step), Ok(mut facts)) = (O::find_step(name), read) else {
            let question = format!(
                "This program does not know the step {name:?} of the plan, or cannot read what earlier steps left. Another version \
                 began it: let that one try again, or bring it to an end by hand and resolve it."
            );
            return self.append(run, Event::Stuck { question }).await;
        };
        let began = if undo { Event::UndoBegan { step: number, attempt } } else { Event::StepBegan { step: number, attempt } };
        self.append(run, began).await?;
        let (tell, told) = mpsc::unbounded_channel();
        // Who listens may have gone already: then nobody needs the line.
        let say = move |line: String| drop(tell.send(line));
        let ended = match undo {
            false => self.watch(operation.run(step, &mut facts, &say), told, operation.deadline(step), true).await,
            true => self.watch(operation.undo(step, &facts, &say), told, operation.deadline(step), false).await,
        };
        self.append_surely(match (undo, ended) {
            (false, Ok(())) => match serde_json::to_value(&facts) {
                Ok(facts) => Event::StepDone { step: number, facts },
                Err(error) => Event::StepFailed { step: number, attempt, why: format!("What it found cannot be kept: {error}.") },
            },
            (false, Err(why)) => Event::StepFailed { step: number, attempt, why },
            (true, Ok(())) => Event::UndoDone { step: number },
            (true, Err(why)) => Event::UndoFailed { step: number, attempt, why },
        })
        .await
    }

    /// Waits for a step, or its undo, to end; writes down what it says; ends it when it takes too long, or when a person cancels.
    async fn watch(
        &self,
        work: impl Future<Output = Result<(), String>>,
        mut told: mpsc::UnboundedReceiver<String>,
        deadline: Duration,
        may_be_cancelled: bool,
    ) -> Result<(), String> {
        let mut work = pin!(work);
        let mut late = pin!(tokio::time::sleep(deadline));
        let mut poll = tokio::time::interval(POLL);
        let ended = loop {
            tokio::select! {
                biased;
                Some(line) = told.recv() => self.note(line).await,
                ended = &mut work => break ended,
                () = &mut late => break Err(format!("It had no end within {} s.", deadline.as_secs_f32())),
                _ = poll.tick(), if may_be_cancelled => {
                    if let Ok(run) = self.journal.run(self.id).await && run.unwinds {
                        break Err(format!("It was stopped: {}.", run.reason.unwrap_or_default()));
                    }
                }
            }
        };
        while let Ok(line) = told.try_recv() {
            self.note(line).await;
        }
        ended
    }

    /// A line that cannot be written down stops nothing; the entry that ends the step will say what is wrong with the journal.
    async fn note(&self, line: String) {
        if let Err(error) = self.append_surely(Event::Said { line }).await {
            tracing::warn!(operation = self.id.0, %error, "a line of an operation is lost");
        }
    }
}
