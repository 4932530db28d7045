//! The proof of a switchover or failover: each client writes at the writer's address, and every replica has it.

use super::run::{DatabaseOperation, Member, sentence};
use crate::operations::perform::Say;
use app::{
    context,
    fleet::operations::database::ChangeFacts,
    operations::kind::OperationKind,
    ports::{DatabaseClient, DatabaseServer, HypervisorControl},
};
use futures::future::join_all;
use std::{collections::BTreeMap, time::Instant};
use tokio::time::sleep;

impl<S: DatabaseServer, C: DatabaseClient, H: HypervisorControl> DatabaseOperation<S, C, H> {
    pub(super) async fn verify(&self, facts: &mut ChangeFacts, say: &Say<'_>) -> Result<(), String> {
        let planned = self.change.kind == OperationKind::SwitchOverDatabase;
        let (mut written, mut failed) = (BTreeMap::new(), Vec::new());
        let writes = self.ways.iter().map(|way| async {
            let at = context::now();
            (way.machine.as_str(), at, way.way.write(way.writer, at).await)
        });
        for (machine, at, wrote) in join_all(writes).await {
            match wrote {
                Ok(()) => drop(written.insert(machine, at.micros())),
                Err(error) => failed.push(format!("{error}.")),
            }
        }
        if !failed.is_empty() && (planned || written.is_empty()) {
            return Err(failed.join(" "));
        }
        failed.into_iter().for_each(say);
        let mut readers: Vec<(&String, &Member<S, H>)> = self.others(facts).collect();
        if planned {
            readers.extend(self.members.get_key_value(&facts.primary));
        }
        if readers.is_empty() {
            readers.extend(self.members.get_key_value(&facts.target));
        }
        for (name, member) in readers {
            match self.read_back(&member.server, &written).await {
                Ok(()) => say(format!("{} row(s) written at the writer's address are on {name}.", written.len())),
                Err(why) if planned => return Err(format!("{name}: {why}")),
                Err(why) => say(format!("{name}: {why}")),
            }
        }
        let roles = self.roles().await;
        let writable: Vec<&str> =
            roles.iter().filter(|(_, role)| role.as_ref().is_ok_and(|role| !role.read_only)).map(|(name, _)| *name).collect();
        if writable != [facts.target.as_str()] {
            return Err(format!("Only {} is to take writes, and these do: {}.", facts.target, writable.join(", ")));
        }
        facts.proved_by = written.into_keys().map(Into::into).collect();
        Ok(())
    }

    pub(super) async fn read_back(&self, server: &S, written: &BTreeMap<&str, i64>) -> Result<(), String> {
        let until = Instant::now() + self.patience.replicate;
        loop {
            let seen = server.proofs().await.map_err(sentence);
            let missing = match &seen {
                Ok(seen) => {
                    written.iter().find(|(client, at)| seen.get(**client).is_none_or(|seen| seen < *at)).map(|(client, _)| *client)
                }
                Err(_) => Some("any client"),
            };
            let Some(missing) = missing else { return Ok(()) };
            if Instant::now() >= until {
                let waited = self.patience.replicate.as_secs();
                return Err(seen.err().unwrap_or_else(|| format!("The row of {missing} has not come there within {waited} s.")));
            }
            sleep(self.patience.look).await;
        }
    }
}
