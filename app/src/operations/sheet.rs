//! An operation as a page shows it: what it is at, what it waits on, its steps, its log, and what can be asked of it.

use super::{
    ask::Ask,
    change::PlanChange,
    journal::{Entry, Event, Resolution},
    kind::OperationKind,
    plan::{Plan, Undo},
    run::{Phase, Run, RunState, StepRun},
    setting::Setting,
};
use crate::values::{Moment, OperationId, Query, Tone};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// A line of the list, and what the drawer says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    pub id: OperationId,
    pub kind: OperationKind,
    pub subject: String,
    /// "Disable carrier-a"
    pub title: String,
    /// `running`, `stuck`, `done`, …
    pub word: String,
    pub tone: Tone,
    pub over: bool,
    pub started_at: Moment,
    pub started_by: String,
    pub last_at: Moment,
    /// "Step 2 of 3: …", while it is not over.
    pub step: Option<String>,
    /// Since when it is at that step.
    pub since: Option<Moment>,
    /// What it waits on, or what was said last.
    pub last_line: Option<String>,
    /// Why it is undone or stuck.
    pub reason: Option<String>,
}

impl Summary {
    pub fn of(run: &Run) -> Self {
        let current = run.current();
        let step = current.map(|(number, _)| step_words(run, number));
        Self {
            id: run.id,
            kind: run.plan.kind,
            subject: run.plan.subject.clone(),
            title: run.plan.title(),
            word: run.word().into(),
            tone: run.tone(),
            over: run.is_over(),
            started_at: run.started_at,
            started_by: run.started_by.clone(),
            last_at: run.last_at,
            step,
            since: current.map(|(_, step)| step.since),
            last_line: last_line(run, current.map(|(_, step)| step)),
            reason: run.reason.clone(),
        }
    }
}

fn step_words(run: &Run, number: usize) -> String {
    let of = run.plan.steps.len();
    let Some(step) = run.plan.steps.get(number) else { return String::new() };
    match (&step.undo, run.unwinds) {
        (Undo::By(words), true) => format!("Undoing step {} of {of}: {words}", number + 1),
        (_, true) => format!("Undoing step {} of {of}", number + 1),
        (_, false) => format!("Step {} of {of}: {}", number + 1, step.words),
    }
}

fn last_line(run: &Run, current: Option<&StepRun>) -> Option<String> {
    let said = run.output.last();
    let Some(step) = current else { return said.map(|(_, line)| line.clone()) };
    match (&step.why, step.phase) {
        (Some(why), Phase::Failed | Phase::UndoFailed) if run.state == RunState::Working => {
            Some(format!("{why}; it is tried again"))
        }
        (Some(why), Phase::Failed | Phase::UndoFailed) => Some(why.clone()),
        _ => said.filter(|(at, _)| *at >= step.since).map(|(_, line)| line.clone()),
    }
}

/// Which operations a list shows; in the address of the page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// A word of [`Filter::STATES`].
    pub state: Option<String>,
    pub kind: Option<OperationKind>,
    /// A part of the subject's name.
    pub subject: Option<String>,
}

impl Filter {
    /// `active` is everything that is not over.
    pub const STATES: [&'static str; 8] = ["active", "running", "undoing", "paused", "stuck", "done", "undone", "cancelled"];

    pub fn of(query: &Query) -> Self {
        let text = |key: &str| query.get(key).map(Into::into);
        Self { state: text("state"), kind: query.get("kind").and_then(OperationKind::parse), subject: text("subject") }
    }

    /// Whether only what is not over can pass.
    pub fn is_of_active(&self) -> bool {
        self.state.as_deref().is_some_and(|state| ["active", "running", "undoing", "paused", "stuck"].contains(&state))
    }

    pub fn passes(&self, summary: &Summary) -> bool {
        let state = self.state.as_deref().is_none_or(|state| match state {
            "active" => !summary.over,
            other => summary.word == other,
        });
        let subject = self.subject.as_deref().is_none_or(|part| summary.subject.contains(part));
        state && subject && self.kind.is_none_or(|kind| kind == summary.kind)
    }
}

/// Everything about one operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationSheet {
    pub summary: Summary,
    pub plan: Plan,
    pub steps: Vec<StepSheet>,
    pub past_the_line: bool,
    /// By name.
    pub facts: Vec<(String, String)>,
    pub log: Vec<LogLine>,
    pub can: Can,
}

/// How far a step is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepSheet {
    pub word: String,
    pub tone: Tone,
    pub current: bool,
    /// Since when it is like this; `None` before it began.
    pub since: Option<Moment>,
    /// From its last beginning to its end.
    pub took_ms: Option<u64>,
    pub attempts: u32,
    pub undo_attempts: u32,
    pub why: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    pub number: u64,
    pub at: Moment,
    pub by: String,
    pub words: String,
    pub tone: Tone,
}

/// Why each thing cannot be asked now; `None` where it can.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Can {
    pub cancel: Option<String>,
    pub pause: Option<String>,
    pub go_on: Option<String>,
    pub resolve: Option<String>,
}

impl OperationSheet {
    pub fn of(run: &Run, entries: &[Entry]) -> Self {
        let current = run.current().map(|(number, _)| number);
        let took = took_ms(entries);
        let step = |(number, step): (usize, &StepRun)| {
            let (word, tone) = phase(step.phase);
            StepSheet {
                word: word.into(),
                tone,
                current: current == Some(number),
                since: (step.phase != Phase::Waiting).then_some(step.since),
                took_ms: took.get(&number).copied().filter(|_| step.phase == Phase::Done),
                attempts: step.attempts,
                undo_attempts: step.undo_attempts,
                why: step.why.clone(),
            }
        };
        let why_not = |ask: Ask| run.can(&ask).err().map(|unable| unable.to_string());
        let resolve = Ask::Resolve { how: Resolution::TryAgain, words: String::new() };
        Self {
            summary: Summary::of(run),
            plan: run.plan.clone(),
            steps: run.steps.iter().enumerate().map(step).collect(),
            past_the_line: run.is_past_the_line(),
            facts: facts(&run.facts),
            log: entries.iter().filter(|entry| entry.number < run.next_number).map(|entry| line(entry, &run.plan)).collect(),
            can: Can {
                cancel: why_not(Ask::Cancel),
                pause: why_not(Ask::Pause),
                go_on: why_not(Ask::Continue),
                resolve: why_not(resolve),
            },
        }
    }
}

const fn phase(phase: Phase) -> (&'static str, Tone) {
    match phase {
        Phase::Waiting => ("to come", Tone::Idle),
        Phase::Begun => ("running", Tone::Busy),
        Phase::Done => ("done", Tone::Good),
        Phase::Failed => ("failed", Tone::Bad),
        Phase::UndoBegun => ("being undone", Tone::Notice),
        Phase::UndoFailed => ("undo failed", Tone::Bad),
        Phase::Undone => ("undone", Tone::Idle),
    }
}

fn took_ms(entries: &[Entry]) -> BTreeMap<usize, u64> {
    let (mut began, mut took) = (BTreeMap::new(), BTreeMap::new());
    for entry in entries {
        match &entry.event {
            Event::StepBegan { step, .. } => drop(began.insert(*step, entry.at)),
            Event::StepDone { step, .. } => {
                let ms = began.get(step).map(|began| entry.at.since(*began).as_millis());
                took.extend(ms.and_then(|ms| u64::try_from(ms).ok()).map(|ms| (*step, ms)));
            }
            _ => {}
        }
    }
    took
}

/// By name; the unit that a name ends with stands behind its figure, and a moment reads as one.
fn facts(facts: &Value) -> Vec<(String, String)> {
    let told = |name: &str, value: &Value| match (value, name.strip_suffix("_ms"), name.strip_suffix("_at_us")) {
        (Value::Number(figure), Some(name), _) => (name.into(), format!("{figure} ms")),
        (Value::Number(at), _, Some(name)) if at.is_i64() => {
            (format!("{name}_at"), format!("{} UTC", Moment::from_micros(at.as_i64().unwrap_or_default())))
        }
        _ => (name.into(), plain(value)),
    };
    let by_name = facts.as_object().into_iter().flatten();
    by_name.map(|(name, value)| told(name, value)).collect()
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "not known".into(),
        Value::Bool(is) => if *is { "yes" } else { "no" }.into(),
        Value::Array(all) => all.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

fn line(entry: &Entry, plan: &Plan) -> LogLine {
    let tone = match &entry.event {
        Event::Started { .. } | Event::StepBegan { .. } => Tone::Busy,
        Event::StepDone { .. } | Event::Finished { .. } => Tone::Good,
        Event::StepFailed { .. } | Event::UndoFailed { .. } | Event::Stuck { .. } => Tone::Bad,
        Event::UndoBegan { .. } | Event::UndoDone { .. } | Event::CancelAsked | Event::Paused => Tone::Notice,
        Event::Said { .. } | Event::Continued | Event::Resolved { .. } => Tone::Idle,
    };
    LogLine { number: entry.number, at: entry.at, by: entry.by.clone(), words: entry.words(plan), tone }
}

/// What a person confirms, or why there is nothing to confirm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanSheet {
    pub kind: OperationKind,
    pub subject: String,
    pub given: BTreeMap<String, String>,
    pub settings: Vec<Setting>,
    pub looked: Looked,
    /// Against the plan that was seen before.
    pub changes: Vec<PlanChange>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Looked {
    /// The machines are being asked; the answer is kept for whoever asks again.
    Looking,
    Plan {
        plan: Box<Plan>,
        at: Moment,
        /// Why it cannot start now, whoever confirms it.
        why_not: Option<String>,
        /// The operation that has the subject.
        held_by: Option<OperationId>,
    },
    Refused(String),
}

/// What can be done to what: for the page where one begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    pub kind: OperationKind,
    pub subjects: Vec<String>,
}

#[cfg(test)]
#[path = "sheet_tests.rs"]
mod tests;
