//! `wirecenter operation`: plans, what runs, what ran. It needs no database and no running panel: where none runs the operations of
//! this folder, the command does it itself, to the end.

use super::{Common, Failure, pin, say, say_json, warn};
use crate::{
    database::private::user_name,
    operations::{
        ground::Ground,
        journal::{Journal, JournalError},
        runner::Runner,
        start::{NotDone, NotStarted, Wanted, ask},
    },
};
use app::{
    operations::{
        ask::Ask,
        journal::{Entry, Outcome, Resolution},
        plan::{Plan, Undo},
        refusal::{Refusal, Unable},
        run::{Run, RunState},
    },
    values::{Level, OperationId},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    path::PathBuf,
    time::{Duration, Instant},
};

/// How soon a new entry is shown.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// A panel that runs takes an operation up within this.
const TAKEN_UP_WITHIN: Duration = Duration::from_secs(5);

#[derive(Debug, clap::Subcommand)]
pub enum OperationCommand {
    /// Look at the world and say what would be done: steps, undo, commands, what stands in the way
    #[command(after_help = "Example:\n  wirecenter operation plan disable_carrier carrier-a --set without=kamailio-02 --json")]
    Plan(WantedArgs),
    /// Start a plan that was seen, named by its fingerprint
    #[command(after_help = "Example:\n  wirecenter operation start disable_carrier carrier-a --fingerprint 3f0c…")]
    Start {
        #[command(flatten)]
        wanted: WantedArgs,
        /// Of the plan as it was seen; when it has changed since, nothing is started
        #[arg(long, value_name = "SHA256")]
        fingerprint: String,
    },
    /// Operations, the newest first
    #[command(after_help = "Example:\n  wirecenter operation list --json")]
    List {
        #[arg(long, default_value_t = 50, value_name = "N")]
        limit: u32,
        #[command(flatten)]
        common: Common,
    },
    /// One operation: its plan, how far it is, what it found
    #[command(after_help = "Example:\n  wirecenter operation show 12 --json")]
    Show(OneArgs),
    /// Follow an operation until it is over or stuck. Exit codes: 0 done, 3 undone, 4 cancelled, 5 stuck
    #[command(after_help = "Example:\n  wirecenter operation watch 12 --json")]
    Watch(OneArgs),
    /// Stop it and undo what was done; possible before the point of no return
    #[command(after_help = "Example:\n  wirecenter operation cancel 12")]
    Cancel(OneArgs),
    /// Let the step that is under way end, and begin no other
    #[command(after_help = "Example:\n  wirecenter operation pause 12")]
    Pause(OneArgs),
    /// Go on with one that is paused, or that nobody runs
    #[command(after_help = "Example:\n  wirecenter operation resume 12")]
    Resume(OneArgs),
    /// Decide about one that is stuck
    #[command(after_help = "Example:\n  wirecenter operation resolve 12 --how try_again --words \"the cable is in again\"")]
    Resolve {
        #[command(flatten)]
        one: OneArgs,
        /// try_again, done_by_hand or undone_by_hand
        #[arg(long, value_parser = |read: &str| Resolution::parse(read).ok_or("try_again, done_by_hand or undone_by_hand is expected"))]
        how: Resolution,
        /// What was done about it, for whoever reads the timeline
        #[arg(long)]
        words: String,
    },
}

#[derive(Debug, clap::Args)]
pub struct WantedArgs {
    /// disable_carrier, enable_carrier, drain, return_to_service, …
    kind: String,
    /// The name of the carrier, machine or cluster
    subject: String,
    /// A setting of the operation; may be given more than once
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = setting)]
    settings: Vec<(String, String)>,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, clap::Args)]
pub struct OneArgs {
    /// Its number, as list shows it
    id: u64,
    #[command(flatten)]
    common: Common,
}

fn setting(read: &str) -> Result<(String, String), String> {
    let pair = read.split_once('=').filter(|(name, _)| !name.is_empty());
    pair.map(|(name, value)| (name.into(), value.into())).ok_or_else(|| "NAME=VALUE is expected".into())
}

macro_rules! told {
    ($($error:ty),*) => { $(impl From<$error> for Failure {
        fn from(error: $error) -> Self {
            Failure::new(error)
        }
    })* };
}
told!(JournalError, NotStarted, NotDone, Refusal, Unable);

pub async fn run(command: OperationCommand) -> Result<(), Failure> {
    match command {
        OperationCommand::Plan(args) => plan(args).await,
        OperationCommand::Start { wanted, fingerprint } => start(wanted, &fingerprint).await,
        OperationCommand::List { limit, common } => list(&common, limit).await,
        OperationCommand::Show(one) => show(&one).await,
        OperationCommand::Watch(one) => watch(&one).await,
        OperationCommand::Cancel(one) => asked(&one, Ask::Cancel).await,
        OperationCommand::Pause(one) => asked(&one, Ask::Pause).await,
        OperationCommand::Resume(one) => resume(&one).await,
        OperationCommand::Resolve { one, how, words } => asked(&one, Ask::Resolve { how, words }).await,
    }
}

/// Whoever owns the folder owns the panel: they are who they are, also where a browser would have to sign in again.
const CONFIRMED: Level = Level::L3;

fn by() -> String {
    format!("command line ({})", user_name())
}

fn given(common: &Common) -> Result<Option<PathBuf>, Failure> {
    Ok(common.config()?.fleet.inventory)
}

/// A journal that another user made the panel could not open.
fn ground(common: &Common) -> Result<Ground, Failure> {
    pin::check_folder(&common.state())?;
    Ground::find(&common.state(), given(common)?.as_deref()).map_err(Failure::new)
}

impl WantedArgs {
    fn wanted(&self) -> Result<Wanted, Failure> {
        let settings: BTreeMap<String, String> = self.settings.iter().cloned().collect();
        Ok(Wanted::named(&self.kind, &self.subject, settings)?)
    }
}

async fn plan(args: WantedArgs) -> Result<(), Failure> {
    let plan = args.wanted()?.plan(ground(&args.common)?).await?;
    if args.common.json {
        say_json(&plan.document());
    } else {
        say_plan(&plan);
        let set: String = plan.settings.iter().map(|(name, value)| format!(" --set {name}={value}")).collect();
        say(format!(
            "\nStart it: wirecenter operation start {} {}{set} --fingerprint {}",
            plan.kind,
            plan.subject,
            plan.fingerprint()
        ));
    }
    Ok(())
}

fn say_plan(plan: &Plan) {
    say(format!("{} (level {:?})", plan.title(), plan.level));
    for (number, step) in plan.steps.iter().enumerate() {
        if plan.point_of_no_return() == Some(number) {
            say("  ─── point of no return: nothing below is undone ───");
        }
        say(format!("  {}. {} About {} s.", number + 1, step.words, step.seconds_expected));
        step.commands.iter().for_each(|command| say(format!("       {command}")));
        let (Undo::By(why) | Undo::NothingToUndo(why) | Undo::Impossible(why)) = &step.undo;
        say(format!("     Undo: {why}"));
    }
    for preflight in &plan.preflights {
        say(format!("  {:<5} {:<14} {}", preflight.verdict.name(), preflight.name, preflight.evidence));
    }
}

async fn start(args: WantedArgs, fingerprint: &str) -> Result<(), Failure> {
    let (wanted, ground, state) = (args.wanted()?, ground(&args.common)?, args.common.state());
    let journal = Journal::open(&state).await?;
    let id = wanted.start(ground, &journal, fingerprint, CONFIRMED, &by()).await?;
    if args.common.json {
        say_json(&json!({ "id": id }));
    } else {
        say(format!("Operation {id} is started. Watch it: wirecenter operation watch {id}"));
    }
    carry_on(&args.common, &journal, id).await
}

/// Sees to it that somebody runs it. Where no panel does, this command does, to the end; it fails as `watch` would.
async fn carry_on(common: &Common, journal: &Journal, id: OperationId) -> Result<(), Failure> {
    let (state, given) = (common.state(), given(common)?);
    let (seen, give_up) = (journal.run(id).await?.next_number, Instant::now() + TAKEN_UP_WITHIN);
    loop {
        if let Some(runner) = Runner::take(&state, given.clone()).await? {
            return run_here(runner, journal, id).await;
        }
        if journal.run(id).await?.next_number > seen {
            return Ok(());
        }
        if Instant::now() >= give_up {
            warn(format!("The panel of {} has not gone on with operation {id} yet. See its log.", state.display()));
            return Ok(());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn run_here(mut runner: Runner, journal: &Journal, id: OperationId) -> Result<(), Failure> {
    loop {
        let busy = runner.look().await?;
        let run = journal.run(id).await?;
        let waits = runner.waits().find(|(waiting, _)| *waiting == id).map(|(_, why)| why.to_string());
        match (busy, run.state) {
            (false, RunState::Working) if waits.is_none() => {}
            (false, _) => {
                return match waits {
                    Some(why) => Err(Failure::new(format!("Operation {id} waits: {why}"))),
                    None => outcome(&run),
                };
            }
            (true, _) => {}
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// As an exit code: 0 done, 3 undone, 4 cancelled, 5 stuck.
fn outcome(run: &Run) -> Result<(), Failure> {
    match run.state {
        RunState::Over(Outcome::Done) | RunState::Working | RunState::Paused => Ok(()),
        RunState::Over(Outcome::Undone) => Err(Failure::passed_on(3)),
        RunState::Over(Outcome::Cancelled) => Err(Failure::passed_on(4)),
        RunState::Stuck => Err(Failure::passed_on(5)),
    }
}

async fn journal(common: &Common) -> Result<Journal, Failure> {
    let state = common.state();
    pin::check_folder(&state)?;
    let found = Journal::open_existing(&state).await?;
    found.ok_or_else(|| Failure::new(format!("No operation was ever started in {}.", state.display())))
}

fn line(run: &Run) -> Value {
    json!({
        "id": run.id, "kind": run.plan.kind, "subject": run.plan.subject, "state": run.word(), "by": run.started_by,
        "started_at": run.started_at.rfc3339(), "seconds": seconds(run), "reason": run.reason,
    })
}

fn seconds(run: &Run) -> f64 {
    run.last_at.since(run.started_at).as_secs_f64()
}

async fn list(common: &Common, limit: u32) -> Result<(), Failure> {
    let runs = match Journal::open_existing(&common.state()).await? {
        Some(journal) => journal.latest(limit).await?,
        None => Vec::new(),
    };
    if common.json {
        say_json(&runs.iter().map(line).collect::<Vec<_>>());
        return Ok(());
    }
    for run in runs {
        say(format!("{:>5}  {} UTC  {:<10} {:<32} {}", run.id, run.started_at, run.word(), run.plan.title(), run.started_by));
    }
    Ok(())
}

async fn show(one: &OneArgs) -> Result<(), Failure> {
    let (journal, id) = (journal(&one.common).await?, OperationId(one.id));
    let run = journal.run(id).await?;
    if one.common.json {
        let steps = run.plan.steps.iter().zip(&run.steps).map(|(planned, step)| {
            json!({
                "name": planned.name, "phase": step.phase.name(), "attempts": step.attempts, "why": step.why,
                "since": step.since.rfc3339(),
            })
        });
        let mut document = line(&run);
        document["steps"] = steps.collect();
        document["plan"] = run.plan.document();
        document["facts"] = run.facts;
        say_json(&document);
        return Ok(());
    }
    say_plan(&run.plan);
    say(format!("\nOperation {id} is {}; {} started it at {} UTC.", run.word(), run.started_by, run.started_at));
    run.reason.iter().for_each(|reason| say(format!("  {reason}")));
    for entry in journal.entries(id, 0).await? {
        say(format!("  {} UTC  {}", entry.at, entry.words(&run.plan)));
    }
    Ok(())
}

/// An entry as scripts read it.
fn told(entry: &Entry) -> Value {
    let mut told = serde_json::to_value(&entry.event).unwrap_or_default();
    told["operation"] = json!(entry.operation);
    told["number"] = json!(entry.number);
    told["at"] = json!(entry.at.rfc3339());
    told["by"] = json!(entry.by);
    told
}

async fn watch(one: &OneArgs) -> Result<(), Failure> {
    let (journal, id) = (journal(&one.common).await?, OperationId(one.id));
    let mut next = 0;
    loop {
        let run = journal.run(id).await?;
        for entry in journal.entries(id, next).await?.into_iter().filter(|entry| entry.number < run.next_number) {
            match one.common.json {
                true => say_json(&told(&entry)),
                false => say(format!("{} UTC  {}", entry.at, entry.words(&run.plan))),
            }
        }
        next = run.next_number;
        if run.is_over() || run.state == RunState::Stuck {
            if one.common.json {
                say_json(&json!({ "state": run.word(), "seconds": seconds(&run), "facts": run.facts }));
            } else {
                say(format!("Operation {id} is {} after {:.1} s.", run.word(), seconds(&run)));
            }
            return outcome(&run);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn asked(one: &OneArgs, what: Ask) -> Result<(), Failure> {
    let (journal, id) = (journal(&one.common).await?, OperationId(one.id));
    ask(&journal, id, &by(), &what).await?;
    let went = if what == Ask::Pause { Ok(()) } else { carry_on(&one.common, &journal, id).await };
    let run = journal.run(id).await?;
    tell(one, &run)?;
    // What ended as it was asked to is no failure; that nobody goes on with it, or that it is stuck, is one.
    let as_asked = match &what {
        Ask::Cancel => run.state == RunState::Over(Outcome::Cancelled),
        Ask::Resolve { how: Resolution::UndoneByHand, .. } => run.state == RunState::Over(Outcome::Undone),
        Ask::Resolve { .. } | Ask::Pause | Ask::Continue => false,
    };
    if as_asked { Ok(()) } else { went }
}

fn tell(one: &OneArgs, run: &Run) -> Result<(), Failure> {
    match one.common.json {
        true => say_json(&line(run)),
        false => say(format!("Operation {} is {}.", run.id, run.word())),
    }
    Ok(())
}

async fn resume(one: &OneArgs) -> Result<(), Failure> {
    let (journal, id) = (journal(&one.common).await?, OperationId(one.id));
    match ask(&journal, id, &by(), &Ask::Continue).await {
        Ok(()) => {}
        Err(NotDone::Unable(Unable::Runs(_))) => {
            // It was begun; perhaps nobody runs it any more.
            let Some(runner) = Runner::take(&one.common.state(), given(&one.common)?).await? else {
                return Err(Unable::Runs(id).into());
            };
            run_here(runner, &journal, id).await?;
            return tell(one, &journal.run(id).await?);
        }
        Err(error) => return Err(error.into()),
    }
    carry_on(&one.common, &journal, id).await?;
    tell(one, &journal.run(id).await?)
}
