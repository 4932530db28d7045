//! An alert: something that is wrong for long enough that a person should know, with everything that happened to it.

use super::{
    rule::{Symptom, identity},
    subject::{Severity, Subject},
};
use crate::values::{AlertId, Moment, Tone};
use serde::{Deserialize, Serialize};

/// What fits the screen and the database; evidence is for people, the machine has the rest.
pub const EVIDENCE_LINES_MAX: usize = 20;
pub const SYMPTOMS_MAX: usize = 200;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// The milliseconds of its opening, raised by one where two open at once: known without asking the database.
    pub id: AlertId,
    /// The rule: `machine.away`, `replica.behind`, …
    pub key: String,
    pub subject: Subject,
    pub severity: Severity,
    pub sentence: String,
    pub evidence: Vec<String>,
    /// What has the same cause.
    pub symptoms: Vec<Folded>,
    /// When it began to be wrong.
    pub since: Moment,
    pub opened_at: Moment,
    pub resolved_at: Option<Moment>,
    pub acknowledged: Option<Acknowledgement>,
    pub assigned: Option<String>,
    pub silenced_until: Option<Moment>,
    pub flapping: bool,
    pub escalated_at: Option<Moment>,
    /// Somebody outside was told that it opened, so they will be told that it is over.
    pub told: bool,
    /// The number of its newest event.
    pub changes: u32,
}

/// A symptom below the one that is taken for the cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folded {
    pub key: String,
    pub subject: Subject,
    pub severity: Severity,
    pub sentence: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledgement {
    pub by: String,
    pub at: Moment,
    pub comment: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertState {
    Firing,
    Acknowledged,
    Silenced,
    Resolved,
}

impl AlertState {
    pub const ALL: [AlertState; 4] = [AlertState::Firing, AlertState::Acknowledged, AlertState::Silenced, AlertState::Resolved];

    pub const fn name(self) -> &'static str {
        match self {
            AlertState::Firing => "firing",
            AlertState::Acknowledged => "acknowledged",
            AlertState::Silenced => "silenced",
            AlertState::Resolved => "resolved",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

impl Alert {
    pub fn identity(&self) -> String {
        identity(&self.key, &self.subject)
    }

    /// `hushed`: a silence over rules and subjects covers it now.
    pub fn state(&self, hushed: bool, now: Moment) -> AlertState {
        if self.resolved_at.is_some() {
            AlertState::Resolved
        } else if hushed || self.silenced_until.is_some_and(|until| until > now) {
            AlertState::Silenced
        } else if self.acknowledged.is_some() {
            AlertState::Acknowledged
        } else {
            AlertState::Firing
        }
    }

    /// Bad stays bad on screen when somebody looks after it; what is over is good.
    pub const fn tone(&self) -> Tone {
        if self.resolved_at.is_some() { Tone::Good } else { self.severity.tone() }
    }

    /// The newest words of the symptom; gives whether a person would read something else.
    pub(super) fn refresh(&mut self, root: &Symptom, folded: &[Symptom]) -> bool {
        let symptoms: Vec<Folded> = folded.iter().take(SYMPTOMS_MAX).map(Folded::of).collect();
        let evidence: Vec<String> = root.evidence.iter().take(EVIDENCE_LINES_MAX).cloned().collect();
        let same = self.sentence == root.sentence && self.evidence == evidence && self.symptoms == symptoms;
        if !same {
            (self.sentence, self.evidence, self.symptoms) = (root.sentence.clone(), evidence, symptoms);
        }
        !same
    }
}

impl Folded {
    pub fn of(symptom: &Symptom) -> Self {
        Self {
            key: symptom.key.clone(),
            subject: symptom.subject.clone(),
            severity: symptom.severity,
            sentence: symptom.sentence.clone(),
        }
    }
}

/// What can happen to an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventKind {
    Opened,
    /// Its severity is another one.
    Changed,
    Flapping,
    Acknowledged,
    Assigned,
    Silenced,
    /// A silence ended, by time or by hand, and it is still wrong.
    Unsilenced,
    Escalated,
    Resolved,
}

impl EventKind {
    pub const ALL: [EventKind; 9] = [
        EventKind::Opened,
        EventKind::Changed,
        EventKind::Flapping,
        EventKind::Acknowledged,
        EventKind::Assigned,
        EventKind::Silenced,
        EventKind::Unsilenced,
        EventKind::Escalated,
        EventKind::Resolved,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            EventKind::Opened => "opened",
            EventKind::Changed => "changed",
            EventKind::Flapping => "flapping",
            EventKind::Acknowledged => "acknowledged",
            EventKind::Assigned => "assigned",
            EventKind::Silenced => "silenced",
            EventKind::Unsilenced => "unsilenced",
            EventKind::Escalated => "escalated",
            EventKind::Resolved => "resolved",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertEvent {
    /// 1, 2, 3 … for each alert.
    pub seq: u32,
    pub at: Moment,
    pub kind: EventKind,
    /// The person; absent where the panel did it by itself.
    pub who: Option<String>,
    pub text: String,
}

/// What is to be written: the alert as it is now, and what happened to it, if that is worth a line of its history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertChange {
    pub alert: Alert,
    pub event: Option<AlertEvent>,
    /// Whether the world is told.
    pub tells: bool,
}
