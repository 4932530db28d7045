//! Who runs operations: one process of a state folder, which holds a lock that the kernel lets go of when it dies. Whoever has it
//! goes on with everything that was begun.
//!
//! Each operation has a thread of its own in the network its machines are reached from; what it does is written down before.

use super::{
    ground::Ground,
    journal::{Journal, JournalError},
    perform::{BY, Pace, Performer},
    steps,
};
use crate::observe::place::Outpost;
use app::{
    operations::{journal::Event, run::Next},
    values::OperationId,
};
use std::{
    collections::BTreeMap,
    fs::{File, TryLockError},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

const LOCK: &str = "operations.lock";

pub struct Runner {
    state: PathBuf,
    /// The inventory of the configuration.
    given: Option<PathBuf>,
    journal: Journal,
    under_way: BTreeMap<OperationId, UnderWay>,
    /// Of what could not be gone on with, the last reason; said once.
    told: BTreeMap<OperationId, String>,
    /// Let go of last.
    _lock: File,
}

/// An operation on its thread, and why that ended where it should not have.
struct UnderWay {
    outpost: Outpost,
    failed: Arc<Mutex<Option<String>>>,
}

impl Runner {
    /// `None` while another process runs the operations of this folder.
    pub async fn take(state: &Path, given: Option<PathBuf>) -> Result<Option<Self>, JournalError> {
        let path = state.join(LOCK);
        let failed = |error: std::io::Error| JournalError::Failed {
            file: path.display().to_string(),
            said: format!("cannot be locked: {error}"),
        };
        let lock = File::options().create(true).append(true).mode(0o600).open(&path).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let journal = Journal::open(state).await?;
        let (state, under_way, told) = (state.into(), BTreeMap::new(), BTreeMap::new());
        Ok(Some(Self { state, given, journal, under_way, told, _lock: lock }))
    }

    /// Goes on with whatever has something to be done and is not under way. Gives whether anything is.
    pub async fn look(&mut self) -> Result<bool, JournalError> {
        let failed = self.ended();
        for id in self.journal.active().await? {
            // What has just failed has until the next look to get better.
            if self.under_way.contains_key(&id) || failed.contains(&id) {
                continue;
            }
            match self.journal.run(id).await {
                Ok(run) if run.next(app::context::now()) == Next::Rest => continue,
                Ok(_) => {}
                // One that cannot be read keeps no other waiting.
                Err(error) => {
                    self.tell(id, error.to_string());
                    continue;
                }
            }
            match Ground::find(&self.state, self.given.as_deref()).and_then(|ground| self.begin(id, ground)) {
                Ok(under_way) => drop(self.under_way.insert(id, under_way)),
                Err(why) => self.tell(id, why),
            }
        }
        Ok(!self.under_way.is_empty())
    }

    /// Takes leave of the threads that ended, and gives the operations whose journal could not be written.
    fn ended(&mut self) -> Vec<OperationId> {
        let over: Vec<OperationId> = self.under_way.iter().filter(|(_, one)| one.outpost.is_over()).map(|(id, _)| *id).collect();
        let mut failed = Vec::new();
        for id in over {
            let ended = self.under_way.remove(&id);
            match ended.and_then(|one| one.failed.lock().unwrap_or_else(PoisonError::into_inner).take()) {
                Some(why) => {
                    self.tell(id, why);
                    failed.push(id);
                }
                None => drop(self.told.remove(&id)),
            }
        }
        failed
    }

    fn tell(&mut self, id: OperationId, why: String) {
        if self.told.get(&id) != Some(&why) {
            tracing::warn!(operation = id.0, "it cannot be gone on with: {why}");
            self.told.insert(id, why);
        }
    }

    /// What could not be gone on with, and why.
    pub fn waits(&self) -> impl Iterator<Item = (OperationId, &str)> {
        self.told.iter().map(|(id, why)| (*id, why.as_str()))
    }

    fn begin(&self, id: OperationId, ground: Ground) -> Result<UnderWay, String> {
        let (journal, place, failed) = (self.journal.clone(), ground.place.clone(), Arc::default());
        let told: Arc<Mutex<Option<String>>> = Arc::clone(&failed);
        let outpost = Outpost::start(place, "operation", move |_stop| async move {
            if let Err(error) = go_on(&journal, id, &ground).await {
                *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
            }
        })?;
        Ok(UnderWay { outpost, failed })
    }
}

/// Makes the operation from its plan and brings it as far as it goes.
async fn go_on(journal: &Journal, id: OperationId, ground: &Ground) -> Result<(), JournalError> {
    let run = journal.run(id).await?;
    let performer = Performer { journal, id, pace: Pace::REAL };
    match steps::perform(&run.plan, ground, &performer).await {
        Ok(ended) => ended.map(drop),
        Err(why) => {
            let question = format!("{why} Mend that and let it try again, or bring it to an end by hand and resolve it.");
            match journal.append(&run, BY, app::context::now(), Event::Stuck { question }).await {
                Ok(_) | Err(JournalError::Conflict) => Ok(()),
                Err(error) => Err(error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_process_runs_the_operations_of_a_folder() {
        let dir = tempfile::tempdir().expect("a folder");
        let first = Runner::take(dir.path(), None).await.expect("a journal").expect("nobody else");
        assert!(Runner::take(dir.path(), None).await.expect("a journal").is_none());
        drop(first);
        assert!(Runner::take(dir.path(), None).await.expect("a journal").is_some());
    }

    #[tokio::test]
    async fn without_an_inventory_an_operation_waits_and_the_reason_is_known() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut runner = Runner::take(dir.path(), None).await.expect("a journal").expect("nobody else");
        assert_eq!(runner.look().await, Ok(false), "nothing was begun");
        let plan = crate::operations::harness::letters("carrier-a", "a");
        let id = runner.journal.start(&plan, "ada", app::context::now()).await.expect("it starts");
        assert_eq!(runner.look().await, Ok(false));
        let waits: Vec<_> = runner.waits().collect();
        assert!(matches!(waits[..], [(waiting, why)] if waiting == id && why.contains("no inventory")), "{waits:?}");
        assert_eq!(runner.journal.run(id).await.map(|run| run.next_number), Ok(1), "nothing was written");
    }
}
