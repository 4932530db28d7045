//! The outbox. A row is claimed before it is sent and marked after it was: whoever is killed in between leaves a claim that ends by
//! itself, and the row is sent again under the same idempotency key.

use super::{cut, json, unreadable};
use crate::{
    alerts::telling::{NoticeRow, Telling},
    values::{AlertId, Moment},
};
use sqlx::MySqlConnection;
use time::PrimitiveDateTime;

/// A row that is due.
#[derive(Clone, Debug)]
pub struct Due {
    pub id: u64,
    pub telling: Telling,
    /// Tries before this one.
    pub attempts: u32,
    pub created_at: Moment,
}

pub async fn insert(tx: &mut MySqlConnection, telling: &Telling, receiver: &str, now: Moment) -> sqlx::Result<()> {
    let at = PrimitiveDateTime::from(now);
    sqlx::query!(
        "INSERT IGNORE INTO notices (alert_id, seq, receiver, body, created_at, due_at) VALUES (?, ?, ?, ?, ?, ?)",
        telling.id.0,
        telling.seq,
        cut(receiver, 160),
        json(telling),
        at,
        at,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// The oldest row of a receiver that is neither sent nor given up, if it is due: what comes after it waits, so that nobody hears of
/// the end before the beginning. It is claimed for whoever asked, for so many
/// seconds of the database's clock, which all panels share.
pub async fn claim(conn: &mut MySqlConnection, receiver: &str, now: Moment, claim_s: u32) -> sqlx::Result<Option<Due>> {
    let row = sqlx::query!(
        r#"SELECT id, body, attempts, created_at, due_at,
                  claimed_until IS NOT NULL AND claimed_until > UTC_TIMESTAMP(6) AS "is_claimed!: bool" FROM notices
           WHERE receiver = ? AND sent_at IS NULL AND given_up_at IS NULL ORDER BY id LIMIT 1"#,
        receiver
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    if Moment::from(row.due_at) > now || row.is_claimed {
        return Ok(None);
    }
    let telling = serde_json::from_str(&row.body).map_err(|_| unreadable("notices.body", &row.body))?;
    // Of two panels that read the same row one claims it: the row must still be as it was read.
    let claimed = sqlx::query!(
        "UPDATE notices SET claimed_until = UTC_TIMESTAMP(6) + INTERVAL ? SECOND, attempts = attempts + 1
         WHERE id = ? AND attempts = ? AND sent_at IS NULL AND given_up_at IS NULL
           AND (claimed_until IS NULL OR claimed_until <= UTC_TIMESTAMP(6))",
        claim_s,
        row.id,
        row.attempts,
    )
    .execute(conn)
    .await?;
    let mine = claimed.rows_affected() == 1;
    Ok(mine.then(|| Due { id: row.id, telling, attempts: row.attempts, created_at: row.created_at.into() }))
}

pub async fn mark_sent(conn: &mut MySqlConnection, id: u64, now: Moment) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE notices SET sent_at = ?, claimed_until = NULL, last_error = NULL WHERE id = ?",
        PrimitiveDateTime::from(now),
        id
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// `due_at` is when it is tried again; without one it is given up.
pub async fn mark_failed(conn: &mut MySqlConnection, id: u64, why: &str, due_at: Option<Moment>, now: Moment) -> sqlx::Result<()> {
    let given_up_at = due_at.is_none().then(|| PrimitiveDateTime::from(now));
    sqlx::query!(
        "UPDATE notices SET due_at = ?, given_up_at = ?, claimed_until = NULL, last_error = ? WHERE id = ?",
        PrimitiveDateTime::from(due_at.unwrap_or(now)),
        given_up_at,
        cut(why, 2_000),
        id
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn list_of(conn: &mut MySqlConnection, alert: AlertId) -> sqlx::Result<Vec<NoticeRow>> {
    let rows = sqlx::query!(
        "SELECT seq, receiver, created_at, attempts, sent_at, given_up_at, last_error FROM notices WHERE alert_id = ? ORDER BY id",
        alert.0
    )
    .fetch_all(conn)
    .await?;
    let notices = rows.into_iter().map(|row| NoticeRow {
        seq: row.seq,
        receiver: row.receiver,
        created_at: row.created_at.into(),
        attempts: row.attempts,
        sent_at: row.sent_at.map(Into::into),
        given_up_at: row.given_up_at.map(Into::into),
        last_error: row.last_error,
    });
    Ok(notices.collect())
}
