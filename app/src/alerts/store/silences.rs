//! The `silences` table.

use crate::{alerts::silence::Silence, values::Moment};
use sqlx::MySqlConnection;
use time::PrimitiveDateTime;

pub async fn upsert(tx: &mut MySqlConnection, silence: &Silence) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO silences (id, rule_pattern, subject_pattern, until_at, made_by, created_at, comment, ended_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON DUPLICATE KEY UPDATE ended_at = VALUES(ended_at)",
        silence.id,
        silence.rule,
        silence.subject,
        PrimitiveDateTime::from(silence.until),
        silence.by,
        PrimitiveDateTime::from(silence.created_at),
        silence.comment,
        silence.ended_at.map(PrimitiveDateTime::from),
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Those that count now.
pub async fn list(conn: &mut MySqlConnection, now: Moment) -> sqlx::Result<Vec<Silence>> {
    let rows = sqlx::query!(
        "SELECT id, rule_pattern, subject_pattern, until_at, made_by, created_at, comment, ended_at FROM silences
         WHERE until_at > ? AND ended_at IS NULL ORDER BY id",
        PrimitiveDateTime::from(now)
    )
    .fetch_all(conn)
    .await?;
    let silences = rows.into_iter().map(|row| Silence {
        id: row.id,
        rule: row.rule_pattern,
        subject: row.subject_pattern,
        until: row.until_at.into(),
        by: row.made_by,
        created_at: row.created_at.into(),
        comment: row.comment,
        ended_at: row.ended_at.map(Into::into),
    });
    Ok(silences.collect())
}
