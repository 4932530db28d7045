//! What is known of the fleet, in memory: written by the server's observers, read by pages, functions and rules.

use super::{
    change::{Change, changes, power_changes},
    facts::HypervisorFacts,
    flows::{Flows, Tries},
    history::HistoryRow,
    inventory::{Inventory, Uplink},
    isolation::{NetworkVerdict, Verdict, prove},
    judge::{isolated_since, judge_all},
    map::{NetworkLine, Sight},
    measure::{Measure, MeasurePoint},
    record::{Pending, Record},
    world::{MachineSeen, Seen, World},
};
use crate::{
    live::{Hub, Topic, Wake},
    values::{Moment, PortError},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Within this time, and while nothing is observed, a proof need not be made again.
const PROOF_LASTS: Duration = Duration::from_secs(1);

pub struct FleetState {
    wake: Arc<Wake>,
    inner: Mutex<Inner>,
}

/// The file the inventory comes from, with what is wrong in it now; the one in force may be older.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InventoryFile {
    pub path: String,
    /// A line each, with place and remedy.
    pub problems: Vec<String>,
}

#[derive(Default)]
struct Inner {
    inventory: Option<Arc<Inventory>>,
    file: InventoryFile,
    world: World,
    record: Record,
    flows: Flows,
    /// Rises with every observation.
    version: u64,
    /// The newest proof, with the version and the time it was made of.
    proof: Option<(u64, Moment, Arc<Vec<NetworkVerdict>>)>,
}

impl Inner {
    fn verdicts(&mut self, now: Moment) -> Arc<Vec<NetworkVerdict>> {
        let known = self.proof.as_ref().filter(|(version, at, _)| *version == self.version && now.since(*at) < PROOF_LASTS);
        if let Some((_, _, verdicts)) = known {
            return Arc::clone(verdicts);
        }
        let inventory = self.inventory.as_ref();
        let verdicts = Arc::new(inventory.map(|inventory| prove(inventory, &self.world, now)).unwrap_or_default());
        self.proof = Some((self.version, now, Arc::clone(&verdicts)));
        verdicts
    }
}

impl FleetState {
    pub fn new(hub: Arc<Hub>) -> Self {
        Self { wake: Wake::new(hub, Topic::Fleet), inner: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Every change is whole before the lock is given back, so a panic elsewhere cannot leave it half made.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn inventory(&self) -> Option<Arc<Inventory>> {
        self.lock().inventory.clone()
    }

    /// What is in force from now on; nothing is known of its machines until they were looked at.
    pub fn set_inventory(&self, inventory: Option<Arc<Inventory>>) {
        self.change(|inner| {
            let known = |name: &String| inventory.as_ref().is_some_and(|inventory| inventory.machine(name).is_some());
            inner.world.machines.retain(|name, _| known(name));
            inner.world.hosts.clear();
            inner.world.networks.clear();
            inner.world.certificates.clear();
            inner.inventory = inventory;
        });
    }

    pub fn inventory_file(&self) -> InventoryFile {
        self.lock().file.clone()
    }

    pub fn set_inventory_file(&self, file: InventoryFile) {
        self.lock().file = file;
        self.wake.soon();
    }

    pub fn with_world<T>(&self, read: impl FnOnce(&World) -> T) -> T {
        read(&self.lock().world)
    }

    /// Changes what is known, and wakes whoever looks. Looks at one machine or host go through the two functions below.
    pub fn update(&self, change: impl FnOnce(&mut World)) {
        self.change(|inner| change(&mut inner.world));
    }

    /// Notes a look at one machine, and what changed since the one before.
    pub fn update_machine(&self, name: &str, now: Moment, look: impl FnOnce(&mut MachineSeen)) {
        self.change(|inner| {
            let seen = inner.world.machines.entry(name.into()).or_default();
            let before = seen.clone();
            look(seen);
            seen.note_pressure();
            let told = changes(name, &before, seen, now);
            inner.record.note_changes(told);
        });
    }

    /// Notes a look at one host, and which machines were switched on or off since the one before.
    pub fn note_host(&self, name: &str, every_ms: u32, result: Result<HypervisorFacts, PortError>, now: Moment) {
        self.change(|inner| {
            let seen = inner.world.hosts.entry(name.into()).or_insert_with(|| Seen::new(every_ms, now));
            if let (Some(before), Ok(after)) = (seen.value(), &result) {
                inner.record.note_changes(power_changes(before, after, now));
            }
            seen.note(result, now);
        });
    }

    fn change(&self, change: impl FnOnce(&mut Inner)) {
        let mut inner = self.lock();
        change(&mut inner);
        inner.version += 1;
        drop(inner);
        self.wake.soon();
    }

    /// What flows now; told by whoever counts it.
    pub fn set_flows(&self, flows: Flows) {
        self.change(|inner| inner.flows = flows);
    }

    pub fn carrier_tries(&self) -> BTreeMap<String, Tries> {
        self.lock().flows.carrier_tries.clone()
    }

    /// Everything known now, for whoever draws or weighs it; `None` without an inventory.
    pub fn sight<T>(&self, now: Moment, read: impl FnOnce(&Sight<'_>) -> T) -> Option<T> {
        let mut inner = self.lock();
        let verdicts = inner.verdicts(now);
        let Inner { inventory, world, flows, .. } = &*inner;
        let inventory = inventory.as_deref()?;
        let judgements = judge_all(inventory, world, now);
        let networks: Vec<NetworkLine> = verdicts.iter().map(|verdict| line(inventory, verdict)).collect();
        let cut_off_since = isolated_since(inventory, world);
        Some(read(&Sight { inventory, world, judgements: &judgements, networks: &networks, flows, cut_off_since, now }))
    }

    /// The isolation proof, a verdict for each network of the inventory.
    pub fn verdicts(&self, now: Moment) -> Arc<Vec<NetworkVerdict>> {
        self.lock().verdicts(now)
    }

    /// Newest first.
    pub fn verdict_history(&self, network: &str) -> Vec<HistoryRow> {
        self.lock().record.history.of(network)
    }

    /// The newest changes of the whole fleet, newest first.
    pub fn changes(&self) -> Vec<Change> {
        self.lock().record.changes()
    }

    pub fn changes_of(&self, machine: &str) -> Vec<Change> {
        self.lock().record.changes_of(machine)
    }

    /// The points of the last hour that are in memory.
    pub fn measure_points(&self, machine: &str, measure: Measure, bucket_s: u32, from: Moment) -> Vec<MeasurePoint> {
        self.lock().record.measures.points(machine, measure, bucket_s, from)
    }

    /// Takes a sample of everything; called every [`super::measure::SAMPLE_EVERY`].
    pub fn sample(&self, now: Moment) {
        let mut inner = self.lock();
        let verdicts = inner.verdicts(now);
        let Inner { world, record, .. } = &mut *inner;
        record.sample(world, &verdicts, now);
    }

    pub fn pending(&self) -> Pending {
        self.lock().record.pending()
    }

    pub fn written(&self, pending: &Pending) {
        self.lock().record.written(pending);
    }

    pub fn is_resumed(&self) -> bool {
        self.lock().record.history.is_resumed()
    }

    pub fn resume(&self, changes: Vec<Change>, verdicts: Vec<HistoryRow>) {
        self.lock().record.resume(changes, verdicts);
    }
}

/// The verdict as the map shows it, at the end of the network's rail.
fn line(inventory: &Inventory, verdict: &NetworkVerdict) -> NetworkLine {
    let isolated = inventory.networks.get(&verdict.network).is_some_and(|network| network.uplink == Uplink::Forbidden);
    let first = verdict.violations.first().map(|violation| &violation.sentence).or_else(|| verdict.missing.first());
    let (word, note) = match verdict.verdict {
        Verdict::Proved if isolated => ("no uplink", "proved"),
        Verdict::Proved => ("uplink", "as declared"),
        other => (other.word(), first.map_or("", |sentence| sentence.trim_end_matches('.'))),
    };
    NetworkLine {
        name: verdict.network.clone(),
        verdict_tone: verdict.verdict.tone(),
        verdict_word: word.into(),
        note: note.into(),
        at: Some(verdict.at),
    }
}
