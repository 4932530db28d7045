//! Taking a carrier or a PBX out of the proxies' choice and putting it back, at the real proxies.

use crate::{
    adapters::{
        asterisk::{Asterisk, Door},
        kamailio::Kamailio,
    },
    credentials,
    operations::{
        ground::Ground,
        perform::{Operation, Say},
    },
};
use app::{
    context,
    fleet::{
        facts::TargetState,
        inventory::Machine,
        operations::switch::{Switch, SwitchFacts, SwitchSeen, SwitchStep},
    },
    operations::{kind::OperationKind, plan::Plan, refusal::Refusal},
    ports::{Pbx, SipProxy},
    values::{PortError, PortErrorKind},
};
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// One answer of a proxy, or of a PBX.
const ANSWER_MAX: Duration = Duration::from_secs(2);

/// How long the world is given.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Two rounds of the proxies' probes: what they would change back they have changed by then.
    pub probes: Duration,
    /// Until a proxy has heard from a destination again.
    pub back: Duration,
    /// Between two looks.
    pub look: Duration,
    /// Until no call is up.
    pub calls: Duration,
}

pub struct SwitchOperation<P, B> {
    pub switch: Switch,
    pub proxies: BTreeMap<String, P>,
    pub pbx: Option<B>,
    pub patience: Patience,
}

fn proxy(ground: &Ground, name: &str) -> Option<Result<Kamailio, PortError>> {
    let machine = ground.inventory.machine(name)?;
    let (address, endpoint) = ground.inventory.endpoint(machine, "jsonrpc")?;
    Some(Kamailio::new(name, &format!("http://{address}{}", endpoint.path.as_deref().unwrap_or_default()), ANSWER_MAX))
}

fn asterisk(ground: &Ground, machine: &Machine) -> Option<Result<Asterisk, PortError>> {
    let (address, endpoint) = ground.inventory.endpoint(machine, "ami")?;
    let read = credentials::beside(&ground.file, &ground.inventory);
    let secret = read(endpoint.credential.as_deref().unwrap_or_default());
    let door = |secret| Door {
        name: machine.name.clone(),
        address: SocketAddr::V4(address),
        user: endpoint.user.clone().unwrap_or_default(),
        secret,
    };
    let unreadable = |error| PortError::new(&machine.name, "read its credential", PortErrorKind::NotConfigured, error);
    Some(secret.map(|secret| Asterisk::new(door(secret), context::now)).map_err(unreadable))
}

fn is_of_pbx(kind: OperationKind) -> bool {
    matches!(kind, OperationKind::Drain | OperationKind::ReturnToService)
}

/// Asks every proxy, and the PBX, at the same time.
pub async fn plan(
    kind: OperationKind,
    subject: &str,
    settings: &BTreeMap<String, String>,
    ground: &Ground,
) -> Result<Plan, Refusal> {
    let switch = Switch::new(&ground.inventory, kind, subject, settings)?;
    let look = |name: &String| {
        let (adapter, name) = (proxy(ground, name), name.clone());
        async move {
            let facts = match adapter? {
                Ok(proxy) => proxy.observe().await,
                Err(error) => Err(error),
            };
            Some((name, facts))
        }
    };
    let proxies = futures::future::join_all(switch.proxies.iter().map(look));
    let calls = async {
        let machine = ground.inventory.machine(subject).filter(|_| is_of_pbx(kind))?;
        let no_door = || PortError::new(subject, "find its AMI", PortErrorKind::NotConfigured, "the inventory has no endpoint ami");
        match asterisk(ground, machine).unwrap_or_else(|| Err(no_door())) {
            Ok(pbx) => Some(observe(&pbx).await),
            Err(error) => Some(Err(error)),
        }
    };
    let (proxies, pbx) = tokio::join!(proxies, calls);
    let seen = SwitchSeen { proxies: proxies.into_iter().flatten().collect(), pbx };
    Ok(switch.plan(settings, &seen))
}

async fn observe(pbx: &impl Pbx) -> Result<app::fleet::facts::PbxFacts, PortError> {
    let late = || PortError::new("the PBX", "count its calls", PortErrorKind::TimedOut, "no answer within 2 s");
    tokio::time::timeout(ANSWER_MAX, pbx.observe()).await.unwrap_or_else(|_| Err(late()))
}

pub fn operation(plan: &Plan, ground: &Ground) -> Result<SwitchOperation<Kamailio, Asterisk>, String> {
    let refused = |refusal: Refusal| refusal.to_string();
    let switch = Switch::new(&ground.inventory, plan.kind, &plan.subject, &plan.settings).map_err(refused)?;
    let mut proxies = BTreeMap::new();
    for name in &switch.proxies {
        let adapter = proxy(ground, name).ok_or_else(|| format!("The inventory has no endpoint jsonrpc for {name} any more."))?;
        proxies.insert(name.clone(), adapter.map_err(|error| format!("{error}."))?);
    }
    let machine = ground.inventory.machine(&plan.subject).filter(|_| is_of_pbx(plan.kind));
    let pbx = machine.and_then(|machine| asterisk(ground, machine)).transpose().map_err(|error| format!("{error}."))?;
    let second = Duration::from_secs(1);
    let calls = Duration::from_secs(u64::from(switch.within_s));
    let patience = Patience { probes: 5 * second, back: 15 * second, look: second / 2, calls };
    Ok(SwitchOperation { switch, proxies, pbx, patience })
}

impl<P: SipProxy, B: Pbx> SwitchOperation<P, B> {
    fn proxy(&self, name: &str) -> Result<&P, String> {
        self.proxies.get(name).ok_or_else(|| format!("The inventory has no proxy {name} any more."))
    }

    /// The states of the subject's destinations at each proxy.
    async fn states(&self) -> Result<BTreeMap<String, BTreeMap<String, TargetState>>, String> {
        let mut all = BTreeMap::new();
        for (name, proxy) in &self.proxies {
            let sets = proxy.dispatcher_sets().await.map_err(|error| format!("{error}."))?;
            let its: BTreeMap<_, _> = self.switch.targets(&sets).map(|target| (target.uri.clone(), target.state)).collect();
            if its.is_empty() {
                return Err(format!("{name} has no destination of {} in set {}.", self.switch.subject, self.switch.set));
            }
            all.insert(name.clone(), its);
        }
        Ok(all)
    }

    async fn set(&self, proxy: &str, uri: &str, state: TargetState) -> Result<(), String> {
        self.proxy(proxy)?.set_target_state(self.switch.set, uri, state).await.map_err(|error| format!("{error}."))
    }

    /// Somebody may have taken the others out since the plan was made: then this one stays.
    async fn take_out(&self, facts: &SwitchFacts, say: &Say<'_>) -> Result<(), String> {
        for proxy in facts.before.keys().filter(|_| !self.switch.accept_no_route) {
            let sets = self.proxy(proxy)?.dispatcher_sets().await.map_err(|error| format!("{error}."))?;
            if !self.switch.has_other_way(&sets) {
                return Err(format!("{proxy} has no other active destination any more: new calls would fail there."));
            }
        }
        for (proxy, targets) in &facts.before {
            for uri in targets.keys() {
                self.set(proxy, uri, TargetState::Disabled).await?;
                say(format!("{proxy}: {uri} is disabled."));
            }
        }
        Ok(())
    }

    async fn check_out(&self) -> Result<(), String> {
        for (proxy, targets) in self.states().await? {
            if let Some((uri, state)) = targets.iter().find(|(_, state)| **state != TargetState::Disabled) {
                return Err(format!("{proxy} says that {uri} is {}, not disabled.", state.name()));
            }
        }
        Ok(())
    }

    async fn verify_out(&self) -> Result<(), String> {
        self.check_out().await?;
        sleep(self.patience.probes).await;
        self.check_out().await
    }

    /// What a person did not take out stays as the probes have it.
    async fn put_back(&self, say: &Say<'_>) -> Result<(), String> {
        for (proxy, targets) in self.states().await? {
            for (uri, _) in targets.iter().filter(|(_, state)| **state == TargetState::Disabled) {
                self.set(&proxy, uri, TargetState::Inactive).await?;
                say(format!("{proxy}: {uri} is probed again."));
            }
        }
        Ok(())
    }

    async fn verify_back(&self) -> Result<(), String> {
        let until = Instant::now() + self.patience.back;
        loop {
            let states = self.states().await?;
            let out = states.iter().find(|(_, targets)| !targets.values().any(|state| *state == TargetState::Active));
            let Some((proxy, targets)) = out else { return Ok(()) };
            if Instant::now() >= until {
                let uris: Vec<&str> = targets.keys().map(String::as_str).collect();
                let waited = self.patience.back.as_secs();
                return Err(format!(
                    "{proxy} has not heard from {} within {waited} s; it does not answer its probes.",
                    uris.join(", ")
                ));
            }
            sleep(self.patience.look).await;
        }
    }

    async fn wait_for_calls(&self, facts: &mut SwitchFacts, say: &Say<'_>) -> Result<(), String> {
        let subject = &self.switch.subject;
        let pbx = self.pbx.as_ref().ok_or_else(|| format!("The inventory has no endpoint ami for {subject}."))?;
        let until = Instant::now() + self.patience.calls;
        let mut last = None;
        loop {
            let seen = observe(pbx).await.map(|facts| facts.calls).map_err(|error| error.to_string());
            if last.as_ref() != Some(&seen) {
                match &seen {
                    Ok(calls) => say(format!("{calls} call(s) are up on {subject}.")),
                    Err(error) => say(format!("{error}.")),
                }
            }
            facts.calls_left = seen.as_ref().ok().copied();
            if seen == Ok(0) {
                return Ok(());
            }
            if Instant::now() >= until {
                let waited = self.patience.calls.as_secs();
                return Err(match seen {
                    Ok(calls) => format!("{calls} call(s) are still up on {subject} after {waited} s."),
                    Err(error) => format!("Nobody knows whether calls are up on {subject}: {error}."),
                });
            }
            last = Some(seen);
            sleep(self.patience.look).await;
        }
    }

    /// The probes decide between active and inactive again; only what a person says is read back.
    async fn restore(&self, facts: &SwitchFacts, say: &Say<'_>) -> Result<(), String> {
        let mut failed = Vec::new();
        for (proxy, targets) in &facts.before {
            for (uri, state) in targets {
                // One proxy that does not answer must not leave the others as they are.
                match self.set(proxy, uri, *state).await {
                    Ok(()) => say(format!("{proxy}: {uri} is {} again.", state.name())),
                    Err(why) => failed.push(why),
                }
            }
        }
        if !failed.is_empty() {
            return Err(failed.join(" "));
        }
        let now = self.states().await?;
        for (proxy, targets) in &facts.before {
            for (uri, before) in targets {
                let is = now.get(proxy).and_then(|targets| targets.get(uri));
                if is.is_some_and(|is| (*is == TargetState::Disabled) != (*before == TargetState::Disabled)) {
                    return Err(format!("{proxy} does not say that {uri} is {} again.", before.name()));
                }
            }
        }
        Ok(())
    }
}

impl<P: SipProxy, B: Pbx> Operation for SwitchOperation<P, B> {
    type Step = SwitchStep;
    type Facts = SwitchFacts;

    fn find_step(name: &str) -> Option<SwitchStep> {
        SwitchStep::find(name)
    }

    fn deadline(&self, step: SwitchStep) -> Duration {
        // Each proxy is asked once, or once for each destination; a step that only asks is late when all of them are.
        let asking = Duration::from_secs(20) + ANSWER_MAX * u32::try_from(self.proxies.len()).unwrap_or(u32::MAX);
        match step {
            SwitchStep::NoteStates | SwitchStep::TakeOut | SwitchStep::PutBack => asking,
            SwitchStep::VerifyOut => asking + self.patience.probes,
            SwitchStep::VerifyBack => asking + self.patience.back,
            SwitchStep::WaitForCalls => asking + self.patience.calls,
        }
    }

    async fn run(&self, step: SwitchStep, facts: &mut SwitchFacts, say: &Say<'_>) -> Result<(), String> {
        match step {
            SwitchStep::NoteStates => {
                facts.before = self.states().await?;
                Ok(())
            }
            SwitchStep::TakeOut => self.take_out(facts, say).await,
            SwitchStep::VerifyOut => self.verify_out().await,
            SwitchStep::WaitForCalls => self.wait_for_calls(facts, say).await,
            SwitchStep::PutBack => self.put_back(say).await,
            SwitchStep::VerifyBack => self.verify_back().await,
        }
    }

    async fn undo(&self, step: SwitchStep, facts: &SwitchFacts, say: &Say<'_>) -> Result<(), String> {
        match step {
            SwitchStep::TakeOut | SwitchStep::PutBack => self.restore(facts, say).await,
            // They only read.
            SwitchStep::NoteStates | SwitchStep::VerifyOut | SwitchStep::VerifyBack | SwitchStep::WaitForCalls => Ok(()),
        }
    }
}

#[cfg(test)]
#[path = "switch_tests.rs"]
mod tests;
