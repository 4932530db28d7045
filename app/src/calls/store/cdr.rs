//! The tables `cdrs` and `attempts`.
//!
//! Signatures first; the statements follow.

use crate::calls::cdr::{Attempt, Cdr, CdrFilter, CdrKey};
use sqlx::MySqlConnection;

/// The newest records below `below` (of all, where it is `None`) that pass the filter; without their attempts.
pub async fn list(
    _conn: &mut MySqlConnection,
    _filter: &CdrFilter,
    _below: Option<CdrKey>,
    _rows_max: u32,
) -> sqlx::Result<Vec<Cdr>> {
    Ok(Vec::new())
}

/// How many records pass the filter; counting ends at `at_most`.
pub async fn count(_conn: &mut MySqlConnection, _filter: &CdrFilter, _at_most: u32) -> sqlx::Result<u64> {
    Ok(0)
}

/// The records of a call, oldest first, each with the attempts of the whole call.
pub async fn list_by_reference(_conn: &mut MySqlConnection, _reference: &str) -> sqlx::Result<Vec<Cdr>> {
    Ok(Vec::new())
}

/// Tries at carriers, oldest first.
pub async fn list_attempts(_conn: &mut MySqlConnection, _reference: &str) -> sqlx::Result<Vec<Attempt>> {
    Ok(Vec::new())
}
