//! A switchover and a failover on a lab that is built for it and thrown away, while a client writes.

use crate::{
    credentials,
    lab::{
        daemons,
        down::down,
        enter, faults,
        place::Layout,
        up,
        writer::{self, Writer, longest_gap},
    },
    operations::{
        ground::Ground,
        journal::Journal,
        perform::{Operation, POLL, Say},
        runner::Runner,
        start::Wanted,
    },
};
use app::{
    fleet::operations::rehearse::{Rehearsal, RehearsalFacts, RehearseStep},
    operations::{
        journal::Outcome,
        kind::OperationKind,
        plan::{Plan, Preflight, Verdict},
        refusal::{DESPITE_COOL_DOWN, Refusal},
        run::RunState,
    },
    values::Level,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// Below the panel's own folder; one rehearsal at a time has the cluster.
const FOLDER: &str = "rehearsal";
const CLUSTER: &str = "database";
const SERVERS: [&str; 2] = ["mariadb-01", "mariadb-02"];
const EACH_ROW: Duration = Duration::from_millis(5);
/// Rows flow before and after what is measured.
const FLOW: Duration = Duration::from_secs(1);
/// A plan is made again until nothing is in its way: in a new lab the replica is not there at once.
const READY_MAX: Duration = Duration::from_secs(40);
const BY: &str = "rehearsal";

pub fn plan(subject: &str, settings: &BTreeMap<String, String>, ground: &Ground) -> Result<Plan, Refusal> {
    let rehearsal = Rehearsal::new(&ground.inventory, subject, settings)?;
    let place = match (rehearsal.is_dry, daemons::require_root("rehearse"), daemons::look()) {
        (true, ..) => Preflight::new("place", Verdict::Pass, "Nothing is built."),
        (false, Err(why), _) => Preflight::new("place", Verdict::Block, why),
        (false, _, Err(missing)) => Preflight::new("place", Verdict::Block, missing.join(" ")),
        (false, Ok(()), Ok(_)) => Preflight::new("place", Verdict::Pass, "Everything a lab needs is here."),
    };
    Ok(rehearsal.plan(settings, place))
}

pub fn operation(plan: &Plan, ground: &Ground) -> Result<RehearseOperation, String> {
    let rehearsal = Rehearsal::new(&ground.inventory, &plan.subject, &plan.settings).map_err(|refusal| refusal.to_string())?;
    Ok(RehearseOperation { rehearsal, state: ground.state.join(FOLDER), ground: ground.clone() })
}

pub struct RehearseOperation {
    rehearsal: Rehearsal,
    state: PathBuf,
    ground: Ground,
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, String> + Send + 'static) -> Result<T, String> {
    tokio::task::spawn_blocking(work).await.map_err(|error| format!("The thread that did it ended: {error}."))?
}

impl RehearseOperation {
    fn lab(&self) -> Layout {
        Layout::below(&self.state)
    }

    fn sql(&self, machine: &str, statement: &str) -> Result<String, String> {
        let argv = ["timeout", "5", "mariadb", "--defaults-file=/etc/mysql/my.cnf", "-NBe", statement];
        enter::run(&mut enter::in_machine(&self.lab(), machine)?, &argv)
    }

    /// Who takes writes in the rehearsal's lab.
    fn primary(&self) -> Result<&'static str, String> {
        let writable = |name: &&str| self.sql(name, "SELECT @@GLOBAL.read_only").is_ok_and(|said| said.trim() == "0");
        SERVERS.into_iter().find(writable).ok_or_else(|| "Nobody takes writes in the rehearsal's lab.".into())
    }

    async fn build(&self, say: &Say<'_>) -> Result<(), String> {
        let (lab, began) = (self.lab(), Instant::now());
        crate::files::make_private_dir(&self.state).map_err(|error| format!("{}: {error}.", self.state.display()))?;
        blocking(move || up::up(&lab, &|_| {}).map(drop)).await?;
        say(format!("The lab is up after {:.1} s.", began.elapsed().as_secs_f64()));
        Ok(())
    }

    async fn take_down(&self) -> Result<(), String> {
        let (lab, state) = (self.lab(), self.state.clone());
        blocking(move || {
            down(&lab)?;
            match std::fs::remove_dir_all(&state) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(format!("{}: {error}.", state.display())),
                _ => Ok(()),
            }
        })
        .await
    }

    /// Starts the operation in the rehearsal's lab and brings it to its end; gives when it was started.
    async fn nested(&self, kind: OperationKind, say: &Say<'_>) -> Result<Instant, String> {
        let settings = BTreeMap::from([(DESPITE_COOL_DOWN.to_string(), "yes".to_string())]);
        let wanted = Wanted { kind, subject: CLUSTER.into(), settings };
        let journal = Journal::open(&self.state).await.map_err(|error| error.to_string())?;
        let until = Instant::now() + READY_MAX;
        let (id, began) = loop {
            let plan = wanted.plan(Ground::find(&self.state, None)?).await.map_err(|error| error.to_string())?;
            let began = Instant::now();
            let started = wanted.start(Ground::find(&self.state, None)?, &journal, &plan.fingerprint(), Level::L3, BY).await;
            match started {
                Ok(id) => break (id, began),
                Err(error) if Instant::now() > until => return Err(format!("{error}")),
                Err(_) => sleep(POLL).await,
            }
        };
        let mut runner = Runner::take(&self.state, None)
            .await
            .map_err(|error| error.to_string())?
            .ok_or("Somebody else runs operations in the rehearsal's lab.")?;
        loop {
            runner.look().await.map_err(|error| error.to_string())?;
            let run = journal.run(id).await.map_err(|error| error.to_string())?;
            match run.state {
                RunState::Over(Outcome::Done) => break,
                RunState::Working | RunState::Paused => sleep(POLL / 10).await,
                RunState::Over(_) | RunState::Stuck => {
                    return Err(format!("{} is {}: {}", run.plan.title(), run.word(), run.reason.unwrap_or_default()));
                }
            }
        }
        say(format!("{} is done.", kind.verb()));
        journal.close().await;
        Ok(began)
    }

    /// Lets a client write while `what` is done; gives its rows and how many of them are not there afterwards.
    async fn measured(&self, kind: OperationKind, say: &Say<'_>) -> Result<(Instant, Vec<writer::Acknowledged>, u64), String> {
        let at = self.ground_of_lab()?.inventory.clusters.get(CLUSTER).and_then(|cluster| cluster.writer.get("data").copied());
        let at = at.ok_or("The rehearsal's cluster has no writer's address.")?;
        let (password, primary) = (credentials::secret(), self.primary()?);
        self.sql(primary, &writer::setup(&password))?;
        let first: u64 =
            self.sql(primary, "SELECT COALESCE(MAX(id), 0) FROM bench.acknowledged")?.trim().parse().unwrap_or_default();
        let client = Writer::start(&self.lab(), at, &password, "bench.acknowledged", first, EACH_ROW)?;
        sleep(FLOW).await;
        if kind == OperationKind::FailOverDatabase {
            let lab = self.lab();
            blocking(move || faults::make(&lab, "kill", Some(primary)).map(drop)).await?;
            say(format!("{primary} is killed."));
        }
        let began = self.nested(kind, say).await?;
        sleep(FLOW).await;
        let rows = client.acknowledged();
        drop(client);
        let there = self.sql(self.primary()?, &format!("SELECT id FROM bench.acknowledged WHERE id > {first}"))?;
        let there: BTreeSet<u64> = there.lines().filter_map(|line| line.trim().parse().ok()).collect();
        let lost = rows.iter().filter(|row| !there.contains(&row.id)).count() as u64;
        Ok((began, rows, lost))
    }

    fn ground_of_lab(&self) -> Result<Ground, String> {
        Ground::find(&self.state, None)
    }

    async fn switch_over(&self, facts: &mut RehearsalFacts, say: &Say<'_>) -> Result<(), String> {
        let (_, rows, lost) = self.measured(OperationKind::SwitchOverDatabase, say).await?;
        let gap = longest_gap(&rows).as_millis();
        facts.switchover_gap_ms = u64::try_from(gap).ok();
        (facts.acknowledged, facts.lost) = (rows.len() as u64, lost);
        say(format!("Nobody could write for {gap} ms; {lost} of {} rows are lost.", rows.len()));
        Ok(())
    }

    async fn fail_over(&self, facts: &mut RehearsalFacts, say: &Say<'_>) -> Result<(), String> {
        let (began, rows, lost) = self.measured(OperationKind::FailOverDatabase, say).await?;
        let writable = rows.iter().map(|row| row.at).filter(|at| *at > began).min();
        let took = writable.ok_or("Nobody could write after it.")?.saturating_duration_since(began).as_millis();
        facts.failover_ms = u64::try_from(took).ok();
        facts.acknowledged += rows.len() as u64;
        facts.lost += lost;
        say(format!("The new primary took writes {took} ms after the start; {lost} of {} rows are lost.", rows.len()));
        Ok(())
    }

    async fn ask_everybody(&self, facts: &mut RehearsalFacts, say: &Say<'_>) -> Result<(), String> {
        let (subject, began) = (self.rehearsal.cluster.clone(), Instant::now());
        let settings = BTreeMap::from([(DESPITE_COOL_DOWN.to_string(), "yes".to_string())]);
        // The cluster is held, by this rehearsal; that is no reason.
        let plan = super::database::plan(OperationKind::SwitchOverDatabase, &subject, &settings, &self.ground).await;
        let plan = plan.map_err(|refusal| refusal.to_string())?;
        facts.plan_ms = u64::try_from(began.elapsed().as_millis()).ok();
        for preflight in &plan.preflights {
            say(format!("{} {}: {}", preflight.verdict.name(), preflight.name, preflight.evidence));
        }
        let blocked: Vec<&str> = plan.blocking().map(|one| one.name.as_str()).filter(|name| *name != "lock").collect();
        if blocked.is_empty() { Ok(()) } else { Err(format!("A switchover could not start now: {}.", blocked.join(", "))) }
    }
}

impl Operation for RehearseOperation {
    type Step = RehearseStep;
    type Facts = RehearsalFacts;

    fn find_step(name: &str) -> Option<RehearseStep> {
        RehearseStep::find(name)
    }

    fn deadline(&self, step: RehearseStep) -> Duration {
        match step {
            RehearseStep::BuildLab | RehearseStep::SwitchOver | RehearseStep::FailOver => Duration::from_secs(180),
            RehearseStep::TakeDown | RehearseStep::AskEverybody => Duration::from_secs(60),
        }
    }

    async fn run(&self, step: RehearseStep, facts: &mut RehearsalFacts, say: &Say<'_>) -> Result<(), String> {
        match step {
            RehearseStep::BuildLab => self.build(say).await,
            RehearseStep::SwitchOver => self.switch_over(facts, say).await,
            RehearseStep::FailOver => self.fail_over(facts, say).await,
            RehearseStep::TakeDown => self.take_down().await,
            RehearseStep::AskEverybody => self.ask_everybody(facts, say).await,
        }
    }

    async fn undo(&self, step: RehearseStep, _facts: &RehearsalFacts, _say: &Say<'_>) -> Result<(), String> {
        match step {
            RehearseStep::BuildLab => self.take_down().await,
            RehearseStep::SwitchOver | RehearseStep::FailOver | RehearseStep::TakeDown | RehearseStep::AskEverybody => Ok(()),
        }
    }
}
