//! What looking at the carrier costs, and how soon it is seen that something happened there.

use super::{
    Failure, browser,
    figure::{Figure, Goal},
    load::{against_the_bare_page, cpu_percent},
    simulated::Simulated,
    subject::Subject,
};
use crate::{
    http::local,
    lab::{down::down, faults, place::Layout, up},
};
use std::{
    path::Path,
    time::{Duration, Instant},
};

pub const ROUNDS: Goal = Goal::at_most(
    "fleet-rounds",
    "processor used by a panel and the programs it runs to watch the ten machines of the lab, without its MariaDB; baseline: with none",
    "% of a core",
    5.0,
);
pub const ROUNDS_200: Goal = Goal::at_most(
    "fleet-rounds-200",
    "processor used by a panel that watches 200 simulated proxies; baseline: with none",
    "% of a core",
    60.0,
);
pub const MAP: Goal = Goal::at_most(
    "map-ttfb",
    "Map page of ten machines, first byte at 50 clients without a pause, 95th percentile; baseline: the sign-in page",
    "ms",
    40.0,
);
pub const UPDATE: Goal = Goal::at_most(
    "map-update",
    "the browser's main thread while 200 machines of the map change at once, from the answer to the layout, median of nine",
    "ms",
    50.0,
);
pub const RED: Goal = Goal::at_most("machine-red", "from a machine's end to red on an open map, worst of six", "s", 6.0);
pub const TOLD: Goal =
    Goal::at_most("alert-told", "from a machine's end to the notice of its alert in the mail folder, worst of three", "s", 10.0);
pub const CALL: Goal =
    Goal::at_most("call-seen", "from a call's answer to “up” on an open page of live calls, worst of eight", "ms", 1_000.0);
pub const CHARTED: Goal =
    Goal::at_most("call-charted", "from a call's hang-up to the charts of an open Volume page, worst of eight", "s", 3.0);
#[cfg(test)]
pub const GOALS: [Goal; 8] = [ROUNDS, ROUNDS_200, MAP, UPDATE, RED, TOLD, CALL, CHARTED];

const SETTLE: Duration = Duration::from_secs(12);
const SPAN: Duration = Duration::from_secs(30);
const GOOD_MAX: Duration = Duration::from_secs(90);
const EACH: Duration = Duration::from_millis(20);

/// A panel with a lab in its own state folder.
pub(super) struct Whole {
    subject: Subject,
    pub lab: Layout,
}

impl Whole {
    pub async fn start(config: &str) -> Result<Self, Failure> {
        let subject = Subject::start_with(config).await?;
        let lab = Layout::below(subject.state());
        let whole = Self { subject, lab };
        let built = whole.lab.clone();
        tokio::task::spawn_blocking(move || up::up(&built, &|_| {})).await.map_err(Failure::new)?.map_err(Failure::new)?;
        whole.until_all_good().await?;
        Ok(whole)
    }

    pub fn state(&self) -> &std::path::Path {
        self.subject.state()
    }

    /// The subjects of all alerts that are firing.
    pub async fn alerted(&self) -> Result<Vec<String>, Failure> {
        let printed = self.subject.printed(&["alerts", "--json"]).await?;
        let alerts: Vec<serde_json::Value> = serde_json::from_str(&printed).map_err(Failure::new)?;
        Ok(alerts.iter().filter_map(|alert| alert["subject"].as_str().map(Into::into)).collect())
    }

    /// Nothing before the inventory was read.
    pub async fn fleet(&self) -> Result<Vec<local::FleetLine>, Failure> {
        let client = reqwest::Client::builder().unix_socket(local::socket(self.subject.state())).build().map_err(Failure::new)?;
        let answer = client.get("http://panel/fleet").send().await.map_err(Failure::new)?;
        let fleet: Option<Vec<local::FleetLine>> = answer.json().await.map_err(Failure::new)?;
        Ok(fleet.unwrap_or_default())
    }

    pub async fn until_all_good(&self) -> Result<(), Failure> {
        let began = Instant::now();
        loop {
            let fleet = self.fleet().await?;
            let wrong: Vec<&str> = fleet.iter().filter(|line| !is_well(line)).map(|line| line.name.as_str()).collect();
            if fleet.len() == 10 && wrong.is_empty() {
                return Ok(());
            }
            if began.elapsed() > GOOD_MAX {
                return Err(Failure::new(format!("Waited {} s for the lab to be well: {}.", GOOD_MAX.as_secs(), wrong.join(", "))));
            }
            tokio::time::sleep(EACH).await;
        }
    }

    pub async fn stop(mut self) -> Result<(), Failure> {
        self.subject.stop().await
    }
}

impl Drop for Whole {
    fn drop(&mut self) {
        // Also when a measure failed half-way.
        let _ = down(&self.lab);
    }
}

/// On a small machine the processor is everybody's: that it is busy says nothing of the lab. Nor does it matter which database is
/// primary.
fn is_well(line: &local::FleetLine) -> bool {
    line.state == "good"
        || !line.problems.is_empty()
            && line.problems.iter().all(|problem| matches!(problem.key.as_str(), "cpu.full" | "cluster.other_primary"))
}

pub async fn rounds() -> Result<Figure, Failure> {
    let mut idle = Subject::start().await?;
    tokio::time::sleep(SETTLE).await;
    let alone = cpu_percent(&idle, SPAN).await;
    idle.stop().await?;
    let whole = Whole::start("").await?;
    tokio::time::sleep(SETTLE).await;
    let percent = cpu_percent(&whole.subject, SPAN).await;
    whole.stop().await?;
    Ok(ROUNDS.judge(percent, Some(alone)))
}

/// A panel that watches machines that are not there.
async fn beside(machines: u8) -> Result<(Subject, Simulated, f64), Failure> {
    let subject = Subject::start().await?;
    tokio::time::sleep(SETTLE).await;
    let alone = cpu_percent(&subject, SPAN).await;
    let simulated = Simulated::start(machines).await?;
    simulated.write_inventory(&subject.state().join("inventory.toml"))?;
    tokio::time::sleep(SETTLE).await;
    Ok((subject, simulated, alone))
}

pub async fn rounds_200() -> Result<Figure, Failure> {
    let (mut subject, simulated, alone) = beside(200).await?;
    let before = simulated.looks();
    let percent = cpu_percent(&subject, SPAN).await;
    let (looks, expected) = (simulated.looks() - before, u64::from(simulated.machines) * SPAN.as_secs() / 2 * 9 / 10);
    subject.stop().await?;
    // Observers that do not look cost nothing and prove nothing.
    if looks < expected {
        return Err(Failure::new(format!("The 200 machines were looked at {looks} times instead of {expected} or more.")));
    }
    Ok(ROUNDS_200.judge(percent, Some(alone)))
}

pub async fn map_ttfb() -> Result<Figure, Failure> {
    let (mut subject, _simulated, _) = beside(10).await?;
    let figure = against_the_bare_page(&subject, "/map", MAP).await?;
    subject.stop().await?;
    Ok(figure)
}

pub async fn map_update() -> Result<Figure, Failure> {
    let (mut subject, simulated, _) = beside(200).await?;
    let value = browser::look(&UPDATE, &subject, Some(&simulated.control())).await?;
    subject.stop().await?;
    Ok(UPDATE.judge(value, None))
}

/// A figure of the lab that is measured in the browser.
async fn in_the_lab(goal: Goal) -> Result<Figure, Failure> {
    let whole = Whole::start("").await?;
    let value = browser::look(&goal, &whole.subject, None).await?;
    whole.stop().await?;
    Ok(goal.judge(value, None))
}

pub async fn machine_red() -> Result<Figure, Failure> {
    in_the_lab(RED).await
}

pub async fn call_seen() -> Result<Figure, Failure> {
    in_the_lab(CALL).await
}

pub async fn call_charted() -> Result<Figure, Failure> {
    in_the_lab(CHARTED).await
}

pub async fn alert_told() -> Result<Figure, Failure> {
    let folder = tempfile::Builder::new().prefix("wc-bench").tempdir().map_err(Failure::new)?;
    let whole = Whole::start(&format!("[notices]\nmail_folder = {:?}\n", folder.path())).await?;
    let mut worst = 0.0_f64;
    for machine in ["asterisk-01", "billing-01", "kamailio-02"] {
        whole.until_all_good().await?;
        let before = notices_about(folder.path(), machine);
        faults::make(&whole.lab, "kill", Some(machine)).map_err(Failure::new)?;
        let began = Instant::now();
        while notices_about(folder.path(), machine) <= before {
            if began.elapsed() > GOOD_MAX {
                return Err(Failure::new(format!("No notice of {machine} within {} s.", GOOD_MAX.as_secs())));
            }
            tokio::time::sleep(EACH).await;
        }
        worst = worst.max(began.elapsed().as_secs_f64());
        faults::heal(&whole.lab, Some("kill"), Some(machine)).map_err(Failure::new)?;
    }
    whole.stop().await?;
    Ok(TOLD.judge(worst, None))
}

/// The mails about a machine.
fn notices_about(folder: &Path, machine: &str) -> usize {
    let texts =
        std::fs::read_dir(folder).into_iter().flatten().flatten().filter_map(|entry| std::fs::read_to_string(entry.path()).ok());
    let about = format!("machine:{machine}");
    texts.filter(|text| text.lines().any(|line| line.starts_with("About:") && line.trim_end().ends_with(&about))).count()
}
