//! The statements of alerts, their history, silences and the outbox. Nothing is decided here.

pub mod notices;
pub mod silences;

use super::{
    alert::{Acknowledgement, Alert, AlertChange, AlertEvent, EventKind, Folded},
    subject::Severity,
    telling::{Receiver, Telling},
};
use crate::values::{AlertId, Moment};
use sqlx::MySqlConnection;
use time::PrimitiveDateTime;

/// A value in the database that this version cannot read.
fn unreadable(what: &'static str, value: &str) -> sqlx::Error {
    sqlx::Error::Decode(format!("{what} has the unknown value {value:?}").into())
}

fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("what is stored of an alert is plain values")
}

fn cut(text: &str, bytes_max: usize) -> &str {
    let mut end = text.len().min(bytes_max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Writes changes with their events, and a row in the outbox for each receiver that is to hear of one. In one transaction of the
/// caller's; written twice it is as written once.
pub async fn write(
    tx: &mut MySqlConnection,
    changes: &[AlertChange],
    receivers: &[Receiver],
    staff_url: &str,
    now: Moment,
) -> sqlx::Result<()> {
    for change in changes {
        upsert(tx, &change.alert).await?;
        if let Some(event) = &change.event {
            insert_event(tx, change.alert.id, event).await?;
        }
        let Some(telling) = Telling::of(change, staff_url) else { continue };
        for receiver in receivers.iter().filter(|receiver| receiver.wants(telling.what)) {
            notices::insert(tx, &telling, &receiver.name, now).await?;
        }
    }
    Ok(())
}

async fn upsert(tx: &mut MySqlConnection, alert: &Alert) -> sqlx::Result<()> {
    let acknowledged = alert.acknowledged.as_ref();
    let (evidence, symptoms) = (json(&alert.evidence), json(&alert.symptoms));
    let subject = alert.subject.to_string();
    sqlx::query!(
        "INSERT INTO alerts (id, rule_key, subject, severity, sentence, evidence, symptoms, since, opened_at, resolved_at,
                             acknowledged_by, acknowledged_at, acknowledge_comment, assigned, silenced_until, flapping,
                             escalated_at, told, changes)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON DUPLICATE KEY UPDATE severity = VALUES(severity), sentence = VALUES(sentence), evidence = VALUES(evidence),
             symptoms = VALUES(symptoms), resolved_at = VALUES(resolved_at), acknowledged_by = VALUES(acknowledged_by),
             acknowledged_at = VALUES(acknowledged_at), acknowledge_comment = VALUES(acknowledge_comment),
             assigned = VALUES(assigned), silenced_until = VALUES(silenced_until), flapping = VALUES(flapping),
             escalated_at = VALUES(escalated_at), told = VALUES(told), changes = VALUES(changes)",
        alert.id.0,
        cut(&alert.key, 160),
        cut(&subject, 160),
        alert.severity.name(),
        cut(&alert.sentence, 10_000),
        evidence,
        symptoms,
        PrimitiveDateTime::from(alert.since),
        PrimitiveDateTime::from(alert.opened_at),
        alert.resolved_at.map(PrimitiveDateTime::from),
        acknowledged.map(|acknowledged| acknowledged.by.as_str()),
        acknowledged.map(|acknowledged| PrimitiveDateTime::from(acknowledged.at)),
        acknowledged.map(|acknowledged| acknowledged.comment.as_str()),
        alert.assigned,
        alert.silenced_until.map(PrimitiveDateTime::from),
        alert.flapping,
        alert.escalated_at.map(PrimitiveDateTime::from),
        alert.told,
        alert.changes,
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn insert_event(tx: &mut MySqlConnection, alert: AlertId, event: &AlertEvent) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT IGNORE INTO alert_events (alert_id, seq, at, kind, who, text) VALUES (?, ?, ?, ?, ?, ?)",
        alert.0,
        event.seq,
        PrimitiveDateTime::from(event.at),
        event.kind.name(),
        event.who,
        cut(&event.text, 10_000),
    )
    .execute(tx)
    .await?;
    Ok(())
}

macro_rules! alert {
    ($row:expr) => {{
        let row = $row;
        let acknowledged = match (row.acknowledged_by, row.acknowledged_at) {
            (Some(by), Some(at)) => {
                Some(Acknowledgement { by, at: at.into(), comment: row.acknowledge_comment.unwrap_or_default() })
            }
            _ => None,
        };
        let evidence: Vec<String> =
            serde_json::from_str(&row.evidence).map_err(|_| unreadable("alerts.evidence", &row.evidence))?;
        let symptoms: Vec<Folded> =
            serde_json::from_str(&row.symptoms).map_err(|_| unreadable("alerts.symptoms", &row.symptoms))?;
        Alert {
            id: AlertId(row.id),
            key: row.rule_key,
            subject: row.subject.parse().map_err(|_| unreadable("alerts.subject", &row.subject))?,
            severity: Severity::parse(&row.severity).ok_or_else(|| unreadable("alerts.severity", &row.severity))?,
            sentence: row.sentence,
            evidence,
            symptoms,
            since: row.since.into(),
            opened_at: row.opened_at.into(),
            resolved_at: row.resolved_at.map(Into::into),
            acknowledged,
            assigned: row.assigned,
            silenced_until: row.silenced_until.map(Into::into),
            flapping: row.flapping,
            escalated_at: row.escalated_at.map(Into::into),
            told: row.told,
            changes: row.changes,
        }
    }};
}

pub async fn list_open(conn: &mut MySqlConnection) -> sqlx::Result<Vec<Alert>> {
    let rows = sqlx::query!(
        r#"SELECT id, rule_key, subject, severity, sentence, evidence, symptoms, since, opened_at, resolved_at, acknowledged_by,
                  acknowledged_at, acknowledge_comment, assigned, silenced_until, flapping AS "flapping!: bool", escalated_at,
                  told AS "told!: bool", changes
           FROM alerts WHERE resolved_at IS NULL ORDER BY id"#
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(|row| Ok(alert!(row))).collect()
}

/// Those that ended at `since` or later, the newest first.
pub async fn list_ended(conn: &mut MySqlConnection, since: Moment, rows_max: u32) -> sqlx::Result<Vec<Alert>> {
    let rows = sqlx::query!(
        r#"SELECT id, rule_key, subject, severity, sentence, evidence, symptoms, since, opened_at, resolved_at, acknowledged_by,
                  acknowledged_at, acknowledge_comment, assigned, silenced_until, flapping AS "flapping!: bool", escalated_at,
                  told AS "told!: bool", changes
           FROM alerts WHERE resolved_at >= ? ORDER BY resolved_at DESC, id DESC LIMIT ?"#,
        PrimitiveDateTime::from(since),
        rows_max
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(|row| Ok(alert!(row))).collect()
}

pub async fn find(conn: &mut MySqlConnection, id: AlertId) -> sqlx::Result<Option<Alert>> {
    let row = sqlx::query!(
        r#"SELECT id, rule_key, subject, severity, sentence, evidence, symptoms, since, opened_at, resolved_at, acknowledged_by,
                  acknowledged_at, acknowledge_comment, assigned, silenced_until, flapping AS "flapping!: bool", escalated_at,
                  told AS "told!: bool", changes
           FROM alerts WHERE id = ?"#,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| Ok(alert!(row))).transpose()
}

pub async fn list_events(conn: &mut MySqlConnection, id: AlertId) -> sqlx::Result<Vec<AlertEvent>> {
    let rows = sqlx::query!("SELECT seq, at, kind, who, text FROM alert_events WHERE alert_id = ? ORDER BY seq", id.0)
        .fetch_all(conn)
        .await?;
    let event = |kind: &str| EventKind::parse(kind).ok_or_else(|| unreadable("alert_events.kind", kind));
    rows.into_iter()
        .map(|row| Ok(AlertEvent { seq: row.seq, at: row.at.into(), kind: event(&row.kind)?, who: row.who, text: row.text }))
        .collect()
}
