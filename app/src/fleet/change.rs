//! What changed on a machine between two looks at it, in words: "read_only turned off". Values that move all the time are measures,
//! not changes.

use super::{
    facts::{Card, DatabaseFacts, HypervisorFacts, PbxFacts, Power, ProxyFacts, ShellFacts, TargetState},
    world::{MachineSeen, Seen},
};
use crate::values::{Moment, Tone};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, net::Ipv4Addr, time::Duration};

/// One missed look is a lost packet; at the second the service is away.
const MISSED_UNTIL_AWAY: u32 = 2;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    pub at: Moment,
    pub machine: String,
    pub tone: Tone,
    /// Without the machine and the time, which stand beside it: "read_only turned off".
    pub text: String,
}

/// Everything that changed between two looks at one machine.
pub fn changes(machine: &str, before: &MachineSeen, after: &MachineSeen, now: Moment) -> Vec<Change> {
    let mut told = Told { machine, at: now, changes: Vec::new() };
    told.service("The shell", before.shell.as_ref(), after.shell.as_ref());
    told.service("SIP", before.sip.as_ref(), after.sip.as_ref());
    told.service("Kamailio", before.proxy.as_ref(), after.proxy.as_ref());
    told.service("Asterisk", before.pbx.as_ref(), after.pbx.as_ref());
    told.service("MariaDB", before.database.as_ref(), after.database.as_ref());
    if let Some((before, after)) = both(before.shell.as_ref(), after.shell.as_ref()) {
        told.shell(before, after);
    }
    if let Some((before, after)) = both(before.proxy.as_ref(), after.proxy.as_ref()) {
        told.proxy(before, after);
    }
    if let Some((old, new)) = both(before.pbx.as_ref(), after.pbx.as_ref()) {
        told.pbx(old, new);
        if let Some(at) = pbx_restart(old, new) {
            // By its own clock, which may be wrong; that it was between the two looks is certain.
            let earliest = before.pbx.as_ref().and_then(Seen::observed_at).unwrap_or(now).min(now);
            told.tell_at(after.by_our_clock(at, now).max(earliest), Tone::Notice, "Asterisk restarted");
        }
    }
    if let Some((before, after)) = both(before.database.as_ref(), after.database.as_ref()) {
        told.database(before, after);
    }
    told.changes
}

/// What a hypervisor shows of its machines' power.
pub fn power_changes(before: &HypervisorFacts, after: &HypervisorFacts, now: Moment) -> Vec<Change> {
    let known: BTreeMap<&str, Power> = before.machines.iter().map(|machine| (machine.name.as_str(), machine.power)).collect();
    let mut changes = Vec::new();
    for machine in &after.machines {
        let (tone, text) = match (known.get(machine.name.as_str()), machine.power) {
            (Some(before), now) if *before == now => continue,
            (_, Power::Unknown) | (Some(Power::Unknown), _) => continue,
            (None, _) => (Tone::Notice, format!("appeared on {}", after.host)),
            (Some(_), Power::On) => (Tone::Good, "switched on".into()),
            (Some(_), Power::Off) => (Tone::Bad, "switched off".into()),
            (Some(_), Power::Suspended) => (Tone::Bad, "suspended".into()),
        };
        changes.push(Change { at: now, machine: machine.name.clone(), tone, text });
    }
    for name in known.keys().filter(|name| !after.machines.iter().any(|machine| machine.name == **name)) {
        let text = format!("gone from {}", after.host);
        changes.push(Change { at: now, machine: (*name).into(), tone: Tone::Bad, text });
    }
    changes
}

/// When it began anew, by its own clock. Earlier than before is as new as later: the clock may have been put right meanwhile.
fn pbx_restart(before: &PbxFacts, after: &PbxFacts) -> Option<Moment> {
    let (old, new) = before.started_at.zip(after.started_at)?;
    (new.since(old).max(old.since(new)) > Duration::from_secs(2)).then_some(new)
}

/// Two looks that both worked, the later one new.
fn both<'a, T>(before: Option<&'a Seen<T>>, after: Option<&'a Seen<T>>) -> Option<(&'a T, &'a T)> {
    let (before, after) = (before?.last.as_ref()?, after?.last.as_ref()?);
    (before.observed_at != after.observed_at).then_some((&before.value, &after.value))
}

struct Told<'a> {
    machine: &'a str,
    at: Moment,
    changes: Vec<Change>,
}

impl Told<'_> {
    fn tell(&mut self, tone: Tone, text: impl Into<String>) {
        self.tell_at(self.at, tone, text);
    }

    fn tell_at(&mut self, at: Moment, tone: Tone, text: impl Into<String>) {
        self.changes.push(Change { at, machine: self.machine.into(), tone, text: text.into() });
    }

    fn switched(&mut self, what: &str, before: bool, after: bool, tone: impl Fn(bool) -> Tone) {
        if before != after {
            self.tell(tone(after), format!("{what} turned {}", if after { "on" } else { "off" }));
        }
    }

    fn service<T>(&mut self, what: &str, before: Option<&Seen<T>>, after: Option<&Seen<T>>) {
        let Some(after) = after else { return };
        let failing = |seen: &Seen<T>| seen.failing.clone().filter(|failing| failing.times >= MISSED_UNTIL_AWAY);
        match (before.and_then(failing), failing(after)) {
            (None, Some(failing)) => self.tell_at(failing.since, Tone::Bad, format!("{what} went away: {}", failing.why)),
            // An observer that begins anew knows of no failure and of nothing else either.
            (Some(failing), None) if after.observed_at().is_some_and(|at| at > failing.since) => {
                let away = crate::values::quantity::format_span(self.at.since(failing.since));
                self.tell(Tone::Good, format!("{what} came back after {away}"));
            }
            _ => {}
        }
    }

    /// The uptime fell: it began anew meanwhile.
    fn restarted(&mut self, what: &str, before_s: u64, after_s: u64) {
        if after_s < before_s {
            self.tell_at(self.at.minus(Duration::from_secs(after_s)), Tone::Notice, format!("{what} restarted"));
        }
    }

    fn shell(&mut self, before: &ShellFacts, after: &ShellFacts) {
        self.restarted("the machine", before.uptime_s, after.uptime_s);
        if before.machine_id != after.machine_id {
            self.tell(Tone::Bad, format!("machine-id changed from {} to {}", before.machine_id, after.machine_id));
        }
        if before.hostname != after.hostname {
            self.tell(Tone::Notice, format!("host name changed from {} to {}", before.hostname, after.hostname));
        }
        if before.kernel != after.kernel {
            self.tell(Tone::Notice, format!("kernel changed from {} to {}", before.kernel, after.kernel));
        }
        for key in &after.host_keys {
            match before.host_keys.iter().find(|old| old.kind == key.kind) {
                Some(old) if old.fingerprint != key.fingerprint => {
                    let text = format!("{} host key changed from {} to {}", key.kind, old.fingerprint, key.fingerprint);
                    self.tell(Tone::Bad, text);
                }
                Some(_) => {}
                None => self.tell(Tone::Notice, format!("{} host key added: {}", key.kind, key.fingerprint)),
            }
        }
        for card in &after.cards {
            match before.cards.iter().find(|old| old.name == card.name) {
                Some(old) => self.card(old, card),
                None => {
                    self.tell(Tone::Notice, format!("card {} added ({})", card.name, card.mac));
                    self.addresses(&[], card);
                }
            }
        }
        for old in before.cards.iter().filter(|old| !after.cards.iter().any(|card| card.name == old.name)) {
            self.tell(Tone::Bad, format!("card {} is gone ({})", old.name, old.mac));
        }
    }

    fn card(&mut self, before: &Card, after: &Card) {
        let name = &after.name;
        if before.mac != after.mac {
            self.tell(Tone::Bad, format!("MAC of {name} changed from {} to {}", before.mac, after.mac));
        }
        if before.mtu != after.mtu {
            let tone = if after.mtu < before.mtu { Tone::Bad } else { Tone::Good };
            self.tell(tone, format!("MTU of {name} changed from {} to {}", before.mtu, after.mtu));
        }
        if before.up != after.up {
            let (tone, word) = if after.up { (Tone::Good, "up") } else { (Tone::Bad, "down") };
            self.tell(tone, format!("card {name} went {word}"));
        }
        self.addresses(&before.addresses, after);
    }

    fn addresses(&mut self, before: &[(Ipv4Addr, u8)], after: &Card) {
        for (address, _) in after.addresses.iter().filter(|address| !before.contains(address)) {
            self.tell(Tone::Notice, format!("address {address} added to {}", after.name));
        }
        for (address, _) in before.iter().filter(|address| !after.addresses.contains(address)) {
            self.tell(Tone::Notice, format!("address {address} taken off {}", after.name));
        }
    }

    fn proxy(&mut self, before: &ProxyFacts, after: &ProxyFacts) {
        self.restarted("Kamailio", before.uptime_s, after.uptime_s);
        let states = |facts: &ProxyFacts| -> BTreeMap<(u32, String), TargetState> {
            let targets = facts.sets.iter().flat_map(|set| set.targets.iter().map(move |target| (set.id, target)));
            targets.map(|(set, target)| ((set, target.uri.clone()), target.state)).collect()
        };
        let (old, new) = (states(before), states(after));
        for ((set, uri), state) in &new {
            let (tone, word) = match state {
                TargetState::Active => (Tone::Good, "active"),
                TargetState::Inactive => (Tone::Bad, "inactive: it does not answer"),
                TargetState::Disabled => (Tone::Notice, "disabled by a person"),
                TargetState::Trying => (Tone::Notice, "trying: some OPTIONS went unanswered"),
            };
            match old.get(&(*set, uri.clone())) {
                Some(before) if before == state => {}
                Some(_) => self.tell(tone, format!("target {uri} of set {set} is {word}")),
                None => self.tell(Tone::Notice, format!("target {uri} added to set {set}")),
            }
        }
        for (set, uri) in old.keys().filter(|key| !new.contains_key(key)) {
            self.tell(Tone::Notice, format!("target {uri} taken out of set {set}"));
        }
        for peer in after.dmq_peers.iter().filter(|peer| !peer.is_self) {
            let was = before.dmq_peers.iter().find(|old| old.uri == peer.uri);
            match was {
                Some(was) if was.active != peer.active => {
                    let (tone, word) = if peer.active { (Tone::Good, "is back") } else { (Tone::Bad, "does not answer") };
                    self.tell(tone, format!("DMQ peer {} {word}", peer.uri));
                }
                _ => {}
            }
        }
    }

    fn pbx(&mut self, before: &PbxFacts, after: &PbxFacts) {
        for endpoint in &after.endpoints {
            let was = before.endpoints.iter().find(|old| old.name == endpoint.name).and_then(|old| old.reachable);
            match (was, endpoint.reachable) {
                (Some(true), Some(false)) => self.tell(Tone::Bad, format!("trunk {} does not answer", endpoint.name)),
                (Some(false), Some(true)) => self.tell(Tone::Good, format!("trunk {} answers again", endpoint.name)),
                _ => {}
            }
        }
    }

    fn database(&mut self, before: &DatabaseFacts, after: &DatabaseFacts) {
        self.restarted("MariaDB", before.uptime_s, after.uptime_s);
        if before.version != after.version {
            self.tell(Tone::Notice, format!("MariaDB changed from {} to {}", before.version, after.version));
        }
        // Either may be meant: who is written to is judged elsewhere.
        self.switched("read_only", before.read_only, after.read_only, |_| Tone::Notice);
        let semi_sync = |on| if on { Tone::Good } else { Tone::Bad };
        self.switched("semi-sync", before.semi_sync.primary_active, after.semi_sync.primary_active, semi_sync);
        self.switched("semi-sync of the replica", before.semi_sync.replica_active, after.semi_sync.replica_active, semi_sync);
        match (&before.replication, &after.replication) {
            (None, None) => {}
            (None, Some(new)) => self.tell(Tone::Notice, format!("became a replica of {}", new.source_host)),
            (Some(old), None) => self.tell(Tone::Notice, format!("is no replica of {} anymore", old.source_host)),
            (Some(old), Some(new)) => {
                if old.source_host != new.source_host {
                    self.tell(Tone::Notice, format!("replicates from {} instead of {}", new.source_host, old.source_host));
                }
                self.thread("receiving (IO)", (old.io_running, new.io_running), new.io_error.as_deref());
                self.thread("applying (SQL)", (old.sql_running, new.sql_running), new.sql_error.as_deref());
            }
        }
    }

    fn thread(&mut self, what: &str, (before, after): (bool, bool), error: Option<&str>) {
        match (before, after) {
            (true, false) => {
                let why = error.map_or_else(String::new, |error| format!(": {error}"));
                self.tell(Tone::Bad, format!("replication stopped {what}{why}"));
            }
            (false, true) => self.tell(Tone::Good, format!("replication began {what}")),
            _ => {}
        }
    }
}

#[cfg(test)]
#[path = "change_tests.rs"]
mod tests;
