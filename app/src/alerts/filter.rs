//! Which alerts the inbox shows; the whole of it stands in the address.

use super::{
    alert::{Alert, AlertState},
    subject::Severity,
};
use crate::values::Query;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlertFilter {
    /// `None`: everything that is not over.
    pub state: Option<AlertState>,
    pub severity: Option<Severity>,
    /// Part of the subject, the rule or the sentence.
    pub q: Option<String>,
    /// The subject, whole: `machine:kamailio-01`.
    pub subject: Option<String>,
}

impl AlertFilter {
    pub fn from_query(query: &Query) -> Self {
        Self {
            state: query.get("state").and_then(AlertState::parse),
            severity: query.get("severity").and_then(Severity::parse),
            q: query.get("q").map(str::to_lowercase),
            subject: query.get("subject").map(Into::into),
        }
    }

    pub fn passes(&self, alert: &Alert, state: AlertState) -> bool {
        let in_state = match self.state {
            None => state != AlertState::Resolved,
            Some(wanted) => state == wanted,
        };
        let subject = alert.subject.to_string();
        let has = |q: &String| {
            let texts = [&subject, &alert.key, &alert.sentence];
            texts.iter().any(|text| text.to_lowercase().contains(q))
                || alert.symptoms.iter().any(|s| s.subject.to_string().contains(q))
        };
        in_state
            && self.severity.is_none_or(|severity| alert.severity == severity)
            && self.subject.as_ref().is_none_or(|wanted| *wanted == subject)
            && self.q.as_ref().is_none_or(has)
    }
}

/// What fires first, the worse first, then the newer.
pub fn sort(alerts: &mut [(Alert, AlertState)]) {
    let rank = |state: AlertState| match state {
        AlertState::Firing => 0,
        AlertState::Acknowledged => 1,
        AlertState::Silenced => 2,
        AlertState::Resolved => 3,
    };
    alerts.sort_by_key(|(alert, state)| {
        let newest = alert.resolved_at.unwrap_or(alert.since);
        (rank(*state), std::cmp::Reverse(alert.severity), std::cmp::Reverse(newest), alert.id)
    });
}
