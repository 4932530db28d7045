//! What an operation's journal adds up to, and what comes next. Pure: the runner only reads, asks [`Run::next`], does it, appends.
//!
//! So resuming after the runner was killed is nothing special: a step that began and has no end in the journal is run again, which
//! every step can bear. Before the point of no return a failure unwinds in reverse order, from the step that failed on (it may have
//! done half of it). From where the point of no return begins, a failed step is tried again, a bounded number of times.

use super::{
    journal::{Entry, Event, Outcome, Resolution},
    plan::{Plan, Undo},
};
use crate::values::{Moment, OperationId, Tone};
use serde_json::Value;
use std::time::Duration;

/// Attempts at one step, or at one undo, before a person is asked.
pub const ATTEMPTS_MAX: u32 = 5;
/// The lines of output that are kept for the screen; all of them are in the journal.
const OUTPUT_LINES_MAX: usize = 500;

#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    pub id: OperationId,
    pub plan: Plan,
    pub started_at: Moment,
    pub started_by: String,
    pub steps: Vec<StepRun>,
    /// What the steps found out and left for each other.
    pub facts: Value,
    pub output: Vec<(Moment, String)>,
    pub state: RunState,
    /// Whether what was done is being undone.
    pub unwinds: bool,
    /// Why it unwinds or is stuck.
    pub reason: Option<String>,
    pub cancelled_by: Option<String>,
    /// A person brought it to this end.
    by_hand: Option<Outcome>,
    pub last_at: Moment,
    /// Of the entry that comes next.
    pub next_number: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    Working,
    Paused,
    Stuck,
    Over(Outcome),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StepRun {
    pub phase: Phase,
    /// Since when it is in this phase.
    pub since: Moment,
    pub attempts: u32,
    pub undo_attempts: u32,
    /// Attempts that count no more, because a person said "again".
    pardoned: u32,
    undo_pardoned: u32,
    pub why: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    #[default]
    Waiting,
    Begun,
    Done,
    Failed,
    UndoBegun,
    UndoFailed,
    Undone,
}

impl Phase {
    pub const fn name(self) -> &'static str {
        match self {
            Phase::Waiting => "waiting",
            Phase::Begun => "begun",
            Phase::Done => "done",
            Phase::Failed => "failed",
            Phase::UndoBegun => "undo_begun",
            Phase::UndoFailed => "undo_failed",
            Phase::Undone => "undone",
        }
    }
}

/// What the runner does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    RunStep {
        step: usize,
        attempt: u32,
    },
    UndoStep {
        step: usize,
        attempt: u32,
    },
    /// A step that has taken the program down with it time and again has failed.
    GiveUp {
        step: usize,
        attempt: u32,
        why: String,
    },
    Wait(Duration),
    BeStuck {
        question: String,
    },
    Finish(Outcome),
    /// Nothing, until a person says something; or for good.
    Rest,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrokenJournal {
    #[error("its journal is empty")]
    Empty,
    #[error("its journal does not begin with its plan")]
    NoPlan,
    #[error("entry {expected} of its journal is missing")]
    Gap { expected: u64 },
    #[error("entry {number} of its journal is about step {step}, which the plan does not have")]
    NoStep { number: u64, step: usize },
    #[error("entry {number} comes after its end")]
    AfterTheEnd { number: u64 },
}

/// Longer after each attempt, up to half a minute.
fn pause_after(attempt: u32) -> Duration {
    Duration::from_secs(1 << attempt.saturating_sub(1).min(5)).min(Duration::from_secs(30))
}

/// What is left of a pause. A clock that was set back must not make it longer: then nobody waits.
fn left(pause: Duration, since: Moment, now: Moment) -> Option<Duration> {
    (now >= since).then(|| pause.saturating_sub(now.since(since))).filter(|left| !left.is_zero())
}

impl Run {
    pub fn fold(entries: &[Entry]) -> Result<Self, BrokenJournal> {
        let (first, rest) = entries.split_first().ok_or(BrokenJournal::Empty)?;
        let Event::Started { plan } = &first.event else { return Err(BrokenJournal::NoPlan) };
        if first.number != 0 {
            return Err(BrokenJournal::Gap { expected: 0 });
        }
        let mut run = Self {
            id: first.operation,
            plan: (**plan).clone(),
            started_at: first.at,
            started_by: first.by.clone(),
            steps: vec![StepRun { since: first.at, ..StepRun::default() }; plan.steps.len()],
            facts: Value::Null,
            output: Vec::new(),
            state: RunState::Working,
            unwinds: false,
            reason: None,
            cancelled_by: None,
            by_hand: None,
            last_at: first.at,
            next_number: 1,
        };
        for entry in rest {
            run.apply(entry)?;
        }
        Ok(run)
    }

    /// Takes the next entry in.
    pub fn apply(&mut self, entry: &Entry) -> Result<(), BrokenJournal> {
        let Entry { number, at, by, event, .. } = entry;
        if *number != self.next_number {
            return Err(BrokenJournal::Gap { expected: self.next_number });
        }
        if self.is_over() {
            return Err(BrokenJournal::AfterTheEnd { number: *number });
        }
        self.next_number += 1;
        self.last_at = *at;
        match event {
            Event::Started { .. } => return Err(BrokenJournal::NoPlan),
            Event::StepBegan { step, attempt } => self.step(entry, *step, Phase::Begun)?.attempts = *attempt,
            Event::Said { line } => {
                if self.output.len() >= OUTPUT_LINES_MAX {
                    self.output.remove(0);
                }
                self.output.push((*at, line.clone()));
            }
            Event::StepDone { step, facts } => {
                self.step(entry, *step, Phase::Done)?.why = None;
                self.facts = facts.clone();
            }
            Event::StepFailed { step, why, .. } => {
                self.step(entry, *step, Phase::Failed)?.why = Some(why.clone());
                if !self.is_past_the_line() && !self.unwinds {
                    self.unwinds = true;
                    self.reason = Some(why.clone());
                }
            }
            Event::UndoBegan { step, attempt } => self.step(entry, *step, Phase::UndoBegun)?.undo_attempts = *attempt,
            Event::UndoDone { step } => drop(self.step(entry, *step, Phase::Undone)?.why.take()),
            Event::UndoFailed { step, why, .. } => self.step(entry, *step, Phase::UndoFailed)?.why = Some(why.clone()),
            // Whoever asks past the line is refused before this; an entry that slipped in between changes nothing.
            Event::CancelAsked if self.is_past_the_line() || self.unwinds => {}
            Event::CancelAsked => {
                self.cancelled_by = Some(by.clone());
                self.unwinds = true;
                self.reason = Some(format!("{by} asked to cancel"));
                self.state = RunState::Working;
            }
            Event::Paused if self.state == RunState::Working => self.state = RunState::Paused,
            Event::Continued if self.state == RunState::Paused => self.state = RunState::Working,
            Event::Paused | Event::Continued => {}
            Event::Stuck { question } => {
                self.state = RunState::Stuck;
                self.reason = Some(question.clone());
            }
            Event::Resolved { how, .. } => self.resolve(*how),
            Event::Finished { outcome } => self.state = RunState::Over(*outcome),
        }
        Ok(())
    }

    fn step(&mut self, entry: &Entry, step: usize, phase: Phase) -> Result<&mut StepRun, BrokenJournal> {
        let found = self.steps.get_mut(step).ok_or(BrokenJournal::NoStep { number: entry.number, step })?;
        (found.phase, found.since) = (phase, entry.at);
        Ok(found)
    }

    fn resolve(&mut self, how: Resolution) {
        self.state = RunState::Working;
        match how {
            Resolution::TryAgain => {
                for step in &mut self.steps {
                    (step.pardoned, step.undo_pardoned) = (step.attempts, step.undo_attempts);
                }
                // The question is answered; why it unwinds stays true.
                if !self.unwinds {
                    self.reason = None;
                }
            }
            Resolution::DoneByHand => self.by_hand = Some(Outcome::Done),
            Resolution::UndoneByHand => self.by_hand = Some(Outcome::Undone),
        }
    }

    pub fn is_over(&self) -> bool {
        matches!(self.state, RunState::Over(_))
    }

    /// Whether the point of no return has begun. It may have happened, whatever its end says.
    pub fn is_past_the_line(&self) -> bool {
        let line = self.plan.point_of_no_return().and_then(|line| self.steps.get(line));
        line.is_some_and(|line| line.phase != Phase::Waiting)
    }

    /// The step that is being done or undone, or that it waits for.
    pub fn current(&self) -> Option<(usize, &StepRun)> {
        let wanted = |(_, step): &(usize, &StepRun)| match self.unwinds {
            false => step.phase != Phase::Done,
            true => !matches!(step.phase, Phase::Waiting | Phase::Undone),
        };
        let mut steps = self.steps.iter().enumerate();
        match self.state {
            RunState::Over(_) => None,
            _ if self.unwinds => steps.rfind(|found| wanted(found) && self.undo_of(found.0).is_some()),
            _ => steps.find(wanted),
        }
    }

    /// The words of a step's undo, where it has one to be done.
    fn undo_of(&self, step: usize) -> Option<&Undo> {
        let undo = self.plan.steps.get(step).map(|step| &step.undo);
        undo.filter(|undo| !matches!(undo, Undo::NothingToUndo(_)))
    }

    /// The word for scripts and screens.
    pub const fn word(&self) -> &'static str {
        match self.state {
            RunState::Working if self.unwinds => "undoing",
            RunState::Working => "running",
            RunState::Paused => "paused",
            RunState::Stuck => "stuck",
            RunState::Over(outcome) => outcome.name(),
        }
    }

    pub const fn tone(&self) -> Tone {
        match self.state {
            RunState::Working if self.unwinds => Tone::Notice,
            RunState::Working => Tone::Busy,
            RunState::Paused => Tone::Notice,
            RunState::Stuck => Tone::Bad,
            RunState::Over(Outcome::Done) => Tone::Good,
            RunState::Over(Outcome::Undone) => Tone::Notice,
            RunState::Over(Outcome::Cancelled) => Tone::Idle,
        }
    }

    pub fn next(&self, now: Moment) -> Next {
        match (self.state, self.by_hand) {
            (RunState::Paused | RunState::Stuck | RunState::Over(_), _) => Next::Rest,
            (RunState::Working, Some(outcome)) => Next::Finish(outcome),
            (RunState::Working, None) if self.unwinds => self.next_back(now),
            (RunState::Working, None) => self.next_forward(now),
        }
    }

    fn next_forward(&self, now: Moment) -> Next {
        let Some((step, at)) = self.current() else { return Next::Finish(Outcome::Done) };
        let (tries, attempt) = (at.attempts.saturating_sub(at.pardoned), at.attempts + 1);
        match at.phase {
            Phase::Begun if tries >= ATTEMPTS_MAX => {
                let why = format!("the program that ran it ended {tries} times before the step did");
                Next::GiveUp { step, attempt: at.attempts, why }
            }
            Phase::Failed if tries >= ATTEMPTS_MAX => Next::BeStuck { question: self.question(step, at) },
            Phase::Failed => left(pause_after(tries), at.since, now).map_or(Next::RunStep { step, attempt }, Next::Wait),
            _ => Next::RunStep { step, attempt },
        }
    }

    fn next_back(&self, now: Moment) -> Next {
        let Some((step, at)) = self.current() else {
            return Next::Finish(if self.cancelled_by.is_some() { Outcome::Cancelled } else { Outcome::Undone });
        };
        let (tries, attempt) = (at.undo_attempts.saturating_sub(at.undo_pardoned), at.undo_attempts + 1);
        match at.phase {
            Phase::UndoBegun | Phase::UndoFailed if tries >= ATTEMPTS_MAX => Next::BeStuck { question: self.question(step, at) },
            Phase::UndoFailed => left(pause_after(tries), at.since, now).map_or(Next::UndoStep { step, attempt }, Next::Wait),
            _ => Next::UndoStep { step, attempt },
        }
    }

    /// What a person has to decide.
    fn question(&self, step: usize, at: &StepRun) -> String {
        let words = self.plan.steps.get(step).map_or("", |step| step.words.trim_end_matches('.'));
        let why = at.why.as_deref().unwrap_or("the program that ran it ended each time").trim_end_matches('.');
        let (what, else_) = match self.unwinds {
            true => ("The undo of", "bring the world back by hand and resolve it as undone"),
            false => ("Past the point of no return,", "finish it by hand and resolve it as done"),
        };
        format!("{what} “{words}” failed {ATTEMPTS_MAX} times: {why}. Remove the cause and let it try again, or {else_}.")
    }
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
