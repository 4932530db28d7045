//! Looks at everything once a second, steps the inbox, writes what came of it.

use super::volume::VolumeFeed;
use app::{
    alerts::{
        group::group,
        inbox::Heard,
        rule::{NetworkSight, Observations, Resource, Trend, VolumeSight, identity, symptoms},
        rules::sight::{can_judge, is_declared},
    },
    context::{self, Panel},
    error::AppError,
    fleet::{
        isolation::{NetworkVerdict, Verdict},
        judge::{isolated_since, judge_all},
        world::World,
    },
    live::{Topic, Wake},
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

pub struct AlertsTask {
    panel: Arc<Panel>,
    volume: VolumeFeed,
    wake: Arc<Wake>,
    trends: Trends,
}

impl AlertsTask {
    pub fn new(panel: Arc<Panel>) -> Self {
        let wake = Wake::new(Arc::clone(&panel.hub), Topic::Alerts);
        Self { panel, volume: VolumeFeed::default(), wake, trends: Trends::default() }
    }

    pub async fn look(&mut self) -> Result<(), String> {
        let (panel, now) = (Arc::clone(&self.panel), context::now());
        // Without it the rules of volume are silent and end nothing.
        let (volume, problem) = match self.volume.look(&panel.database, &panel.calls, now).await {
            Ok(sights) => (sights.to_vec(), None),
            Err(AppError::Away { .. }) => (Vec::new(), None),
            Err(error) => (Vec::new(), Some(error.to_string())),
        };
        let heard = self.hear(&volume, now);
        if panel.alerts.step(&panel.database, heard, now).await? {
            self.wake.soon();
        }
        problem.map_or(Ok(()), Err)
    }

    fn hear(&mut self, volume: &[VolumeSight], now: Moment) -> Heard {
        let panel = &self.panel;
        let escalate_after = panel.alerts.escalate_after;
        let open = panel.alerts.open_identities();
        let names =
            |open: &[(String, app::alerts::subject::Subject)]| open.iter().map(|(key, subject)| identity(key, subject)).collect();
        let Some(inventory) = panel.fleet.inventory() else {
            // Without an inventory nothing is seen, so nothing is over.
            return Heard { frozen: names(&open), escalate_after, ..Heard::default() };
        };
        let sight = |verdict: &NetworkVerdict| NetworkSight {
            network: verdict.network.clone(),
            known: verdict.verdict != Verdict::Unknown,
            violations: verdict.violations.clone(),
        };
        let isolation: Vec<NetworkSight> = panel.fleet.verdicts(now).iter().map(sight).collect();
        // While nothing can be kept nothing is read, and that is no source's fault.
        let sources = if panel.database.state().is_up() { panel.calls.list_sources() } else { Vec::new() };
        let certificates = panel.certificate_places(&inventory);
        let tries = panel.fleet.carrier_tries();
        panel.fleet.with_world(|world| {
            self.trends.note(world, now);
            let trends = self.trends.list();
            let judgements = judge_all(&inventory, world, now);
            let seen = Observations {
                inventory: &inventory,
                world,
                judgements: &judgements,
                blind_since: isolated_since(&inventory, world),
                isolation: &isolation,
                volume,
                certificates: &certificates,
                trends: &trends,
                tries: &tries,
                sources: &sources,
                now,
            };
            let blind: Vec<_> = open.iter().filter(|(key, subject)| !can_judge(&seen, key, subject)).cloned().collect();
            let undeclared: Vec<_> = open.iter().filter(|(key, subject)| !is_declared(&seen, key, subject)).cloned().collect();
            let groups = group(symptoms(&seen));
            Heard { groups, frozen: names(&blind), undeclared: names(&undeclared), escalate_after }
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
