//! The copy of the journals in the panel's database: what it has, and what is added. Nothing here decides anything.

use super::journal::Entry;
use sqlx::MySqlConnection;
use time::PrimitiveDateTime;

/// As wide as the columns; a longer text loses its end, not its row.
const PANEL_CHARS_MAX: usize = 255;
const ACTOR_CHARS_MAX: usize = 160;

fn cut(text: &str, chars_max: usize) -> String {
    text.chars().take(chars_max).collect()
}

/// The place of the last entry that was copied; 0 before the first.
pub async fn last_sequence(conn: &mut MySqlConnection, journal: &str) -> sqlx::Result<u64> {
    let row =
        sqlx::query!("SELECT MAX(sequence) AS last FROM operation_entries WHERE journal = ?", journal).fetch_one(conn).await?;
    Ok(row.last.unwrap_or(0))
}

/// An entry that is there already stays as it is.
pub async fn insert_entry(
    conn: &mut MySqlConnection,
    journal: &str,
    panel: &str,
    sequence: u64,
    entry: &Entry,
) -> sqlx::Result<()> {
    let event = serde_json::to_string(&entry.event).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
    sqlx::query!(
        "INSERT IGNORE INTO operation_entries (journal, sequence, panel, operation, number, at, actor, event)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        journal,
        sequence,
        cut(panel, PANEL_CHARS_MAX),
        entry.operation.0,
        entry.number,
        PrimitiveDateTime::from(entry.at),
        cut(&entry.by, ACTOR_CHARS_MAX),
        event
    )
    .execute(conn)
    .await?;
    Ok(())
}
