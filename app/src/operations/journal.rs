//! What happened in an operation, in order. Entries are appended and never changed; everything else follows from them.

use super::plan::Plan;
use crate::values::{Moment, OperationId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub operation: OperationId,
    /// From 0 on, without a gap. Two writers who both append the next one cannot both succeed.
    pub number: u64,
    pub at: Moment,
    /// Who did it: a person, or the panel itself.
    pub by: String,
    pub event: Event,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    Started {
        plan: Box<Plan>,
    },
    StepBegan {
        step: usize,
        attempt: u32,
    },
    /// What a step, or its undo, says while it works.
    Said {
        line: String,
    },
    /// With everything that is known from then on.
    StepDone {
        step: usize,
        facts: Value,
    },
    StepFailed {
        step: usize,
        attempt: u32,
        why: String,
    },
    UndoBegan {
        step: usize,
        attempt: u32,
    },
    UndoDone {
        step: usize,
    },
    UndoFailed {
        step: usize,
        attempt: u32,
        why: String,
    },
    CancelAsked,
    Paused,
    Continued,
    /// With what a person must decide.
    Stuck {
        question: String,
    },
    /// A person decided; in their words.
    Resolved {
        how: Resolution,
        words: String,
    },
    Finished {
        outcome: Outcome,
    },
}

impl Event {
    pub const fn name(&self) -> &'static str {
        match self {
            Event::Started { .. } => "started",
            Event::StepBegan { .. } => "step_began",
            Event::Said { .. } => "said",
            Event::StepDone { .. } => "step_done",
            Event::StepFailed { .. } => "step_failed",
            Event::UndoBegan { .. } => "undo_began",
            Event::UndoDone { .. } => "undo_done",
            Event::UndoFailed { .. } => "undo_failed",
            Event::CancelAsked => "cancel_asked",
            Event::Paused => "paused",
            Event::Continued => "continued",
            Event::Stuck { .. } => "stuck",
            Event::Resolved { .. } => "resolved",
            Event::Finished { .. } => "finished",
        }
    }
}

impl Entry {
    /// A line of the timeline.
    pub fn words(&self, plan: &Plan) -> String {
        let step = |number: &usize| plan.steps.get(*number).map_or("a step the plan does not have", |step| step.words.as_str());
        let again = |attempt: &u32| if *attempt > 1 { format!(" (attempt {attempt})") } else { String::new() };
        match &self.event {
            Event::Started { plan } => format!("{} started: {}.", self.by, plan.title()),
            Event::StepBegan { step: number, attempt } => format!("{}{}", step(number), again(attempt)),
            Event::Said { line } => line.clone(),
            Event::StepDone { step: number, .. } => format!("Done: {}", step(number)),
            Event::StepFailed { step: number, why, .. } => format!("Failed: {} {why}", step(number)),
            Event::UndoBegan { step: number, attempt } => format!("Undoing: {}{}", step(number), again(attempt)),
            Event::UndoDone { step: number } => format!("Undone: {}", step(number)),
            Event::UndoFailed { step: number, why, .. } => format!("The undo failed: {} {why}", step(number)),
            Event::CancelAsked => format!("{} asked to cancel.", self.by),
            Event::Paused => format!("{} paused it.", self.by),
            Event::Continued => format!("{} let it go on.", self.by),
            Event::Stuck { question } => format!("Stuck. {question}"),
            Event::Resolved { how, words } => format!("{} resolved it ({}): {words}", self.by, how.name()),
            Event::Finished { outcome } => format!("Over: {}.", outcome.name()),
        }
    }
}

/// What a person makes of an operation that is stuck.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// What was in the way is gone: the same again.
    TryAgain,
    /// It was brought to its end by hand.
    DoneByHand,
    /// The world is as it was before, by hand.
    UndoneByHand,
}

impl Resolution {
    pub const ALL: [Resolution; 3] = [Resolution::TryAgain, Resolution::DoneByHand, Resolution::UndoneByHand];

    pub const fn name(self) -> &'static str {
        match self {
            Resolution::TryAgain => "try_again",
            Resolution::DoneByHand => "done_by_hand",
            Resolution::UndoneByHand => "undone_by_hand",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|how| how.name() == name)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Done,
    /// It failed, and everything is as it was before.
    Undone,
    /// A person stopped it, and everything is as it was before.
    Cancelled,
}

impl Outcome {
    pub const fn name(self) -> &'static str {
        match self {
            Outcome::Done => "done",
            Outcome::Undone => "undone",
            Outcome::Cancelled => "cancelled",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operations::plan;
    use serde_json::json;

    #[test]
    fn a_line_of_the_timeline_names_the_step_and_the_person() {
        let plan = plan::sample("aB");
        let words =
            |event: Event| Entry { operation: OperationId(1), number: 1, at: Moment::EPOCH, by: "ada".into(), event }.words(&plan);
        assert_eq!(words(Event::StepBegan { step: 1, attempt: 2 }), "Do B. (attempt 2)");
        assert_eq!(words(Event::StepFailed { step: 0, attempt: 1, why: "It says no.".into() }), "Failed: Do a. It says no.");
        assert_eq!(words(Event::CancelAsked), "ada asked to cancel.");
        let resolved = Event::Resolved { how: Resolution::TryAgain, words: "the cable is in".into() };
        assert_eq!(words(resolved), "ada resolved it (try_again): the cable is in");
        assert!(words(Event::UndoDone { step: 9 }).contains("does not have"));
    }

    #[test]
    fn every_resolution_is_read_back() {
        for how in Resolution::ALL {
            assert_eq!(Resolution::parse(how.name()), Some(how));
            assert_eq!(serde_json::to_value(how).expect("a word"), how.name());
        }
    }

    #[test]
    fn every_event_is_read_back_under_the_name_it_has() {
        let events = [
            Event::Started { plan: Box::new(plan::sample("aB")) },
            Event::StepBegan { step: 0, attempt: 1 },
            Event::Said { line: "3 calls are up".into() },
            Event::StepDone { step: 0, facts: json!({"before": [1, null]}) },
            Event::StepFailed { step: 1, attempt: 2, why: "it says no".into() },
            Event::UndoBegan { step: 1, attempt: 1 },
            Event::UndoDone { step: 1 },
            Event::UndoFailed { step: 1, attempt: 1, why: "it says no".into() },
            Event::CancelAsked,
            Event::Paused,
            Event::Continued,
            Event::Stuck { question: "which one?".into() },
            Event::Resolved { how: Resolution::DoneByHand, words: "I did it".into() },
            Event::Finished { outcome: Outcome::Cancelled },
        ];
        for event in events {
            let written = serde_json::to_value(&event).expect("an event is plain");
            assert_eq!(written["event"], event.name());
            assert_eq!(serde_json::from_value::<Event>(written).expect("it is read back"), event);
        }
    }
}
