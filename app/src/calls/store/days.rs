//! The partitions of `cdrs` and `attempts`: one a day, made ahead, never dropped here. A row of a day that was not made goes into
//! the partition `later` and is moved when the day is made, so a task that did not run costs time, never rows.

use crate::values::Moment;
use sqlx::{AssertSqlSafe, MySqlConnection};
use std::time::Duration;

const DAY_S: u64 = 24 * 3_600;
/// How many days there are before the first one that is collected; what is older shares the first partition.
const DAYS_BEFORE: u32 = 40;
/// How many days are made ahead: a panel that is away for less finds its partitions there.
pub const DAYS_AHEAD: u32 = 7;

/// Makes the partitions up to [`DAYS_AHEAD`] days after `now`; gives how many were made.
pub async fn make_days(conn: &mut MySqlConnection, now: Moment) -> sqlx::Result<usize> {
    Ok(make_days_of(&mut *conn, "cdrs", now).await? + make_days_of(conn, "attempts", now).await?)
}

async fn make_days_of(conn: &mut MySqlConnection, table: &'static str, now: Moment) -> sqlx::Result<usize> {
    // Bounds are written quoted, in an order that is that of time; `later` has none.
    let last = sqlx::query_scalar!(
        "SELECT CAST(MAX(REPLACE(partition_description, '''', '')) AS CHAR) FROM information_schema.partitions
         WHERE table_schema = DATABASE() AND table_name = ? AND partition_description <> 'MAXVALUE'",
        table
    )
    .fetch_one(&mut *conn)
    .await?;
    let day = Duration::from_secs(DAY_S);
    let end = now.whole(DAY_S).plus(day * (DAYS_AHEAD + 1));
    let first = last.as_deref().and_then(Moment::parse).unwrap_or_else(|| now.whole(DAY_S).minus(day * DAYS_BEFORE));
    let bounds: Vec<Moment> =
        std::iter::successors(Some(first.plus(day)), |at| Some(at.plus(day))).take_while(|at| *at <= end).collect();
    if bounds.is_empty() {
        return Ok(0);
    }
    let new = bounds.iter().map(|bound| {
        let name = bound.minus(day).date().replace('-', "");
        format!("PARTITION d{name} VALUES LESS THAN ('{}'), ", bound.date())
    });
    // Names and bounds are dates made here; a partition cannot be bound.
    let statement = format!(
        "ALTER TABLE {table} REORGANIZE PARTITION later INTO ({}PARTITION later VALUES LESS THAN (MAXVALUE))",
        new.collect::<String>()
    );
    sqlx::Executor::execute(conn, AssertSqlSafe(statement)).await?;
    Ok(bounds.len())
}
