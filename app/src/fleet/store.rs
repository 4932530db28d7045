//! Statements of the fleet's memory: verdicts, changes and measures. Many rows travel as one JSON document, so that a statement stays
//! one statement, bound and checked.

use super::{
    change::Change,
    history::HistoryRow,
    isolation::Verdict,
    measure::{Measure, MeasurePoint, MinuteRow},
};
use crate::values::{Moment, Tone};
use sqlx::MySqlConnection;
use time::PrimitiveDateTime;

/// As wide as the columns; a longer text loses its end, not its row.
const NAME_CHARS_MAX: usize = 64;
const TEXT_CHARS_MAX: usize = 255;

fn cut(text: &str, chars_max: usize) -> String {
    text.chars().take(chars_max).collect()
}

/// As MariaDB reads a time out of JSON: `2026-11-22 03:12:07.123456`.
fn written(at: Moment) -> String {
    at.rfc3339().trim_end_matches('Z').replace('T', " ")
}

pub async fn insert_verdict(conn: &mut MySqlConnection, row: &HistoryRow) -> sqlx::Result<()> {
    let violations = serde_json::to_string(&row.violations).expect("strings are JSON");
    sqlx::query!(
        "INSERT IGNORE INTO network_verdicts (network, at, verdict, violations) VALUES (?, ?, ?, ?)",
        cut(&row.network, NAME_CHARS_MAX),
        PrimitiveDateTime::from(row.at),
        row.verdict.word(),
        violations
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The newest rows of all networks, oldest first.
pub async fn list_verdicts(conn: &mut MySqlConnection, rows_max: u32) -> sqlx::Result<Vec<HistoryRow>> {
    let rows = sqlx::query!("SELECT network, at, verdict, violations FROM network_verdicts ORDER BY at DESC LIMIT ?", rows_max)
        .fetch_all(conn)
        .await?;
    let read = rows.into_iter().rev().filter_map(|row| {
        // A row of a later version that this one does not understand is passed over.
        let violations = serde_json::from_str(&row.violations).ok()?;
        Some(HistoryRow { network: row.network, at: row.at.into(), verdict: Verdict::parse(&row.verdict)?, violations })
    });
    Ok(read.collect())
}

pub async fn insert_changes(conn: &mut MySqlConnection, changes: &[Change]) -> sqlx::Result<()> {
    let rows = changes.iter().map(|change| {
        serde_json::json!({
            "machine": cut(&change.machine, NAME_CHARS_MAX),
            "at": written(change.at),
            "text": cut(&change.text, TEXT_CHARS_MAX),
            "tone": change.tone.name(),
        })
    });
    let rows = serde_json::Value::Array(rows.collect()).to_string();
    sqlx::query!(
        "INSERT IGNORE INTO fleet_changes (machine, at, text, tone)
         SELECT machine, at, text, tone FROM JSON_TABLE(?, '$[*]' COLUMNS (
           machine VARCHAR(64) PATH '$.machine', at DATETIME(6) PATH '$.at',
           text VARCHAR(255) PATH '$.text', tone VARCHAR(8) PATH '$.tone')) AS new",
        rows
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The newest changes, oldest first.
pub async fn list_changes(conn: &mut MySqlConnection, rows_max: u32) -> sqlx::Result<Vec<Change>> {
    let rows = sqlx::query!("SELECT machine, at, text, tone FROM fleet_changes ORDER BY at DESC, machine, text LIMIT ?", rows_max)
        .fetch_all(conn)
        .await?;
    let tone = |name: &str| Tone::ALL.into_iter().find(|tone| tone.name() == name).unwrap_or(Tone::Idle);
    let read = rows.into_iter().rev().map(|row| {
        let at = row.at.into();
        Change { at, tone: tone(&row.tone), machine: row.machine, text: row.text }
    });
    Ok(read.collect())
}

/// All minutes in one statement. A minute that a restart cut in two keeps its highest value.
pub async fn insert_minutes(conn: &mut MySqlConnection, minutes: &[MinuteRow]) -> sqlx::Result<()> {
    let rows = minutes.iter().map(|row| {
        serde_json::json!({
            "machine": cut(&row.machine, NAME_CHARS_MAX),
            "measure": row.measure.name(),
            "minute": written(row.minute),
            "average": row.average,
            "maximum": row.maximum,
        })
    });
    let rows = serde_json::Value::Array(rows.collect()).to_string();
    sqlx::query!(
        "INSERT INTO measures (machine, measure, minute, average, maximum)
         SELECT machine, measure, minute, average, maximum FROM JSON_TABLE(?, '$[*]' COLUMNS (
           machine VARCHAR(64) PATH '$.machine', measure VARCHAR(32) PATH '$.measure', minute DATETIME PATH '$.minute',
           average DOUBLE PATH '$.average', maximum DOUBLE PATH '$.maximum')) AS new
         ON DUPLICATE KEY UPDATE average = VALUES(average), maximum = GREATEST(measures.maximum, VALUES(maximum))",
        rows
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// By buckets of this many seconds, oldest first.
pub async fn list_points(
    conn: &mut MySqlConnection,
    machine: &str,
    measure: Measure,
    bucket_s: u32,
    from: Moment,
) -> sqlx::Result<Vec<MeasurePoint>> {
    let rows = sqlx::query!(
        r#"SELECT CAST(UNIX_TIMESTAMP(minute) DIV ? * ? AS SIGNED) AS "at_s!: i64", AVG(average) AS "average!: f64",
             MAX(maximum) AS "maximum!: f64"
           FROM measures WHERE machine = ? AND measure = ? AND minute >= ? GROUP BY 1 ORDER BY 1"#,
        bucket_s,
        bucket_s,
        machine,
        measure.name(),
        PrimitiveDateTime::from(from)
    )
    .fetch_all(conn)
    .await?;
    let point = |(at_s, average, maximum)| MeasurePoint { at: Moment::from_seconds(at_s), average, maximum };
    Ok(rows.into_iter().map(|row| point((row.at_s, row.average, row.maximum))).collect())
}

/// A small batch, so that no one waits for it; gives how many went.
pub async fn delete_minutes(conn: &mut MySqlConnection, before: Moment, rows_max: u32) -> sqlx::Result<u64> {
    let done = sqlx::query!("DELETE FROM measures WHERE minute < ? LIMIT ?", PrimitiveDateTime::from(before), rows_max);
    Ok(done.execute(conn).await?.rows_affected())
}

pub async fn delete_changes(conn: &mut MySqlConnection, before: Moment, rows_max: u32) -> sqlx::Result<u64> {
    let done = sqlx::query!("DELETE FROM fleet_changes WHERE at < ? LIMIT ?", PrimitiveDateTime::from(before), rows_max);
    Ok(done.execute(conn).await?.rows_affected())
}
