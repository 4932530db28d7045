//! Running commands inside the lab from outside. `nsenter` of util-linux does the entering.

use super::place::Layout;
use crate::nearest::nearest;
use std::process::{Command, Output};

/// Where a machine's programs are.
pub const MACHINE_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A command inside a machine: its network, its files, its processes, its name.
pub fn in_machine(lab: &Layout, machine: &str) -> Result<Command, String> {
    let first = lab.machine_process(machine).ok_or_else(|| no_such(lab, machine))?;
    let mut command = Command::new("nsenter");
    command.env("PATH", MACHINE_PATH).env_remove("TMPDIR");
    // The working folder is that of the machine's first process, for ours does not exist in there.
    command.args(["--target", &first.to_string(), "--net", "--mount", "--uts", "--ipc", "--pid", "--root", "--wd", "--"]);
    Ok(command)
}

/// A command in a machine's network only; files and programs are those of the real machine.
pub fn in_network(lab: &Layout, machine: &str) -> Result<Command, String> {
    let first = lab.machine_process(machine).ok_or_else(|| no_such(lab, machine))?;
    Ok(network_of(first))
}

/// A command in the host's network, where the switches are.
pub fn at_switches(lab: &Layout) -> Result<Command, String> {
    lab.host_process().map(network_of).ok_or_else(|| "The lab is not up. Start it with wirecenter lab up.".into())
}

fn network_of(process: u32) -> Command {
    let mut command = Command::new("nsenter");
    command.args(["--target", &process.to_string(), "--net", "--"]);
    command
}

fn no_such(lab: &Layout, machine: &str) -> String {
    if lab.running().is_none() {
        return "The lab is not up. Start it with wirecenter lab up.".into();
    }
    let known = super::shipped::shipped_inventory().map(|inventory| inventory.machines).unwrap_or_default();
    if known.iter().any(|known| known.name == machine) {
        return format!("{machine} is switched off. See wirecenter lab status; wirecenter lab heal switches it on again.");
    }
    let names: Vec<&str> = known.iter().map(|machine| machine.name.as_str()).collect();
    format!(
        "There is no machine {machine:?} in the lab; the nearest is {}. All: {}.",
        nearest(names.iter().copied(), machine),
        names.join(", ")
    )
}

/// Runs it to its end; what it printed, or a sentence with what it complained about.
pub fn run(command: &mut Command, argv: &[&str]) -> Result<String, String> {
    let doing = argv.join(" ");
    let output: Output = command.args(argv).output().map_err(|error| format!("{doing}: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr).trim().to_string();
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(format!("{doing}: {}", if said.is_empty() { output.status.to_string() } else { said })),
    }
}
