//! Taking a carrier or a PBX out of the proxies' choice, and putting it back: `disable_carrier` and `enable_carrier`, `drain` and
//! `return_to_service`.
//!
//! Out means *disabled* in the dispatcher of every proxy, the one state that Kamailio's own probes do not change. Back means
//! *inactive but probed*: the first answer makes it active, so nothing that is dead gets calls. Calls that are up are never touched.

use crate::{
    fleet::{
        facts::{DispatcherSet, DispatcherTarget, PbxFacts, ProxyFacts, TargetState},
        inventory::{Inventory, Role},
    },
    operations::{
        kind::OperationKind,
        plan::{Plan, PlannedStep, Preflight, Undo, Verdict},
        refusal::Refusal,
    },
    values::PortError,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::Ipv4Addr,
};

/// The dispatcher set of the PBX pool.
pub const PBX_SET: u32 = 1;
/// Proxies that are left as they are, because they cannot be reached.
pub const WITHOUT: &str = "without";
/// Takes the last way for calls out all the same.
pub const ACCEPT_NO_ROUTE: &str = "accept_no_route";
/// How long a drain waits for calls to end.
pub const WITHIN_S: &str = "within_s";
const WITHIN_DEFAULT_S: u32 = 600;
const WITHIN_MAX_S: u32 = 4 * 3_600;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SwitchStep {
    NoteStates,
    TakeOut,
    VerifyOut,
    WaitForCalls,
    PutBack,
    VerifyBack,
}

impl SwitchStep {
    pub const ALL: [SwitchStep; 6] = [
        SwitchStep::NoteStates,
        SwitchStep::TakeOut,
        SwitchStep::VerifyOut,
        SwitchStep::WaitForCalls,
        SwitchStep::PutBack,
        SwitchStep::VerifyBack,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            SwitchStep::NoteStates => "note_states",
            SwitchStep::TakeOut => "take_out",
            SwitchStep::VerifyOut => "verify_out",
            SwitchStep::WaitForCalls => "wait_for_calls",
            SwitchStep::PutBack => "put_back",
            SwitchStep::VerifyBack => "verify_back",
        }
    }

    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.name() == name)
    }
}

/// Kept between the steps: the state of each destination, at each proxy, before anything was changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SwitchFacts {
    pub before: BTreeMap<String, BTreeMap<String, TargetState>>,
    pub calls_left: Option<u64>,
}

/// Which destinations are the subject's, at which proxies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Switch {
    pub kind: OperationKind,
    pub subject: String,
    pub set: u32,
    /// Of a PBX; a carrier has its set for itself.
    pub addresses: Vec<Ipv4Addr>,
    /// Every proxy of the inventory that is not left out.
    pub proxies: Vec<String>,
    pub left_out: Vec<String>,
    /// The dispatcher sets of the other carriers.
    pub other_carriers: BTreeSet<u32>,
    pub accept_no_route: bool,
    pub within_s: u32,
}

/// What was seen just now, for the plan.
#[derive(Clone, Debug, Default)]
pub struct SwitchSeen {
    pub proxies: BTreeMap<String, Result<ProxyFacts, PortError>>,
    pub pbx: Option<Result<PbxFacts, PortError>>,
}

impl Switch {
    /// Who and what it is about, by the inventory alone.
    pub fn new(
        inventory: &Inventory,
        kind: OperationKind,
        subject: &str,
        settings: &BTreeMap<String, String>,
    ) -> Result<Self, Refusal> {
        let known: &[&'static str] = match kind {
            OperationKind::DisableCarrier => &[WITHOUT, ACCEPT_NO_ROUTE],
            OperationKind::Drain => &[WITHOUT, ACCEPT_NO_ROUTE, WITHIN_S],
            OperationKind::EnableCarrier | OperationKind::ReturnToService => &[WITHOUT],
            _ => return Err(Refusal::NotBuilt { kind }),
        };
        if let Some(read) = settings.keys().find(|name| !known.contains(&name.as_str())) {
            return Err(Refusal::UnknownSetting { kind, read: read.clone(), known: known.to_vec() });
        }
        let is_carrier = matches!(kind, OperationKind::DisableCarrier | OperationKind::EnableCarrier);
        let (set, addresses) = if is_carrier { carrier(inventory, subject)? } else { pbx(inventory, subject)? };
        let all: BTreeSet<String> = inventory.of_role(Role::Kamailio).map(|machine| machine.name.clone()).collect();
        let left_out = left_out(settings, &all)?;
        let wrong = |name, read: &str, expected: &str| Refusal::WrongSetting { name, read: read.into(), expected: expected.into() };
        let accept_no_route = match settings.get(ACCEPT_NO_ROUTE).map(String::as_str) {
            None | Some("no") => false,
            Some("yes") => true,
            Some(other) => return Err(wrong(ACCEPT_NO_ROUTE, other, "yes or no")),
        };
        let within_s = match settings.get(WITHIN_S) {
            None => WITHIN_DEFAULT_S,
            Some(read) => read
                .parse()
                .ok()
                .filter(|seconds| (1..=WITHIN_MAX_S).contains(seconds))
                .ok_or_else(|| wrong(WITHIN_S, read, &format!("a number of seconds from 1 to {WITHIN_MAX_S}")))?,
        };
        let proxies = all.into_iter().filter(|name| !left_out.contains(name)).collect();
        let carriers = inventory.carriers.iter().map(|carrier| u32::from(carrier.set));
        let other_carriers = carriers.filter(|other| *other != set).collect();
        Ok(Self { kind, subject: subject.into(), set, addresses, proxies, left_out, other_carriers, accept_no_route, within_s })
    }

    /// Whether a destination of the set is the subject's.
    pub fn is_its(&self, uri: &str) -> bool {
        let host = uri.trim_start_matches("sips:").trim_start_matches("sip:").split([':', ';']).next().unwrap_or_default();
        self.addresses.is_empty() || host.parse().is_ok_and(|address| self.addresses.contains(&address))
    }

    /// The subject's destinations among all sets of a proxy.
    pub fn targets<'a>(&'a self, sets: &'a [DispatcherSet]) -> impl Iterator<Item = &'a DispatcherTarget> + 'a {
        let set = sets.iter().filter(|set| set.id == self.set);
        set.flat_map(|set| &set.targets).filter(|target| self.is_its(&target.uri))
    }

    pub const fn takes_out(&self) -> bool {
        matches!(self.kind, OperationKind::DisableCarrier | OperationKind::Drain)
    }

    const fn is_carrier(&self) -> bool {
        matches!(self.kind, OperationKind::DisableCarrier | OperationKind::EnableCarrier)
    }

    /// Others that calls go to instead: at a proxy with these sets at least one is active.
    pub fn has_other_way(&self, sets: &[DispatcherSet]) -> bool {
        let is_other = |set: u32, target: &DispatcherTarget| match self.is_carrier() {
            true => self.other_carriers.contains(&set),
            false => set == PBX_SET && !self.is_its(&target.uri),
        };
        let others = sets.iter().flat_map(|set| set.targets.iter().filter(|target| is_other(set.id, target)));
        others.into_iter().any(|target| target.state == TargetState::Active)
    }

    pub fn plan(&self, settings: &BTreeMap<String, String>, seen: &SwitchSeen) -> Plan {
        Plan {
            kind: self.kind,
            subject: self.subject.clone(),
            settings: settings.clone(),
            level: self.kind.level(),
            steps: self.steps(seen),
            preflights: self.preflights(seen),
        }
    }

    fn answered<'a>(&'a self, seen: &'a SwitchSeen) -> impl Iterator<Item = (&'a str, &'a ProxyFacts)> {
        let facts =
            |name: &'a String| seen.proxies.get(name).and_then(|facts| facts.as_ref().ok()).map(|facts| (name.as_str(), facts));
        self.proxies.iter().filter_map(facts)
    }

    fn steps(&self, seen: &SwitchSeen) -> Vec<PlannedStep> {
        let (subject, proxies) = (&self.subject, self.proxies.join(" and "));
        let step = |step: SwitchStep, words: String, commands: Vec<String>, undo: Undo, seconds_expected| PlannedStep {
            name: step.name().into(),
            words,
            commands,
            undo,
            seconds_expected,
        };
        let reads = || Undo::NothingToUndo("It only reads.".into());
        let read = || self.proxies.iter().map(|proxy| format!("{proxy}: dispatcher.list")).collect::<Vec<_>>();
        let set = |state: TargetState| {
            let of = |(proxy, facts): (&str, &ProxyFacts)| {
                let line = |target: &DispatcherTarget| {
                    format!("{proxy}: dispatcher.set_state {} {} {}", state.flags(), self.set, target.uri)
                };
                self.targets(&facts.sets).map(line).collect::<Vec<_>>()
            };
            self.answered(seen).flat_map(of).collect::<Vec<_>>()
        };
        let back = || Undo::By(format!("Each destination of {subject} is put into the state it was in before, at each proxy."));
        let note = format!("Note the state of each destination of {subject} at {proxies}.");
        let mut steps = vec![step(SwitchStep::NoteStates, note, read(), reads(), 1)];
        if self.takes_out() {
            let words = format!("Disable every destination of {subject} at {proxies}. It lasts until a proxy is restarted.");
            steps.push(step(SwitchStep::TakeOut, words, set(TargetState::Disabled), back(), 1));
            let words = "Read it back, and again after the proxies' own probes had time to change it.".into();
            steps.push(step(SwitchStep::VerifyOut, words, read(), reads(), 6));
        } else {
            let words = format!("Let {proxies} probe every destination of {subject} again; the first answer makes it active.");
            steps.push(step(SwitchStep::PutBack, words, set(TargetState::Inactive), back(), 1));
            let words = "Wait until each proxy has heard from it and sends calls there again.".into();
            steps.push(step(SwitchStep::VerifyBack, words, read(), reads(), 4));
        }
        if self.kind == OperationKind::Drain {
            let words = format!("Wait until no call is up on {subject}, at most {} s.", self.within_s);
            let commands = vec![format!("{subject}: AMI CoreShowChannels")];
            steps.push(step(SwitchStep::WaitForCalls, words, commands, reads(), self.within_s.min(120)));
        }
        steps
    }

    fn preflights(&self, seen: &SwitchSeen) -> Vec<Preflight> {
        let mut all = vec![self.reachable(seen), self.known(seen)];
        if self.takes_out() {
            let without: Vec<&str> =
                self.answered(seen).filter(|(_, facts)| !self.has_other_way(&facts.sets)).map(|(name, _)| name).collect();
            let what = if self.is_carrier() { "carrier" } else { "PBX" };
            all.push(match (without.is_empty(), self.accept_no_route) {
                (true, _) => Preflight::new("other_way", Verdict::Pass, format!("Each proxy has another active {what}.")),
                (false, accepted) => {
                    let verdict = if accepted { Verdict::Warn } else { Verdict::Block };
                    let out = format!(
                        "No other {what} is active at {}: new calls would fail there. To do it all the same set {ACCEPT_NO_ROUTE}=yes.",
                        without.join(", ")
                    );
                    Preflight::new("other_way", verdict, out)
                }
            });
        }
        all.push(self.live_calls(seen));
        all
    }

    fn reachable(&self, seen: &SwitchSeen) -> Preflight {
        let mut said = Vec::new();
        let mut verdict = if self.left_out.is_empty() { Verdict::Pass } else { Verdict::Warn };
        for name in &self.proxies {
            match seen.proxies.get(name) {
                Some(Ok(facts)) => said.push(format!("{name} answers ({}).", facts.version)),
                Some(Err(error)) => {
                    verdict = Verdict::Block;
                    said.push(format!("{error}. It would go on as before: mend it, or leave it out with {WITHOUT}={name}."));
                }
                None => {
                    verdict = Verdict::Block;
                    said.push(format!("{name} has no endpoint jsonrpc in the inventory; leave it out with {WITHOUT}={name}."));
                }
            }
        }
        if self.proxies.is_empty() {
            verdict = Verdict::Block;
            said.push("No proxy is left to do it at.".into());
        }
        said.extend(self.left_out.iter().map(|name| format!("{name} is left out and goes on as before.")));
        Preflight::new("proxies", verdict, said.join(" "))
    }

    fn known(&self, seen: &SwitchSeen) -> Preflight {
        let mut verdict = Verdict::Pass;
        let (mut said, mut all) = (Vec::new(), Vec::new());
        for (name, facts) in self.answered(seen) {
            let states: Vec<&DispatcherTarget> = self.targets(&facts.sets).collect();
            let words: Vec<String> = states.iter().map(|target| format!("{} {}", target.uri, target.state.name())).collect();
            if words.is_empty() {
                verdict = Verdict::Block;
                said.push(format!("{name} has no destination of {} in set {}.", self.subject, self.set));
            } else {
                said.push(format!("{name}: {}.", words.join(", ")));
            }
            all.extend(states.iter().map(|target| target.state));
        }
        let there = |state: &TargetState| (*state == TargetState::Disabled) == self.takes_out();
        if verdict == Verdict::Pass && !all.is_empty() && all.iter().all(there) {
            verdict = Verdict::Warn;
            said.push("That is how it is to be already.".into());
        }
        Preflight::new("destinations", verdict, said.join(" "))
    }

    fn live_calls(&self, seen: &SwitchSeen) -> Preflight {
        match &seen.pbx {
            Some(Ok(facts)) => Preflight::new(
                "live_calls",
                Verdict::Pass,
                format!("{} call(s) are up on {}; none is cut.", facts.calls, self.subject),
            ),
            // Without a count nobody can tell when it is drained.
            Some(Err(error)) => {
                let verdict = if self.kind == OperationKind::Drain { Verdict::Block } else { Verdict::Warn };
                Preflight::new("live_calls", verdict, format!("{error}. Its calls cannot be counted."))
            }
            None => {
                let calls: Vec<String> = self.answered(seen).map(|(name, facts)| format!("{} at {name}", facts.dialogs)).collect();
                let said = format!("Calls up, of all carriers: {}. None is cut; only new ones choose.", calls.join(", "));
                Preflight::new("live_calls", Verdict::Pass, said)
            }
        }
    }
}

fn carrier(inventory: &Inventory, name: &str) -> Result<(u32, Vec<Ipv4Addr>), Refusal> {
    let found = inventory.carriers.iter().find(|carrier| carrier.name == name);
    let known = || inventory.carriers.iter().map(|carrier| carrier.name.clone()).collect();
    let unknown = || Refusal::UnknownSubject { sort: "carrier", read: name.into(), known: known() };
    found.map(|carrier| (u32::from(carrier.set), Vec::new())).ok_or_else(unknown)
}

fn pbx(inventory: &Inventory, name: &str) -> Result<(u32, Vec<Ipv4Addr>), Refusal> {
    let found = inventory.of_role(Role::Asterisk).find(|machine| machine.name == name);
    let known = || inventory.of_role(Role::Asterisk).map(|machine| machine.name.clone()).collect();
    let unknown = || Refusal::UnknownSubject { sort: "PBX", read: name.into(), known: known() };
    // One without a network has no destination; nobody else's may be taken for its.
    let machine = found.filter(|machine| !machine.networks.is_empty()).ok_or_else(unknown)?;
    Ok((PBX_SET, inventory.nics(machine).into_iter().map(|nic| nic.address).collect()))
}

fn left_out(settings: &BTreeMap<String, String>, all: &BTreeSet<String>) -> Result<Vec<String>, Refusal> {
    let Some(read) = settings.get(WITHOUT) else { return Ok(Vec::new()) };
    let names: BTreeSet<&str> = read.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    match names.iter().find(|name| !all.contains(**name)) {
        None => Ok(names.into_iter().map(Into::into).collect()),
        Some(_) => {
            let known: Vec<&str> = all.iter().map(String::as_str).collect();
            Err(Refusal::WrongSetting { name: WITHOUT, read: read.clone(), expected: format!("proxies are {}", known.join(", ")) })
        }
    }
}

#[cfg(test)]
#[path = "switch_tests.rs"]
mod tests;
