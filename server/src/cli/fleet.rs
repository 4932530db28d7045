//! `wirecenter fleet`, `isolation`, `calls`: the running panel's view of the world. `wirecenter inventory`: the file it works from.

use super::{Common, Failure, pin, say, say_json};
use crate::{http::local, inventory};
use serde::de::DeserializeOwned;
use serde_json::json;
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

#[derive(Debug, clap::Subcommand)]
pub enum InventoryCommand {
    /// Name every mistake of an inventory, with line, key and remedy
    #[command(after_help = "Example:\n  wirecenter inventory check inventory.toml --json")]
    Check {
        file: PathBuf,
        /// Print one JSON document on stdout and nothing else
        #[arg(long)]
        json: bool,
    },
    /// Show a machine's host keys and confirm them; the panel talks to nobody whose key is not pinned
    #[command(after_help = "Examples:
  wirecenter inventory pin billing-01                                        see what it offers
  wirecenter inventory pin billing-01 --fingerprint SHA256:…                 it is what its console shows
  wirecenter inventory pin billing-01 --replace --fingerprint SHA256:…       it was made anew
  wirecenter inventory pin --list --json")]
    Pin(pin::PinArgs),
}

pub async fn run_inventory(command: InventoryCommand) -> Result<(), Failure> {
    match command {
        InventoryCommand::Check { file, json } => check(&file, json),
        InventoryCommand::Pin(args) => pin::run(args).await,
    }
}

fn check(file: &Path, json: bool) -> Result<(), Failure> {
    let problems = inventory::load(file).err().unwrap_or_default();
    if json {
        say_json(&json!({ "ok": problems.is_empty(), "problems": problems }));
        return if problems.is_empty() { Ok(()) } else { Err(Failure::passed_on(1)) };
    }
    if problems.is_empty() {
        say(format!("{} has no mistake.", file.display()));
        return Ok(());
    }
    for problem in &problems {
        say(format!("{}:{}: {}: {}", file.display(), problem.line, problem.key, problem.message));
    }
    Err(Failure::new(format!("{} has {} mistake(s); a panel would keep the inventory it has.", file.display(), problems.len())))
}

/// What the running panel answers.
pub(super) async fn ask<T: DeserializeOwned>(common: &Common, path: &str) -> Result<T, Failure> {
    let state = common.state();
    let client = reqwest::Client::builder().unix_socket(local::socket(&state)).timeout(Duration::from_secs(5)).build();
    let failed = |error: reqwest::Error| {
        let why = if error.is_connect() { "no panel runs there".to_string() } else { error.to_string() };
        Failure::new(format!("The panel of {} does not answer: {why}. Start it with wirecenter serve.", state.display()))
    };
    let answer = client.map_err(failed)?.get(format!("http://panel{path}")).send().await.map_err(failed)?;
    answer.error_for_status().map_err(failed)?.json().await.map_err(failed)
}

fn no_inventory() -> Failure {
    Failure::new("The panel has no inventory. Put inventory.toml into its state folder, or start it with wirecenter serve --lab.")
}

#[derive(Debug, clap::Args)]
pub struct CallsArgs {
    /// Those that are up now; those that are over: wirecenter cdr search
    #[arg(long, required = true)]
    live: bool,
    #[command(flatten)]
    common: Common,
}

pub async fn run_calls(args: CallsArgs) -> Result<(), Failure> {
    let calls: Vec<local::CallLine> = ask(&args.common, "/calls").await?;
    if args.common.json {
        say_json(&calls);
        return Ok(());
    }
    let name = |name: Option<String>| name.unwrap_or_else(|| "–".into());
    for call in calls {
        let (seconds, state) = (call.seconds, format!("{:?}", call.state).to_lowercase());
        say(format!(
            "{:>16} → {:<16} {:<14} {:<12} {:<14} {state:<8} {seconds:>5} s",
            call.caller,
            call.called,
            name(call.customer),
            name(call.carrier),
            call.pbx
        ));
    }
    Ok(())
}

pub async fn run_isolation(common: Common) -> Result<(), Failure> {
    let networks: Option<Vec<local::IsolationLine>> = ask(&common, "/isolation").await?;
    let networks = networks.ok_or_else(no_inventory)?;
    if common.json {
        say_json(&networks);
        return Ok(());
    }
    for network in networks {
        say(format!("{:<12} {}", network.network, network.verdict));
        network.evidence.iter().for_each(|line| say(format!("{:<12}   {line}", "")));
    }
    Ok(())
}

pub async fn run_fleet(common: Common) -> Result<(), Failure> {
    let machines: Option<Vec<local::FleetLine>> = ask(&common, "/fleet").await?;
    let machines = machines.ok_or_else(no_inventory)?;
    if common.json {
        say_json(&machines);
        return Ok(());
    }
    for machine in machines {
        say(format!("{:<16} {}", machine.name, machine.state));
        for problem in machine.problems {
            say(format!("{:<16}   {}", "", problem.message));
        }
        for difference in machine.differences {
            say(format!("{:<16}   {}", "", difference.message));
        }
    }
    Ok(())
}
