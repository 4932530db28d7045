//! Brings the database to this version. One DDL statement a file, each of which may run twice (`IF NOT EXISTS`), so a migration
//! that was cut off half way is simply run again: MariaDB 10.6 makes one statement atomic, sqlx's record of it is not.

use sqlx::{
    MySqlPool,
    migrate::{MigrateError, Migrator},
};

static MIGRATOR: Migrator = sqlx::migrate!("../migrations");

/// Gives the number of migrations that were run.
pub async fn migrate(pool: &MySqlPool) -> Result<usize, String> {
    let healed = forget_half_done(pool).await.map_err(|error| format!("The database's migrations cannot be read: {error}."))?;
    if healed > 0 {
        tracing::info!(healed, "a migration was cut off half way; it is run again");
    }
    let before = count(pool).await;
    MIGRATOR.run(pool).await.map_err(|error| match error {
        MigrateError::VersionMissing(version) => format!(
            "The database was migrated by a newer Wirecenter: migration {version} is unknown to this one. Run that version, or restore a \
             backup from before it."
        ),
        MigrateError::VersionMismatch(version) => format!(
            "Migration {version} in the database is not the one of this program: its file was changed after it ran. Run the version that \
             made the database."
        ),
        other => format!("A migration failed: {other}. The database is as before that migration; it is tried again at the next start."),
    })?;
    Ok(count(pool).await.saturating_sub(before))
}

async fn forget_half_done(pool: &MySqlPool) -> sqlx::Result<u64> {
    // Both statements are about sqlx's own table, which exists only after the first run.
    let known: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = '_sqlx_migrations'",
    )
    .fetch_one(pool)
    .await?;
    if known == 0 {
        return Ok(0);
    }
    Ok(sqlx::query("DELETE FROM _sqlx_migrations WHERE success = FALSE").execute(pool).await?.rows_affected())
}

async fn count(pool: &MySqlPool) -> usize {
    let count: Result<i64, _> = sqlx::query_scalar("SELECT COUNT(*) FROM _sqlx_migrations WHERE success").fetch_one(pool).await;
    count.ok().and_then(|count| usize::try_from(count).ok()).unwrap_or(0)
}
