//! Alerts to an Alertmanager that is there already (its API v2). It forgets what is not repeated, so what is open is sent again
//! before it would.

use super::{NotSent, client, judge_answer};
use app::{
    alerts::{
        alert::{Alert, EventKind},
        subject::Severity,
        telling::Telling,
    },
    context,
    values::Moment,
};
use serde_json::{Value, json};
use std::time::Duration;

/// How long Alertmanager believes us, and how often we say it again.
pub const BELIEVED_FOR: Duration = Duration::from_secs(4 * 60);
pub const REPEAT_EVERY: Duration = Duration::from_secs(60);

pub struct Alertmanager {
    client: reqwest::Client,
    url: String,
}

impl Alertmanager {
    pub fn new(url: &str) -> Self {
        Self { client: client(), url: format!("{}/api/v2/alerts", url.trim_end_matches('/')) }
    }

    pub async fn send(&self, telling: &Telling) -> Result<(), NotSent> {
        self.post(&about(telling, context::now())).await
    }

    /// What is open and was told, said once more.
    pub async fn repeat(&self, alerts: &[Alert], staff_url: &str, now: Moment) -> Result<(), NotSent> {
        let said = |alert: &Alert| {
            let telling = Telling::about(alert, alert.changes, EventKind::Opened, now, "", staff_url);
            one(&telling, telling.severity, now.plus(BELIEVED_FOR))
        };
        let all: Vec<Value> = alerts.iter().map(said).collect();
        if all.is_empty() { Ok(()) } else { self.post(&all).await }
    }

    async fn post(&self, alerts: &[Value]) -> Result<(), NotSent> {
        judge_answer(self.client.post(&self.url).json(alerts).send().await).await
    }
}

/// Severity is a label, as routes expect it, so a change of it is an end and a beginning there.
fn about(telling: &Telling, now: Moment) -> Vec<Value> {
    let until = |severity: Severity| match telling.resolved_at {
        Some(at) => at,
        None if severity == telling.severity => now.plus(BELIEVED_FOR),
        None => telling.at,
    };
    let concerns =
        |severity: &Severity| *severity == telling.severity || matches!(telling.what, EventKind::Changed | EventKind::Resolved);
    Severity::ALL.into_iter().filter(concerns).map(|severity| one(telling, severity, until(severity))).collect()
}

fn one(telling: &Telling, severity: Severity, until: Moment) -> Value {
    let description = telling.evidence.iter().chain(&telling.symptoms).cloned().collect::<Vec<_>>().join("\n");
    json!({
        "labels": {
            "alertname": telling.key,
            "severity": severity.name(),
            "subject": telling.subject.to_string(),
            telling.subject.kind.name(): telling.subject.name,
            "source": "wirecenter",
        },
        "annotations": { "summary": telling.sentence, "description": description, "wirecenter_id": telling.id.to_string() },
        "startsAt": telling.opened_at.rfc3339(),
        // An end before the beginning is refused.
        "endsAt": until.max(telling.opened_at.plus(Duration::from_millis(1))).rfc3339(),
        "generatorURL": telling.url,
    })
}
