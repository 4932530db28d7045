//! The command line. Facts go to stdout (with `--json` one document and nothing else), sentences about what is wrong to stderr.
//! Exit codes: 0 done, 1 refused or failed, 2 wrong usage.

mod alerts;
mod audit;
mod bench;
mod cdr;
mod doctor;
mod fleet;
mod lab;
mod operation;
mod output;
mod pin;
mod serve;
mod stack;
mod store;
mod user;

use clap::{CommandFactory, Parser, Subcommand};
use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

pub use output::{Failure, say, say_json, warn};

/// The operations panel of a small telephone carrier.
#[derive(Debug, Parser)]
#[command(name = "wirecenter", version, disable_help_subcommand = true, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "Examples:
  wirecenter serve                                  start the panel; the first start prints a set-up link
  wirecenter user add ada --role noc                add a user, print the link they set their password with
  wirecenter doctor                                 what is wrong here, and what to do";

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the panel: both doors, its database, its background tasks
    #[command(after_help = "Example:\n  wirecenter serve --state /var/lib/wirecenter --staff 10.0.0.5:3000 --portal 10.0.0.5:3001")]
    Serve(ServeArgs),
    /// Manage the people who sign in
    #[command(subcommand, after_help = "Example:\n  wirecenter user add ada --role noc")]
    User(user::UserCommand),
    /// Prove or export the audit log
    #[command(subcommand, after_help = "Example:\n  wirecenter audit verify --json")]
    Audit(audit::AuditCommand),
    /// Search the calls that are over
    #[command(subcommand, after_help = "Example:\n  wirecenter cdr search --number 4420 --from 2026-11-22 --json")]
    Cdr(cdr::CdrCommand),
    /// What calls add up to: attempts, ASR, NER, ACD, PDD, CPS
    #[command(after_help = "Example:\n  wirecenter volume --by carrier --from 2026-11-21 --to 2026-11-22 --json")]
    Volume(cdr::VolumeArgs),
    /// What is wrong: alerts that are open, or all of the last thirty days
    #[command(after_help = "Example:\n  wirecenter alerts --json --show all")]
    Alerts(alerts::AlertsArgs),
    /// Check configuration, database, clock, ports, disk and versions, and say what to do
    #[command(after_help = "Example:\n  wirecenter doctor --state /var/lib/wirecenter --json")]
    Doctor(doctor::DoctorArgs),
    /// The carrier in a box: ten real machines and their surroundings on this computer
    #[command(
        subcommand,
        after_help = "Example:\n  sudo wirecenter lab up && wirecenter lab call --to 442079460123 --carrier-a 503"
    )]
    Lab(lab::LabCommand),
    /// What there is: check the file, confirm the host keys of its machines
    #[command(subcommand, after_help = "Example:\n  wirecenter inventory check inventory.toml")]
    Inventory(fleet::InventoryCommand),
    /// How every machine is, as the running panel sees it
    #[command(after_help = "Example:\n  wirecenter fleet --json")]
    Fleet(Common),
    /// Whether each network is isolated as it should be, with the evidence
    #[command(after_help = "Example:\n  wirecenter isolation --json")]
    Isolation(Common),
    /// The calls that are up
    #[command(after_help = "Example:\n  wirecenter calls --live --json")]
    Calls(fleet::CallsArgs),
    /// Dangerous things done safely: see the plan, start it, watch it, cancel it
    #[command(
        subcommand,
        after_help = "Example:\n  wirecenter operation plan disable_carrier carrier-a\n  wirecenter operation start disable_carrier carrier-a --fingerprint 3f0c…"
    )]
    Operation(operation::OperationCommand),
    /// Write the configuration of a machine from the inventory
    #[command(subcommand, after_help = "Example:\n  wirecenter stack render --machine kamailio-01 --to ./kamailio-01")]
    Stack(stack::StackCommand),
    /// Measure the panel against its goals
    #[command(after_help = "Example:\n  wirecenter bench page-ttfb --json")]
    Bench(bench::BenchArgs),
    /// Print the completion script of a shell
    #[command(after_help = "Example:\n  wirecenter completions bash > /etc/bash_completion.d/wirecenter")]
    Completions { shell: clap_complete::Shell },
}

/// Where the panel's files are; the same for every command.
#[derive(Clone, Debug, clap::Args)]
pub struct Common {
    /// Where everything the panel writes lies [default: $XDG_STATE_HOME/wirecenter]
    #[arg(long, env = "WIRECENTER_STATE", value_name = "DIR")]
    state: Option<PathBuf>,
    /// The configuration file [default: wirecenter.toml in the state directory, if there is one]
    #[arg(long, env = "WIRECENTER_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print one JSON document on stdout and nothing else
    #[arg(long)]
    pub json: bool,
}

impl Common {
    pub fn state(&self) -> PathBuf {
        let by_home =
            || std::env::var_os("HOME").map_or_else(|| "/var/lib".into(), |home| PathBuf::from(home).join(".local/state"));
        let base = || std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|dir| dir.is_absolute()).unwrap_or_else(by_home);
        let dir = self.state.clone().unwrap_or_else(|| base().join("wirecenter"));
        std::path::absolute(&dir).unwrap_or(dir)
    }

    pub fn config(&self) -> Result<crate::config::ConfigFile, Failure> {
        crate::config::load(self.config.as_deref(), &self.state()).map_err(Failure::new)
    }
}

#[derive(Clone, Debug, clap::Args)]
struct ServeArgs {
    #[command(flatten)]
    common: Common,
    /// The staff door; port 0 lets the system choose [default: 127.0.0.1:3000]
    #[arg(long, env = "WIRECENTER_STAFF", value_name = "ADDR:PORT")]
    staff: Option<SocketAddr>,
    /// The customers' door; port 0 lets the system choose [default: 127.0.0.1:3001]
    #[arg(long, env = "WIRECENTER_PORTAL", value_name = "ADDR:PORT")]
    portal: Option<SocketAddr>,
    /// Build the lab beside the panel, with a little traffic, where that is possible; taken down with the panel
    #[arg(long)]
    lab: bool,
    /// Show the gallery of components
    #[arg(long, env = "WIRECENTER_DEVELOPMENT")]
    development: bool,
}

pub fn main() -> ExitCode {
    // The one provider of TLS, for whoever builds a client from here on; a second call would only say that there is one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Failure::new(format!("The program cannot start its threads: {error}.")).tell(),
    };
    let done = runtime.block_on(run(cli.command));
    // A task that still waits for the database must not keep the process.
    runtime.shutdown_timeout(std::time::Duration::from_millis(200));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.tell(),
    }
}

async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve(args) => serve::serve(args).await,
        Command::User(command) => user::run(command).await,
        Command::Alerts(args) => alerts::run(args).await,
        Command::Audit(command) => audit::run(command).await,
        Command::Cdr(command) => cdr::run(command).await,
        Command::Volume(args) => cdr::volume(args).await,
        Command::Doctor(args) => doctor::run(args).await,
        Command::Lab(command) => lab::run(command).await,
        Command::Inventory(command) => fleet::run_inventory(command).await,
        Command::Fleet(common) => fleet::run_fleet(common).await,
        Command::Isolation(common) => fleet::run_isolation(common).await,
        Command::Calls(args) => fleet::run_calls(args).await,
        Command::Operation(command) => operation::run(command).await,
        Command::Stack(command) => stack::run(command),
        Command::Bench(args) => bench::run(args).await,
        Command::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "wirecenter", &mut text);
            say(String::from_utf8_lossy(&text));
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed_and_every_command_has_an_example() {
        let command = Cli::command();
        command.clone().debug_assert();
        for sub in command.get_subcommands() {
            let help = sub.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("wirecenter "), "{} has no example", sub.get_name());
            for nested in sub.get_subcommands() {
                let help = nested.get_after_help().map(ToString::to_string).unwrap_or_default();
                assert!(help.contains("wirecenter "), "{} {} has no example", sub.get_name(), nested.get_name());
            }
        }
    }
}
