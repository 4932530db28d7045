//! `wirecenter audit verify`: proves the chain.

use super::{Common, Failure, say, say_json, store::Store};
use app::{auth::api::audit::verify, values::quantity::format_count};
use clap::Subcommand;
use serde_json::json;

#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Find any row of the audit log that was edited, removed or reordered
    #[command(after_help = "Example:\n  wirecenter audit verify --json")]
    Verify {
        #[command(flatten)]
        common: Common,
    },
}

pub async fn run(command: AuditCommand) -> Result<(), Failure> {
    let AuditCommand::Verify { common } = command;
    let store = Store::open(&common).await?;
    // Head and rows are read in one transaction, so that a row appended meanwhile is not taken for a break.
    let proof = match store.begin().await {
        Ok(mut tx) => verify(&mut tx).await.map_err(Failure::from),
        Err(failure) => Err(failure),
    };
    store.close().await;
    let proof = proof?;
    let rows = format_count(proof.rows);
    if common.json {
        match &proof.broken {
            None => say_json(&json!({ "ok": true, "rows": proof.rows, "head": proof.head })),
            Some(broken) => say_json(&json!({ "ok": false, "rows": proof.rows, "head": proof.head, "broken": broken })),
        }
    } else if proof.ok {
        say(format!("All {rows} rows of the audit log are as they were written."));
    }
    match proof.broken {
        None => Ok(()),
        Some(broken) => Err(Failure::new(format!("The audit log is broken after row {rows}. {broken} Compare with a backup."))),
    }
}
