//! The harness over proxies that keep the states of their destinations, as Kamailio does.

use super::*;
use crate::operations::harness::{Calls, FAST, Rig, check};
use crate::operations::{journal::Journal, perform::Performer};
use app::{
    calls::live::PbxEvent,
    fleet::{
        facts::{DispatcherSet, DispatcherTarget, PbxFacts, ProxyFacts},
        inventory::Inventory,
    },
    operations::{journal::Outcome, run::RunState},
};
use std::sync::{Arc, Mutex, MutexGuard};

type States = BTreeMap<(&'static str, u32, String), TargetState>;

#[derive(Default)]
struct World {
    states: States,
    calls: Calls,
    /// On the PBX; one ends at each look.
    up: u64,
    /// Destinations that answer no probe.
    dead: Vec<String>,
}

#[derive(Clone)]
struct StandInProxy {
    name: &'static str,
    world: Arc<Mutex<World>>,
}

#[derive(Clone)]
struct StandInPbx(Arc<Mutex<World>>);

fn port(said: String) -> PortError {
    PortError::new("stand-in", "ask", PortErrorKind::Failed, said)
}

impl SipProxy for StandInProxy {
    async fn observe(&self) -> Result<ProxyFacts, PortError> {
        let sets = self.dispatcher_sets().await?;
        Ok(ProxyFacts { version: "kamailio 5.6".into(), sets, ..ProxyFacts::default() })
    }

    async fn dispatcher_sets(&self) -> Result<Vec<DispatcherSet>, PortError> {
        let mut world = self.world.lock().expect("nobody panics");
        world.calls.make().map_err(port)?;
        let mut sets: BTreeMap<u32, Vec<DispatcherTarget>> = BTreeMap::new();
        let dead = world.dead.clone();
        for ((proxy, set, uri), state) in &mut world.states {
            if *proxy == self.name {
                let target = DispatcherTarget { uri: uri.clone(), state: *state, priority: 0, round_trip_ms: None };
                sets.entry(*set).or_default().push(target);
                // Until the next look a probe has come back.
                if *state == TargetState::Inactive && !dead.contains(uri) {
                    *state = TargetState::Active;
                }
            }
        }
        Ok(sets.into_iter().map(|(id, targets)| DispatcherSet { id, targets }).collect())
    }

    async fn set_target_state(&self, set: u32, uri: &str, state: TargetState) -> Result<(), PortError> {
        let mut world = self.world.lock().expect("nobody panics");
        world.calls.make().map_err(port)?;
        match world.states.get_mut(&(self.name, set, uri.into())) {
            Some(is) => {
                *is = state;
                Ok(())
            }
            None => Err(port(format!("there is no {uri}"))),
        }
    }
}

impl Pbx for StandInPbx {
    async fn observe(&self) -> Result<PbxFacts, PortError> {
        let mut world = self.0.lock().expect("nobody panics");
        let calls = world.up;
        world.up = world.up.saturating_sub(1);
        world.calls.make().map_err(port)?;
        Ok(PbxFacts {
            version: "20".into(),
            started_at: None,
            reloaded_at: None,
            channels: 2 * calls,
            calls,
            endpoints: Vec::new(),
            codecs: BTreeMap::new(),
            transcoding: 0,
        })
    }

    async fn listen(&self, _tell: impl Fn(PbxEvent) + Send + Sync) -> PortError {
        port("nobody speaks".into())
    }

    async fn hang_up(&self, _channel: &str) -> Result<(), PortError> {
        Err(port("nobody is asked to".into()))
    }
}

const PROXIES: [&str; 2] = ["kamailio-01", "kamailio-02"];

#[derive(Clone)]
struct SwitchRig {
    kind: OperationKind,
    subject: &'static str,
    world: Arc<Mutex<World>>,
}

fn shipped() -> Inventory {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("stack/inventory.toml");
    crate::inventory::load(&file).expect("the one we ship")
}

impl SwitchRig {
    fn new(kind: OperationKind, subject: &'static str, its: TargetState) -> Self {
        let mut states = States::new();
        for proxy in PROXIES {
            for (set, host) in [(1, "10.10.10.21"), (1, "10.10.10.22"), (101, "203.0.113.101"), (102, "203.0.113.102")] {
                let is_its = matches!((subject, host), ("carrier-a", "203.0.113.101") | ("asterisk-01", "10.10.10.21"));
                states.insert((proxy, set, format!("sip:{host}:5060")), if is_its { its } else { TargetState::Active });
            }
        }
        Self { kind, subject, world: Arc::new(Mutex::new(World { states, up: 2, ..World::default() })) }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().expect("nobody panics")
    }

    fn switch(&self) -> Switch {
        Switch::new(&shipped(), self.kind, self.subject, &BTreeMap::new()).expect("it is known")
    }

    async fn to_the_end(&self) -> app::operations::run::Run {
        let dir = tempfile::tempdir().expect("a folder");
        let journal = Journal::open(dir.path()).await.expect("a journal");
        let id = journal.start(&self.plan(), "ada", (FAST.now)()).await.expect("it starts");
        Performer { journal: &journal, id, pace: FAST }.perform(&self.operation()).await.expect("the journal is whole")
    }
}

impl Rig for SwitchRig {
    type Operation = SwitchOperation<StandInProxy, StandInPbx>;

    fn plan(&self) -> Plan {
        self.switch().plan(&BTreeMap::new(), &SwitchSeen::default())
    }

    fn operation(&self) -> Self::Operation {
        let proxies = PROXIES.map(|name| (name.to_string(), StandInProxy { name, world: Arc::clone(&self.world) }));
        let ms = Duration::from_millis;
        let patience = Patience { probes: ms(1), back: ms(30), look: ms(1), calls: ms(200) };
        SwitchOperation { switch: self.switch(), proxies: proxies.into(), pbx: Some(StandInPbx(Arc::clone(&self.world))), patience }
    }

    fn world(&self) -> String {
        format!("{:?}", self.world().states)
    }

    fn break_call(&self, number: Option<usize>) -> bool {
        self.world().calls.break_call(number)
    }
}

#[tokio::test]
async fn disabling_and_enabling_a_carrier_pass_the_harness() {
    check(|| SwitchRig::new(OperationKind::DisableCarrier, "carrier-a", TargetState::Active)).await;
    check(|| SwitchRig::new(OperationKind::EnableCarrier, "carrier-a", TargetState::Disabled)).await;
}

#[tokio::test]
async fn draining_and_returning_a_pbx_pass_the_harness() {
    check(|| SwitchRig::new(OperationKind::Drain, "asterisk-01", TargetState::Active)).await;
    check(|| SwitchRig::new(OperationKind::ReturnToService, "asterisk-01", TargetState::Disabled)).await;
}

#[tokio::test]
async fn only_its_own_destinations_are_touched_at_every_proxy() {
    for (kind, subject, uri) in [
        (OperationKind::DisableCarrier, "carrier-a", "sip:203.0.113.101:5060"),
        (OperationKind::Drain, "asterisk-01", "sip:10.10.10.21:5060"),
    ] {
        let rig = SwitchRig::new(kind, subject, TargetState::Active);
        let run = rig.to_the_end().await;
        assert_eq!(run.state, RunState::Over(Outcome::Done), "{run:#?}");
        let world = rig.world();
        let out = world.states.iter().filter(|(_, state)| **state == TargetState::Disabled).map(|(at, _)| (at.0, at.2.as_str()));
        assert_eq!(out.collect::<Vec<_>>(), PROXIES.map(|proxy| (proxy, uri)));
    }
}

#[tokio::test]
async fn a_carrier_that_does_not_answer_is_not_put_back() {
    let rig = SwitchRig::new(OperationKind::EnableCarrier, "carrier-a", TargetState::Disabled);
    rig.world().dead.push("sip:203.0.113.101:5060".into());
    let before = Rig::world(&rig);
    let run = rig.to_the_end().await;
    assert_eq!((run.state, Rig::world(&rig)), (RunState::Over(Outcome::Undone), before));
    assert!(run.reason.is_some_and(|said| said.contains("kamailio-01 has not heard from sip:203.0.113.101:5060")));
}

#[tokio::test]
async fn a_drain_whose_calls_do_not_end_in_time_takes_new_ones_again() {
    let rig = SwitchRig::new(OperationKind::Drain, "asterisk-01", TargetState::Active);
    rig.world().up = 1_000_000;
    let before = Rig::world(&rig);
    let run = rig.to_the_end().await;
    assert_eq!((run.state, Rig::world(&rig)), (RunState::Over(Outcome::Undone), before));
    assert!(run.reason.as_ref().is_some_and(|said| said.contains("call(s) are still up on asterisk-01")), "{run:?}");
    assert!(run.output.iter().any(|(_, line)| line == "1000000 call(s) are up on asterisk-01."));
}

#[tokio::test]
async fn what_became_the_last_way_since_the_plan_was_made_is_not_taken_out() {
    let rig = SwitchRig::new(OperationKind::DisableCarrier, "carrier-a", TargetState::Active);
    for ((_, set, _), state) in &mut rig.world().states {
        if *set == 102 {
            *state = TargetState::Disabled;
        }
    }
    let before = Rig::world(&rig);
    let run = rig.to_the_end().await;
    assert_eq!((run.state, Rig::world(&rig)), (RunState::Over(Outcome::Undone), before));
    assert!(run.reason.is_some_and(|said| said.contains("no other active destination any more")));
}
