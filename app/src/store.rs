//! Statements that belong to no slice: the versions that carry wake-ups between processes.

use sqlx::MySqlConnection;

pub async fn raise_version(conn: &mut MySqlConnection, topic: &str) -> sqlx::Result<()> {
    sqlx::query!("INSERT INTO wakes (topic, version) VALUES (?, 1) ON DUPLICATE KEY UPDATE version = version + 1", topic)
        .execute(conn)
        .await?;
    Ok(())
}

pub async fn list_versions(conn: &mut MySqlConnection) -> sqlx::Result<Vec<(String, u64)>> {
    let rows = sqlx::query!("SELECT topic, version FROM wakes").fetch_all(conn).await?;
    Ok(rows.into_iter().map(|row| (row.topic, row.version)).collect())
}
