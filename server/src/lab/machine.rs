//! The first process of a machine. It wakes in namespaces of its own, puts its file system together, takes its place in it, waits
//! for its cables, and runs the services of its plan.
//!
//! The file system is the real machine's, seen through a copy-on-write layer that lies in memory: what the distribution installed
//! is there, what is written is the machine's own, and the real machine is never changed.

use super::{
    answering,
    control::MACHINE_SOCKET,
    place::Layout,
    plan::{Bind, MachinePlan},
    supervisor::Supervisor,
};
use app::fleet::inventory::Nic;
use rustix::mount::{MountFlags, UnmountFlags, mount, mount_bind, mount_bind_recursive, mount_remount, unmount};
use std::{
    ffi::CString,
    fs,
    io::{self, BufRead, Read, Write},
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Where Asterisk's own root file system is seen inside, on distributions that have no package of it.
pub const ASTERISK_ROOT: &str = "/opt/asterisk";

/// What went wrong while booting: doing what, and what the kernel said.
#[derive(Debug, thiserror::Error)]
#[error("{doing}: {error}")]
pub struct BootError {
    doing: String,
    error: io::Error,
}

pub fn failed<E: Into<io::Error>>(doing: impl Into<String>) -> impl FnOnce(E) -> BootError {
    let doing = doing.into();
    move |error| BootError { doing, error: error.into() }
}

/// Never comes back while the machine runs.
pub fn run(lab: &Layout, name: &str) -> Result<(), BootError> {
    let text = fs::read_to_string(lab.machine_plan(name)).map_err(failed("reading the plan"))?;
    let plan: MachinePlan = serde_json::from_str(&text).map_err(failed("understanding the plan"))?;
    let root = lab.disk(name).join("root");
    let first_boot = mount_disk(&lab.disk(name))?;
    mount_system(&root, lab)?;
    if first_boot {
        for folder in &plan.own_folders {
            empty(&inside(&root, folder)).map_err(failed(format!("emptying {}", folder.display())))?;
        }
    }
    plan.binds.iter().try_for_each(|bind| mount_one(&root, bind))?;
    write_identity(&root, &plan)?;
    copy_tree(&lab.machine_files(name), &root).map_err(failed("writing the configuration"))?;
    enter(&root)?;
    rustix::system::sethostname(plan.name.as_bytes()).map_err(failed("setting the host name"))?;
    turn_off_ipv6();
    writeln!(io::stdout(), "booted").map_err(failed("telling the host"))?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).map_err(failed("waiting for the cables"))?;
    if line.trim() != "go" {
        return Err(failed("waiting for the cables")(io::Error::other("the host went away")));
    }
    ip(&["link", "set", "lo", "up"])?;
    plan.nics.iter().try_for_each(set_address)?;
    apply_kernel_settings()?;
    let supervisor = Supervisor::new(plan.services, "/var/log".into(), None);
    answering::listen(Path::new(MACHINE_SOCKET), std::sync::Arc::clone(&supervisor))
        .map_err(failed("opening the control socket"))?;
    supervisor.start();
    loop {
        std::thread::park();
    }
}

/// A path as it is called inside the machine, as it is called before the machine has moved there.
fn inside(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

/// The copy-on-write layer. Says whether the disk is new.
fn mount_disk(disk: &Path) -> Result<bool, BootError> {
    let folders = ["upper", "work", "root", "var"].map(|name| disk.join(name));
    let new = !folders[0].exists();
    for folder in &folders {
        fs::create_dir_all(folder).map_err(failed(format!("making {}", folder.display())))?;
    }
    let [upper, work, root, var] = &folders;
    let options = format!("lowerdir=/,upperdir={},workdir={}", upper.display(), work.display());
    let options = CString::new(options).map_err(failed("naming the layers"))?;
    mount("overlay", root, "overlay", MountFlags::empty(), options.as_c_str())
        .map_err(failed("mounting the copy-on-write layer (the kernel needs overlayfs)"))?;
    // Nothing of the real machine's databases, logs and spools may be seen, so /var is the machine's own from the start.
    for name in ["lib", "log", "cache", "spool", "tmp"] {
        fs::create_dir_all(var.join(name)).map_err(failed("making /var"))?;
    }
    fs::set_permissions(var.join("tmp"), fs::Permissions::from_mode(0o1777)).map_err(failed("making /var/tmp"))?;
    for (name, target) in [("run", "/run"), ("lock", "/run/lock")] {
        if !var.join(name).is_symlink() {
            symlink(target, var.join(name)).map_err(failed("making /var"))?;
        }
    }
    mount_bind(var, root.join("var")).map_err(failed("mounting /var"))?;
    Ok(new)
}

fn mount_memory(target: &Path, options: &str) -> Result<(), BootError> {
    let options = CString::new(options).map_err(failed("naming the options"))?;
    mount("tmpfs", target, "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, options.as_c_str())
        .map_err(failed(format!("mounting memory at {}", target.display())))
}

fn mount_system(root: &Path, lab: &Layout) -> Result<(), BootError> {
    mount("proc", root.join("proc"), "proc", MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC, None)
        .map_err(failed("mounting /proc"))?;
    mount("sysfs", root.join("sys"), "sysfs", MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC, None)
        .map_err(failed("mounting /sys"))?;
    mount_bind_recursive("/dev", root.join("dev")).map_err(failed("mounting /dev"))?;
    if root.join("dev/shm").is_dir() {
        mount_memory(&root.join("dev/shm"), "mode=1777,size=64m")?;
    }
    mount_memory(&root.join("run"), "mode=0755,size=64m")?;
    fs::create_dir_all(root.join("run/lock")).map_err(failed("making /run/lock"))?;
    mount_memory(&root.join("tmp"), "mode=1777,size=64m")?;
    // The program is bound before its folder is hidden, and it stays what it was when the lab was started.
    let program = root.join("usr/local/bin/wirecenter");
    if !program.exists() {
        fs::create_dir_all(root.join("usr/local/bin")).map_err(failed("making /usr/local/bin"))?;
        fs::write(&program, "").map_err(failed("making the program's place"))?;
    }
    mount_bind(lab.program(), &program).map_err(failed("mounting the program"))?;
    // People's own files, and the lab's secrets, are none of the machines' business.
    for private in [Path::new("/root"), Path::new("/home"), lab.dir()] {
        let target = inside(root, private);
        if target.is_dir() {
            mount_memory(&target, "mode=0755,size=16m")?;
        }
    }
    Ok(())
}

fn mount_one(root: &Path, bind: &Bind) -> Result<(), BootError> {
    let from = if bind.inside { inside(root, &bind.from) } else { bind.from.clone() };
    let to = inside(root, &bind.to);
    let doing = || format!("mounting {} at {}", from.display(), bind.to.display());
    if bind.inside {
        fs::create_dir_all(&from).map_err(failed(doing()))?;
    }
    fs::create_dir_all(&to).map_err(failed(doing()))?;
    mount_bind_recursive(&from, &to).map_err(failed(doing()))?;
    if bind.read_only {
        mount_remount(&to, MountFlags::BIND | MountFlags::RDONLY, "").map_err(failed(doing()))?;
    }
    Ok(())
}

fn empty(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::create_dir_all(folder)
}

/// Host name, machine-id, names of the others, users.
fn write_identity(root: &Path, plan: &MachinePlan) -> Result<(), BootError> {
    let etc = root.join("etc");
    let write = |name: &str, text: &str| {
        let path = etc.join(name);
        // It may be a link to somewhere else on the real machine.
        if path.is_symlink() {
            fs::remove_file(&path)?;
        }
        fs::write(path, text)
    };
    write("hostname", &format!("{}\n", plan.name)).map_err(failed("writing the host name"))?;
    write("hosts", &plan.hosts).map_err(failed("writing the hosts"))?;
    write("resolv.conf", "# No name server: what this machine needs to know stands in /etc/hosts.\n").map_err(failed("writing"))?;
    let id = root.join("var/lib/machine-id-of-disk");
    if !id.exists() {
        fs::write(&id, format!("{:032x}\n", rand::random::<u128>())).map_err(failed("making a machine-id"))?;
    }
    let id = fs::read_to_string(&id).map_err(failed("reading the machine-id"))?;
    write("machine-id", &id).map_err(failed("writing the machine-id"))?;
    unlock_root(&etc).map_err(failed("letting root in by key"))?;
    for account in &plan.accounts {
        add_account(&etc, account).map_err(failed(format!("adding the user {account}")))?;
    }
    Ok(())
}

/// No password opens root's account here, as anywhere; but sshd keeps even keys out of an account that is locked (`!`).
fn unlock_root(etc: &Path) -> io::Result<()> {
    let path = etc.join("shadow");
    let text = fs::read_to_string(&path)?;
    let line = |line: &str| match line.split(':').collect::<Vec<_>>().as_slice() {
        ["root", _, rest @ ..] => format!("root:*:{}\n", rest.join(":")),
        _ => format!("{line}\n"),
    };
    fs::write(&path, text.lines().map(line).collect::<String>())
}

/// A system user with a number of its own, where the distribution's package has made none.
fn add_account(etc: &Path, name: &str) -> io::Result<()> {
    for (file, line) in
        [("passwd", format!("{name}:x:{{}}:{{}}:{name}:/nonexistent:/usr/sbin/nologin")), ("group", format!("{name}:x:{{}}:"))]
    {
        let path = etc.join(file);
        let text = fs::read_to_string(&path)?;
        if text.lines().any(|line| line.split(':').next() == Some(name)) {
            continue;
        }
        let taken: Vec<u32> = text.lines().filter_map(|line| line.split(':').nth(2)?.parse().ok()).collect();
        let free = (200..1000).rev().find(|id| !taken.contains(id)).ok_or_else(|| io::Error::other("no number is free"))?;
        let end = if text.ends_with('\n') { "" } else { "\n" };
        fs::write(&path, format!("{text}{end}{}\n", line.replace("{}", &free.to_string())))?;
    }
    Ok(())
}

fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            fs::create_dir_all(&target)?;
            copy_tree(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}

/// From here on the machine's file system is the only one this process knows.
fn enter(root: &Path) -> Result<(), BootError> {
    let old = root.join("mnt");
    rustix::process::pivot_root(root, &old).map_err(failed("changing the root"))?;
    std::env::set_current_dir("/").map_err(failed("changing the root"))?;
    unmount("/mnt", UnmountFlags::DETACH).map_err(failed("leaving the real file system"))
}

/// The inventory knows IPv4 only; without this each link would be silent for its first seconds while IPv6 looks for duplicates.
pub fn turn_off_ipv6() {
    for scope in ["all", "default"] {
        // A kernel without IPv6 has no such file.
        let _ = fs::write(format!("/proc/sys/net/ipv6/conf/{scope}/disable_ipv6"), "1");
    }
}

/// As a machine does when it boots; those that are not ours have none.
fn apply_kernel_settings() -> Result<(), BootError> {
    let settings = Path::new("/etc/sysctl.d/60-wirecenter.conf");
    if !settings.exists() {
        return Ok(());
    }
    let text = fs::read_to_string(settings).map_err(failed("reading the kernel's settings"))?;
    for (name, value) in text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('=')) {
        let path = format!("/proc/sys/{}", name.trim().replace('.', "/"));
        fs::write(&path, value.trim()).map_err(failed(format!("setting {}", name.trim())))?;
    }
    Ok(())
}

fn set_address(nic: &Nic) -> Result<(), BootError> {
    let address = format!("{}/{}", nic.address, nic.prefix_len);
    ip(&["addr", "add", &address, "brd", "+", "dev", &nic.network])?;
    ip(&["link", "set", &nic.network, "up"])
}

/// Whether it went well is told by what `ip` says: the exit codes of children are the supervisor's to take, once there is one.
pub fn ip(args: &[&str]) -> Result<(), BootError> {
    let doing = || format!("ip {}", args.join(" "));
    let mut child = Command::new("ip").args(args).stderr(Stdio::piped()).spawn().map_err(failed(doing()))?;
    let mut said = String::new();
    if let Some(mut stderr) = child.stderr.take() {
        stderr.read_to_string(&mut said).map_err(failed(doing()))?;
    }
    // The supervisor may have taken it already.
    let _ = child.wait();
    if said.trim().is_empty() { Ok(()) } else { Err(failed(doing())(io::Error::other(said.trim().to_string()))) }
}
