//! `lab up`: from an inventory to a running carrier. What can be wrong is found before anything is made; what is made hangs on one
//! process, whose record is written before it does anything.

use super::{
    daemons::{self, Daemons, require_root},
    destinations,
    enter::{self, MACHINE_PATH},
    host,
    place::Layout,
    plan::{HostPlan, HostedMachine, Port, Switch, port_name},
    roles,
    shipped::{INVENTORY, shipped_inventory},
    status,
};
use crate::{credentials, files, process, stack};
use app::fleet::inventory::{Inventory, Machine, Nic, Role};
use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// The credential that is a key and not a word.
const SSH_CREDENTIAL: &str = "ssh";
/// A lab that is not up by then is not going to be.
const UP_MAX: Duration = Duration::from_secs(60);
const CALLS_PASS_MAX: Duration = Duration::from_secs(8);
/// Disks in memory and the program's copy.
const FREE_BYTES_MIN: u64 = 500 * 1024 * 1024;

/// What `up` did.
pub enum Done {
    Built,
    /// It was there; this many services were started again.
    Repaired(usize),
}

/// Builds the lab, or repairs the one there is. `tell` hears of the progress.
pub fn up(lab: &Layout, tell: &dyn Fn(&str)) -> Result<Done, String> {
    require_root("lab up")?;
    let _lock = lab.lock(Duration::from_secs(5))?;
    if lab.running().is_some() {
        let repaired = super::faults::repair(lab)?;
        wait_until_up(lab, tell)?;
        return Ok(Done::Repaired(repaired));
    }
    if lab.dir().exists() {
        tell("removing what an earlier lab left behind");
        fs::remove_dir_all(lab.dir()).map_err(|error| format!("{} cannot be removed: {error}.", lab.dir().display()))?;
    }
    let daemons = daemons::look().map_err(|missing| format!("The lab cannot be built here:\n  {}", missing.join("\n  ")))?;
    check_place(lab)?;
    let inventory = shipped_inventory()?;
    let built = write_plans(lab, &inventory, &daemons).and_then(|()| start_host(lab));
    if let Err(sentence) = built {
        // Half a lab is none.
        super::down::end(lab);
        return Err(sentence);
    }
    wait_until_up(lab, tell)?;
    wait_until_calls_pass(lab, &inventory);
    Ok(Done::Built)
}

fn check_place(lab: &Layout) -> Result<(), String> {
    let path = lab.dir().display().to_string();
    // The layers of a disk are named in one word of options, with these between them.
    if path.contains([',', ':', '\\']) {
        return Err(format!("{path} has a comma, colon or backslash in it, which overlayfs cannot take. Choose another --state."));
    }
    let socket = lab.host_socket();
    if socket.as_os_str().len() > files::SOCKET_PATH_BYTES_MAX {
        return Err(format!("The path {} is too long for a socket. Choose a shorter --state.", socket.display()));
    }
    files::make_private_dir(lab.dir()).map_err(|error| format!("{path} cannot be made: {error}."))?;
    if let Some(disk) = process::disk(lab.dir()).filter(|disk| disk.free_bytes < FREE_BYTES_MIN) {
        let _ = fs::remove_dir(lab.dir());
        return Err(format!(
            "{path} has {} MiB free; a lab needs {}. Make room, or choose another --state.",
            disk.free_bytes >> 20,
            FREE_BYTES_MIN >> 20
        ));
    }
    Ok(())
}

fn write(path: &Path, text: &str, mode: u32) -> Result<(), String> {
    files::write(path, text, mode)
        .map_err(|error| format!("{} cannot be written: {error}. Check that the disk has room.", path.display()))
}

fn write_json(path: &Path, value: &impl serde::Serialize) -> Result<(), String> {
    let text = serde_json::to_string_pretty(value).map_err(|error| format!("{}: {error}", path.display()))?;
    write(path, &text, 0o600)
}

fn write_plans(lab: &Layout, inventory: &Inventory, daemons: &Daemons) -> Result<(), String> {
    write(&lab.inventory(), INVENTORY, 0o644)?;
    for (name, reference) in &inventory.credentials {
        let file = reference.strip_prefix("file:").ok_or_else(|| format!("{reference:?} is not a credential by file."))?;
        let path = lab.dir().join(file);
        write(&path, &credentials::secret(), 0o600)?;
        if name == SSH_CREDENTIAL {
            make_key(&path)?;
        }
    }
    let let_in = fs::read_to_string(lab.dir().join("secrets/ssh.pub")).unwrap_or_default();
    copy_program(lab)?;
    write_json(&lab.host_plan(), &host_plan(inventory)?)?;
    let place = lab.inventory();
    let credentials = credentials::beside(&place, inventory);
    for machine in &inventory.machines {
        write_json(&lab.machine_plan(&machine.name), &roles::plan(inventory, machine, daemons))?;
        let root = lab.machine_files(&machine.name);
        fs::create_dir_all(&root).map_err(|error| format!("{} cannot be made: {error}.", root.display()))?;
        if !machine.role.is_ours() {
            continue;
        }
        for file in stack::render(inventory, &machine.name, &credentials).map_err(|error| error.to_string())? {
            write(&root.join(file.path.trim_start_matches('/')), &file.text, file.mode)?;
        }
        write(&root.join("etc/ssh/authorized_keys"), &let_in, 0o600)?;
        if machine.role == Role::Asterisk && daemons.asterisk_root.is_some() {
            // `asterisk -rx …` as on any machine that has it installed.
            let enter = format!("#!/bin/sh\nexec chroot {} /usr/sbin/asterisk \"$@\"\n", super::machine::ASTERISK_ROOT);
            write(&root.join(roles::ASTERISK_ENTRY.trim_start_matches('/')), &enter, 0o755)?;
        }
        if machine.role == Role::Mariadb {
            let routes = destinations::routes(&inventory.carriers);
            write(&root.join("etc/mysql/routes.sql"), &destinations::fill_routes(&routes), 0o600)?;
        }
    }
    Ok(())
}

/// The panel's key to the machines.
fn make_key(path: &Path) -> Result<(), String> {
    fs::remove_file(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-t", "ed25519", "-N", "", "-C", "panel of the lab", "-f"]).arg(path).stdin(Stdio::null());
    let output = command.output().map_err(|error| format!("ssh-keygen: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(()) } else { Err(format!("The panel's key cannot be made: {}", said.trim())) }
}

fn copy_program(lab: &Layout) -> Result<(), String> {
    let failed = |error: io::Error| format!("The program cannot be copied into the lab: {error}.");
    if let Some(parent) = lab.program().parent() {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    let program = std::env::current_exe().map_err(failed)?;
    fs::copy(program, lab.program()).map_err(failed)?;
    fs::create_dir_all(lab.logs()).map_err(failed)
}

fn host_plan(inventory: &Inventory) -> Result<HostPlan, String> {
    let host = inventory.hosts.first().ok_or("The inventory has no host.")?;
    let network = inventory.networks.get("management").ok_or("The inventory has no network named management.")?;
    let management =
        Nic { network: "management".into(), address: host.management, prefix_len: network.subnet.prefix_len, mtu: network.mtu };
    let hosted = |machine: &Machine| HostedMachine {
        name: machine.name.clone(),
        disk_mib: machine.disk_mib,
        ports: inventory
            .nics(machine)
            .into_iter()
            .map(|nic| Port { name: port_name(machine.number, &nic.network), network: nic.network, mtu: nic.mtu })
            .collect(),
    };
    Ok(HostPlan {
        name: host.name.clone(),
        management,
        switches: inventory.networks.iter().map(|(name, network)| Switch { network: name.clone(), mtu: network.mtu }).collect(),
        machines: inventory.machines.iter().map(hosted).collect(),
    })
}

fn start_host(lab: &Layout) -> Result<(), String> {
    let failed = |error: io::Error| format!("The lab's host cannot be started: {error}.");
    let log = File::options().create(true).append(true).open(lab.logs().join("host.log")).map_err(failed)?;
    // Of a session of its own, so that the terminal's Ctrl-C ends the command and not the lab.
    let mut command = Command::new("setsid");
    command.args(host::unshare()).arg(lab.program()).args(["lab", "host"]).arg(lab.dir());
    // Nothing of whoever calls gets in: a TMPDIR of theirs does not exist in a machine.
    command.env_clear().env("PATH", MACHINE_PATH).env("LC_ALL", "C.UTF-8");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(log).current_dir("/").spawn().map_err(failed)?;
    lab.write_record(child.id()).map_err(failed)?;
    let mut stdin = child.stdin.take().ok_or("The lab's host has no input.")?;
    writeln!(stdin, "go").map_err(failed)
}

/// Waits until every machine and every service is up, and says which one it waits for if that takes long.
fn wait_until_up(lab: &Layout, tell: &dyn Fn(&str)) -> Result<(), String> {
    let began = Instant::now();
    let mut told: Vec<String> = Vec::new();
    loop {
        if lab.running().is_none() {
            let log = fs::read_to_string(lab.logs().join("host.log")).unwrap_or_default();
            let said = log.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("nothing").to_string();
            super::down::end(lab);
            return Err(format!("The lab's host ended while the lab was being built; it said: {said}"));
        }
        let now = status::look(lab);
        for machine in now.machines.iter().filter(|machine| machine.is_whole()) {
            if !told.contains(&machine.name) {
                told.push(machine.name.clone());
                tell(&format!("{} is up after {:.1} s", machine.name, began.elapsed().as_secs_f64()));
            }
        }
        let broken: Vec<&str> = now.faults.iter().map(|fault| fault.target.split('/').next().unwrap_or_default()).collect();
        let waiting: Vec<String> = now
            .machines
            .iter()
            .filter(|machine| !machine.is_whole() && !broken.contains(&machine.name.as_str()))
            .map(|machine| machine.why())
            .collect();
        if waiting.is_empty() && !now.machines.is_empty() {
            return Ok(());
        }
        if began.elapsed() > UP_MAX {
            return Err(format!(
                "The lab is not whole after {} s:\n  {}\nLook into {} and the logs of the machines (wirecenter lab exec MACHINE -- tail /var/log/SERVICE.log), or start anew with wirecenter lab down.",
                UP_MAX.as_secs(),
                waiting.join("\n  "),
                lab.logs().display()
            ));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// A PBX that started before its proxy knows of it with the next probe, and the other way round. Until then calls would be refused by
/// machines that are all up. Not waited for longer than a few probes: what does not answer them is shown by its own state.
fn wait_until_calls_pass(lab: &Layout, inventory: &Inventory) {
    let asked = |machine: &Machine, argv: &[&str], wanted: &str, count: usize| {
        let said = enter::in_machine(lab, &machine.name).and_then(|mut command| enter::run(&mut command, argv));
        said.is_ok_and(|text| text.matches(wanted).count() >= count)
    };
    let (proxies, pbxs) = (inventory.of_role(Role::Kamailio).count(), inventory.of_role(Role::Asterisk).count());
    let list = roles::kamcmd(&["dispatcher.list"]);
    let proxy_ready = |machine: &Machine| asked(machine, &list, "FLAGS: A", pbxs + inventory.carriers.len());
    let pbx_ready = |machine: &Machine| asked(machine, &["asterisk", "-rx", "pjsip show contacts"], "Avail", proxies);
    let give_up = Instant::now() + CALLS_PASS_MAX;
    while Instant::now() < give_up {
        if inventory.of_role(Role::Kamailio).all(proxy_ready) && inventory.of_role(Role::Asterisk).all(pbx_ready) {
            return;
        }
        std::thread::sleep(Duration::from_millis(150));
    }
}
