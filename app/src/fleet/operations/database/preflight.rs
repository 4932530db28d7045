//! What speaks for a switchover or failover, and against it: seventeen questions, each with what was seen.

use super::{
    DatabaseChange,
    look::{DatabaseSeen, NodeSeen, Roles},
};
use crate::{
    fleet::{facts::DatabaseFacts, gtid::Position, replication::errant},
    operations::{
        kind::OperationKind,
        plan::{Preflight, Verdict},
    },
};
use std::collections::BTreeSet;

/// Behind the primary by its heartbeat.
const LAG_PLANNED_MS_MAX: u64 = 2_000;
const LAG_FORCED_MS_MAX: u64 = 30_000;
const FREE_BYTES_MIN: u64 = 100 * 1024 * 1024;
const FREE_PERCENT_LOW: u64 = 15;

pub(super) fn verdict(blocks: bool, warns: bool) -> Verdict {
    match (blocks, warns) {
        (true, _) => Verdict::Block,
        (false, true) => Verdict::Warn,
        (false, false) => Verdict::Pass,
    }
}

pub(super) struct Look<'a> {
    pub(super) change: &'a DatabaseChange,
    pub(super) roles: &'a Roles,
    pub(super) seen: &'a DatabaseSeen,
}

impl DatabaseChange {
    pub(super) fn preflights(&self, roles: &Roles, seen: &DatabaseSeen) -> Vec<Preflight> {
        let look = Look { change: self, roles, seen };
        let mut all = match self.kind {
            OperationKind::RejoinDatabase => vec![look.place_to_rejoin(), look.gtid(), look.rejoin_errant(), look.fencing()],
            _ => vec![
                look.identity(),
                look.gtid(),
                look.errant(),
                look.replication(),
                look.lag(),
                look.semi_sync(),
                look.configuration(),
                look.sessions(),
                look.second_observer(),
                look.fencing(),
            ],
        };
        let own = |name: &'static str| seen.own.iter().filter(move |preflight| preflight.name == name).cloned();
        all.extend(own("lock"));
        all.extend(own("cool_down"));
        if self.kind != OperationKind::RejoinDatabase {
            all.extend([look.clients(), look.backup(), look.clocks()]);
        }
        all.extend(own("without_database"));
        all.push(look.post_checks());
        all
    }
}

impl<'a> Look<'a> {
    pub(super) fn is_planned(&self) -> bool {
        self.change.kind == OperationKind::SwitchOverDatabase
    }

    pub(super) fn node(&self, name: Option<&String>) -> Option<&'a NodeSeen> {
        self.seen.nodes.get(name?)
    }

    pub(super) fn facts(&self, name: Option<&String>) -> Option<&'a DatabaseFacts> {
        self.node(name)?.database.as_ref().ok()
    }

    pub(super) fn answering(&self) -> impl Iterator<Item = (&'a str, &'a DatabaseFacts)> + '_ {
        self.seen.nodes.iter().filter_map(|(name, node)| Some((name.as_str(), node.database.as_ref().ok()?)))
    }

    /// Who did not answer, in its own words.
    pub(super) fn silent(&self) -> Vec<String> {
        let said = |node: &NodeSeen| node.database.as_ref().err().map(|error| format!("{error}."));
        self.seen.nodes.values().filter_map(said).collect()
    }

    fn identity(&self) -> Preflight {
        let mut said: Vec<String> = self
            .answering()
            .map(|(name, facts)| {
                let role = if facts.read_only { "read-only" } else { "takes writes" };
                format!("{name}: server_id {}, {role}, calls itself {}.", facts.server_id, facts.hostname)
            })
            .collect();
        said.extend(self.silent());
        let ids: BTreeSet<u64> = self.answering().map(|(_, facts)| facts.server_id).collect();
        let mut blocks = ids.len() != self.answering().count();
        if blocks {
            said.push("Two of them have the same server_id.".into());
        }
        let strangers: Vec<&str> = self.answering().filter(|(name, facts)| facts.hostname != *name).map(|(name, _)| name).collect();
        if !strangers.is_empty() {
            blocks = true;
            said.push(format!("Not who they should be by their host names: {}.", strangers.join(", ")));
        }
        if self.roles.writable.len() > 1 {
            blocks = true;
            said.push(format!("Several take writes: {}. Make all but one read-only first.", self.roles.writable.join(", ")));
        }
        match (self.is_planned(), self.roles.writable.as_slice(), &self.roles.primary) {
            (true, [], _) => {
                blocks = true;
                said.push("Nobody takes writes: there is nothing to switch over. Fail over instead.".into());
            }
            (_, _, None) => {
                blocks = true;
                said.push("Nobody can tell who the primary is.".into());
            }
            _ => {}
        }
        match &self.roles.target {
            None => {
                blocks = true;
                said.push("Nobody else answers who could become primary.".into());
            }
            Some(target) if Some(target) == self.roles.primary.as_ref() => {
                blocks = true;
                said.push(format!("{target} is the primary already."));
            }
            Some(target) if self.facts(Some(target)).is_none() => {
                blocks = true;
                said.push(format!("{target}, which is to become primary, does not answer."));
            }
            Some(_) => {}
        }
        Preflight::new("identity", verdict(blocks, false), said.join(" "))
    }

    fn gtid(&self) -> Preflight {
        let mut said = Vec::new();
        let mut blocks = false;
        let mut domains = BTreeSet::new();
        for (name, facts) in self.answering() {
            domains.insert(facts.gtid_domain);
            said.push(format!("{name}: {} ({}).", facts.gtid_binlog, if facts.gtid_strict { "strict" } else { "not strict" }));
            blocks |= !facts.gtid_strict;
            blocks |= facts.gtid_binlog.parse::<Position>().is_err();
        }
        if domains.len() > 1 {
            blocks = true;
            said.push("They write in several domains.".into());
        }
        if blocks {
            said.push("One domain and gtid_strict_mode=ON are needed on each.".into());
        }
        Preflight::new("gtid", verdict(blocks, false), said.join(" "))
    }

    fn errant(&self) -> Preflight {
        let (Some(primary), Some(target)) = (self.facts(self.roles.primary.as_ref()), self.facts(self.roles.target.as_ref()))
        else {
            let said = "The primary's log cannot be read now; its rejoining compares both logs and shows what only it has.";
            return Preflight::new("errant", verdict(self.is_planned(), !self.is_planned()), said);
        };
        match errant(target, primary) {
            Ok(found) if found.is_empty() => {
                Preflight::new("errant", Verdict::Pass, "Nothing stands in the target's log that is not in the primary's.")
            }
            Ok(found) => {
                let each: Vec<String> = found.iter().map(ToString::to_string).collect();
                let said = format!("Only the target has {}. Look at what it is before anything else.", each.join(", "));
                Preflight::new("errant", Verdict::Block, said)
            }
            Err(error) => Preflight::new("errant", Verdict::Block, format!("{error}.")),
        }
    }

    fn replication(&self) -> Preflight {
        let Some(target) = self.facts(self.roles.target.as_ref()) else {
            return Preflight::new("replication", Verdict::Block, "The target does not answer.");
        };
        let Some(replication) = &target.replication else {
            let said = "The target follows nobody. Rejoin it first.";
            return Preflight::new("replication", Verdict::Block, said);
        };
        let mut said = vec![format!(
            "From {}: receiving {}, applying {}; received {}, applied {}.",
            replication.source_host,
            if replication.io_running { "runs" } else { "does not run" },
            if replication.sql_running { "runs" } else { "does not run" },
            replication.gtid_io,
            target.gtid_slave
        )];
        said.extend([&replication.io_error, &replication.sql_error].into_iter().flatten().map(|error| format!("{error}.")));
        // A primary that is gone sends nothing: that is why it is failed over.
        let mut blocks = !replication.sql_running || (self.is_planned() && !replication.io_running);
        let read = (replication.gtid_io.parse::<Position>(), target.gtid_slave.parse::<Position>());
        let left = match read {
            (Ok(received), Ok(applied)) => applied.lacks(&received),
            _ => u64::MAX,
        };
        if left > 0 {
            said.push(format!("{left} transaction(s) are received and not applied; they are waited for."));
        }
        if replication.delay_s > 0 {
            blocks = true;
            said.push(format!("It applies {} s later on purpose.", replication.delay_s));
        }
        // Under load there is always something: it must not make each plan another one.
        Preflight::new("replication", verdict(blocks, false), said.join(" "))
    }

    fn lag(&self) -> Preflight {
        let most = if self.is_planned() { LAG_PLANNED_MS_MAX } else { LAG_FORCED_MS_MAX };
        let age = |name: Option<&String>| self.facts(name).and_then(|facts| facts.heartbeat_age_ms);
        let (own, theirs) = (age(self.roles.primary.as_ref()), age(self.roles.target.as_ref()));
        // Where no heartbeat is being written both grow older alike.
        let lag = match (own, theirs) {
            (Some(own), Some(theirs)) => Some(theirs.saturating_sub(own)),
            (None, theirs) => theirs,
            (Some(_), None) => None,
        };
        match lag {
            Some(lag) if !self.is_planned() && own.is_none() => {
                let said = format!(
                    "The newest heartbeat that the target has is {lag} ms old. What came later may be lost with the primary."
                );
                Preflight::new("lag", verdict(false, lag > most), said)
            }
            Some(lag) => {
                let said = format!("The target is {lag} ms behind by the heartbeat; at most {most} ms are allowed.");
                Preflight::new("lag", verdict(lag > most, false), said)
            }
            None => {
                let own_word = self.facts(self.roles.target.as_ref()).and_then(|facts| facts.replication.as_ref()?.seconds_behind);
                let said = match own_word {
                    Some(seconds) => format!("There is no heartbeat; by its own word the target is {seconds} s behind."),
                    None => "There is no heartbeat, and the target does not say how far behind it is.".into(),
                };
                let late = own_word.is_none_or(|seconds| seconds * 1_000 > most);
                Preflight::new("lag", verdict(late && self.is_planned(), true), said)
            }
        }
    }

    fn semi_sync(&self) -> Preflight {
        let since = self.seen.semi_sync_since.clone().unwrap_or_else(|| "Since when is not known.".into());
        match self.facts(self.roles.primary.as_ref()).filter(|facts| !facts.read_only) {
            Some(primary) => {
                let active = primary.semi_sync.primary_active && primary.semi_sync.replicas > 0;
                let said = format!(
                    "{}, {} replica(s), {} commit(s) went without since the start. {since}",
                    if active { "Active" } else { "Not active" },
                    primary.semi_sync.replicas,
                    primary.semi_sync.unacknowledged
                );
                Preflight::new("semi_sync", verdict(false, !active), said)
            }
            None => {
                let said = match self.seen.was_safe {
                    Some(true) => format!("It was active when the primary was last seen: nothing acknowledged is lost. {since}"),
                    Some(false) => {
                        format!("It was NOT active when the primary was last seen: acknowledged writes may be lost. {since}")
                    }
                    None => "Nobody saw whether it was active: acknowledged writes may be lost.".into(),
                };
                let may_lose = self.seen.was_safe != Some(true);
                Preflight::new("semi_sync", verdict(may_lose && self.change.automatic, may_lose), said)
            }
        }
    }

    fn configuration(&self) -> Preflight {
        let (mut said, mut blocks, mut warns) = (Vec::new(), false, false);
        let target = self.roles.target.as_ref();
        if let Some(facts) = self.facts(target) {
            let on = |name: &str, is: bool| format!("{name}={}", if is { "ON" } else { "OFF" });
            said.push(format!(
                "{}, {}, {}.",
                facts.version,
                on("log_bin", facts.log_bin),
                on("log_slave_updates", facts.log_slave_updates)
            ));
            blocks |= !facts.log_bin || !facts.log_slave_updates;
            if let Some(primary) = self.facts(self.roles.primary.as_ref())
                && number(&primary.version) > number(&facts.version)
            {
                blocks = true;
                said.push(format!(
                    "The target is older than the primary ({}); it may not understand what it wrote.",
                    primary.version
                ));
            } else if let Some(primary) = self.facts(self.roles.primary.as_ref())
                && number(&primary.version) < number(&facts.version)
            {
                warns = true;
                said.push(format!("The old primary ({}) is older and may not be able to follow.", primary.version));
            }
        } else {
            blocks = true;
            said.push("The target does not tell its settings.".into());
        }
        match self.node(target).map(|node| &node.server) {
            Some(Ok(server)) => {
                let percent = server.disk_free_bytes.saturating_mul(100) / server.disk_size_bytes.max(1);
                said.push(format!("{} MiB ({percent} %) of its disk are free.", server.disk_free_bytes / (1 << 20)));
                blocks |= server.disk_free_bytes < FREE_BYTES_MIN;
                warns |= percent < FREE_PERCENT_LOW;
            }
            Some(Err(error)) => {
                blocks = true;
                said.push(format!("{error}. Without a shell there nothing can be done."));
            }
            None => blocks = true,
        }
        Preflight::new("configuration", verdict(blocks, warns), said.join(" "))
    }
}

/// `10.11.19-MariaDB…` as numbers that can be compared.
fn number(version: &str) -> Vec<u32> {
    let digits = version.split('-').find(|part| part.contains('.')).unwrap_or_default();
    digits.split('.').map_while(|part| part.parse().ok()).collect()
}
