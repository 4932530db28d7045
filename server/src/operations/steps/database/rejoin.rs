//! The steps of one that comes back: it is switched on read-only, what only it has is saved, and it follows the primary.

use super::run::{DatabaseOperation, sentence};
use crate::{credentials, operations::perform::Say};
use app::{
    fleet::{
        facts::{Power, ServerRole},
        gtid::{Gtid, Position, Writers},
        operations::database::{ChangeFacts, ERRANT},
    },
    ports::{DatabaseClient, DatabaseServer, HypervisorControl},
};
use std::time::Instant;
use tokio::time::sleep;

/// What stands in one log and not in the other.
fn beyond(own: &ServerRole, primary: &ServerRole) -> Result<(Vec<Gtid>, Writers), String> {
    let wrong = |error: app::fleet::gtid::NoGtid| format!("{error}.");
    let applied: Position = primary.applied.parse().map_err(wrong)?;
    let known = primary.written.parse::<Writers>().map_err(wrong)?.and(&applied);
    Ok((own.written.parse::<Writers>().map_err(wrong)?.beyond(&known), known))
}

impl<S: DatabaseServer, C: DatabaseClient, H: HypervisorControl> DatabaseOperation<S, C, H> {
    pub(super) async fn switch_on(&self, facts: &ChangeFacts, say: &Say<'_>) -> Result<(), String> {
        let target = &facts.target;
        let hypervisor = self.hypervisor(target)?;
        if hypervisor.power(target).await.map_err(sentence)? != Power::On {
            hypervisor.power_on(target).await.map_err(sentence)?;
            say(format!("{target} is switched on."));
        }
        let until = Instant::now() + self.patience.boot;
        loop {
            match self.server(target)?.role().await {
                Ok(role) if role.read_only => return Ok(()),
                Ok(_) => return Err(format!("{target} takes writes while {} does too. Make it read-only at once.", facts.primary)),
                Err(error) if Instant::now() >= until => return Err(format!("{error}.")),
                Err(_) => sleep(self.patience.look).await,
            }
        }
    }

    pub(super) async fn save_errant(&self, facts: &mut ChangeFacts, say: &Say<'_>) -> Result<(), String> {
        let own = self.server(&facts.target)?.role().await.map_err(sentence)?;
        let primary = self.server(&facts.primary)?.role().await.map_err(sentence)?;
        let (found, known) = beyond(&own, &primary)?;
        if found.is_empty() {
            say(format!("Nothing stands in the log of {} only.", facts.target));
            return Ok(());
        }
        let from: Vec<Gtid> = found.iter().map(|gtid| known.newest_of(*gtid)).collect();
        let file = self.server(&facts.target)?.save_after(&from).await.map_err(sentence)?;
        let each: Vec<String> = found.iter().zip(&from).map(|(last, first)| format!("{first} (not in it) to {last}")).collect();
        let what = format!("Only {} has what lies from {}; it is saved in {file} there.", facts.target, each.join(", "));
        say(what.clone());
        facts.errant_file = Some(file);
        if self.change.reseed {
            return Ok(());
        }
        let (setting, kind) = (ERRANT, self.change.kind);
        Err(format!(
            "{what} Look at it, and then start {kind} with {setting}=save_and_reseed: its data is made anew from {}.",
            facts.primary
        ))
    }

    pub(super) async fn reseed(&self, facts: &ChangeFacts, say: &Say<'_>) -> Result<(), String> {
        let (from, to) = (self.member(&facts.primary)?, self.member(&facts.target)?);
        let password = credentials::secret();
        from.server.lend(to.sync, &password).await.map_err(sentence)?;
        let made = to.server.reseed(from.sync, &password, self.patience.reseed).await;
        // Whatever became of it, nobody may go on reading everything.
        let ended = from.server.end_lending(to.sync).await;
        made.and(ended).map_err(sentence)?;
        say(format!("{} has the data of {}.", facts.target, facts.primary));
        Ok(())
    }

    pub(super) async fn follow(&self, facts: &ChangeFacts, say: &Say<'_>) -> Result<(), String> {
        let own = self.server(&facts.target)?.role().await.map_err(sentence)?;
        // What it wrote as primary is in its own log only; one that followed, or was made anew, knows where it is.
        let was_primary = own.follows.is_none() && !self.change.reseed;
        self.server(&facts.target)?.follow(self.member(&facts.primary)?.sync, was_primary).await.map_err(sentence)?;
        say(format!("{} follows {}.", facts.target, facts.primary));
        Ok(())
    }

    pub(super) async fn verify_follows(&self, facts: &ChangeFacts, say: &Say<'_>) -> Result<(), String> {
        let source = self.member(&facts.primary)?;
        let wanted: Position =
            source.server.role().await.map_err(sentence)?.position.parse().map_err(|error| format!("{error}."))?;
        let until = Instant::now() + self.patience.replicate;
        loop {
            let role = self.server(&facts.target)?.role().await.map_err(sentence)?;
            if !role.read_only {
                return Err(format!("{} takes writes.", facts.target));
            }
            let at: Position = role.applied.parse().map_err(|error| format!("{error}."))?;
            let left = at.lacks(&wanted);
            if role.follows == Some(source.sync) && role.receives && role.applies && left == 0 {
                say(format!("{} has applied everything up to {wanted}.", facts.target));
                return Ok(());
            }
            if Instant::now() >= until {
                let why = role.error.map_or_else(|| format!("{left} transaction(s) are left."), |error| format!("{error}."));
                return Err(format!("{} does not follow {}: {why}", facts.target, facts.primary));
            }
            sleep(self.patience.look).await;
        }
    }
}
