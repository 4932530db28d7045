//! `wirecenter alerts`: what is wrong, as the database knows it.

use super::{Common, Failure, say, say_json, store::Store};
use app::{
    alerts::{
        alert::{Alert, AlertState},
        filter::sort,
        store,
    },
    context,
};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use std::time::Duration;

/// How far back `--show all` looks.
const ENDED_SHOWN: Duration = Duration::from_secs(30 * 24 * 3_600);
const ENDED_ROWS_MAX: u32 = 10_000;

#[derive(Debug, Args)]
pub struct AlertsArgs {
    /// `firing`: what is not over and not silenced; `all`: also that, and what ended within thirty days
    #[arg(long, value_enum, default_value_t = Which::Firing)]
    show: Which,
    #[command(flatten)]
    common: Common,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Which {
    Firing,
    All,
}

pub async fn run(args: AlertsArgs) -> Result<(), Failure> {
    let store = Store::open(&args.common).await?;
    let read = read(&store, args.show).await;
    store.close().await;
    let alerts = read?;
    if args.common.json {
        say_json(&alerts.iter().map(|(alert, state)| document(alert, *state)).collect::<Vec<_>>());
        return Ok(());
    }
    for (alert, state) in &alerts {
        let who = alert.acknowledged.as_ref().map(|acknowledged| format!(" by {}", acknowledged.by)).unwrap_or_default();
        let (severity, since) = (alert.severity.name(), alert.since);
        say(format!("{severity:6}  {}{who}  since {since} UTC  {}  {}", state.name(), alert.subject, alert.sentence));
    }
    if alerts.is_empty() {
        say("Nothing is wrong that is known here.");
    }
    Ok(())
}

async fn read(store: &Store, which: Which) -> Result<Vec<(Alert, AlertState)>, Failure> {
    let now = context::now();
    let mut tx = store.begin().await?;
    let silences = store::silences::list(&mut tx, now).await?;
    let mut alerts = store::list_open(&mut tx).await?;
    if which == Which::All {
        alerts.extend(store::list_ended(&mut tx, now.minus(ENDED_SHOWN), ENDED_ROWS_MAX).await?);
    }
    let with_state = |alert: Alert| {
        let hushed = silences.iter().any(|silence| silence.covers(&alert, now));
        let state = alert.state(hushed, now);
        (alert, state)
    };
    let mut alerts: Vec<_> = alerts.into_iter().map(with_state).collect();
    alerts.retain(|(_, state)| which == Which::All || !matches!(state, AlertState::Silenced | AlertState::Resolved));
    sort(&mut alerts);
    Ok(alerts)
}

fn document(alert: &Alert, state: AlertState) -> Value {
    json!({
        "id": alert.id,
        "key": alert.key,
        "subject": alert.subject,
        "severity": alert.severity,
        "sentence": alert.sentence,
        "since": alert.since.rfc3339(),
        "state": state,
        "resolved_at": alert.resolved_at.map(|at| at.rfc3339()),
        "acknowledged_by": alert.acknowledged.as_ref().map(|acknowledged| &acknowledged.by),
        "comment": alert.acknowledged.as_ref().map(|acknowledged| &acknowledged.comment),
        "assigned": alert.assigned,
        "silenced_until": alert.silenced_until.map(|at| at.rfc3339()),
        "flapping": alert.flapping,
        "evidence": alert.evidence,
        "symptoms": alert.symptoms,
    })
}
