//! What the kernel says of this process and this machine.

use app::system::snapshot::DiskView;
use rustix::process::{Pid, Signal, kill_process};
use std::{path::Path, time::Duration};

/// Processor time used so far and memory in use now.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    pub cpu: Duration,
    pub rss_bytes: u64,
}

/// Of any process one may look at; `None` when it is gone, or where there is no `/proc`.
pub fn usage(pid: u32) -> Option<Usage> {
    let ticks = stat_field(pid, 14)?.parse::<u64>().ok()? + stat_field(pid, 15)?.parse::<u64>().ok()?;
    let cpu = Duration::from_millis(ticks * 1_000 / rustix::param::clock_ticks_per_second().max(1));
    let statm = std::fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
    let pages: u64 = statm.split_whitespace().nth(1)?.parse().ok()?;
    Some(Usage { cpu, rss_bytes: pages * rustix::param::page_size() as u64 })
}

/// Processor time of a process and of all it has started, running or ended, as long as its parent waited for it; without the
/// programs named in `but` and what those started.
pub fn cpu_of_family(pid: u32, but: &[&str]) -> Duration {
    fn ticks(pid: u32, but: &[&str], family: &Processes) -> u64 {
        let program = arguments(pid).and_then(|words| words.first().cloned()).unwrap_or_default();
        if but.iter().any(|name| program.ends_with(name)) {
            return 0;
        }
        // User and system time, its own (14, 15) and that of its ended children (16, 17).
        let own = (14..=17).filter_map(|number| stat_field(pid, number)?.parse::<u64>().ok()).sum::<u64>();
        own + family.children(pid).map(|child| ticks(child, but, family)).sum::<u64>()
    }
    Duration::from_millis(ticks(pid, but, &Processes::look()) * 1_000 / rustix::param::clock_ticks_per_second().max(1))
}

pub fn disk(path: &Path) -> Option<DiskView> {
    let stat = rustix::fs::statvfs(path).ok()?;
    let path = path.display().to_string();
    Some(DiskView { path, free_bytes: stat.f_bavail * stat.f_frsize, total_bytes: stat.f_blocks * stat.f_frsize })
}

pub fn hostname() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

fn pid(process: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(process).ok()?)
}

pub fn is_alive(process: u32) -> bool {
    // A zombie is listed too, and answers signals. Its command line is no sign: while a program replaces itself it has none either.
    stat_field(process, 3).is_some_and(|state| state != "Z" && state != "X")
}

/// The command line of a process, arguments separated by blanks.
pub fn command_line(process: u32) -> Option<String> {
    Some(arguments(process)?.join(" "))
}

/// The words of a process's command line.
pub fn arguments(process: u32) -> Option<Vec<String>> {
    let line = std::fs::read(format!("/proc/{process}/cmdline")).ok()?;
    Some(line.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect())
}

/// A field of `/proc/PID/stat`, counted from 3 as its manual page does: the name before may hold anything.
fn stat_field(process: u32, number: usize) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(number.checked_sub(3)?).map(Into::into)
}

/// When a process was born, in ticks since the machine's boot: with its number, its identity.
pub fn born(process: u32) -> Option<u64> {
    stat_field(process, 22)?.parse().ok()
}

/// Whether a process is stopped by a signal: it is there, and does nothing.
pub fn is_stopped(process: u32) -> bool {
    stat_field(process, 3).is_some_and(|state| state == "T")
}

/// Its number in the innermost process namespace it is in.
fn number_inside(process: u32) -> Option<u32> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("NSpid:"))?.split_whitespace().next_back()?.parse().ok()
}

/// The process that its own process namespace, that of `member`, numbers like this.
pub fn numbered_inside(member: u32, inner: u32) -> Option<u32> {
    namespace_members(member).into_iter().find(|pid| number_inside(*pid) == Some(inner))
}

/// Every process there is, as this process's `/proc` numbers them.
fn processes() -> impl Iterator<Item = u32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// Who is whose child, at one moment: one look at `/proc` for any number of questions.
pub struct Processes {
    parent_of: Vec<(u32, u32)>,
}

impl Processes {
    pub fn look() -> Self {
        let parent = |pid: u32| Some((pid, stat_field(pid, 4)?.parse().ok()?));
        Self { parent_of: processes().filter_map(parent).collect() }
    }

    pub fn children(&self, process: u32) -> impl Iterator<Item = u32> {
        self.parent_of.iter().filter(move |(_, parent)| *parent == process).map(|(pid, _)| *pid)
    }

    /// Children, their children, and so on; nearest first.
    pub fn descendants(&self, process: u32) -> Vec<u32> {
        let mut found = vec![process];
        let mut at = 0;
        while let Some(&next) = found.get(at) {
            found.extend(self.children(next));
            at += 1;
        }
        found.split_off(1)
    }
}

/// Every process of a process namespace, given one of it: also those that entered it from outside.
pub fn namespace_members(process: u32) -> Vec<u32> {
    let namespace = |pid: u32| std::fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
    let wanted = namespace(process);
    processes().filter(|pid| wanted.is_some() && namespace(*pid) == wanted).collect()
}

/// Asks a process to end; whoever calls this has started it, or found it by its own record.
pub fn terminate(process: u32) {
    signal(process, Signal::TERM);
}

pub fn kill(process: u32) {
    signal(process, Signal::KILL);
}

/// Stops a process where it is, until [`thaw`].
pub fn freeze(process: u32) {
    signal(process, Signal::STOP);
}

pub fn thaw(process: u32) {
    signal(process, Signal::CONT);
}

fn signal(process: u32, signal: Signal) {
    if let Some(pid) = pid(process) {
        // A process that is gone already is what was wanted.
        let _ = kill_process(pid, signal);
    }
}

/// Waits until the process is gone; false when the time is up first.
pub fn wait_until_gone(process: u32, timeout: Duration) -> bool {
    let end = std::time::Instant::now() + timeout;
    while is_alive(process) {
        if std::time::Instant::now() >= end {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    true
}

/// Looks for a program in PATH and where system programs lie.
pub fn find_program(name: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let more = ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"].map(std::path::PathBuf::from);
    std::env::split_paths(&path).chain(more).map(|dir| dir.join(name)).find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_memory_and_is_alive() {
        let me = std::process::id();
        assert!(usage(me).expect("there is /proc").rss_bytes > 1_000_000);
        assert!(is_alive(me) && !is_alive(4_194_304));
        assert!(command_line(me).expect("there is /proc").contains("server"));
        assert!(disk(Path::new("/")).expect("a root file system").total_bytes > 0);
        assert!(find_program("sh").is_some() && find_program("no-such-program").is_none());
    }
}
