//! One machine: what each of its interfaces tells, and what is wrong with it.

use super::{Finding, Judgement, MachineState, Whole};
use crate::{
    fleet::{
        facts::{DatabaseFacts, PbxFacts, ProxyFacts, ShellFacts, TargetState},
        inventory::{Inventory, Machine},
        pressure::{CPU_WINDOW, DiskLevel, Pressure},
        world::{Look, MachineSeen, World},
    },
    values::{
        Moment, PortErrorKind,
        observed::ROUNDS_UNTIL_UNKNOWN,
        quantity::{format_bytes, format_span},
    },
};
use std::time::Duration;

/// One look may fail by chance; the second, half a second later, is no chance.
const TIMES_UNTIL_AWAY: u32 = 2;
/// CDRs of two machines whose clocks differ by more do not join.
const CLOCK_NOTICE_MS: f64 = 500.0;

pub(super) fn judge(whole: &Whole<'_>, machine: &Machine) -> Judgement {
    let Whole { inventory, world, isolated, of_clusters, now } = *whole;
    let blank = MachineSeen::default();
    let seen = world.machines.get(&machine.name).unwrap_or(&blank);
    let of_cluster = of_clusters.iter().filter(|(name, _)| *name == machine.name).map(|(_, finding)| finding.clone());
    let mut judge = Judge { machine, findings: of_cluster.collect(), now };
    judge.looks(seen, isolated);
    if let Some(shell) = seen.shell.as_ref().and_then(|shell| shell.fresh(now)) {
        judge.shell(inventory, shell, &seen.pressure);
        judge.twins(world, shell);
    }
    if let Some(proxy) = seen.proxy.as_ref().and_then(|proxy| proxy.fresh(now)) {
        judge.proxy(inventory, proxy);
    }
    if let Some(pbx) = seen.pbx.as_ref().and_then(|pbx| pbx.fresh(now)) {
        judge.pbx(pbx);
    }
    if let Some(database) = seen.database.as_ref().and_then(|database| database.fresh(now)) {
        judge.database(database);
    }
    judge.findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let state = judge.findings.first().map_or(MachineState::Good, |finding| finding.severity);
    Judgement { name: machine.name.clone(), state, observed_at: seen.observed_at(), findings: judge.findings }
}

struct Judge<'a> {
    machine: &'a Machine,
    findings: Vec<Finding>,
    now: Moment,
}

impl Judge<'_> {
    fn find(&mut self, key: &str, severity: MachineState, message: String, evidence: impl Into<String>) {
        self.findings.push(Finding { key: key.into(), severity, message, evidence: evidence.into(), since: None });
    }

    /// What answers, what does not, and what nobody has looked at.
    fn looks(&mut self, seen: &MachineSeen, isolated: Option<Moment>) {
        let (looks, name) = (seen.looks(), &self.machine.name);
        if looks.is_empty() {
            let message = format!("Nobody looks at {name}: the inventory has no endpoint of its role.");
            return self.find("machine.unwatched", MachineState::Unknown, message, "");
        }
        let away = |look: &&Look<'_>| look.failing.is_some_and(|failing| failing.times >= TIMES_UNTIL_AWAY);
        let failing: Vec<&Look<'_>> = looks.iter().filter(away).collect();
        let late = |look: &&Look<'_>| {
            let limit = Duration::from_millis(u64::from(look.every_ms)) * ROUNDS_UNTIL_UNKNOWN;
            look.failing.is_none() && self.now.since(look.observed_at.unwrap_or(look.watched_since)) > limit
        };
        let late: Vec<&Look<'_>> = looks.iter().filter(late).collect();
        let waiting = looks.iter().all(|look| look.observed_at.is_none() && look.failing.is_none());
        let evidence =
            failing.iter().filter_map(|look| look.failing).map(|failing| failing.why.clone()).collect::<Vec<_>>().join("\n");
        let since = failing.iter().filter_map(|look| look.failing).map(|failing| failing.since).min();
        let names = failing.iter().map(|look| look.what).collect::<Vec<_>>().join(", ");
        let mut found = |key: &str, severity, message: String| {
            let evidence = evidence.clone();
            self.findings.push(Finding { key: key.into(), severity, message, evidence, since });
        };
        if let Some(since) = isolated.filter(|_| failing.len() == looks.len()) {
            let message = format!("{name} is unknown since {} UTC: the panel reaches almost nobody.", since.time_of_day());
            found("machine.unknown", MachineState::Unknown, message);
        } else if failing.len() == looks.len() && failing.iter().any(|look| !is_refusal(look)) {
            found("machine.away", MachineState::Bad, format!("{name} does not answer: {names} silent."));
        } else if let Some(first) = failing.first() {
            let what = first.what;
            let is_stranger = |look: &&&Look<'_>| kind_of(look) == Some(PortErrorKind::WrongIdentity);
            let (key, severity, message) = match kind_of(failing.iter().find(is_stranger).unwrap_or(first)) {
                Some(PortErrorKind::WrongIdentity) => {
                    ("identity.key", MachineState::Bad, format!("Whoever answers as {name} is not {name}: its host key differs."))
                }
                Some(PortErrorKind::Denied | PortErrorKind::NotConfigured | PortErrorKind::WrongVersion) => {
                    let message = format!("The panel may not look at {names} on {name}; what it shows of it is not known.");
                    ("observer.refused", MachineState::Notice, message)
                }
                _ if what == "SSH" => {
                    ("shell.away", MachineState::Notice, format!("SSH on {name} does not answer; its service does."))
                }
                _ => ("service.away", MachineState::Bad, format!("{names} on {name} does not answer; the machine does.")),
            };
            found(key, severity, message);
        } else if waiting {
            found("machine.new", MachineState::Unknown, format!("{name} has not been looked at yet."));
        } else if let Some(oldest) = late.iter().map(|look| look.observed_at.unwrap_or(look.watched_since)).min() {
            let message = format!("{name} is unknown since {} UTC: three looks were missed.", oldest.time_of_day());
            found("machine.unknown", MachineState::Unknown, message);
        }
    }

    fn shell(&mut self, inventory: &Inventory, shell: &ShellFacts, pressure: &Pressure) {
        let name = self.machine.name.clone();
        for disk in &shell.disks {
            let used = disk.used_percent();
            let level = pressure.disk(&disk.mount, used);
            if level != DiskLevel::Free {
                let severity = if level == DiskLevel::Bad { MachineState::Bad } else { MachineState::Notice };
                let message = format!("The disk {} of {name} is {used} % full.", disk.mount);
                let evidence = format!("{} free of {}", format_bytes(disk.free_bytes), format_bytes(disk.size_bytes));
                self.find(&format!("disk.full:{}", disk.mount), severity, message, evidence);
            }
        }
        let free_percent = shell.memory_available_bytes.saturating_mul(100) / shell.memory_total_bytes.max(1);
        if pressure.is_memory_short(shell) {
            let evidence =
                format!("{} free of {}", format_bytes(shell.memory_available_bytes), format_bytes(shell.memory_total_bytes));
            self.find("memory.full", MachineState::Notice, format!("{name} has {free_percent} % of its memory left."), evidence);
        }
        if let Some(cpu) = pressure.cpu_full() {
            let evidence =
                format!("load {:.1} {:.1} {:.1} on {} processors", shell.load[0], shell.load[1], shell.load[2], shell.cpus);
            let span = format_span(CPU_WINDOW);
            let message = format!("The processors of {name} were {cpu:.0} % busy over the last {span}.");
            self.find("cpu.full", MachineState::Notice, message, evidence);
        }
        if shell.clock_offset_ms.abs() > CLOCK_NOTICE_MS {
            let way = if shell.clock_offset_ms > 0.0 { "ahead of" } else { "behind" };
            let span = format_span(Duration::from_secs_f64(shell.clock_offset_ms.abs().min(1e12) / 1_000.0));
            let evidence = format!("offset {:.1} ms, round trip {:.1} ms", shell.clock_offset_ms, shell.round_trip_ms);
            self.find("clock.off", MachineState::Notice, format!("The clock of {name} is {span} {way} the panel’s."), evidence);
        }
        if shell.hostname != name {
            let message = format!("{name} calls itself {:?}. Set its hostname.", shell.hostname);
            self.find("identity.hostname", MachineState::Notice, message, &*shell.hostname);
        }
        for nic in inventory.nics(self.machine) {
            let card = shell.cards.iter().find(|card| card.addresses.iter().any(|(address, _)| *address == nic.address));
            match card {
                None => {
                    let message = format!("{name} has no card with {} on {}.", nic.address, nic.network);
                    self.find(&format!("card.missing:{}", nic.network), MachineState::Bad, message, "");
                }
                Some(card) if !card.up => {
                    let message = format!("The card {} of {name} is down.", card.name);
                    self.find(&format!("card.down:{}", nic.network), MachineState::Bad, message, &*card.mac);
                }
                Some(card) if card.mtu < nic.mtu => {
                    let message =
                        format!("The card {} of {name} carries {} bytes on a network of {}.", card.name, card.mtu, nic.mtu);
                    self.find(&format!("card.mtu:{}", nic.network), MachineState::Bad, message, &*card.mac);
                }
                Some(_) => {}
            }
        }
    }

    /// A clone that nobody reset.
    fn twins(&mut self, world: &World, shell: &ShellFacts) {
        let name = self.machine.name.clone();
        let others = world.machines.iter().filter(|(other, _)| **other != name);
        let others: Vec<_> = others.filter_map(|(other, seen)| Some((other, seen.shell.as_ref()?.fresh(self.now)?))).collect();
        for (other, twin) in others {
            if !shell.machine_id.is_empty() && twin.machine_id == shell.machine_id {
                let message = format!("{name} and {other} have the same machine-id. Reset that of the clone.");
                self.find(&format!("identity.machine-id:{other}"), MachineState::Bad, message, &*shell.machine_id);
            }
            if let Some(key) = shell.host_keys.iter().find(|key| twin.host_keys.contains(key)) {
                let message = format!("{name} and {other} have the same SSH host key. Make new ones on the clone.");
                self.find(
                    &format!("identity.host-key:{other}"),
                    MachineState::Bad,
                    message,
                    format!("{} {}", key.kind, key.fingerprint),
                );
            }
        }
    }

    fn proxy(&mut self, inventory: &Inventory, proxy: &ProxyFacts) {
        let name = self.machine.name.clone();
        for set in &proxy.sets {
            let whose = inventory.carriers.iter().find(|carrier| u32::from(carrier.set) == set.id);
            let whose = whose
                .map_or_else(|| if set.id == 1 { "the PBX pool".into() } else { format!("set {}", set.id) }, |c| c.name.clone());
            let dead: Vec<&str> = set.targets.iter().filter(|t| t.state == TargetState::Inactive).map(|t| t.uri.as_str()).collect();
            if dead.is_empty() {
                continue;
            }
            let none_left = set.targets.iter().all(|target| !matches!(target.state, TargetState::Active | TargetState::Trying));
            let (severity, message) = if none_left {
                (MachineState::Bad, format!("{name} reaches nobody of {whose}."))
            } else {
                (MachineState::Notice, format!("{name} does not reach {} of {} of {whose}.", dead.len(), set.targets.len()))
            };
            self.find(&format!("dispatcher.inactive:{}", set.id), severity, message, dead.join(", "));
        }
        for peer in proxy.dmq_peers.iter().filter(|peer| !peer.active && !peer.is_self) {
            let message = format!("{name} has lost {} in DMQ: dialogs and blocks are not shared.", peer.uri);
            self.find(&format!("dmq.lost:{}", peer.uri), MachineState::Notice, message, "");
        }
        let used = proxy.shared_memory_used_bytes.saturating_mul(100) / proxy.shared_memory_total_bytes.max(1);
        if proxy.shared_memory_total_bytes > 0 && used >= 90 {
            let evidence =
                format!("{} of {}", format_bytes(proxy.shared_memory_used_bytes), format_bytes(proxy.shared_memory_total_bytes));
            self.find(
                "memory.shared",
                MachineState::Bad,
                format!("The shared memory of Kamailio on {name} is {used} % full."),
                evidence,
            );
        }
        if proxy.trees.iter().any(|tree| tree.rows == 0) {
            self.find("routes.empty", MachineState::Bad, format!("{name} has a table of routes with nothing in it."), "");
        }
    }

    fn pbx(&mut self, pbx: &PbxFacts) {
        let name = self.machine.name.clone();
        let dead: Vec<&str> = pbx.endpoints.iter().filter(|e| e.reachable == Some(false)).map(|e| e.name.as_str()).collect();
        if !dead.is_empty() {
            let message = format!("{name} does not reach {} of its {} trunks.", dead.len(), pbx.endpoints.len());
            self.find("trunk.unreachable", MachineState::Notice, message, dead.join(", "));
        }
    }

    fn database(&mut self, database: &DatabaseFacts) {
        let name = self.machine.name.clone();
        if database.connections_max > 0 && database.connections * 10 >= database.connections_max * 9 {
            let message =
                format!("MariaDB on {name} has {} of {} connections in use.", database.connections, database.connections_max);
            self.find("connections.full", MachineState::Bad, message, "");
        }
    }
}

fn kind_of(look: &Look<'_>) -> Option<PortErrorKind> {
    look.failing.map(|failing| failing.kind)
}

/// Somebody answers there, or nobody was asked because of a mistake of ours: neither says that the machine is away.
fn is_refusal(look: &Look<'_>) -> bool {
    use PortErrorKind::{Denied, NotConfigured, WrongIdentity, WrongVersion};
    matches!(kind_of(look), Some(Denied | NotConfigured | WrongIdentity | WrongVersion))
}
