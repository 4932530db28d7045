//! The PBXs' own files of call records, read through the observers' shells: those are where the PBXs are reached from, and the
//! collector is on the panel's own runtime.

use crate::{
    adapters::ssh::Ssh,
    cdr::local::{LocalFile, LocalFiles, PATH, Wish},
};
use app::{
    calls::{sources::SourceKind, state::CallsState},
    context,
    fleet::inventory::{Inventory, Role},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
    sync::Arc,
    time::Duration,
};
use tokio::task::spawn_local;
use tokio_util::sync::CancellationToken;

/// What a table got is there within a second; this is for what it did not get. Shorter than the time after which another panel takes
/// a source over.
const EVERY: Duration = Duration::from_secs(5);

/// A file for each PBX that has a shell.
pub fn open(inventory: &Inventory, shells: &BTreeMap<String, Rc<Ssh>>) -> Vec<LocalFile> {
    let reached = inventory.of_role(Role::Asterisk).filter_map(|machine| Some((&machine.name, shells.get(&machine.name)?)));
    let open = |(name, shell): (&String, &Rc<Ssh>)| {
        let (file, mut wishes) = LocalFile::new(name);
        let shell = Rc::clone(shell);
        spawn_local(async move {
            while let Some(Wish { place, tell }) = wishes.recv().await {
                // Whoever asked may have gone.
                let _ = tell.send(shell.tail(PATH, place).await);
            }
        });
        file
    };
    reached.map(open).collect()
}

/// Round after round, while an inventory is in force. That a machine is away its look says; here it is one line in the log.
pub async fn collect(files: LocalFiles, calls: Arc<CallsState>, stop: CancellationToken) {
    let mut failing = BTreeSet::new();
    files.pbxs().for_each(|pbx| calls.expect_source(SourceKind::Pbx, pbx, context::now()));
    loop {
        // First of all, because the shells have just begun to connect.
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        for (pbx, read) in files.round().await {
            calls.note_source(SourceKind::Pbx, pbx, read.as_ref().map(drop).map_err(String::as_str), context::now());
            match read {
                Ok(new) => {
                    if failing.remove(pbx) {
                        tracing::info!(pbx, "the call records in its own file are read again");
                    }
                    if new > 0 {
                        tracing::debug!(pbx, new, "calls came from its own file before the table had them");
                    }
                }
                Err(why) => {
                    if failing.insert(pbx.to_string()) {
                        tracing::warn!(pbx, "the call records in its own file are not read: {why}");
                    }
                }
            }
        }
    }
}
