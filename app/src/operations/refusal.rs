//! Why an operation may not start, and why a person may not do with it what they asked for. The button is greyed with these
//! sentences, and the server refuses with the same ones.

use super::{
    journal::Outcome,
    kind::OperationKind,
    plan::{Plan, Preflight},
    run::{Run, RunState},
};
use crate::values::{Level, Moment, OperationId};
use std::time::Duration;

/// The setting with which a person takes the cool-down on themselves.
pub const DESPITE_COOL_DOWN: &str = "despite_cool_down";

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("There is no operation {read:?}. There are: {}.", OperationKind::ALL.map(OperationKind::name).join(", "))]
    UnknownKind { read: String },
    #[error("The operation {kind} is not built yet.")]
    NotBuilt { kind: OperationKind },
    #[error("The inventory has no {sort} {read:?}. There are: {}.", known.join(", "))]
    UnknownSubject { sort: &'static str, read: String, known: Vec<String> },
    #[error("The operation {kind} has no setting {read:?}{}", expected(known))]
    UnknownSetting { kind: OperationKind, read: String, known: Vec<&'static str> },
    #[error("The setting {name} cannot be {read:?}: {expected}.")]
    WrongSetting { name: &'static str, read: String, expected: String },
    #[error("The plan changed since you looked at it. Look again, and confirm what it says now.")]
    Stale,
    #[error("{subject} is held by operation {by} ({title}), which is not over. See it, wait for it, or cancel it.")]
    Held { by: OperationId, title: String, subject: String },
    #[error("{}", blocked(preflights))]
    Blocked { preflights: Vec<Preflight> },
    #[error(
        "Operation {after} on {subject} ended a short time ago; leave it alone for another {} min, or set {DESPITE_COOL_DOWN}=yes.",
        left.as_secs().div_ceil(60)
    )]
    CoolDown { after: OperationId, subject: String, left: Duration },
    #[error("This operation is confirmed at level {needed:?}, and this was level {given:?}. {}", confirmation(*needed))]
    NotConfirmed { needed: Level, given: Level },
}

fn expected(known: &[&str]) -> String {
    if known.is_empty() { ": it has none.".into() } else { format!("; it has: {}.", known.join(", ")) }
}

fn blocked(preflights: &[Preflight]) -> String {
    let said: Vec<String> = preflights.iter().map(|preflight| format!("{}: {}", preflight.name, preflight.evidence)).collect();
    format!("It must not start as things are. {}", said.join(" "))
}

const fn confirmation(needed: Level) -> &'static str {
    match needed {
        Level::L0 => "",
        Level::L1 => "Confirm it.",
        Level::L2 => "Look at the plan and type the name of what it is done to.",
        Level::L3 => "Sign in again for it.",
    }
}

/// What is known of other operations on the same subject.
#[derive(Clone, Copy, Debug, Default)]
pub struct Before<'a> {
    /// The one that is not over.
    pub active: Option<&'a Run>,
    /// The last one that was done.
    pub last_done: Option<&'a Run>,
}

/// Whether this plan, made just now, may start for somebody who saw the one with this fingerprint.
pub fn can_start(plan: &Plan, fingerprint: &str, given: Level, before: Before<'_>, now: Moment) -> Result<(), Refusal> {
    if !plan.kind.is_built() {
        return Err(Refusal::NotBuilt { kind: plan.kind });
    }
    if let Some(active) = before.active {
        return Err(Refusal::Held { by: active.id, title: active.plan.title(), subject: plan.subject.clone() });
    }
    if given < plan.level {
        return Err(Refusal::NotConfirmed { needed: plan.level, given });
    }
    if plan.fingerprint() != fingerprint {
        return Err(Refusal::Stale);
    }
    let preflights: Vec<Preflight> = plan.blocking().cloned().collect();
    if !preflights.is_empty() {
        return Err(Refusal::Blocked { preflights });
    }
    let acknowledged = plan.settings.get(DESPITE_COOL_DOWN).is_some_and(|said| said == "yes");
    if let (Some(pause), Some(last), false) = (plan.kind.cool_down(), before.last_done, acknowledged) {
        let left = pause.saturating_sub(now.since(last.last_at));
        if !left.is_zero() {
            return Err(Refusal::CoolDown { after: last.id, subject: plan.subject.clone(), left });
        }
    }
    Ok(())
}

/// Why what a person asked of an operation cannot be done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unable {
    #[error("There is no operation {0}. See: wirecenter operation list")]
    Unknown(OperationId),
    #[error("Operation {id} is over: it was {}.", .outcome.name())]
    Over { id: OperationId, outcome: Outcome },
    #[error("Operation {id} is past its point of no return ({step}): {why}. It goes on forward, and asks when it cannot.")]
    PastTheLine { id: OperationId, step: String, why: String },
    #[error("Operation {0} is being undone already.")]
    Unwinds(OperationId),
    #[error("Operation {0} is stuck. Resolve it.")]
    Stuck(OperationId),
    #[error("Operation {0} is not stuck; there is nothing to resolve.")]
    NotStuck(OperationId),
    #[error("Operation {0} is paused already.")]
    Paused(OperationId),
    #[error("Operation {0} runs; there is nothing to resume.")]
    Runs(OperationId),
}

impl Run {
    fn not_over(&self) -> Result<(), Unable> {
        match self.state {
            RunState::Over(outcome) => Err(Unable::Over { id: self.id, outcome }),
            RunState::Working | RunState::Paused | RunState::Stuck => Ok(()),
        }
    }

    pub fn can_cancel(&self) -> Result<(), Unable> {
        self.not_over()?;
        let line = self.plan.point_of_no_return().and_then(|line| self.plan.steps.get(line)).filter(|_| self.is_past_the_line());
        if let Some(line) = line {
            let why = match &line.undo {
                super::plan::Undo::Impossible(why) => why.clone(),
                super::plan::Undo::By(_) | super::plan::Undo::NothingToUndo(_) => String::new(),
            };
            return Err(Unable::PastTheLine { id: self.id, step: line.name.clone(), why });
        }
        match (self.unwinds, self.state) {
            (true, RunState::Stuck) => Err(Unable::Stuck(self.id)),
            (true, _) => Err(Unable::Unwinds(self.id)),
            (false, _) => Ok(()),
        }
    }

    pub fn can_pause(&self) -> Result<(), Unable> {
        self.not_over()?;
        match self.state {
            RunState::Paused => Err(Unable::Paused(self.id)),
            RunState::Stuck => Err(Unable::Stuck(self.id)),
            RunState::Working | RunState::Over(_) => Ok(()),
        }
    }

    pub fn can_continue(&self) -> Result<(), Unable> {
        self.not_over()?;
        match self.state {
            RunState::Working => Err(Unable::Runs(self.id)),
            RunState::Stuck => Err(Unable::Stuck(self.id)),
            RunState::Paused | RunState::Over(_) => Ok(()),
        }
    }

    pub fn can_resolve(&self) -> Result<(), Unable> {
        self.not_over()?;
        if self.state == RunState::Stuck { Ok(()) } else { Err(Unable::NotStuck(self.id)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operations::{
        journal::{Entry, Event},
        plan::{self, Verdict},
    };

    fn run(plan: &Plan, events: Vec<Event>) -> Run {
        let started = Event::Started { plan: Box::new(plan.clone()) };
        let entry = |(number, event): (usize, Event)| Entry {
            operation: OperationId(7),
            number: number as u64,
            at: Moment::from_seconds(100),
            by: "ada".into(),
            event,
        };
        let entries: Vec<Entry> = std::iter::once(started).chain(events).enumerate().map(entry).collect();
        Run::fold(&entries).expect("a good journal")
    }

    #[test]
    fn only_the_plan_that_was_seen_starts_once_confirmed_and_with_nothing_in_the_way() {
        let plan = plan::sample("ab");
        let (fingerprint, now) = (plan.fingerprint(), Moment::from_seconds(200));
        let start = |plan: &Plan, fingerprint: &str, level| can_start(plan, fingerprint, level, Before::default(), now);
        assert_eq!(start(&plan, &fingerprint, Level::L2), Ok(()));
        assert_eq!(start(&plan, &fingerprint, Level::L3), Ok(()));
        assert_eq!(start(&plan, "0000", Level::L2), Err(Refusal::Stale));
        assert_eq!(start(&plan, &fingerprint, Level::L1), Err(Refusal::NotConfirmed { needed: Level::L2, given: Level::L1 }));
        let mut blocked = plan.clone();
        blocked.preflights[0].verdict = Verdict::Block;
        let refused = start(&blocked, &blocked.fingerprint(), Level::L2).expect_err("it is blocked");
        assert_eq!(refused.to_string(), "It must not start as things are. proxies: both answer");
        assert_eq!(start(&blocked, &fingerprint, Level::L2), Err(Refusal::Stale), "the verdict changed since");
        let mut later = plan.clone();
        later.kind = OperationKind::CloneMachine;
        assert_eq!(start(&later, &later.fingerprint(), Level::L3), Err(Refusal::NotBuilt { kind: OperationKind::CloneMachine }));
        let active = run(&plan, vec![]);
        let before = Before { active: Some(&active), last_done: None };
        let refused = can_start(&plan, &fingerprint, Level::L2, before, now).expect_err("it is held");
        assert_eq!(
            refused.to_string(),
            "carrier-a is held by operation 7 (Disable carrier-a), which is not over. See it, wait for it, or cancel it."
        );
    }

    #[test]
    fn a_refusal_names_what_there_is_instead() {
        let said = Refusal::UnknownKind { read: "explode".into() }.to_string();
        assert!(said.contains("\"explode\"") && said.contains("disable_carrier"), "{said}");
        let known = vec!["without"];
        let said = Refusal::UnknownSetting { kind: OperationKind::Drain, read: "x".into(), known }.to_string();
        assert_eq!(said, "The operation drain has no setting \"x\"; it has: without.");
        let left = Duration::from_secs(61);
        let said = Refusal::CoolDown { after: OperationId(3), subject: "database".into(), left }.to_string();
        assert!(said.contains("Operation 3") && said.contains("another 2 min") && said.contains("despite_cool_down=yes"), "{said}");
    }

    #[test]
    fn cancelling_is_for_before_the_line_and_the_reason_is_that_of_the_line() {
        let plan = plan::sample("aB");
        assert_eq!(run(&plan, vec![]).can_cancel(), Ok(()));
        assert_eq!(run(&plan, vec![Event::StepBegan { step: 0, attempt: 1 }]).can_cancel(), Ok(()));
        assert_eq!(run(&plan, vec![Event::Paused]).can_cancel(), Ok(()));
        let past = run(&plan, vec![Event::StepBegan { step: 1, attempt: 1 }]);
        let said = past.can_cancel().expect_err("past the line").to_string();
        assert!(said.contains("(B): it is gone."), "{said}");
        assert_eq!(run(&plan, vec![Event::CancelAsked]).can_cancel(), Err(Unable::Unwinds(OperationId(7))));
        let over = run(&plan, vec![Event::Finished { outcome: Outcome::Done }]);
        assert_eq!(over.can_cancel(), Err(Unable::Over { id: OperationId(7), outcome: Outcome::Done }));
        assert_eq!(over.can_pause(), over.can_resolve());
    }

    #[test]
    fn what_can_be_asked_follows_the_state() {
        let plan = plan::sample("ab");
        let working = run(&plan, vec![]);
        assert_eq!((working.can_pause(), working.can_continue()), (Ok(()), Err(Unable::Runs(OperationId(7)))));
        let paused = run(&plan, vec![Event::Paused]);
        assert_eq!((paused.can_continue(), paused.can_pause()), (Ok(()), Err(Unable::Paused(OperationId(7)))));
        let stuck = run(&plan, vec![Event::Stuck { question: "?".into() }]);
        assert_eq!((stuck.can_resolve(), stuck.can_continue()), (Ok(()), Err(Unable::Stuck(OperationId(7)))));
        assert_eq!(working.can_resolve(), Err(Unable::NotStuck(OperationId(7))));
    }
}
