//! A MariaDB of the panel's own: its data under the state directory, a Unix socket and no network. The panel starts it, starts it
//! again when it dies, and stops it at the end. When the panel itself is killed, the kernel tells MariaDB to stop (`setpriv
//! --pdeathsig`), and whatever is left over is found by its record and ended at the next start.

use crate::{
    files::{self, SOCKET_PATH_BYTES_MAX},
    process,
};
use app::{context, system::state::SystemState, values::Tone, values::quantity::format_span};
use std::{
    fs,
    fs::{File, TryLockError},
    io::{Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// A MariaDB left over from a killed panel may have a log to write out.
const LEFTOVER_STOP_MAX: Duration = Duration::from_secs(30);
/// Stopping takes well under a second; past this it is killed, and recovers at the next start.
const STOP_MAX: Duration = Duration::from_secs(15);

/// The longest a command keeps the server to itself.
const COMMAND_MAX: Duration = Duration::from_secs(30);

/// Who runs the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    Panel,
    /// A command while no panel runs.
    Command,
}

impl Owner {
    const fn name(self) -> &'static str {
        match self {
            Owner::Panel => "panel",
            Owner::Command => "command",
        }
    }
}

/// Where a private MariaDB keeps what.
#[derive(Clone, Debug)]
pub struct Layout {
    dir: PathBuf,
}

impl Layout {
    pub fn new(state: &Path) -> Self {
        Self { dir: state.join("mariadb") }
    }

    pub fn socket(&self) -> PathBuf {
        self.dir.join("socket")
    }

    fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    fn pid_file(&self) -> PathBuf {
        self.dir.join("pid")
    }

    fn log(&self) -> PathBuf {
        self.dir.join("error.log")
    }

    fn lock(&self) -> PathBuf {
        self.dir.join("lock")
    }

    fn tmp(&self) -> PathBuf {
        self.dir.join("tmp")
    }
}

/// Everything that can keep it from starting, in sentences.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(
        "{program} was not found. Install MariaDB's server programs (Debian, Ubuntu: apt-get install mariadb-server-core mariadb-client-core), or set DATABASE_URL."
    )]
    NoProgram { program: &'static str },
    #[error("The path of the state directory is too long: the socket {path} has {bytes} bytes and may have {max}. Choose a shorter --state.", max = SOCKET_PATH_BYTES_MAX)]
    PathTooLong { path: String, bytes: usize },
    #[error("Another wirecenter (process {holder}) runs with the state directory {state}. Stop it, or choose another --state.")]
    InUse { holder: String, state: String },
    #[error("{path} cannot be used: {error}. Check who owns it and that the disk has room.")]
    Io { path: String, error: std::io::Error },
    #[error("The disk of {path} has {free} free; a new database needs {needed}. Make room, or choose another --state.")]
    DiskFull { path: String, free: String, needed: String },
    #[error("The private MariaDB could not be set up: {program} said: {said}")]
    Install { program: &'static str, said: String },
    #[error("The private MariaDB did not start. The end of {log} says: {said}")]
    Exited { log: String, said: String },
}

/// The running server. Dropping it stops it.
pub struct PrivateMariadb {
    layout: Layout,
    stop: mpsc::Sender<()>,
    keeper: Option<JoinHandle<()>>,
    process: Arc<Mutex<Option<u32>>>,
    _lock: File,
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> StartError + '_ {
    move |error| StartError::Io { path: path.display().to_string(), error }
}

/// The state directory, for its owner's eyes only.
pub fn make_private_dir(path: &Path) -> Result<(), StartError> {
    files::make_private_dir(path).map_err(io(path))
}

impl PrivateMariadb {
    /// Starts the server and comes back when its process runs; whether it answers is seen by asking it. `tell` hears of restarts.
    pub fn start(state: &Path, owner: Owner, tell: Option<Arc<SystemState>>) -> Result<Self, StartError> {
        let layout = Layout::new(state);
        let bytes = layout.socket().as_os_str().len();
        if bytes > SOCKET_PATH_BYTES_MAX {
            return Err(StartError::PathTooLong { path: layout.socket().display().to_string(), bytes });
        }
        make_private_dir(state)?;
        make_private_dir(&layout.dir)?;
        let lock = take_lock(&layout, state, owner)?;
        end_leftover(&layout);
        install(&layout)?;
        make_private_dir(&layout.tmp())?;
        let process = Arc::new(Mutex::new(None));
        let (stop, stopped) = mpsc::channel();
        let (started, first) = mpsc::channel();
        let keeper = {
            let (layout, process) = (layout.clone(), Arc::clone(&process));
            // A thread of its own, which starts the child too: the kernel's death signal follows the thread, not the process.
            let run = move || match spawn(&layout) {
                Ok(child) => {
                    *process.lock().unwrap_or_else(PoisonError::into_inner) = Some(child.id());
                    // Whoever started this thread waits for the word.
                    let _ = started.send(Ok(()));
                    keep(&layout, child, &process, &stopped, tell.as_deref());
                }
                Err(error) => {
                    let _ = started.send(Err(error));
                }
            };
            std::thread::Builder::new().name("mariadb-keeper".into()).spawn(run).map_err(io(&layout_dir(state)))?
        };
        let private = Self { layout, stop, keeper: Some(keeper), process, _lock: lock };
        first.recv().unwrap_or_else(|_| Err(exited(&private.layout)))?;
        Ok(private)
    }

    pub fn socket(&self) -> PathBuf {
        self.layout.socket()
    }

    /// The server's process, while there is one.
    pub fn process(&self) -> Option<u32> {
        *self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The end of the server's log, when it has died.
    pub fn death(&self) -> Option<StartError> {
        self.process().is_none().then(|| exited(&self.layout))
    }

    /// Stops the server cleanly and waits for it.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        // The keeper is gone only if it panicked, and then the child's parent thread, and so the child, is gone too.
        let _ = self.stop.send(());
        if let Some(keeper) = self.keeper.take() {
            let _ = keeper.join();
        }
    }
}

impl Drop for PrivateMariadb {
    fn drop(&mut self) {
        self.end();
    }
}

fn layout_dir(state: &Path) -> PathBuf {
    Layout::new(state).dir
}

/// One panel, or one command, at a time owns the server. The lock is the kernel's, so it cannot be left behind.
fn take_lock(layout: &Layout, state: &Path, owner: Owner) -> Result<File, StartError> {
    let path = layout.lock();
    let mut file = File::options().create(true).truncate(false).read(true).write(true).open(&path).map_err(io(&path))?;
    // A command has the server for a moment and is waited for; a panel has it for good.
    let end = Instant::now() + COMMAND_MAX;
    loop {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) => {
                // Without its number the sentence is still true.
                let held_by = fs::read_to_string(&path).unwrap_or_default();
                let (holder, kind) = held_by.trim().split_once(' ').unwrap_or((held_by.trim(), Owner::Panel.name()));
                if kind == Owner::Panel.name() || Instant::now() >= end {
                    return Err(StartError::InUse { holder: holder.into(), state: state.display().to_string() });
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(TryLockError::Error(error)) => return Err(io(&path)(error)),
        }
    }
    let write = |file: &mut File| {
        file.set_len(0)?;
        file.seek(SeekFrom::Start(0))?;
        writeln!(file, "{} {}", std::process::id(), owner.name())
    };
    write(&mut file).map_err(io(&path))?;
    Ok(file)
}

/// Ends a server that a killed panel left behind, by the record it wrote itself, and only if it is the one of our data.
fn end_leftover(layout: &Layout) {
    let Ok(text) = fs::read_to_string(layout.pid_file()) else { return };
    let Ok(pid) = text.trim().parse::<u32>() else { return };
    let ours = process::command_line(pid).is_some_and(|line| line.contains(&layout.data().display().to_string()));
    if !ours {
        return;
    }
    tracing::info!(pid, "ending the MariaDB that an earlier run left behind");
    process::terminate(pid);
    if !process::wait_until_gone(pid, LEFTOVER_STOP_MAX) {
        process::kill(pid);
        process::wait_until_gone(pid, Duration::from_secs(5));
    }
}

/// Makes the data directory, once. It gets its name last, so a half-made one is never used.
fn install(layout: &Layout) -> Result<(), StartError> {
    if layout.data().exists() {
        return Ok(());
    }
    const NEEDED_BYTES: u64 = 300 * 1024 * 1024;
    if let Some(disk) = process::disk(&layout.dir).filter(|disk| disk.free_bytes < NEEDED_BYTES) {
        let shown = |bytes| app::values::quantity::format_bytes(bytes).to_string();
        let path = layout.dir.display().to_string();
        return Err(StartError::DiskFull { path, free: shown(disk.free_bytes), needed: shown(NEEDED_BYTES) });
    }
    const PROGRAM: &str = "mariadb-install-db";
    let program = process::find_program(PROGRAM).ok_or(StartError::NoProgram { program: PROGRAM })?;
    let (half, user) = (layout.dir.join("data.new"), user_name());
    if half.exists() {
        fs::remove_dir_all(&half).map_err(io(&half))?;
    }
    make_private_dir(&layout.tmp())?;
    let output = Command::new(program)
        .arg("--no-defaults")
        .arg(format!("--datadir={}", half.display()))
        .arg(format!("--tmpdir={}", layout.tmp().display()))
        .arg("--auth-root-authentication-method=socket")
        .arg(format!("--auth-root-socket-user={user}"))
        .args(["--skip-test-db", "--skip-name-resolve"])
        .arg(format!("--user={user}"))
        .stdin(Stdio::null())
        .output()
        .map_err(io(Path::new(PROGRAM)))?;
    if !output.status.success() {
        let said = [output.stdout, output.stderr].concat();
        return Err(StartError::Install { program: PROGRAM, said: last_lines(&String::from_utf8_lossy(&said), 6) });
    }
    fs::rename(&half, layout.data()).map_err(io(&half))
}

/// The user the panel runs as; MariaDB runs as the same, and lets it in by its socket, without a password.
pub fn user_name() -> String {
    let asked = Command::new("id").arg("-un").output().ok().filter(|output| output.status.success());
    asked.map_or_else(|| "root".into(), |output| String::from_utf8_lossy(&output.stdout).trim().to_string())
}

fn spawn(layout: &Layout) -> Result<Child, StartError> {
    const PROGRAM: &str = "mariadbd";
    let program = process::find_program(PROGRAM).ok_or(StartError::NoProgram { program: PROGRAM })?;
    let mut command = match process::find_program("setpriv") {
        Some(setpriv) => {
            let mut command = Command::new(setpriv);
            command.args(["--pdeathsig", "TERM", "--"]).arg(program);
            command
        }
        None => Command::new(program),
    };
    let arg = |name: &str, path: PathBuf| format!("--{name}={}", path.display());
    command
        .arg("--no-defaults")
        .arg(arg("datadir", layout.data()))
        .arg(arg("socket", layout.socket()))
        .arg(arg("pid-file", layout.pid_file()))
        .arg(arg("log-error", layout.log()))
        .arg(arg("tmpdir", layout.tmp()))
        .arg(format!("--user={}", user_name()))
        .args(["--skip-networking", "--skip-log-bin", "--skip-symbolic-links", "--local-infile=OFF"])
        .args(["--character-set-server=utf8mb4", "--collation-server=utf8mb4_bin", "--default-time-zone=+00:00"])
        .arg("--sql-mode=STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ZERO_DATE,NO_ZERO_IN_DATE,NO_ENGINE_SUBSTITUTION")
        .args(["--innodb-buffer-pool-size=128M", "--innodb-log-file-size=64M", "--max-connections=60", "--performance-schema=OFF"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.spawn().map_err(io(Path::new(PROGRAM)))
}

/// Watches the child, starts it again when it dies, ends it when told. Runs on a thread of its own.
fn keep(layout: &Layout, mut child: Child, process: &Mutex<Option<u32>>, stopped: &mpsc::Receiver<()>, tell: Option<&SystemState>) {
    let set = |pid: Option<u32>| *process.lock().unwrap_or_else(PoisonError::into_inner) = pid;
    let say = |tone: Tone, text: String| {
        if let Some(system) = tell {
            system.tell(context::now(), tone, text);
        }
    };
    let mut quick_deaths: u32 = 0;
    let mut started = Instant::now();
    loop {
        match child.try_wait() {
            Ok(None) => {}
            Ok(Some(status)) => {
                set(None);
                let lived = started.elapsed();
                quick_deaths = if lived < Duration::from_secs(10) { quick_deaths + 1 } else { 0 };
                // The first restart is at once; a server that dies again and again is given time: 1, 2, 4 … 30 s.
                let wait = Duration::from_secs(if quick_deaths == 0 { 0 } else { (1 << quick_deaths.min(5)) / 2 }.min(30));
                let text = format!("The private MariaDB ended ({status}) after {}; it is started again.", format_span(lived));
                tracing::warn!(%status, "the private MariaDB ended; it is started again");
                say(Tone::Bad, text);
                if stopped.recv_timeout(wait).is_ok() {
                    return;
                }
                match spawn(layout) {
                    Ok(next) => {
                        set(Some(next.id()));
                        (child, started) = (next, Instant::now());
                    }
                    Err(error) => {
                        tracing::error!(%error, "the private MariaDB cannot be started again");
                        say(Tone::Bad, error.to_string());
                        quick_deaths += 1;
                    }
                }
            }
            Err(error) => tracing::error!(%error, "the private MariaDB cannot be watched"),
        }
        match stopped.recv_timeout(Duration::from_millis(50)) {
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(mpsc::RecvTimeoutError::Disconnected) => break,
        }
    }
    end(&mut child);
    set(None);
}

fn end(child: &mut Child) {
    process::terminate(child.id());
    let give_up = Instant::now() + STOP_MAX;
    while Instant::now() < give_up {
        if !matches!(child.try_wait(), Ok(None)) {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    tracing::warn!("the private MariaDB did not stop in time and was killed; it recovers at the next start");
    // Both fail only for a child that is gone.
    let _ = child.kill();
    let _ = child.wait();
}

fn exited(layout: &Layout) -> StartError {
    let text = fs::read_to_string(layout.log()).unwrap_or_default();
    let errors: Vec<&str> = text.lines().filter(|line| line.contains("[ERROR]")).collect();
    let said = if errors.is_empty() { last_lines(&text, 4) } else { last_lines(&errors.join("\n"), 3) };
    StartError::Exited { log: layout.log().display().to_string(), said }
}

fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(count)..].join(" / ")
}
