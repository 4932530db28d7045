//! What looking at the carrier costs, and how soon it is seen that something broke.

use super::{
    Failure,
    figure::{Figure, Goal, percentile},
    load::{against_the_bare_page, cpu_percent},
    simulated::Simulated,
    subject::Subject,
};
use crate::{
    http::local,
    lab::{call::Wish, down::down, faults, place::Layout, up},
};
use std::time::{Duration, Instant};

const fn goal(name: &'static str, what: &'static str, unit: &'static str, at_most: f64) -> Goal {
    Goal { name, what, unit, at_most, ratio_at_most: None }
}

pub const ROUNDS: Goal =
    goal("fleet-rounds", "processor used by the panel that watches the ten machines of the lab; baseline: with none", "%", 5.0);
pub const ROUNDS_200: Goal =
    goal("fleet-rounds-200", "the same with 200 simulated proxies; baseline: with none", "%", 60.0);
pub const MAP: Goal = goal("map-ttfb", "Map page of 10 simulated machines, first byte at 50 clients, p95; baseline: the sign-in page", "ms", 40.0);
pub const RED: Goal = goal("machine-red", "from a machine's end to “bad” in wirecenter fleet, worst of six", "s", 6.0);
pub const CALL: Goal = goal("call-seen", "from a call's first message to its line among the live calls, worst of five", "ms", 1_000.0);
#[cfg(test)]
pub const GOALS: [Goal; 5] = [ROUNDS, ROUNDS_200, MAP, RED, CALL];

const SETTLE: Duration = Duration::from_secs(10);
const SPAN: Duration = Duration::from_secs(20);
const GOOD_MAX: Duration = Duration::from_secs(60);

/// A panel with a lab in its own state folder.
struct Whole {
    subject: Subject,
    lab: Layout,
}

impl Whole {
    async fn start() -> Result<Self, Failure> {
        let subject = Subject::start().await?;
        let lab = Layout::below(subject.state());
        let whole = Self { subject, lab };
        let built = whole.lab.clone();
        tokio::task::spawn_blocking(move || up::up(&built, &|_| {})).await.map_err(Failure::new)?.map_err(Failure::new)?;
        Ok(whole)
    }

    async fn fleet(&self) -> Result<Vec<local::FleetLine>, Failure> {
        let client = reqwest::Client::builder().unix_socket(local::socket(self.subject.state())).build().map_err(Failure::new)?;
        let answer = client.get("http://panel/fleet").send().await.map_err(Failure::new)?;
        let fleet: Option<Vec<local::FleetLine>> = answer.json().await.map_err(Failure::new)?;
        Ok(fleet.unwrap_or_default())
    }

    /// How long it takes until the fleet is as wished for.
    async fn until(&self, what: &str, most: Duration, is_so: impl Fn(&[local::FleetLine]) -> bool) -> Result<Duration, Failure> {
        let began = Instant::now();
        while !is_so(&self.fleet().await?) {
            if began.elapsed() > most {
                return Err(Failure::new(format!("Waited {} s for {what}.", most.as_secs())));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(began.elapsed())
    }

    async fn until_all_good(&self) -> Result<Duration, Failure> {
        let good = |fleet: &[local::FleetLine]| fleet.len() == 10 && fleet.iter().all(|line| line.state == "good");
        self.until("every machine to be good", GOOD_MAX, good).await
    }

    async fn stop(mut self) -> Result<(), Failure> {
        self.subject.stop().await
    }
}

impl Drop for Whole {
    fn drop(&mut self) {
        // Also when a measure failed half-way.
        let _ = down(&self.lab);
    }
}

pub async fn rounds() -> Result<Figure, Failure> {
    let whole = Whole::start().await?;
    whole.until_all_good().await?;
    tokio::time::sleep(SETTLE).await;
    let percent = cpu_percent(&whole.subject, SPAN).await;
    // Children of the panel, ssh among them, count as its own work once they have ended; those that live on are counted here.
    down(&whole.lab).map_err(Failure::new)?;
    tokio::time::sleep(SETTLE).await;
    let alone = cpu_percent(&whole.subject, SPAN).await;
    whole.stop().await?;
    Ok(ROUNDS.judge(percent, Some(alone)))
}

pub async fn rounds_200() -> Result<Figure, Failure> {
    let mut subject = Subject::start().await?;
    tokio::time::sleep(SETTLE).await;
    let alone = cpu_percent(&subject, SPAN).await;
    let simulated = Simulated::start(200).await?;
    simulated.write_inventory(&subject.state().join("inventory.toml"))?;
    tokio::time::sleep(SETTLE).await;
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
    let mut subject = Subject::start().await?;
    let simulated = Simulated::start(10).await?;
    simulated.write_inventory(&subject.state().join("inventory.toml"))?;
    tokio::time::sleep(SETTLE).await;
    let figure = against_the_bare_page(&subject, "/map", MAP).await?;
    subject.stop().await?;
    Ok(figure)
}

pub async fn machine_red() -> Result<Figure, Failure> {
    let whole = Whole::start().await?;
    let mut worst = 0.0_f64;
    for machine in ["asterisk-01", "billing-01", "kamailio-02", "mariadb-02", "monitor-01", "asterisk-03"] {
        whole.until_all_good().await?;
        faults::make(&whole.lab, "kill", Some(machine)).map_err(Failure::new)?;
        let bad = |fleet: &[local::FleetLine]| fleet.iter().any(|line| line.name == machine && line.state == "bad");
        worst = worst.max(whole.until(&format!("{machine} to be bad"), GOOD_MAX, bad).await?.as_secs_f64());
        faults::heal(&whole.lab, Some("kill"), Some(machine)).map_err(Failure::new)?;
    }
    whole.stop().await?;
    Ok(RED.judge(worst, None))
}
