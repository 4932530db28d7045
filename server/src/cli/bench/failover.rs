//! How long a cluster takes no writes, and what is lost, when its primary is switched over or fails. One lab for all runs, with a panel
//! that watches it; the panel carries the operations out, as it does when a person presses the button.

use super::{
    Failure,
    figure::{Figure, Goal, percentile},
    fleet::Whole,
};
use crate::{
    adapters::lab::LabHost,
    credentials,
    lab::{
        enter, faults,
        writer::{self, Acknowledged, Writer, longest_gap},
    },
    operations::{ground::Ground, journal::Journal, start::Wanted},
};
use app::{
    fleet::inventory::Inventory,
    operations::{
        journal::Outcome,
        refusal::DESPITE_COOL_DOWN,
        run::{Run, RunState},
    },
    ports::HypervisorControl,
    values::{Level, OperationId},
};
use clap::ValueEnum;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde::Serialize;
use serde_json::json;
use std::{
    collections::BTreeMap,
    net::Ipv4Addr,
    time::{Duration, Instant},
};
use tokio::time::sleep;

pub const SWITCHOVER: Goal = Goal::at_most(
    "switchover-gap",
    "nobody can write while the primary is switched over, at 200 inserts a second, p95 of fifty runs",
    "s",
    1.0,
);
pub const FAILOVER: Goal = Goal::at_most(
    "failover-writable",
    "from the click to the first write on the new primary, fencing included, p95 of fifty runs over killed, frozen, partitioned and full",
    "s",
    6.0,
);
#[cfg(test)]
pub const GOALS: [Goal; 2] = [SWITCHOVER, FAILOVER];

const RUNS: u32 = 50;
const CLUSTER: &str = "database";
const NETWORK: &str = "data";
/// 200 a second.
const EACH_ROW: Duration = Duration::from_millis(5);
const EACH_PROBE: Duration = Duration::from_millis(10);
const LOOK: Duration = Duration::from_millis(20);
const ALERT_MAX: Duration = Duration::from_secs(60);
const OVER_MAX: Duration = Duration::from_secs(240);
const READY_MAX: Duration = Duration::from_secs(120);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum Kind {
    /// The primary is well and is switched over
    Planned,
    /// Its MariaDB, or the whole machine, is killed
    Killed,
    /// It is stopped where it is: connections stay open
    Frozen,
    /// Its cables to clients and replicas are pulled
    Partitioned,
    /// Its disk is full
    DiskFull,
}

const UNPLANNED: [Kind; 4] = [Kind::Killed, Kind::Frozen, Kind::Partitioned, Kind::DiskFull];

#[derive(Clone, Debug, Serialize)]
struct Measured {
    kind: Kind,
    seed: u64,
    /// The longest time between two rows that were acknowledged, whoever was waiting for whom.
    write_gap_s: f64,
    click_to_writable_s: f64,
    acknowledged: u64,
    lost: u64,
    two_writers_ms: f64,
    /// From the fault to its alert; absent where nothing failed.
    alert_s: Option<f64>,
    /// How the old primary came back.
    reseeded: bool,
}

/// The document of `bench failover`. Without a kind the runs are a mix of the unplanned ones, by the seed.
pub async fn document(kind: Option<Kind>, runs: u32, seed: u64) -> Result<serde_json::Value, Failure> {
    Ok(json!({ "runs": measure(kind, runs, seed).await? }))
}

pub async fn switchover() -> Result<Figure, Failure> {
    let runs = measure(Some(Kind::Planned), RUNS, 1).await?;
    judge(SWITCHOVER, &runs, |run| run.write_gap_s)
}

pub async fn failover() -> Result<Figure, Failure> {
    let runs = measure(None, RUNS, 1).await?;
    judge(FAILOVER, &runs, |run| run.click_to_writable_s)
}

/// A run that lost something, or had two writers, meets no goal.
fn judge(goal: Goal, runs: &[Measured], of: fn(&Measured) -> f64) -> Result<Figure, Failure> {
    if let Some(bad) = runs.iter().find(|run| run.lost > 0 || run.two_writers_ms > 0.0) {
        return Err(Failure::new(format!("A run lost rows or had two writers: {bad:?}.")));
    }
    Ok(goal.judge(percentile(&mut runs.iter().map(of).collect::<Vec<_>>(), 95), None))
}

async fn measure(kind: Option<Kind>, runs: u32, seed: u64) -> Result<Vec<Measured>, Failure> {
    let bench = Bench::start().await?;
    let mut measured = Vec::new();
    for number in 0..u64::from(runs) {
        let seed = seed.wrapping_add(number);
        let mut chance = StdRng::seed_from_u64(seed);
        let kind = kind.unwrap_or_else(|| UNPLANNED[chance.random_range(0..UNPLANNED.len())]);
        let run = bench.run(kind, seed, number, &mut chance).await?;
        super::warn(format!("{number}: {run:?}"));
        measured.push(run);
    }
    bench.whole.stop().await?;
    Ok(measured)
}

struct Bench {
    whole: Whole,
    inventory: Inventory,
    journal: Journal,
    password: String,
    host: LabHost,
}

impl Bench {
    async fn start() -> Result<Self, Failure> {
        let whole = Whole::start("").await?;
        let ground = Ground::find(whole.state(), None).map_err(Failure::new)?;
        let journal = Journal::open(whole.state()).await.map_err(Failure::new)?;
        let host = LabHost::new("host-01", whole.lab.clone(), Duration::from_secs(4));
        let bench = Self { whole, inventory: ground.inventory, journal, password: credentials::secret(), host };
        bench.sql("mariadb-01", &writer::setup(&bench.password))?;
        Ok(bench)
    }

    fn members(&self) -> Vec<String> {
        self.inventory.clusters.get(CLUSTER).map(|cluster| cluster.members.clone()).unwrap_or_default()
    }

    fn address(&self, name: &str) -> Result<Ipv4Addr, Failure> {
        let found = self.inventory.machine(name).and_then(|machine| self.inventory.address(machine, NETWORK));
        found.ok_or_else(|| Failure::new(format!("{name} has no address on {NETWORK}.")))
    }

    fn sql(&self, machine: &str, statement: &str) -> Result<String, Failure> {
        let argv = ["timeout", "5", "mariadb", "--defaults-file=/etc/mysql/my.cnf", "-NBe", statement];
        let mut command = enter::in_machine(&self.whole.lab, machine).map_err(Failure::new)?;
        enter::run(&mut command, &argv).map_err(Failure::new)
    }

    fn primary(&self) -> Result<String, Failure> {
        let writable = |name: &String| self.sql(name, "SELECT @@GLOBAL.read_only").is_ok_and(|said| said.trim() == "0");
        let writable: Vec<String> = self.members().into_iter().filter(writable).collect();
        match writable.as_slice() {
            [one] => Ok(one.clone()),
            several => Err(Failure::new(format!("One server is to take writes; these do: {several:?}."))),
        }
    }

    fn wanted(kind: &str, subject: &str, settings: &[(&str, &str)]) -> Result<Wanted, Failure> {
        let settings: BTreeMap<String, String> =
            settings.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        Wanted::named(kind, subject, settings).map_err(Failure::new)
    }

    /// Looks at the plan until nothing is in its way, as a person would, and gives the moment of the click.
    async fn start_operation(&self, wanted: &Wanted, within: Duration) -> Result<(OperationId, Instant), Failure> {
        let until = Instant::now() + within;
        loop {
            let ground = || Ground::find(self.whole.state(), None).map_err(Failure::new);
            let plan = wanted.plan(ground()?).await.map_err(Failure::new)?;
            let blocked: Vec<String> = plan.blocking().map(|one| format!("{}: {}", one.name, one.evidence)).collect();
            let click = Instant::now();
            let why = if blocked.is_empty() {
                match wanted.start(ground()?, &self.journal, &plan.fingerprint(), Level::L3, "bench").await {
                    Ok(id) => return Ok((id, click)),
                    Err(error) => error.to_string(),
                }
            } else {
                blocked.join(" ")
            };
            if Instant::now() > until {
                return Err(Failure::new(format!("{} {} does not start: {why}", wanted.kind, wanted.subject)));
            }
            sleep(LOOK).await;
        }
    }

    async fn until_over(&self, id: OperationId) -> Result<Run, Failure> {
        let until = Instant::now() + OVER_MAX;
        loop {
            let run = self.journal.run(id).await.map_err(Failure::new)?;
            if run.is_over() || run.state == RunState::Stuck || Instant::now() > until {
                return Ok(run);
            }
            sleep(LOOK).await;
        }
    }

    async fn run(&self, kind: Kind, seed: u64, number: u64, chance: &mut StdRng) -> Result<Measured, Failure> {
        let primary = self.primary()?;
        let lab = &self.whole.lab;
        let writers = self.inventory.clusters.get(CLUSTER).and_then(|cluster| cluster.writer.get(NETWORK).copied());
        let at = writers.ok_or_else(|| Failure::new("The cluster has no writer's address."))?;
        // Numbers that no other run uses.
        let first = (number + 1) * 10_000_000;
        let writer = Writer::start(lab, at, &self.password, "bench.acknowledged", first, EACH_ROW).map_err(Failure::new)?;
        let mut probes = Vec::new();
        for (place, name) in self.members().into_iter().enumerate() {
            let first = first + (place as u64 + 1) * 1_000_000;
            let probe = Writer::start(lab, self.address(&name)?, &self.password, "bench.probes", first, EACH_PROBE);
            probes.push((name, probe.map_err(Failure::new)?));
        }
        sleep(Duration::from_millis(1_000 + chance.random_range(0..1_000))).await;
        let broken = Instant::now();
        let alert_s = match kind {
            Kind::Planned => None,
            _ => {
                self.break_it(kind, &primary, chance)?;
                Some(self.until_alert(&primary, broken).await?)
            }
        };
        let operation = match kind {
            Kind::Planned => "switch_over_database",
            _ => "fail_over_database",
        };
        let wanted = Self::wanted(operation, CLUSTER, &[(DESPITE_COOL_DOWN, "yes")])?;
        let (id, click) = self.start_operation(&wanted, Duration::from_secs(30)).await?;
        let run = self.until_over(id).await?;
        if run.state != RunState::Over(Outcome::Done) {
            return Err(Failure::new(format!("Operation {id} is {}: {}", run.word(), run.reason.unwrap_or_default())));
        }
        sleep(Duration::from_secs(1)).await;
        let rows = writer.acknowledged();
        drop(writer);
        let promoted = self.primary()?;
        let two_writers_ms = overlap_ms(&probes, &primary, &promoted);
        drop(probes);
        let lost = self.lost(&promoted, &rows, first)?;
        let reseeded = if kind == Kind::Planned { false } else { self.rejoin(&primary).await? };
        let writable = rows.iter().filter(|row| row.at > gap_end(&rows, click)).map(|row| row.at).min();
        let writable = writable.ok_or_else(|| Failure::new("Nothing was written after the operation."))?;
        Ok(Measured {
            kind,
            seed,
            write_gap_s: longest_gap(&rows).as_secs_f64(),
            click_to_writable_s: writable.saturating_duration_since(click).as_secs_f64(),
            acknowledged: rows.len() as u64,
            lost,
            two_writers_ms,
            alert_s,
            reseeded,
        })
    }

    fn break_it(&self, kind: Kind, primary: &str, chance: &mut StdRng) -> Result<(), Failure> {
        let make = |name: &str, target: String| faults::make(&self.whole.lab, name, Some(&target)).map(drop).map_err(Failure::new);
        let whole: bool = chance.random();
        let part = if whole { primary.to_string() } else { format!("{primary}/mariadb") };
        match kind {
            Kind::Planned => Ok(()),
            Kind::Killed => make("kill", part),
            Kind::Frozen => make("freeze", part),
            Kind::Partitioned => {
                make("cut", format!("{primary}/data"))?;
                make("cut", format!("{primary}/sync"))
            }
            Kind::DiskFull => make("fill_disk", primary.into()),
        }
    }

    /// Until the panel tells that something is wrong with the primary, or with the cluster; how long that took.
    async fn until_alert(&self, primary: &str, broken: Instant) -> Result<f64, Failure> {
        loop {
            let firing = self.whole.alerted().await?;
            if firing.iter().any(|subject| subject.contains(primary) || subject.contains(CLUSTER)) {
                return Ok(broken.elapsed().as_secs_f64());
            }
            if broken.elapsed() > ALERT_MAX {
                let firing = firing.join(", ");
                return Err(Failure::new(format!("No alert of {primary} within {} s, only: {firing}.", ALERT_MAX.as_secs())));
            }
            sleep(LOOK).await;
        }
    }

    /// Acknowledged, and not on the new primary.
    fn lost(&self, promoted: &str, rows: &[Acknowledged], first: u64) -> Result<u64, Failure> {
        let there =
            self.sql(promoted, &format!("SELECT id FROM bench.acknowledged WHERE id > {first} AND id < {first} + 1000000"))?;
        let there: std::collections::BTreeSet<u64> = there.lines().filter_map(|line| line.trim().parse().ok()).collect();
        Ok(rows.iter().filter(|row| !there.contains(&row.id)).count() as u64)
    }

    /// The old primary, switched on and healed, follows the new one again; gives whether its data was made anew.
    async fn rejoin(&self, old: &str) -> Result<bool, Failure> {
        self.host.power_on(old).await.map_err(Failure::new)?;
        // A machine that has just been switched on does not take orders at once.
        let until = Instant::now() + READY_MAX;
        loop {
            let lab = self.whole.lab.clone();
            let healed = tokio::task::spawn_blocking(move || faults::heal(&lab, None, None)).await.map_err(Failure::new)?;
            match healed {
                Ok(_) => break,
                Err(said) if Instant::now() > until => return Err(Failure::new(said)),
                Err(_) => sleep(LOOK).await,
            }
        }
        for settings in [&[][..], &[("errant", "save_and_reseed")]] {
            let wanted = Self::wanted("rejoin_database", old, settings)?;
            let started = self.start_operation(&wanted, READY_MAX).await;
            // Its plan may say already that there is something only it has.
            let id = match (started, settings.is_empty()) {
                (Ok((id, _)), _) => id,
                (Err(_), true) => continue,
                (Err(error), false) => return Err(error),
            };
            let run = self.until_over(id).await?;
            if run.state == RunState::Over(Outcome::Done) {
                self.whole.until_all_good().await?;
                return Ok(!settings.is_empty());
            }
            if !settings.is_empty() {
                return Err(Failure::new(format!("Operation {id} is {}: {}", run.word(), run.reason.unwrap_or_default())));
            }
        }
        Err(Failure::new(format!("{old} did not rejoin.")))
    }
}

/// The beginning of the longest wait that ended after the click: whatever was acknowledged later was so by the new primary.
fn gap_end(rows: &[Acknowledged], click: Instant) -> Instant {
    let pairs = rows.windows(2).filter(|pair| pair[1].at > click);
    pairs.max_by_key(|pair| pair[1].at - pair[0].at).map_or(click, |pair| pair[0].at.max(click))
}

/// How long after the new primary's first row the old one acknowledged another.
fn overlap_ms(probes: &[(String, Writer)], old: &str, new: &str) -> f64 {
    let of =
        |name: &str| probes.iter().find(|(probed, _)| probed == name).map(|(_, writer)| writer.acknowledged()).unwrap_or_default();
    let (last, first) = (of(old).iter().map(|row| row.at).max(), of(new).iter().map(|row| row.at).min());
    match (last, first) {
        (Some(last), Some(first)) => last.saturating_duration_since(first).as_secs_f64() * 1_000.0,
        _ => 0.0,
    }
}
