//! A rehearsal of each database cluster's switchover and failover every thirty days, where the configuration says
//! `[operations] rehearse_monthly = true`: what was never tried does not work at 3 a.m.

use super::{Round, Tasks};
use crate::operations::{
    ground::Ground,
    journal::Journal,
    start::{NotStarted, Wanted},
};
use app::{
    context,
    fleet::inventory::Role,
    operations::{kind::OperationKind, refusal::Refusal, run::Run},
    values::{Level, Moment},
};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

const MONTH: Duration = Duration::from_secs(30 * 24 * 3_600);
const EVERY: Duration = Duration::from_secs(3_600);
/// Far back enough for a month of a busy panel.
const RUNS_LOOKED_AT: u32 = 1_000;
const BY: &str = "monthly rehearsal";

pub fn start(tasks: &Tasks, state: &Path, given: Option<PathBuf>) {
    let state = state.to_path_buf();
    let does = "rehearses a switchover and a failover each month";
    let round = Round { name: "rehearsals", does, every: EVERY, deadline: Duration::from_secs(60) };
    tasks.spawn(round, move || {
        let (state, given) = (state.clone(), given.clone());
        async move { look(&state, given.as_deref()).await }
    });
}

async fn look(state: &Path, given: Option<&Path>) -> Result<(), String> {
    // Before there is an inventory there is nothing to rehearse.
    let Ok(ground) = Ground::find(state, given) else { return Ok(()) };
    let journal = Journal::open(state).await.map_err(|error| error.to_string())?;
    let runs = journal.latest(RUNS_LOOKED_AT).await.map_err(|error| error.to_string())?;
    let clusters = ground.inventory.clusters.iter().filter(|(_, cluster)| cluster.role == Role::Mariadb);
    for (cluster, _) in clusters.filter(|(cluster, _)| is_due(&runs, cluster, context::now())) {
        let wanted = Wanted { kind: OperationKind::Rehearse, subject: cluster.clone(), settings: BTreeMap::new() };
        let plan = wanted.plan(ground.clone()).await.map_err(|error| error.to_string())?;
        match wanted.start(ground.clone(), &journal, &plan.fingerprint(), Level::L3, BY).await {
            Ok(_) | Err(NotStarted::Refused(Refusal::Held { .. })) => {}
            Err(error) => return Err(format!("{cluster} is not rehearsed: {error}")),
        }
    }
    journal.close().await;
    Ok(())
}

/// Whoever rehearsed it, by hand or by itself.
fn is_due(runs: &[Run], cluster: &str, now: Moment) -> bool {
    let its = runs.iter().filter(|run| run.plan.kind == OperationKind::Rehearse && run.plan.subject == cluster);
    its.map(|run| run.started_at).max().is_none_or(|last| now.since(last) >= MONTH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operations::harness::letters;

    #[tokio::test]
    async fn what_was_rehearsed_a_month_ago_or_never_is_due() {
        let dir = tempfile::tempdir().expect("a folder");
        let journal = Journal::open(dir.path()).await.expect("a journal");
        let mut plan = letters("database", "a");
        plan.kind = OperationKind::Rehearse;
        let began = Moment::from_seconds(1_000_000);
        journal.start(&plan, "ada", began).await.expect("it starts");
        let runs = journal.latest(10).await.expect("a journal");
        assert!(!is_due(&runs, "database", began.plus(MONTH / 2)));
        assert!(is_due(&runs, "database", began.plus(MONTH)));
        assert!(is_due(&runs, "other", began), "another cluster");
        assert!(is_due(&[], "database", began));
    }
}
