//! The first process of the host and of each machine: starts its services, starts them again when they die, ends what it is told to
//! end, and takes leave of the dead. Plain threads: it must answer while everything else in its machine is in trouble.

use super::{
    control::{ServiceStatus, State},
    plan::{Ready, Service, Step},
};
use crate::process::{self, Processes};
use rustix::process::{WaitOptions, WaitStatus};
use std::{
    collections::{BTreeMap, HashMap},
    fs::{self, File, OpenOptions},
    io::{self, Write},
    net::TcpStream,
    os::unix::{
        fs::{DirBuilderExt, PermissionsExt},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc},
    time::{Duration, Instant},
};

/// A service that does not get ready in this time is ended and started again.
const READY_MAX: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(20);
/// Past this a service's log starts again from nothing; the disk of a lab machine is small.
const LOG_BYTES_MAX: u64 = 24 * 1024 * 1024;

/// What a host does for a machine that has just booted, beside starting it: gives it its cables.
pub type Plug = dyn Fn(&str, u32) -> Result<(), String> + Send + Sync;

pub struct Supervisor {
    services: Mutex<BTreeMap<String, Kept>>,
    changed: Condvar,
    /// Children somebody waits for. Whatever else dies here was left behind by a service.
    awaited: Mutex<HashMap<i32, mpsc::Sender<WaitStatus>>>,
    log_folder: PathBuf,
    plug: Option<Box<Plug>>,
}

struct Kept {
    service: Service,
    status: ServiceStatus,
    /// Must not run until somebody starts it.
    held: bool,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Supervisor {
    pub fn new(services: Vec<Service>, log_folder: PathBuf, plug: Option<Box<Plug>>) -> Arc<Self> {
        let kept = |service: Service| {
            let status = ServiceStatus { name: service.name.clone(), version: service.version.clone(), ..ServiceStatus::default() };
            (service.name.clone(), Kept { service, status, held: false })
        };
        let services = Mutex::new(services.into_iter().map(kept).collect());
        Arc::new(Self { services, changed: Condvar::new(), awaited: Mutex::default(), log_folder, plug })
    }

    /// Starts everything and comes back; the threads go on.
    pub fn start(self: &Arc<Self>) {
        let reaper = Arc::clone(self);
        std::thread::spawn(move || reaper.reap());
        let names: Vec<String> = locked(&self.services).keys().cloned().collect();
        for name in names {
            let supervisor = Arc::clone(self);
            std::thread::spawn(move || supervisor.keep(&name));
        }
    }

    pub fn status(&self) -> Vec<ServiceStatus> {
        locked(&self.services).values().map(|kept| kept.status.clone()).collect()
    }

    /// Ends a service at once and keeps it ended.
    pub fn hold(&self, name: &str) -> Result<(), String> {
        let pid = self.with(name, |kept| {
            kept.held = true;
            kept.status.pid
        })?;
        if let Some(pid) = pid {
            // Its children too: a proxy's workers would go on answering without it.
            for process in Processes::look().descendants(pid) {
                process::kill(process);
            }
            process::kill(pid);
        }
        self.changed.notify_all();
        Ok(())
    }

    /// Lets a held service run again; one that runs is left alone.
    pub fn release(&self, name: &str) -> Result<(), String> {
        self.with(name, |kept| kept.held = false)?;
        self.changed.notify_all();
        Ok(())
    }

    fn with<T>(&self, name: &str, change: impl FnOnce(&mut Kept) -> T) -> Result<T, String> {
        let mut services = locked(&self.services);
        let known: Vec<String> = services.keys().cloned().collect();
        let kept = services.get_mut(name);
        kept.map(change).ok_or_else(|| format!("There is no {name:?} here; there are: {}.", known.join(", ")))
    }

    fn note(&self, name: &str, change: impl FnOnce(&mut ServiceStatus)) {
        // The names come from the map itself.
        let _ = self.with(name, |kept| change(&mut kept.status));
    }

    fn is_held(&self, name: &str) -> bool {
        self.with(name, |kept| kept.held).unwrap_or(true)
    }

    /// The life of one service, for ever.
    fn keep(&self, name: &str) {
        let Ok(service) = self.with(name, |kept| kept.service.clone()) else { return };
        let mut failures: u32 = 0;
        loop {
            let mut services = locked(&self.services);
            while services.get(name).is_some_and(|kept| kept.held) {
                services = self.changed.wait(services).unwrap_or_else(PoisonError::into_inner);
            }
            drop(services);
            let began = Instant::now();
            let said = self.live(&service);
            let held = self.is_held(name);
            let is_done = said.is_none() && matches!(service.ready, Ready::Ended);
            self.note(name, |status| {
                status.pid = None;
                status.said = said;
                status.state = if is_done { State::Up } else { State::Down };
                status.restarts += u32::from(!held && !is_done);
            });
            if is_done {
                // A job is done once, until the machine boots again or somebody holds and releases it.
                let mut services = locked(&self.services);
                while services.get(name).is_some_and(|kept| !kept.held) {
                    services = self.changed.wait(services).unwrap_or_else(PoisonError::into_inner);
                }
                continue;
            }
            failures = if began.elapsed() > Duration::from_secs(10) || held { 0 } else { failures + 1 };
            // 0.2, 0.4, 0.8 … 5 s: quick after one death, patient with one that cannot start.
            std::thread::sleep(Duration::from_millis((100_u64 << failures.min(6)).min(5_000)));
        }
    }

    /// From the preparations to its end. `None` when it ended well.
    fn live(&self, service: &Service) -> Option<String> {
        self.note(&service.name, |status| status.state = State::Starting);
        let log = match self.open_log(service) {
            Ok(log) => log,
            Err(error) => return Some(format!("its log cannot be written: {error}")),
        };
        if let Err(said) = self.prepare(service, &log) {
            return Some(said);
        }
        if self.is_held(&service.name) {
            return Some("it is held".into());
        }
        let (mut child, ended) = match self.spawn_service(service, &log) {
            Ok(spawned) => spawned,
            Err(error) => return Some(format!("{} cannot be started: {error}", service.argv.first().map_or("", |a| a.as_str()))),
        };
        let pid = child.id();
        self.note(&service.name, |status| status.pid = Some(pid));
        // Held while it was being started: the signal would have missed it.
        if self.is_held(&service.name) {
            process::kill(pid);
        }
        let got_ready = match service.ready {
            Ready::Booted => self.boot(service, &mut child),
            _ => self.wait_until_ready(service, &ended),
        };
        match got_ready {
            Ok(()) => {}
            Err(Some(said)) => {
                process::kill(pid);
                let _ = ended.recv();
                return Some(said);
            }
            // It has ended meanwhile.
            Err(None) => return Some("it ended before it was ready; its log says why".into()),
        }
        for step in &service.after {
            if let Err(said) = self.run_step(step, &log) {
                process::kill(pid);
                let _ = ended.recv();
                return Some(said);
            }
        }
        if !matches!(service.ready, Ready::Ended) {
            self.note(&service.name, |status| {
                status.state = State::Up;
                status.said = None;
            });
        }
        loop {
            match ended.recv_timeout(Duration::from_secs(5)) {
                Ok(status) if status.exit_status() == Some(0) => return None,
                Ok(status) => return Some(describe_end(status)),
                Err(mpsc::RecvTimeoutError::Timeout) => restart_long_log(&log),
                Err(mpsc::RecvTimeoutError::Disconnected) => return Some("it is gone".into()),
            }
        }
    }

    fn open_log(&self, service: &Service) -> io::Result<File> {
        fs::create_dir_all(&self.log_folder)?;
        OpenOptions::new().create(true).append(true).open(self.log_folder.join(format!("{}.log", service.name)))
    }

    fn prepare(&self, service: &Service, log: &File) -> Result<(), String> {
        for folder in &service.folders {
            make_folder(folder).map_err(|error| format!("{} cannot be made: {error}", folder.path.display()))?;
        }
        service.before.iter().try_for_each(|step| self.run_step(step, log))
    }

    fn spawn_service(&self, service: &Service, log: &File) -> io::Result<(Child, mpsc::Receiver<WaitStatus>)> {
        let (program, rest) = service.argv.split_first().ok_or_else(|| io::Error::other("no program is named"))?;
        let mut command = Command::new(program);
        command.args(rest).envs(&service.environment).stderr(log.try_clone()?).process_group(0);
        match service.ready {
            Ready::Booted => command.stdin(Stdio::piped()).stdout(Stdio::piped()),
            _ => command.stdin(Stdio::null()).stdout(log.try_clone()?),
        };
        self.spawn(&mut command)
    }

    /// Under the lock, so that the reaper knows of the child before it can end.
    fn spawn(&self, command: &mut Command) -> io::Result<(Child, mpsc::Receiver<WaitStatus>)> {
        let (tell, ended) = mpsc::channel();
        let mut awaited = locked(&self.awaited);
        let child = command.spawn()?;
        if let Ok(pid) = i32::try_from(child.id()) {
            awaited.insert(pid, tell);
        }
        Ok((child, ended))
    }

    /// Runs a command to its end; what it prints goes to the log.
    fn run(&self, argv: &[String], input: Option<&Path>, log: Option<&File>) -> Result<(), String> {
        let (program, rest) = argv.split_first().ok_or("no program is named")?;
        let mut command = Command::new(program);
        let failed = |error: io::Error| format!("{program}: {error}");
        match input {
            Some(file) => command.stdin(File::open(file).map_err(|error| format!("{}: {error}", file.display()))?),
            None => command.stdin(Stdio::null()),
        };
        match log {
            Some(log) => command.stdout(log.try_clone().map_err(failed)?).stderr(log.try_clone().map_err(failed)?),
            None => command.stdout(Stdio::null()).stderr(Stdio::null()),
        };
        let (_, ended) = self.spawn(command.args(rest)).map_err(failed)?;
        match ended.recv() {
            Ok(status) if status.exit_status() == Some(0) => Ok(()),
            Ok(status) => Err(format!("{program} {}; the log says why", describe_end(status))),
            Err(_) => Err(format!("{program} is gone")),
        }
    }

    fn run_step(&self, step: &Step, log: &File) -> Result<(), String> {
        if step.unless.as_ref().is_some_and(|mark| mark.exists()) {
            return Ok(());
        }
        let give_up = Instant::now() + Duration::from_secs(u64::from(step.retry_s));
        while let Err(said) = self.run(&step.argv, step.input.as_deref(), Some(log)) {
            if Instant::now() >= give_up {
                return Err(said);
            }
            std::thread::sleep(Duration::from_millis(150));
        }
        match &step.done {
            Some(mark) => fs::write(mark, "").map_err(|error| format!("{}: {error}", mark.display())),
            None => Ok(()),
        }
    }

    /// `Err(None)` when it ended first.
    fn wait_until_ready(&self, service: &Service, ended: &mpsc::Receiver<WaitStatus>) -> Result<(), Option<String>> {
        let give_up = Instant::now() + READY_MAX;
        loop {
            let ready = match &service.ready {
                Ready::Started | Ready::Ended | Ready::Booted => true,
                Ready::Path(path) => path.exists(),
                Ready::Tcp(address) => TcpStream::connect_timeout(&(*address).into(), Duration::from_millis(200)).is_ok(),
                Ready::Answers(argv) => self.run(argv, None, None).is_ok(),
            };
            if ready {
                return Ok(());
            }
            match ended.recv_timeout(POLL) {
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                _ => return Err(None),
            }
            if Instant::now() > give_up {
                return Err(Some(format!("it was not ready after {} s", READY_MAX.as_secs())));
            }
        }
    }

    /// A machine: it says when it has booted, gets its cables, and goes on.
    fn boot(&self, service: &Service, child: &mut Child) -> Result<(), Option<String>> {
        let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Some("it was started without its two pipes".into()));
        };
        let mut line = String::new();
        let read = io::BufRead::read_line(&mut io::BufReader::new(stdout), &mut line);
        if read.is_err() || line.trim() != "booted" {
            return Err(Some(format!("it did not boot; its log says why ({})", line.trim())));
        }
        // What was started is `unshare`; the machine's first process is its child.
        let first = Processes::look().children(child.id()).next();
        let first = first.ok_or_else(|| Some("its first process is gone".to_string()))?;
        if let Some(plug) = &self.plug {
            plug(&service.name, first).map_err(Some)?;
        }
        writeln!(stdin, "go").map_err(|error| Some(format!("it does not listen: {error}")))
    }

    fn reap(&self) {
        loop {
            match rustix::process::wait(WaitOptions::empty()) {
                Ok(Some((pid, status))) => {
                    if let Some(tell) = locked(&self.awaited).remove(&pid.as_raw_pid()) {
                        // Whoever waited may have given up.
                        let _ = tell.send(status);
                    }
                }
                // No children at the moment.
                Ok(None) | Err(_) => std::thread::sleep(POLL),
            }
        }
    }
}

fn describe_end(status: WaitStatus) -> String {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => format!("ended with code {code}"),
        (_, Some(signal)) => format!("was ended by signal {signal}"),
        _ => "ended".into(),
    }
}

fn restart_long_log(log: &File) {
    if log.metadata().is_ok_and(|about| about.len() > LOG_BYTES_MAX) {
        // Written with O_APPEND, so the next line lands at the new end.
        let _ = log.set_len(0);
    }
}

fn make_folder(folder: &super::plan::Folder) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(folder.mode).create(&folder.path)?;
    fs::set_permissions(&folder.path, fs::Permissions::from_mode(folder.mode))?;
    match folder.owner.as_deref().and_then(account) {
        Some((user, group)) => std::os::unix::fs::chown(&folder.path, Some(user), Some(group)),
        None => Ok(()),
    }
}

/// User and group number of an account of this machine.
pub fn account(name: &str) -> Option<(u32, u32)> {
    let accounts = fs::read_to_string("/etc/passwd").ok()?;
    let line = accounts.lines().find(|line| line.split(':').next() == Some(name))?;
    let mut fields = line.split(':').skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}
