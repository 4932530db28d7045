//! What the world is told of an alert: the same for mail, webhook and Alertmanager, kept as JSON in the outbox.

use super::{
    alert::{Alert, AlertChange, EventKind},
    subject::{Severity, Subject},
};
use crate::values::{AlertId, Moment};
use serde::{Deserialize, Serialize};
use std::{fmt::Write as _, time::Duration};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Telling {
    pub id: AlertId,
    /// The change's number: with the alert's and the receiver's it names this notice for ever.
    pub seq: u32,
    pub what: EventKind,
    pub key: String,
    pub subject: Subject,
    pub severity: Severity,
    pub sentence: String,
    pub evidence: Vec<String>,
    /// Symptoms with the same cause.
    pub symptoms: Vec<String>,
    pub since: Moment,
    pub opened_at: Moment,
    pub at: Moment,
    pub resolved_at: Option<Moment>,
    /// What is to be said besides: by whom acknowledged, that nobody was.
    pub text: String,
    /// The alert's page.
    pub url: String,
}

impl Telling {
    pub fn of(change: &AlertChange, staff_url: &str) -> Option<Self> {
        let event = change.event.as_ref().filter(|_| change.tells)?;
        Some(Self::about(&change.alert, event.seq, event.kind, event.at, &event.text, staff_url))
    }

    pub fn about(alert: &Alert, seq: u32, what: EventKind, at: Moment, text: &str, staff_url: &str) -> Self {
        Self {
            id: alert.id,
            seq,
            what,
            key: alert.key.clone(),
            subject: alert.subject.clone(),
            severity: alert.severity,
            sentence: alert.sentence.clone(),
            evidence: alert.evidence.clone(),
            symptoms: alert.symptoms.iter().take(10).map(|folded| folded.sentence.clone()).collect(),
            since: alert.since,
            opened_at: alert.opened_at,
            at,
            resolved_at: alert.resolved_at,
            text: text.into(),
            url: format!("{staff_url}{}", crate::routes::Page::Alert(alert.id).path()),
        }
    }

    /// Names this notice: whoever gets it twice, because we were killed between sending and writing that down, can tell.
    pub fn idempotency_key(&self) -> String {
        format!("wirecenter-{}-{}", self.id, self.seq)
    }

    pub fn title(&self) -> String {
        let what = match self.what {
            EventKind::Resolved => "Over",
            EventKind::Escalated => "Nobody looks after it",
            EventKind::Flapping => "Comes and goes",
            EventKind::Opened
            | EventKind::Changed
            | EventKind::Acknowledged
            | EventKind::Assigned
            | EventKind::Silenced
            | EventKind::Unsilenced => match self.severity {
                Severity::Bad => "Bad",
                Severity::Notice => "Notice",
            },
        };
        format!("{what}: {}", self.sentence)
    }

    /// The text of a mail.
    pub fn body(&self) -> String {
        let mut out = format!("{}\n\n", self.sentence);
        let mut line = |text: String| writeln!(out, "{text}").expect("writing to a string cannot fail");
        if !self.text.is_empty() {
            line(format!("{}\n", self.text));
        }
        line(format!("Since:    {} UTC", self.since));
        if let Some(at) = self.resolved_at {
            line(format!("Over:     {at} UTC"));
        }
        line(format!("About:    {}", self.subject));
        line(format!("Severity: {}", self.severity.name()));
        for (title, lines) in [("Evidence", &self.evidence), ("With the same cause", &self.symptoms)] {
            if !lines.is_empty() {
                line(format!("\n{title}:"));
                lines.iter().for_each(|text| line(format!("  {text}")));
            }
        }
        line(format!("\n{}", self.url));
        out
    }
}

/// Whom to tell. The name stands in the outbox, so it stays the same over restarts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Receiver {
    /// `mail:noc@example.net`, `webhook`, `alertmanager`.
    pub name: String,
    /// Told only of what nobody acknowledges.
    pub only_escalated: bool,
}

impl Receiver {
    pub fn wants(&self, what: EventKind) -> bool {
        !self.only_escalated || what == EventKind::Escalated
    }
}

/// What became of one notice, for the alert's page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeRow {
    pub seq: u32,
    pub receiver: String,
    pub created_at: Moment,
    pub attempts: u32,
    pub sent_at: Option<Moment>,
    pub given_up_at: Option<Moment>,
    pub last_error: Option<String>,
}

/// How long to wait after this many tries: 1, 2, 4 … seconds, a minute at most.
pub fn wait_after(tries: u32) -> Duration {
    Duration::from_secs(1u64 << tries.saturating_sub(1).min(6)).min(Duration::from_secs(60))
}

/// A notice that could not be delivered for a day tells nobody anything any more.
pub const GIVE_UP_AFTER: Duration = Duration::from_secs(24 * 3_600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_a_minute() {
        assert_eq!([1, 2, 3, 6, 7, 40].map(|tries| wait_after(tries).as_secs()), [1, 2, 4, 32, 60, 60]);
    }
}
