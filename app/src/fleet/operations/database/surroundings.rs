//! The preflights about what is around the servers: sessions, observers, hypervisors, clients, backups, clocks; and those of a
//! rejoining.

use super::{
    ERRANT, KILL_TRANSACTIONS, WITHOUT_CLIENTS,
    preflight::{Look, verdict},
};
use crate::{
    fleet::{facts::Power, replication::errant},
    operations::{
        kind::OperationKind,
        plan::{Preflight, Verdict},
    },
};

/// A transaction open longer than this keeps writes from being stopped.
const LONG_TRANSACTION_S: u64 = 5;
/// Besides the panel, for a failover that nobody looks at before.
const VOICES_AUTOMATIC: usize = 2;
const BACKUP_AGE_S_MAX: u64 = 26 * 3_600;
const CLOCK_MS_WARN: i64 = 500;
const CLOCK_MS_MAX: i64 = 10_000;

impl Look<'_> {
    pub(super) fn sessions(&self) -> Preflight {
        let (mut said, mut blocks, mut warns) = (Vec::new(), false, false);
        for (name, facts) in self.answering() {
            if !facts.privileged.is_empty() {
                warns = true;
                said.push(format!("On {name} read_only does not stop {}.", facts.privileged.join(", ")));
            }
        }
        for (name, node) in &self.seen.nodes {
            if let Ok(server) = &node.server
                && server.event_scheduler
                && server.events_enabled > 0
            {
                warns = true;
                said.push(format!("{name} runs {} event(s) of its own.", server.events_enabled));
            }
        }
        if let Some(seconds) = self.facts(self.roles.primary.as_ref()).and_then(|facts| facts.longest_transaction_s)
            && seconds >= LONG_TRANSACTION_S
            && self.is_planned()
        {
            let kills = self.change.kill_transactions;
            (blocks, warns) = (!kills, true);
            said.push(format!(
                "A transaction is open on the primary for {seconds} s{}",
                if kills {
                    "; it will be ended.".into()
                } else {
                    format!(". Wait for it, or end it with {KILL_TRANSACTIONS}=yes.")
                }
            ));
        }
        if said.is_empty() {
            said.push("Nobody with SUPER or READ ONLY ADMIN but us, no events, no long transaction.".into());
        }
        Preflight::new("sessions", verdict(blocks, warns), said.join(" "))
    }

    pub(super) fn second_observer(&self) -> Preflight {
        if self.is_planned() {
            let said = "Not needed: the primary itself says that it is well.";
            return Preflight::new("second_observer", Verdict::Pass, said);
        }
        let beat = self.seen.beat.as_ref();
        let mut said = vec![match beat {
            Some(Ok(())) => "The panel's own write to the primary was acknowledged.".to_string(),
            Some(Err(why)) => format!("The panel cannot write to the primary: {why}."),
            None => "The panel did not try to write to the primary.".into(),
        }];
        for witness in &self.seen.witnesses {
            said.push(match &witness.wrote {
                Ok(()) => format!("{} can write to the primary.", witness.machine),
                Err(why) => format!("{} cannot: {why}.", witness.machine),
            });
        }
        let primary = self.roles.primary.as_ref();
        let power = primary.and_then(|name| self.seen.power.get(name));
        if let Some(Ok(power)) = power {
            said.push(format!("Its hypervisor says that it is {}.", power_word(*power)));
        }
        let is_off = matches!(power, Some(Ok(Power::Off)));
        let agree = is_off || self.seen.witnesses.iter().any(|witness| witness.wrote.is_err());
        let disagree = matches!(beat, Some(Ok(()))) || self.seen.witnesses.iter().any(|witness| witness.wrote.is_ok());
        if disagree {
            said.push("Somebody can still write to it: switch over instead of failing over.".into());
        } else if !agree {
            said.push("Nobody but the panel looked: it may be the panel that is cut off.".into());
        }
        let voices = self.seen.witnesses.iter().filter(|witness| witness.wrote.is_err()).count() + usize::from(is_off);
        let too_few = self.change.automatic && voices < VOICES_AUTOMATIC;
        if too_few {
            said.push(format!("To do it by itself {VOICES_AUTOMATIC} besides the panel must say so."));
        }
        Preflight::new("second_observer", verdict(disagree || !agree || too_few, false), said.join(" "))
    }

    pub(super) fn fencing(&self) -> Preflight {
        let name = if self.change.kind == OperationKind::RejoinDatabase {
            Some(&self.change.subject)
        } else {
            self.roles.primary.as_ref()
        };
        match name.and_then(|name| Some((name, self.seen.power.get(name)?))) {
            Some((name, Ok(power))) => {
                let said = format!("The hypervisor of {name} answers and can switch it off; it is {}.", power_word(*power));
                let unknown = *power == Power::Unknown;
                Preflight::new("fencing", verdict(unknown && self.change.automatic, unknown), said)
            }
            Some((_, Err(error))) => {
                let said = format!("{error}. Without it the old primary cannot be kept from writing.");
                Preflight::new("fencing", verdict(!self.is_planned(), true), said)
            }
            None => Preflight::new("fencing", verdict(!self.is_planned(), true), "No hypervisor is known for the old primary."),
        }
    }

    pub(super) fn clients(&self) -> Preflight {
        let (mut said, mut lost) = (Vec::new(), Vec::new());
        let target = self.roles.target.as_ref();
        for client in &self.seen.clients {
            let there = target.and_then(|target| client.at_members.get(target));
            let problem = match (&client.at_writer, there) {
                (Err(why), _) if self.is_planned() => Some(format!("at the writer's address: {why}")),
                (_, Some(Err(why))) => Some(format!("at the target: {why}")),
                (_, None) => Some("the target could not be tried".into()),
                (_, Some(Ok(()))) => None,
            };
            match problem {
                None => said.push(format!("{} gets in at the target.", client.machine)),
                Some(problem) => {
                    lost.push(client.machine.as_str());
                    said.push(format!("{} does not get in {problem}.", client.machine));
                }
            }
        }
        said.extend(self.change.without_clients.iter().map(|name| format!("{name} is not looked at.")));
        if !lost.is_empty() {
            said.push(format!("To do it all the same set {WITHOUT_CLIENTS}={}.", lost.join(",")));
        }
        if self.seen.clients.is_empty() {
            said.push("No client is known.".into());
        }
        let warns = !self.change.without_clients.is_empty() || self.seen.clients.is_empty();
        // When the primary is gone nobody gets anywhere: one client that is away as well must not keep all others waiting.
        Preflight::new("clients", verdict(!lost.is_empty() && self.is_planned(), warns || !lost.is_empty()), said.join(" "))
    }

    pub(super) fn backup(&self) -> Preflight {
        let newest = self.seen.nodes.iter().filter_map(|(name, node)| Some((node.server.as_ref().ok()?.backup_age_s?, name))).min();
        match newest {
            Some((age_s, name)) => {
                let said = format!("The newest backup, on {name}, is {} h old.", age_s / 3_600);
                Preflight::new("backup", verdict(false, age_s > BACKUP_AGE_S_MAX), said)
            }
            None => {
                let said = "No backup was found. Say in the inventory where they lie: backups in the cluster's section.";
                Preflight::new("backup", Verdict::Warn, said)
            }
        }
    }

    pub(super) fn clocks(&self) -> Preflight {
        let offsets: Vec<(&String, i64)> =
            self.seen.nodes.iter().filter_map(|(name, node)| Some((name, node.clock_offset_ms?))).collect();
        let said: Vec<String> = offsets.iter().map(|(name, ms)| format!("{name}: {ms:+} ms.")).collect();
        let worst = offsets.iter().map(|(_, ms)| ms.abs()).max().unwrap_or_default();
        Preflight::new("clocks", verdict(worst > CLOCK_MS_MAX, worst > CLOCK_MS_WARN), said.join(" "))
    }

    pub(super) fn post_checks(&self) -> Preflight {
        let said = match self.change.kind {
            OperationKind::RejoinDatabase => "Afterwards: it follows, has applied everything, and is read-only.".to_string(),
            _ => format!(
                "Afterwards: {} client(s) write a row at the writer's address, each is read back on every replica, and only one server \
                 takes writes.",
                self.change.clients.len()
            ),
        };
        Preflight::new("post_checks", Verdict::Pass, said)
    }

    pub(super) fn place_to_rejoin(&self) -> Preflight {
        let subject = &self.change.subject;
        match (&self.roles.primary, self.roles.writable.contains(subject)) {
            (_, true) => {
                let said = format!("{subject} takes writes itself. Make it read-only first, or switch over.");
                Preflight::new("identity", Verdict::Block, said)
            }
            (None, false) => {
                let said = format!("Nobody else takes writes: {subject} has nobody to follow. {}", self.silent().join(" "));
                Preflight::new("identity", Verdict::Block, said)
            }
            (Some(primary), false) => {
                Preflight::new("identity", Verdict::Pass, format!("{primary} takes writes; {subject} will follow it."))
            }
        }
    }

    pub(super) fn rejoin_errant(&self) -> Preflight {
        let subject = &self.change.subject;
        let (Some(primary), Some(own)) = (self.facts(self.roles.primary.as_ref()), self.facts(Some(subject))) else {
            let said = format!("{subject} does not answer now; its log is compared when it runs, before it follows anybody.");
            return Preflight::new("errant", Verdict::Warn, said);
        };
        match errant(own, primary) {
            Ok(found) if found.is_empty() => Preflight::new("errant", Verdict::Pass, format!("Only {subject} has nothing.")),
            Ok(found) => {
                let each: Vec<String> = found.iter().map(ToString::to_string).collect();
                let said = format!(
                    "Only {subject} has {}. They are written into a file and {}",
                    each.join(", "),
                    if self.change.reseed {
                        "its data is made anew from the primary.".into()
                    } else {
                        format!("nothing more is done unless {ERRANT}=save_and_reseed is set.")
                    }
                );
                Preflight::new("errant", verdict(!self.change.reseed, true), said)
            }
            Err(error) => Preflight::new("errant", Verdict::Block, format!("{error}.")),
        }
    }
}

fn power_word(power: Power) -> &'static str {
    match power {
        Power::On => "on",
        Power::Off => "off",
        Power::Suspended => "suspended",
        Power::Unknown => "in a state it does not tell",
    }
}
