//! The steps themselves.

use crate::operations::{
    last_seen::LastSeen,
    perform::{Operation, Say},
};
use app::{
    context,
    fleet::{
        facts::{Power, ServerRole},
        gtid::Position,
        operations::database::{CATCH_UP_WITHIN_S, ChangeFacts, DatabaseChange, DatabaseStep},
    },
    operations::kind::OperationKind,
    ports::{DatabaseClient, DatabaseServer, HypervisorControl},
    values::{Moment, PortError},
};
use futures::future::join_all;
use std::{collections::BTreeMap, net::Ipv4Addr, time::Duration};

pub struct Member<S, H> {
    /// Where it is followed at.
    pub sync: Ipv4Addr,
    pub server: S,
    pub hypervisor: Result<H, PortError>,
}

/// A client's way to the writer's address and to each member.
pub struct Way<C> {
    pub machine: String,
    pub way: C,
    pub writer: Ipv4Addr,
    pub at_members: BTreeMap<String, Ipv4Addr>,
}

/// How long the world is given.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    pub look: Duration,
    /// Until rows have come to every replica.
    pub replicate: Duration,
    pub boot: Duration,
    pub reseed: Duration,
}

impl Patience {
    pub const REAL: Self = Self {
        look: Duration::from_millis(100),
        replicate: Duration::from_secs(10),
        boot: Duration::from_secs(90),
        reseed: Duration::from_secs(1_800),
    };
}

pub struct DatabaseOperation<S, C, H> {
    pub change: DatabaseChange,
    pub members: BTreeMap<String, Member<S, H>>,
    pub ways: Vec<Way<C>>,
    /// What was known of each before.
    pub last: BTreeMap<String, LastSeen>,
    pub patience: Patience,
}

/// Who tries to write to a primary that is believed to be gone.
const WITNESSES_MAX: usize = 3;

pub(super) fn sentence(error: PortError) -> String {
    format!("{error}.")
}

impl<S: DatabaseServer, C: DatabaseClient, H: HypervisorControl> DatabaseOperation<S, C, H> {
    pub(super) fn member(&self, name: &str) -> Result<&Member<S, H>, String> {
        self.members.get(name).ok_or_else(|| format!("The inventory has no database {name:?} any more."))
    }

    pub(super) fn server(&self, name: &str) -> Result<&S, String> {
        Ok(&self.member(name)?.server)
    }

    pub(super) fn hypervisor(&self, name: &str) -> Result<&H, String> {
        self.member(name)?.hypervisor.as_ref().map_err(|error| format!("{error}."))
    }

    pub(super) async fn roles(&self) -> BTreeMap<&str, Result<ServerRole, PortError>> {
        let each = self.members.iter().map(|(name, member)| async { (name.as_str(), member.server.role().await) });
        join_all(each).await.into_iter().collect()
    }

    /// Who has which role. Connections that were made for it are used by the steps after it.
    async fn note_roles(&self, facts: &mut ChangeFacts) -> Result<(), String> {
        let knock = join_all(self.ways.iter().map(|way| way.way.get_in(way.writer)));
        let (roles, _) = tokio::join!(self.roles(), knock);
        let writable: Vec<&str> =
            roles.iter().filter(|(_, role)| role.as_ref().is_ok_and(|role| !role.read_only)).map(|(name, _)| *name).collect();
        match self.change.kind {
            OperationKind::SwitchOverDatabase => {
                let [primary] = writable[..] else {
                    return Err(format!("One server is to take writes, and these do: {}.", writable.join(", ")));
                };
                facts.primary = primary.into();
                facts.target = self.target()?;
            }
            OperationKind::FailOverDatabase => {
                let target = self.target()?;
                let role = roles.get(target.as_str());
                let role = role.ok_or_else(|| format!("The inventory has no database {target:?} any more."))?;
                let role = role.as_ref().map_err(|error| format!("{error}."))?;
                if !role.read_only {
                    return Err(format!("{target} takes writes already."));
                }
                let followed = self.members.iter().find(|(_, member)| Some(member.sync) == role.follows);
                facts.primary =
                    followed.map(|(name, _)| name.clone()).ok_or_else(|| format!("{target} follows nobody we know."))?;
                facts.target = target;
            }
            _ => {
                let subject = &self.change.subject;
                let primary = writable.iter().find(|name| *name != subject);
                facts.primary = primary.ok_or("Nobody else takes writes; there is nobody to follow.")?.to_string();
                facts.target.clone_from(subject);
                let power = self.hypervisor(subject)?.power(subject).await.map_err(sentence)?;
                facts.was_off = power == Power::Off;
            }
        }
        if facts.target == facts.primary {
            return Err(format!("{} is the primary already.", facts.primary));
        }
        Ok(())
    }

    fn target(&self) -> Result<String, String> {
        self.change.wanted_target.clone().ok_or_else(|| "The plan does not say who becomes primary.".into())
    }

    async fn stop_writes(&self, facts: &mut ChangeFacts, say: &Say<'_>) -> Result<(), String> {
        facts.stopped_at_us = Some(context::now().micros());
        let position = self.server(&facts.primary)?.stop_writes(self.change.kill_transactions).await.map_err(sentence)?;
        say(format!("{} takes no writes any more; it is at {position}.", facts.primary));
        facts.position = Some(position);
        Ok(())
    }

    async fn catch_up(&self, facts: &ChangeFacts, say: &Say<'_>) -> Result<(), String> {
        let position = facts.position.as_deref().ok_or("Nobody noted how far the old primary was.")?;
        if position.is_empty() {
            return Ok(());
        }
        let within = Duration::from_secs(CATCH_UP_WITHIN_S);
        self.server(&facts.target)?.wait_for(position, within).await.map_err(sentence)?;
        say(format!("{} has applied everything up to {position}.", facts.target));
        Ok(())
    }

    /// A primary that anybody can still write to is not gone.
    async fn confirm_gone(&self, facts: &mut ChangeFacts, say: &Say<'_>) -> Result<(), String> {
        let primary = &facts.primary;
        let last = self.last.get(primary).filter(|last| last.took_writes);
        facts.stopped_at_us = Some(last.map_or(context::now(), |last| last.at).micros());
        if let Ok(hypervisor) = self.hypervisor(primary)
            && matches!(hypervisor.power(primary).await, Ok(Power::Off))
        {
            say(format!("{primary} is switched off."));
            return Ok(());
        }
        let tries = self.ways.iter().filter_map(|way| Some((way, *way.at_members.get(primary)?))).take(WITNESSES_MAX);
        let tried =
            join_all(tries.map(|(way, at)| async move { (way.machine.as_str(), way.way.write(at, context::now()).await) })).await;
        if tried.is_empty() {
            return Err(format!("Nobody else could look whether {primary} is gone: it may be the panel that is cut off."));
        }
        for (machine, wrote) in tried {
            match wrote {
                Ok(()) => return Err(format!("{machine} can still write to {primary}. Switch over instead of failing over.")),
                Err(error) => say(format!("{error}.")),
            }
        }
        Ok(())
    }

    async fn fence(&self, facts: &mut ChangeFacts, say: &Say<'_>) -> Result<(), String> {
        let primary = &facts.primary;
        let off = async {
            let hypervisor = self.hypervisor(primary)?;
            hypervisor.power_off(primary).await.map_err(sentence)?;
            match hypervisor.power(primary).await.map_err(sentence)? {
                Power::Off => Ok(()),
                other => Err(format!("Its hypervisor says that {primary} is {other:?}, not off.")),
            }
        };
        let how = match off.await {
            Ok(()) => format!("{primary} is switched off."),
            Err(why) => {
                say(why.clone());
                let own = self.server(primary)?.stop_writes(true).await;
                own.map_err(|error| format!("{why} And it does not make itself read-only: {error}. Nobody may take its place."))?;
                format!("{primary} made itself read-only; its hypervisor did not switch it off.")
            }
        };
        say(how.clone());
        facts.fenced = Some(how);
        Ok(())
    }

    /// One that does not answer is as it was before the failover began: it cannot have made itself read-only either.
    async fn unfence(&self, facts: &ChangeFacts, say: &Say<'_>) -> Result<(), String> {
        let primary = &facts.primary;
        let power = match self.hypervisor(primary) {
            Ok(hypervisor) => Some((hypervisor, hypervisor.power(primary).await)),
            Err(_) => None,
        };
        match power {
            Some((hypervisor, Ok(Power::Off))) => {
                hypervisor.power_on(primary).await.map_err(sentence)?;
                say(format!("{primary} is switched on again; it takes its role back when its replica follows it."));
                Ok(())
            }
            _ => match self.server(primary)?.role().await {
                Ok(role) if role.read_only => self.server(primary)?.allow_writes().await.map_err(sentence),
                Ok(_) => Ok(()),
                Err(error) => {
                    say(format!("{error}. It is left as it is."));
                    Ok(())
                }
            },
        }
    }

    async fn apply_relay(&self, facts: &mut ChangeFacts, say: &Say<'_>) -> Result<(), String> {
        let target = self.server(&facts.target)?;
        let received = target.stop_receiving().await.map_err(sentence)?;
        if !received.is_empty() {
            target.wait_for(&received, Duration::from_secs(CATCH_UP_WITHIN_S)).await.map_err(sentence)?;
        }
        say(format!("{} has applied everything it had received, up to {received}.", facts.target));
        facts.position = Some(received);
        Ok(())
    }

    async fn move_address(&self, facts: &mut ChangeFacts, say: &Say<'_>) -> Result<(), String> {
        self.server(&facts.target)?.take_addresses().await.map_err(sentence)?;
        if let Some(stopped) = facts.stopped_at_us {
            let gap = context::now().since(Moment::from_micros(stopped));
            facts.write_gap_ms = u64::try_from(gap.as_millis()).ok();
            say(format!("Nobody could write for {} ms.", gap.as_millis()));
        }
        Ok(())
    }

    pub(super) fn others<'a>(&'a self, facts: &'a ChangeFacts) -> impl Iterator<Item = (&'a String, &'a Member<S, H>)> {
        self.members.iter().filter(|(name, _)| **name != facts.primary && **name != facts.target)
    }

    /// One that does not answer is read-only and follows nobody that writes: it is rejoined later.
    async fn follow_new(&self, facts: &ChangeFacts, say: &Say<'_>) -> Result<(), String> {
        let target = self.member(&facts.target)?.sync;
        for (name, member) in self.others(facts) {
            match member.server.follow(target, false).await {
                Ok(()) => say(format!("{name} follows {}.", facts.target)),
                Err(error) => say(format!("{error}. Rejoin {name} when it is back.")),
            }
        }
        Ok(())
    }

    async fn record_loss(&self, facts: &mut ChangeFacts, say: &Say<'_>) -> Result<(), String> {
        let own = self.server(&facts.target)?.role().await.map_err(sentence)?;
        let sentence = match self.last.get(&facts.primary) {
            Some(last) if last.semi_sync => format!(
                "Nothing acknowledged: when {} was last seen, at {} UTC, each commit had waited for a replica since {} UTC.",
                facts.primary, last.at, last.since
            ),
            Some(last) => {
                let known = last.position.parse::<Position>().ok().zip(own.position.parse::<Position>().ok());
                let lacks = known.map_or("an unknown number of".into(), |(theirs, own)| own.lacks(&theirs).to_string());
                format!(
                    "Commits did not wait for a replica. {lacks} transaction(s) of those known at {} UTC are not on {}, and what came after.",
                    last.at, facts.target
                )
            }
            None => format!("Nobody saw {} before: what it acknowledged last may be lost.", facts.primary),
        };
        say(sentence.clone());
        facts.lost = Some(sentence);
        Ok(())
    }
}

impl<S: DatabaseServer, C: DatabaseClient, H: HypervisorControl> Operation for DatabaseOperation<S, C, H> {
    type Step = DatabaseStep;
    type Facts = ChangeFacts;

    fn find_step(name: &str) -> Option<DatabaseStep> {
        DatabaseStep::find(name)
    }

    fn deadline(&self, step: DatabaseStep) -> Duration {
        let second = Duration::from_secs(1);
        match step {
            DatabaseStep::CatchUp | DatabaseStep::ApplyRelay => 40 * second,
            DatabaseStep::Verify | DatabaseStep::VerifyFollows => 30 * second + self.patience.replicate,
            DatabaseStep::SwitchOn => 30 * second + self.patience.boot,
            DatabaseStep::SaveErrant => 90 * second,
            DatabaseStep::Reseed => 60 * second + 2 * self.patience.reseed,
            DatabaseStep::NoteRoles
            | DatabaseStep::StopWrites
            | DatabaseStep::ConfirmGone
            | DatabaseStep::Fence
            | DatabaseStep::Promote
            | DatabaseStep::MoveAddress
            | DatabaseStep::FollowNew
            | DatabaseStep::DemoteOld
            | DatabaseStep::RecordLoss
            | DatabaseStep::Follow => 30 * second,
        }
    }

    async fn run(&self, step: DatabaseStep, facts: &mut ChangeFacts, say: &Say<'_>) -> Result<(), String> {
        match step {
            DatabaseStep::NoteRoles => self.note_roles(facts).await,
            DatabaseStep::StopWrites => self.stop_writes(facts, say).await,
            DatabaseStep::CatchUp => self.catch_up(facts, say).await,
            DatabaseStep::ConfirmGone => self.confirm_gone(facts, say).await,
            DatabaseStep::Fence => self.fence(facts, say).await,
            DatabaseStep::ApplyRelay => self.apply_relay(facts, say).await,
            DatabaseStep::Promote => self.server(&facts.target)?.promote().await.map_err(sentence),
            DatabaseStep::MoveAddress => self.move_address(facts, say).await,
            DatabaseStep::FollowNew => self.follow_new(facts, say).await,
            DatabaseStep::DemoteOld => {
                let target = self.member(&facts.target)?.sync;
                self.server(&facts.primary)?.follow(target, true).await.map_err(sentence)
            }
            DatabaseStep::RecordLoss => self.record_loss(facts, say).await,
            DatabaseStep::Verify => self.verify(facts, say).await,
            DatabaseStep::SwitchOn => self.switch_on(facts, say).await,
            DatabaseStep::SaveErrant => self.save_errant(facts, say).await,
            DatabaseStep::Reseed => self.reseed(facts, say).await,
            DatabaseStep::Follow => self.follow(facts, say).await,
            DatabaseStep::VerifyFollows => self.verify_follows(facts, say).await,
        }
    }

    async fn undo(&self, step: DatabaseStep, facts: &ChangeFacts, say: &Say<'_>) -> Result<(), String> {
        match step {
            DatabaseStep::StopWrites => {
                self.server(&facts.primary)?.allow_writes().await.map_err(sentence)?;
                say(format!("{} takes writes again.", facts.primary));
                Ok(())
            }
            DatabaseStep::Fence => self.unfence(facts, say).await,
            DatabaseStep::ApplyRelay => self.server(&facts.target)?.receive().await.map_err(sentence),
            DatabaseStep::SwitchOn if facts.was_off => {
                self.hypervisor(&facts.target)?.power_off(&facts.target).await.map_err(sentence)
            }
            DatabaseStep::Follow => self.server(&facts.target)?.follow_nobody().await.map_err(sentence),
            // They only read, or add a file.
            DatabaseStep::NoteRoles
            | DatabaseStep::CatchUp
            | DatabaseStep::ConfirmGone
            | DatabaseStep::RecordLoss
            | DatabaseStep::SaveErrant
            | DatabaseStep::SwitchOn
            | DatabaseStep::VerifyFollows => Ok(()),
            // The plan says why not; nobody comes here.
            DatabaseStep::Promote
            | DatabaseStep::MoveAddress
            | DatabaseStep::FollowNew
            | DatabaseStep::DemoteOld
            | DatabaseStep::Verify
            | DatabaseStep::Reseed => Err("It cannot be undone.".into()),
        }
    }
}
