//! The first process of the host: the hypervisor of the lab. It has a network namespace with the virtual switches, a mount namespace
//! with the machines' disks, and a process namespace in which the machines live: when it is killed, the kernel ends everything
//! in it, so that nothing of a lab can outlive it.

use super::{
    answering,
    machine::{BootError, failed, ip, turn_off_ipv6},
    place::Layout,
    plan::{HostPlan, HostedMachine, Ready, Service, switch_name},
    supervisor::Supervisor,
};
use rustix::mount::{MountFlags, mount};
use sha2::{Digest, Sha256};
use std::{
    ffi::CString,
    fs,
    io::{self, BufRead},
    path::Path,
    sync::Arc,
    time::Duration,
};

/// How often the host looks whether it is still on record.
const RECORD_EVERY: Duration = Duration::from_millis(500);

/// Namespaces that each machine gets for itself.
const OWN_NAMESPACES: [&str; 5] = ["--net", "--mount", "--uts", "--ipc", "--pid"];

/// What `lab up` starts, with the program and its words after it: new namespaces, and the end of all in them with this process.
pub fn unshare() -> Vec<&'static str> {
    let mut argv = vec!["unshare"];
    argv.extend(OWN_NAMESPACES);
    argv.extend(["--fork", "--kill-child=KILL", "--"]);
    argv
}

/// Comes back when the lab is no longer on record.
pub fn run(lab: &Layout) -> Result<(), BootError> {
    // `lab up` writes down who we are before it says go; if it dies first, we end too and nothing was made.
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).map_err(failed("waiting for the start"))?;
    if line.trim() != "go" {
        return Err(failed("waiting for the start")(io::Error::other("whoever started this went away")));
    }
    let text = fs::read_to_string(lab.host_plan()).map_err(failed("reading the plan"))?;
    let plan: HostPlan = serde_json::from_str(&text).map_err(failed("understanding the plan"))?;
    rustix::system::sethostname(plan.name.as_bytes()).map_err(failed("setting the host name"))?;
    mount("proc", "/proc", "proc", MountFlags::empty(), None).map_err(failed("mounting /proc"))?;
    turn_off_ipv6();
    make_switches(&plan)?;
    for machine in &plan.machines {
        make_disk(&lab.disk(&machine.name), machine.disk_mib)?;
    }
    let services: Vec<Service> = plan.machines.iter().map(|machine| machine_service(lab, machine)).collect();
    let ports = plan.machines;
    let plug = move |name: &str, first: u32| {
        let machine = ports.iter().find(|machine| machine.name == name).ok_or("it is not in the plan")?;
        plug(machine, first).map_err(|error| error.to_string())
    };
    let supervisor = Supervisor::new(services, lab.logs(), Some(Box::new(plug)));
    answering::listen(&lab.host_socket(), Arc::clone(&supervisor)).map_err(failed("opening the control socket"))?;
    supervisor.start();
    // A lab whose folder somebody removed could not be found any more; it ends by itself.
    while lab.is_recorded() {
        std::thread::sleep(RECORD_EVERY);
    }
    Ok(())
}

fn machine_service(lab: &Layout, machine: &HostedMachine) -> Service {
    let mut argv = unshare();
    let (program, dir) = (lab.program().display().to_string(), lab.dir().display().to_string());
    argv.extend([&program, "lab", "machine", &machine.name, &dir]);
    Service::new(&machine.name, &argv, Ready::Booted)
}

fn make_switches(plan: &HostPlan) -> Result<(), BootError> {
    ip(&["link", "set", "lo", "up"])?;
    for switch in &plan.switches {
        let (name, mtu) = (switch_name(&switch.network), switch.mtu.to_string());
        ip(&["link", "add", &name, "mtu", &mtu, "type", "bridge", "stp_state", "0", "mcast_snooping", "0"])?;
        ip(&["link", "set", &name, "mtu", &mtu, "up"])?;
    }
    let own = format!("{}/{}", plan.management.address, plan.management.prefix_len);
    ip(&["addr", "add", &own, "dev", &switch_name(&plan.management.network)])
}

/// A disk lies in memory and has a size, so that it can be full like any other. It outlives the machine's power, not the lab.
fn make_disk(path: &Path, size_mib: u32) -> Result<(), BootError> {
    let doing = || format!("making the disk {}", path.display());
    fs::create_dir_all(path).map_err(failed(doing()))?;
    let options = CString::new(format!("mode=0755,size={size_mib}m")).map_err(failed(doing()))?;
    mount("tmpfs", path, "tmpfs", MountFlags::empty(), options.as_c_str()).map_err(failed(doing()))
}

/// An address of the kind that nobody sells (locally administered), the same for a port each time.
fn mac(port: &str) -> String {
    let digest = Sha256::digest(port);
    format!("02:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", digest[0], digest[1], digest[2], digest[3], digest[4])
}

/// Lays a cable from each switch to the machine whose first process is this.
fn plug(machine: &HostedMachine, first: u32) -> Result<(), BootError> {
    let first = first.to_string();
    for port in &machine.ports {
        let (mtu, switch) = (port.mtu.to_string(), switch_name(&port.network));
        // Left from before it was switched off, if the kernel has not removed it yet.
        let _ = ip(&["link", "del", &port.name]);
        // A card keeps its address when its machine is switched off and on, as a real one does: who knew it finds it again.
        let mac = mac(&port.name);
        let end = ["type", "veth", "peer", "name", &port.network, "address", &mac, "mtu", &mtu, "netns", &first];
        ip(&[["link", "add", &port.name, "mtu", &mtu].as_slice(), &end].concat())?;
        ip(&["link", "set", &port.name, "master", &switch, "up"])?;
    }
    Ok(())
}
