//! Looks at everything once a second, steps the inbox, writes what came of it.

use app::{
    alerts::{
        group::group,
        inbox::Heard,
        rule::{Certificate, NetworkSight, Observations, Resource, Trend, VolumeSight, identity, symptoms},
        rules::sight::can_judge,
    },
    context::{self, Panel},
    fleet::{inventory::Inventory, judge::Judgement, world::World},
    live::Topic,
    values::Moment,
};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

/// One point a minute, over this long: enough for a line, short enough to forget a night's dump.
const TREND_EVERY: Duration = Duration::from_secs(60);
const TREND_POINTS: usize = 180;

type Of<T> = Arc<dyn Fn(&Inventory, &World, Moment) -> T + Send + Sync>;

/// Where the rules' inputs come from. What nobody provides is empty: its rules are silent, and end nothing.
#[derive(Clone)]
pub struct Sources {
    pub judge: Of<Vec<Judgement>>,
    pub blind_since: Of<Option<Moment>>,
    pub isolation: Of<Vec<NetworkSight>>,
    /// From memory: the task does not wait for a database.
    pub volume: Of<Vec<VolumeSight>>,
    pub certificates: Of<Vec<Certificate>>,
}

impl Default for Sources {
    fn default() -> Self {
        Self {
            judge: Arc::new(|_, _, _| Vec::new()),
            blind_since: Arc::new(|_, _, _| None),
            isolation: Arc::new(|_, _, _| Vec::new()),
            volume: Arc::new(|_, _, _| Vec::new()),
            certificates: Arc::new(|_, _, _| Vec::new()),
        }
    }
}

pub struct AlertsTask {
    pub panel: Arc<Panel>,
    pub sources: Sources,
    pub trends: Trends,
}

impl AlertsTask {
    pub fn new(panel: Arc<Panel>, sources: Sources) -> Self {
        Self { panel, sources, trends: Trends::default() }
    }

    pub async fn look(&mut self) -> Result<(), String> {
        let (panel, now) = (Arc::clone(&self.panel), context::now());
        let heard = self.hear(now);
        if panel.alerts.step(&panel.database, heard, now).await? {
            panel.hub.wake(Topic::Alerts);
        }
        Ok(())
    }

    fn hear(&mut self, now: Moment) -> Heard {
        let (panel, sources) = (&self.panel, &self.sources);
        let escalate_after = panel.alerts.escalate_after;
        let open = panel.alerts.open_identities();
        let names =
            |open: &[(String, app::alerts::subject::Subject)]| open.iter().map(|(key, subject)| identity(key, subject)).collect();
        let Some(inventory) = panel.fleet.inventory() else {
            // Without an inventory nothing is seen, so nothing is over.
            return Heard { groups: Vec::new(), frozen: names(&open), escalate_after };
        };
        panel.fleet.with_world(|world| {
            self.trends.note(world, now);
            let trends = self.trends.list();
            let judgements = (sources.judge)(&inventory, world, now);
            let (isolation, volume) = ((sources.isolation)(&inventory, world, now), (sources.volume)(&inventory, world, now));
            let certificates = (sources.certificates)(&inventory, world, now);
            let seen = Observations {
                inventory: &inventory,
                world,
                judgements: &judgements,
                blind_since: (sources.blind_since)(&inventory, world, now),
                isolation: &isolation,
                volume: &volume,
                certificates: &certificates,
                trends: &trends,
                now,
            };
            let blind: Vec<_> = open.iter().filter(|(key, subject)| !can_judge(&seen, key, subject)).cloned().collect();
            Heard { groups: group(symptoms(&seen)), frozen: names(&blind), escalate_after }
        })
    }
}

/// How full disks and memory were, a point a minute.
#[derive(Debug, Default)]
pub struct Trends {
    points: BTreeMap<(String, Resource), VecDeque<(Moment, f64)>>,
}

impl Trends {
    fn note(&mut self, world: &World, now: Moment) {
        for (name, machine) in &world.machines {
            let Some(shell) = machine.shell.as_ref().and_then(|shell| shell.fresh(now)) else { continue };
            // Sizes of disks are far below what a double counts exactly.
            let used = |free: u64, whole: u64| 1.0 - free as f64 / whole.max(1) as f64;
            let disks = shell.disks.iter().map(|disk| (Resource::Disk(disk.mount.clone()), used(disk.free_bytes, disk.size_bytes)));
            let memory = (Resource::Memory, used(shell.memory_available_bytes, shell.memory_total_bytes));
            for (what, used) in disks.chain([memory]) {
                let points = self.points.entry((name.clone(), what)).or_default();
                if points.back().is_some_and(|(at, _)| now.since(*at) < TREND_EVERY) {
                    continue;
                }
                if points.len() == TREND_POINTS {
                    points.pop_front();
                }
                points.push_back((now, used));
            }
        }
        // A machine that is gone for longer than the line is long has no line.
        let oldest = now.minus(TREND_EVERY * u32::try_from(TREND_POINTS).unwrap_or(u32::MAX));
        self.points.retain(|_, points| points.back().is_some_and(|(at, _)| *at >= oldest));
    }

    fn list(&self) -> Vec<Trend> {
        let trend = |((machine, what), points): (&(String, Resource), &VecDeque<(Moment, f64)>)| Trend {
            machine: machine.clone(),
            what: what.clone(),
            points: points.iter().copied().collect(),
        };
        self.points.iter().map(trend).collect()
    }
}
