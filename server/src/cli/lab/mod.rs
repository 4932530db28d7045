//! `wirecenter lab`: the carrier in a box, from the command line. Everything here waits for processes and sockets, so it runs on a
//! thread of its own and not on the runtime's.

mod words;

use super::{Common, Failure, say, say_json, warn};
use crate::lab::{
    authorizer,
    call::{self, Wish},
    daemons::require_root,
    down::down,
    enter, faults, host,
    load::{self, Profile},
    machine,
    phone::{self, Codec, control::Behavior},
    place::Layout,
    shipped::INVENTORY,
    status,
    up::{self, Done},
};
use app::fleet::inventory::Inventory;
use std::{
    collections::BTreeMap,
    net::SocketAddrV4,
    path::PathBuf,
    process::ExitStatus,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

#[derive(Debug, clap::Subcommand)]
pub enum LabCommand {
    /// Build the carrier, or repair the one there is
    #[command(after_help = "Example:\n  sudo wirecenter lab up")]
    Up(Common),
    /// End the carrier and everything it made
    #[command(after_help = "Example:\n  sudo wirecenter lab down")]
    Down(Common),
    /// Show machines, services, network cards and faults
    #[command(after_help = "Example:\n  wirecenter lab status --json")]
    Status(Common),
    /// Place one real call and print its ladder
    #[command(after_help = "Example:\n  wirecenter lab call --from customer-01 --to 442079460123 --carrier-a 503 --talk 3s")]
    Call(CallArgs),
    /// Place many calls, bounded in number and time
    #[command(after_help = "Example:\n  wirecenter lab load --cps 5 --minutes 10 --profile day")]
    Load(LoadArgs),
    /// Break something on purpose
    #[command(after_help = "Example:\n  wirecenter lab break freeze mariadb-01")]
    Break {
        fault: String,
        target: Option<String>,
        #[command(flatten)]
        common: Common,
    },
    /// Heal one fault, all of a kind, or everything
    #[command(after_help = "Example:\n  wirecenter lab heal freeze mariadb-01")]
    Heal {
        fault: Option<String>,
        target: Option<String>,
        #[command(flatten)]
        common: Common,
    },
    /// List the faults there can be
    #[command(after_help = "Example:\n  wirecenter lab faults --json")]
    Faults(Common),
    /// Run a command in a machine
    #[command(after_help = "Example:\n  wirecenter lab exec asterisk-01 -- asterisk -rx 'core show channels'")]
    Exec {
        machine: String,
        #[command(flatten)]
        common: Common,
        #[arg(last = true, required = true)]
        command: Vec<String>,
    },
    /// Open a shell in a machine
    #[command(after_help = "Example:\n  wirecenter lab shell mariadb-01")]
    Shell {
        machine: String,
        #[command(flatten)]
        common: Common,
    },
    /// Print the inventory of the lab, which the panel reads
    #[command(after_help = "Example:\n  wirecenter lab inventory > inventory.toml")]
    Inventory(Common),
    #[command(hide = true, after_help = "Started by: wirecenter lab up")]
    Host { dir: PathBuf },
    #[command(hide = true, after_help = "Started by the host of: wirecenter lab up")]
    Machine { name: String, dir: PathBuf },
    #[command(hide = true, after_help = "Started in a machine of: wirecenter lab up")]
    Phone {
        #[arg(long)]
        name: String,
        #[arg(long)]
        listen: SocketAddrV4,
        #[arg(long)]
        control: PathBuf,
    },
    #[command(hide = true, after_help = "Started in a machine of: wirecenter lab up")]
    Authorizer {
        #[arg(long)]
        listen: SocketAddrV4,
    },
}

#[derive(Debug, clap::Args)]
pub struct CallArgs {
    #[command(flatten)]
    common: Common,
    /// The customer whose PBX calls
    #[arg(long, default_value = "customer-01", value_name = "CUSTOMER")]
    from: String,
    /// The number called, in E.164, with or without a plus
    #[arg(long, value_name = "NUMBER", allow_hyphen_values = true)]
    to: String,
    /// The number the caller shows
    #[arg(long, default_value = "+12125550100", value_name = "NUMBER")]
    caller: String,
    /// How long it rings before the carrier answers [default: 100 ms]
    #[arg(long, value_parser = duration, value_name = "TIME")]
    answer_after: Option<Duration>,
    /// How long they talk
    #[arg(long, value_parser = duration, default_value = "5s", value_name = "TIME")]
    talk: Duration,
    /// How long the caller lets it ring
    #[arg(long, value_parser = duration, default_value = "30s", value_name = "TIME")]
    ring: Duration,
    /// What carrier-a does with this call: answer, ring, silent, or a status like 503 or 486
    #[arg(long, value_parser = behavior, value_name = "WHAT")]
    carrier_a: Option<Behavior>,
    /// What carrier-b does with this call
    #[arg(long, value_parser = behavior, value_name = "WHAT")]
    carrier_b: Option<Behavior>,
}

#[derive(Debug, clap::Args)]
pub struct LoadArgs {
    #[command(flatten)]
    common: Common,
    /// Calls a second; with the day's profile, at its peak
    #[arg(long, default_value_t = 2.0)]
    cps: f64,
    /// How long [default: 60]
    #[arg(long, conflicts_with = "minutes")]
    seconds: Option<u64>,
    /// How long, in minutes
    #[arg(long)]
    minutes: Option<u64>,
    #[arg(long, value_enum, default_value_t = Profile::Day)]
    profile: Profile,
}

/// `2s`, `250ms`, `1m`; a bare number is seconds.
fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not a time like 2s, 250ms or 1m");
    let at = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let number: f64 = number.parse().map_err(|_| wrong())?;
    let seconds = match unit {
        "" | "s" => number,
        "ms" => number / 1_000.0,
        "m" => number * 60.0,
        _ => return Err(wrong()),
    };
    if !(0.0..=86_400.0).contains(&seconds) {
        return Err(format!("{text:?} is not between 0 and a day"));
    }
    Ok(Duration::from_secs_f64(seconds))
}

fn behavior(text: &str) -> Result<Behavior, String> {
    match text {
        "answer" => Ok(Behavior::default()),
        "ring" => Ok(Behavior::RingForever { after_ms: 10 }),
        "silent" => Ok(Behavior::Silent {}),
        _ => match text.parse() {
            Ok(status @ 400..=699) => Ok(Behavior::Reject { status, after_ms: 0 }),
            _ => Err("say answer, ring, silent, or a status from 400 to 699".into()),
        },
    }
}

pub async fn run(command: LabCommand) -> Result<(), Failure> {
    match command {
        LabCommand::Up(common) => here(move || run_up(&common)).await,
        LabCommand::Down(common) => here(move || run_down(&common)).await,
        LabCommand::Status(common) => here(move || run_status(&common)).await,
        LabCommand::Call(args) => here(move || run_call(&args)).await,
        LabCommand::Load(args) => run_load(args).await,
        LabCommand::Break { fault, target, common } => here(move || run_break(&fault, target.as_deref(), &common)).await,
        LabCommand::Heal { fault, target, common } => here(move || run_heal(fault.as_deref(), target.as_deref(), &common)).await,
        LabCommand::Faults(common) => {
            tell(&common, &faults::KINDS, words::kinds);
            Ok(())
        }
        LabCommand::Exec { machine, common, command } => here(move || enter_machine(&common, &machine, &command)).await,
        LabCommand::Shell { machine, common } => {
            let shell = ["/bin/bash", "--norc", "-i"].map(Into::into);
            here(move || enter_machine(&common, &machine, &shell)).await
        }
        LabCommand::Inventory(common) => run_inventory(&common),
        LabCommand::Host { dir } => here(move || host::run(&Layout::at(&dir)).map_err(Failure::new)).await,
        LabCommand::Machine { name, dir } => here(move || machine::run(&Layout::at(&dir), &name).map_err(Failure::new)).await,
        LabCommand::Phone { name, listen, control } => {
            phone::run(phone::PhoneSettings { name, listen: listen.into(), control, codecs: vec![Codec::Pcmu, Codec::Pcma] })
                .await
                .map_err(Failure::new)
        }
        LabCommand::Authorizer { listen } => authorizer::run(listen).await.map_err(Failure::new),
    }
}

/// On a thread that may wait.
async fn here(work: impl FnOnce() -> Result<(), Failure> + Send + 'static) -> Result<(), Failure> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Failure::new(format!("The command ended by an error of ours: {error}.")))?
}

/// The document, or the same in lines for people.
fn tell(common: &Common, document: &impl serde::Serialize, lines: impl FnOnce() -> Vec<String>) {
    if common.json {
        say_json(document);
    } else {
        lines().into_iter().for_each(say);
    }
}

fn run_down(common: &Common) -> Result<(), Failure> {
    let began = Instant::now();
    let was = down(&lab_of(common)).map_err(Failure::new)?;
    let seconds = began.elapsed().as_secs_f64();
    tell(common, &serde_json::json!({ "was_up": was, "seconds": seconds }), || vec![words::down(was, seconds)]);
    Ok(())
}

fn run_status(common: &Common) -> Result<(), Failure> {
    require_root("lab status").map_err(Failure::new)?;
    let status = status::look(&lab_of(common));
    tell(common, &status, || words::status(&status));
    Ok(())
}

fn run_break(fault: &str, target: Option<&str>, common: &Common) -> Result<(), Failure> {
    let made = faults::make(&lab_of(common), fault, target).map_err(Failure::new)?;
    tell(common, &made, || vec![words::broken(&made)]);
    Ok(())
}

fn run_heal(fault: Option<&str>, target: Option<&str>, common: &Common) -> Result<(), Failure> {
    let healed = faults::heal(&lab_of(common), fault, target).map_err(Failure::new)?;
    tell(common, &healed, || vec![words::healed(&healed)]);
    Ok(())
}

fn run_inventory(common: &Common) -> Result<(), Failure> {
    let text = std::fs::read_to_string(lab_of(common).inventory()).unwrap_or_else(|_| INVENTORY.into());
    if common.json {
        let inventory: Inventory =
            toml::from_str(&text).map_err(|error| Failure::new(format!("The lab's inventory is not understood: {error}")))?;
        say_json(&words::written_out(&inventory));
    } else {
        say(text.trim_end());
    }
    Ok(())
}

fn lab_of(common: &Common) -> Layout {
    Layout::below(&common.state())
}

fn run_up(common: &Common) -> Result<(), Failure> {
    let lab = lab_of(common);
    let began = Instant::now();
    let done = up::up(&lab, &|progress| warn(format!("lab: {progress}"))).map_err(Failure::new)?;
    let seconds = began.elapsed().as_secs_f64();
    let (built, repaired) = match done {
        Done::Built => (true, 0),
        Done::Repaired(count) => (false, count),
    };
    let document = serde_json::json!({ "built": built, "repaired": repaired, "seconds": seconds });
    tell(common, &document, || {
        vec![match (built, repaired) {
            (true, _) => {
                let machines = status::look(&lab).machines.len();
                format!(
                    "The carrier is up: {machines} machines in {seconds:.1} s. Try: wirecenter lab call --to 442079460123 --carrier-a 503"
                )
            }
            (false, 0) => "The carrier is up already; nothing had to be done.".into(),
            (false, count) => format!("The carrier was up already; {count} of its services were started again ({seconds:.1} s)."),
        }]
    });
    Ok(())
}

fn run_call(args: &CallArgs) -> Result<(), Failure> {
    require_root("lab call").map_err(Failure::new)?;
    let named = [("carrier-a", &args.carrier_a), ("carrier-b", &args.carrier_b)];
    let carriers: BTreeMap<String, Behavior> =
        named.into_iter().filter_map(|(name, what)| Some((name.to_string(), what.clone()?))).collect();
    let wish = Wish {
        from: args.from.clone(),
        to: args.to.clone(),
        caller: args.caller.clone(),
        answer_after: args.answer_after,
        talk: args.talk,
        ring_max: args.ring,
        carriers,
    };
    let report = call::place(&lab_of(&args.common), &wish).map_err(Failure::new)?;
    tell(&args.common, &report, || report.lines(&args.from));
    Ok(())
}

async fn run_load(args: LoadArgs) -> Result<(), Failure> {
    require_root("lab load").map_err(Failure::new)?;
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    // Ctrl-C ends the load early, with a report of what there was.
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            stopped.store(true, Ordering::Relaxed);
        }
    });
    here(move || {
        let minutes = args.minutes.map(|minutes| minutes.saturating_mul(60));
        let seconds = args.seconds.or(minutes).unwrap_or(60);
        let report = load::run(&lab_of(&args.common), args.cps, seconds, args.profile, &stop).map_err(Failure::new)?;
        tell(&args.common, &report, || vec![words::load(&report)]);
        Ok(())
    })
    .await
}

/// The command's own exit code is ours.
fn enter_machine(common: &Common, machine: &str, argv: &[String]) -> Result<(), Failure> {
    require_root("lab exec").map_err(Failure::new)?;
    let mut command = enter::in_machine(&lab_of(common), machine).map_err(Failure::new)?;
    let status: ExitStatus = command
        .args(argv)
        .env("PS1", format!("{machine}# "))
        .status()
        .map_err(|error| Failure::new(format!("{machine} cannot be entered: {error}.")))?;
    match status.code() {
        Some(0) => Ok(()),
        Some(code) => Err(Failure::passed_on(u8::try_from(code).unwrap_or(1))),
        None => Err(Failure::passed_on(1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_behaviors_are_read_and_nonsense_is_refused() {
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(
            (duration("2s"), duration("1.5"), duration("1m")),
            (Ok(Duration::from_secs(2)), Ok(Duration::from_millis(1500)), Ok(Duration::from_secs(60)))
        );
        assert!(["", "s", "-1s", "2h", "1d", "99999999"].into_iter().all(|text| duration(text).is_err()));
        assert_eq!(behavior("503"), Ok(Behavior::Reject { status: 503, after_ms: 0 }));
        assert!(["200", "301", "700", "loud"].into_iter().all(|text| behavior(text).is_err()));
    }
}
