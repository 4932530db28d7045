//! The `audit` table and its head.

use super::unreadable;
use crate::{
    auth::audit::{AuditFilter, Draft, Entry, GENESIS, Hash, Outcome},
    values::Moment,
};
use sqlx::MySqlConnection;
use time::PrimitiveDateTime;

/// Appends a row. Call it inside the transaction of the change it tells of, as its last statement: the lock on the head puts
/// appenders in a row, and whoever holds it must not wait for a user or a session any more.
pub async fn append(tx: &mut MySqlConnection, draft: Draft, now: Moment) -> sqlx::Result<()> {
    let (seq, previous) = lock_head(tx).await?;
    insert(tx, &Entry::from_draft(fit_columns(draft), seq + 1, now), &previous).await
}

/// Appends a row that was kept elsewhere until now, unless it is there already; whether it was new. It keeps its own time.
pub async fn append_kept(tx: &mut MySqlConnection, entry: Entry) -> sqlx::Result<bool> {
    // The head first: whoever else writes this row holds it, and has committed when we get it.
    let (seq, previous) = lock_head(tx).await?;
    let written = sqlx::query!(
        "SELECT seq FROM audit WHERE at = ? AND request = ? AND action = ? AND subject = ?",
        PrimitiveDateTime::from(entry.at),
        entry.request,
        entry.action,
        entry.subject
    )
    .fetch_optional(&mut *tx)
    .await?;
    if written.is_some() {
        return Ok(false);
    }
    insert(tx, &Entry { seq: seq + 1, ..entry }, &previous).await?;
    Ok(true)
}

async fn lock_head(tx: &mut MySqlConnection) -> sqlx::Result<(u64, Hash)> {
    let head = sqlx::query!("SELECT seq, hash FROM audit_head WHERE id = 1 FOR UPDATE").fetch_one(tx).await?;
    Ok((head.seq, to_hash(&head.hash)?))
}

async fn insert(tx: &mut MySqlConnection, entry: &Entry, previous: &Hash) -> sqlx::Result<()> {
    let hash = entry.hash(previous);
    sqlx::query!(
        "INSERT INTO audit (seq, at, actor, address, request, action, subject, before_value, after_value, outcome, hash)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        entry.seq,
        PrimitiveDateTime::from(entry.at),
        entry.actor,
        entry.address,
        entry.request,
        entry.action,
        entry.subject,
        entry.before,
        entry.after,
        entry.outcome.name(),
        hash.as_slice(),
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!("UPDATE audit_head SET seq = ?, hash = ? WHERE id = 1", entry.seq, hash.as_slice()).execute(tx).await?;
    Ok(())
}

/// Cuts what a stranger typed to the columns' lengths, before it is hashed.
pub(super) fn fit_columns(mut draft: Draft) -> Draft {
    let cut = |text: &mut String, chars_max: usize| {
        if let Some((at, _)) = text.char_indices().nth(chars_max) {
            text.truncate(at);
        }
    };
    cut(&mut draft.actor, 80);
    cut(&mut draft.address, 64);
    cut(&mut draft.request, 32);
    cut(&mut draft.subject, 160);
    for value in [&mut draft.before, &mut draft.after].into_iter().flatten() {
        cut(value, 10_000);
    }
    draft
}

fn to_hash(bytes: &[u8]) -> sqlx::Result<Hash> {
    bytes.try_into().map_err(|_| sqlx::Error::Decode("a hash of the audit log is not 32 bytes".into()))
}

macro_rules! entry {
    ($row:expr) => {{
        let row = $row;
        let entry = Entry {
            seq: row.seq,
            at: row.at.into(),
            actor: row.actor,
            address: row.address,
            request: row.request,
            action: row.action,
            subject: row.subject,
            before: row.before_value,
            after: row.after_value,
            outcome: Outcome::parse(&row.outcome).ok_or_else(|| unreadable("audit.outcome", &row.outcome))?,
        };
        (entry, to_hash(&row.hash)?)
    }};
}

/// Rows from `after` on, oldest first, as the verifier wants them.
pub async fn list_from(conn: &mut MySqlConnection, after: u64, rows_max: u32) -> sqlx::Result<Vec<(Entry, Hash)>> {
    let rows = sqlx::query!(
        "SELECT seq, at, actor, address, request, action, subject, before_value, after_value, outcome, hash
         FROM audit WHERE seq > ? ORDER BY seq LIMIT ?",
        after,
        rows_max
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(|row| Ok(entry!(row))).collect()
}

/// The newest rows below `below` that pass the filter.
pub async fn list(conn: &mut MySqlConnection, filter: &AuditFilter, below: u64, rows_max: u32) -> sqlx::Result<Vec<(Entry, Hash)>> {
    let pattern = filter.q.as_deref().map(like);
    let (from, until) = (filter.from.map(PrimitiveDateTime::from), filter.until.map(PrimitiveDateTime::from));
    let outcome = filter.outcome.map(Outcome::name);
    let rows = sqlx::query!(
        "SELECT seq, at, actor, address, request, action, subject, before_value, after_value, outcome, hash FROM audit
         WHERE seq < ? AND (? IS NULL OR action = ?) AND (? IS NULL OR outcome = ?) AND (? IS NULL OR at >= ?) AND (? IS NULL OR at < ?)
           AND (? IS NULL OR actor LIKE ? OR subject LIKE ? OR address LIKE ? OR request LIKE ? OR before_value LIKE ? OR after_value LIKE ?)
         ORDER BY seq DESC LIMIT ?",
        below,
        filter.action,
        filter.action,
        outcome,
        outcome,
        from,
        from,
        until,
        until,
        pattern,
        pattern,
        pattern,
        pattern,
        pattern,
        pattern,
        pattern,
        rows_max
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(|row| Ok(entry!(row))).collect()
}

/// The head: number and hash of the last row ever appended.
pub async fn find_head(conn: &mut MySqlConnection) -> sqlx::Result<(u64, Hash)> {
    let head = sqlx::query!("SELECT seq, hash FROM audit_head WHERE id = 1").fetch_optional(conn).await?;
    head.map_or(Ok((0, GENESIS)), |head| Ok((head.seq, to_hash(&head.hash)?)))
}

/// `%text%` with the wildcards in the text taken literally.
pub fn like(text: &str) -> String {
    format!("%{}%", text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"))
}
