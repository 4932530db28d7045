//! Statements that belong to no slice: the versions that carry wake-ups between processes, and the leases.

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

/// Whose a lease is, and whether its time is over.
pub struct LeaseRow {
    pub holder: String,
    pub is_over: bool,
}

/// The lease's row, locked until the transaction ends; who asks first becomes its holder.
pub async fn lock_lease(conn: &mut MySqlConnection, name: &str, holder: &str) -> sqlx::Result<LeaseRow> {
    // Not an INSERT IGNORE each time: two panels that share its read lock would wait for each other's write lock.
    let there = sqlx::query_scalar!(r#"SELECT COUNT(*) AS "there!: i64" FROM leases WHERE name = ?"#, name);
    if there.fetch_one(&mut *conn).await? == 0 {
        sqlx::query!("INSERT IGNORE INTO leases (name, holder, expires_at) VALUES (?, ?, UTC_TIMESTAMP(6))", name, holder)
            .execute(&mut *conn)
            .await?;
    }
    sqlx::query_as!(
        LeaseRow,
        r#"SELECT holder, expires_at <= UTC_TIMESTAMP(6) AS "is_over!: bool" FROM leases WHERE name = ? FOR UPDATE"#,
        name
    )
    .fetch_one(conn)
    .await
}

pub async fn update_lease(conn: &mut MySqlConnection, name: &str, holder: &str, lasts_s: u32) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE leases SET holder = ?, expires_at = UTC_TIMESTAMP(6) + INTERVAL ? SECOND WHERE name = ?",
        holder,
        lasts_s,
        name
    )
    .execute(conn)
    .await?;
    Ok(())
}
