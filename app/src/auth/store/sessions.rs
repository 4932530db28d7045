//! The `sessions` table.

use crate::{
    auth::sessions::{IdHash, SessionData},
    values::{Moment, UserId},
};
use sqlx::MySqlConnection;
use time::PrimitiveDateTime;

pub async fn save(
    conn: &mut MySqlConnection,
    id_hash: &IdHash,
    data: &SessionData,
    json: &str,
    now: Moment,
    expires_at: Moment,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO sessions (id_hash, user_id, door, data, signed_in_at, last_input_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)
         ON DUPLICATE KEY UPDATE data = VALUES(data), last_input_at = VALUES(last_input_at), expires_at = VALUES(expires_at)",
        id_hash.as_slice(),
        data.signed_in.user.0,
        data.door.name(),
        json,
        PrimitiveDateTime::from(data.signed_in.signed_in_at),
        PrimitiveDateTime::from(now),
        PrimitiveDateTime::from(expires_at),
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn find(conn: &mut MySqlConnection, id_hash: &IdHash) -> sqlx::Result<Option<(String, Moment)>> {
    let row =
        sqlx::query!("SELECT data, last_input_at FROM sessions WHERE id_hash = ?", id_hash.as_slice()).fetch_optional(conn).await?;
    Ok(row.map(|row| (row.data, row.last_input_at.into())))
}

pub async fn list_ids(conn: &mut MySqlConnection) -> sqlx::Result<Vec<(IdHash, Moment)>> {
    let rows = sqlx::query!("SELECT id_hash, last_input_at FROM sessions").fetch_all(conn).await?;
    // The column is BINARY(32); a row of another length cannot be one of ours.
    Ok(rows.into_iter().filter_map(|row| Some((row.id_hash.try_into().ok()?, row.last_input_at.into()))).collect())
}

pub async fn list_of_user(conn: &mut MySqlConnection, user: UserId) -> sqlx::Result<Vec<(IdHash, String, Moment)>> {
    let rows =
        sqlx::query!("SELECT id_hash, data, last_input_at FROM sessions WHERE user_id = ? ORDER BY last_input_at DESC", user.0)
            .fetch_all(conn)
            .await?;
    Ok(rows.into_iter().filter_map(|row| Some((row.id_hash.try_into().ok()?, row.data, row.last_input_at.into()))).collect())
}

pub async fn update_input(conn: &mut MySqlConnection, id_hash: &IdHash, at: Moment) -> sqlx::Result<()> {
    let at = PrimitiveDateTime::from(at);
    sqlx::query!("UPDATE sessions SET last_input_at = GREATEST(last_input_at, ?) WHERE id_hash = ?", at, id_hash.as_slice())
        .execute(conn)
        .await?;
    Ok(())
}

pub async fn delete(conn: &mut MySqlConnection, id_hash: &IdHash) -> sqlx::Result<u64> {
    Ok(sqlx::query!("DELETE FROM sessions WHERE id_hash = ?", id_hash.as_slice()).execute(conn).await?.rows_affected())
}

/// Ends all sessions of a user, or all but one.
pub async fn delete_of_user(conn: &mut MySqlConnection, user: UserId, except: Option<&IdHash>) -> sqlx::Result<u64> {
    let except = except.map(IdHash::as_slice).unwrap_or_default();
    Ok(sqlx::query!("DELETE FROM sessions WHERE user_id = ? AND id_hash <> ?", user.0, except).execute(conn).await?.rows_affected())
}

pub async fn delete_ended(conn: &mut MySqlConnection, now: Moment, idle_before: Moment) -> sqlx::Result<u64> {
    let (now, idle_before) = (PrimitiveDateTime::from(now), PrimitiveDateTime::from(idle_before));
    let done =
        sqlx::query!("DELETE FROM sessions WHERE expires_at < ? OR last_input_at < ?", now, idle_before).execute(conn).await?;
    Ok(done.rows_affected())
}
