//! Goes on with every operation that was begun, also by another process; needs no database. Beside it, the journal is copied into the
//! database while that is there.

use super::{Round, Tasks};
use crate::operations::{desk::ServerDesk, journal::JournalError, mirror::Mirror, perform::POLL, runner::Runner};
use app::{
    context,
    database::Database,
    operations::{sheet::Summary, state::OperationsState},
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::sync::Mutex;

pub fn start(tasks: &Tasks, state: &Path, given: Option<PathBuf>, database: &Arc<Database>, panel: &str) {
    copy(tasks, Mirror::new(state, panel, Arc::clone(database)));
    let (state, runner) = (state.to_path_buf(), Arc::new(Mutex::new(None)));
    let does = "goes on with operations that were begun";
    let round = Round { name: "operations", does, every: POLL, deadline: Duration::from_secs(20) };
    tasks.spawn(round, move || {
        let (state, given, runner) = (state.clone(), given.clone(), Arc::clone(&runner));
        async move {
            let mut runner = runner.lock().await;
            if runner.is_none() {
                // A command may have them at the moment; it lets go when it is done.
                *runner = Runner::take(&state, given).await.map_err(|error| error.to_string())?;
            }
            match runner.as_mut() {
                Some(runner) => runner.look().await.map(drop).map_err(|error| error.to_string()),
                None => Ok(()),
            }
        }
    });
}

/// Tells the pages when the journal has grown, whoever wrote it: this panel, or a command beside it.
pub fn follow(tasks: &Tasks, desk: &Arc<ServerDesk>, told: &Arc<OperationsState>) {
    let (desk, told, seen) = (Arc::clone(desk), Arc::clone(told), Arc::new(Mutex::new(0)));
    let does = "tells the pages what the journal of operations has new";
    let round = Round { name: "operation pages", does, every: POLL, deadline: Duration::from_secs(20) };
    tasks.spawn(round, move || {
        let (desk, told, seen) = (Arc::clone(&desk), Arc::clone(&told), Arc::clone(&seen));
        async move {
            let mut seen = seen.lock().await;
            *seen = look(&desk, &told, *seen).await.map_err(|error| error.to_string())?;
            Ok(())
        }
    });
}

/// The place up to which it has been told.
async fn look(desk: &ServerDesk, told: &OperationsState, seen: i64) -> Result<i64, JournalError> {
    let Some(journal) = desk.existing().await? else { return Ok(seen) };
    let last = journal.last().await?;
    if last != seen {
        let mut active = Vec::new();
        for id in journal.active().await? {
            // One that cannot be read is told by the runner, and hides no other.
            if let Ok(run) = journal.run(id).await {
                active.push(Summary::of(&run));
            }
        }
        told.tell(active, context::now());
    }
    Ok(last)
}

fn copy(tasks: &Tasks, mirror: Mirror) {
    let mirror = Arc::new(Mutex::new(mirror));
    let does = "copies the journal of operations into the database";
    let round = Round { name: "operation journal", does, every: Duration::from_secs(1), deadline: Duration::from_secs(60) };
    tasks.spawn(round, move || {
        let mirror = Arc::clone(&mirror);
        async move { mirror.lock().await.look().await }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operations::{harness::letters, journal::Journal};
    use app::{
        live::{Hub, Topic},
        operations::journal::{Event, Outcome},
        values::RequestId,
    };

    #[tokio::test]
    async fn pages_are_woken_when_the_journal_grows_and_only_then() {
        let dir = tempfile::tempdir().expect("a folder");
        let (desk, hub) = (Arc::new(ServerDesk::new(dir.path(), None)), Arc::new(Hub::new(RequestId("boot".into()))));
        let told = OperationsState::new(Arc::clone(&desk) as _, Arc::clone(&hub));
        let woken = || *hub.watch(Topic::Operations).borrow();
        assert_eq!((look(&desk, &told, 0).await, woken()), (Ok(0), 0), "there is no journal");
        let journal = Journal::open(dir.path()).await.expect("a journal");
        let id = journal.start(&letters("carrier-a", "ab"), "ada", context::now()).await.expect("it starts");
        let seen = look(&desk, &told, 0).await.expect("it is read");
        assert_eq!((woken(), told.active().len(), told.active()[0].id), (1, 1, id));
        assert_eq!((look(&desk, &told, seen).await, woken()), (Ok(seen), 1), "nothing is new");
        let run = journal.run(id).await.expect("it is there");
        journal.append(&run, "panel", context::now(), Event::Finished { outcome: Outcome::Done }).await.expect("appended");
        look(&desk, &told, seen).await.expect("it is read");
        assert_eq!((woken(), told.active().len()), (2, 0));
    }
}
