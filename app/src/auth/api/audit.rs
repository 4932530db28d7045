//! Reading and proving the audit log.

use crate::{
    auth::audit::Entry,
    error::AppError,
    wire::{GetUrl, Json},
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
use crate::{
    auth::{
        audit::{AuditFilter, Break, Verifier},
        store,
    },
    context::allowed,
    values::Query,
};
#[cfg(feature = "ssr")]
use sqlx::MySqlConnection;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditList {
    /// Newest first.
    pub entries: Vec<Entry>,
    /// The `below` of the next, older page.
    pub older: Option<u64>,
}

/// Whether the chain holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditProof {
    pub ok: bool,
    /// Rows that hold, from the first on.
    pub rows: u64,
    /// The hash of the last row, in hexadecimal. Kept elsewhere, it also shows a log that was rewritten as a whole.
    pub head: String,
    /// The first place where it does not, in a sentence.
    pub broken: Option<String>,
}

/// `query` is that of the page: `q`, `action`, `outcome`, `from`, `until`, `below`.
#[server(endpoint = "audit/list", input = GetUrl, output = Json)]
pub async fn list_audit(query: String) -> Result<AuditList, AppError> {
    let allowed = allowed::<ListAudit>()?;
    let (database, doing) = (&allowed.panel.database, "read the audit log");
    let query = Query::parse(&query);
    let filter = AuditFilter::from_query(&query);
    let below = query.get("below").and_then(|below| below.parse().ok()).unwrap_or(u64::MAX);
    let rows = crate::limits::ROWS_PER_PAGE;
    let mut conn = database.acquire(doing).await?;
    let mut found = database.within(doing, store::audit::list(&mut conn, &filter, below, rows + 1)).await?;
    let more = found.len() > rows as usize;
    found.truncate(rows as usize);
    let older = found.last().filter(|_| more).map(|(entry, _)| entry.seq);
    Ok(AuditList { entries: found.into_iter().map(|(entry, _)| entry).collect(), older })
}

#[server(endpoint = "audit/verify", input = GetUrl, output = Json)]
pub async fn verify_audit() -> Result<AuditProof, AppError> {
    let allowed = allowed::<VerifyAudit>()?;
    let (database, doing) = (&allowed.panel.database, "prove the audit log");
    let mut tx = database.begin(doing).await?;
    database.within(doing, verify(&mut tx)).await
}

/// Walks the whole log in constant memory. Call it in a transaction, so that head and rows belong together.
#[cfg(feature = "ssr")]
pub async fn verify(conn: &mut MySqlConnection) -> sqlx::Result<AuditProof> {
    let head = store::audit::find_head(conn).await?;
    let mut verifier = Verifier::default();
    let mut after = 0;
    let hex: String = head.1.iter().map(|byte| format!("{byte:02x}")).collect();
    let broken = |rows: u64, found: &Break| AuditProof { ok: false, rows, head: hex.clone(), broken: Some(found.to_string()) };
    loop {
        let rows = store::audit::list_from(conn, after, crate::limits::EXPORT_ROWS_AT_ONCE).await?;
        if rows.is_empty() {
            break;
        }
        for (entry, hash) in &rows {
            if let Err(found) = verifier.next(entry, hash) {
                return Ok(broken(after, &found));
            }
            after = entry.seq;
        }
    }
    Ok(match verifier.finish(head) {
        Ok(rows) => AuditProof { ok: true, rows, head: hex, broken: None },
        Err(found) => broken(after, &found),
    })
}
