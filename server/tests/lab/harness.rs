//! One lab for all tests, and the command line to use it with.

use serde_json::Value;
use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant},
};

/// From nothing to a whole carrier, packages being there.
pub const UP_MAX: Duration = Duration::from_secs(60);

pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wirecenter"));
    command.env_remove("WIRECENTER_STATE").env_remove("WIRECENTER_CONFIG");
    command
}

/// Past the runner, which keeps the words of a test that passes to itself.
pub fn skipped(why: &str) {
    let test = std::thread::current().name().unwrap_or_default().to_string();
    let _ = writeln!(std::io::stderr(), "SKIPPED {test}: {why}");
}

/// A figure that was seen on the way, for whoever reads the test's output.
pub fn measured(what: &str) {
    let _ = writeln!(std::io::stderr(), "MEASURED {what}");
}

/// Why there can be no lab here; said by every test.
pub fn impossible() -> Option<String> {
    if !server::lab::daemons::is_root() {
        return Some("the lab needs root".into());
    }
    server::lab::daemons::look().err().map(|missing| missing.join(" "))
}

pub struct Lab {
    pub state: PathBuf,
    /// How long `up` took.
    pub built_in: Duration,
    pub up_said: String,
}

/// The shared lab, whole, for one test at a time.
pub struct Turn {
    lab: MutexGuard<'static, Lab>,
}

impl std::ops::Deref for Turn {
    type Target = Lab;
    fn deref(&self) -> &Lab {
        &self.lab
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // Whatever a failed test left broken must not fail the next.
        let _ = self.lab.run(&["heal"]);
        let _ = self.lab.run(&["up"]);
    }
}

enum NoLab {
    Impossible(String),
    Broken(String),
}

pub fn lab() -> Option<Turn> {
    static LAB: OnceLock<Result<Mutex<Lab>, NoLab>> = OnceLock::new();
    let lab = LAB.get_or_init(|| match impossible() {
        Some(why) => Err(NoLab::Impossible(why)),
        None => Lab::build().map(Mutex::new).map_err(NoLab::Broken),
    });
    match lab {
        Ok(lab) => {
            let lab = lab.lock().unwrap_or_else(PoisonError::into_inner);
            lab.forget_silence();
            Some(Turn { lab })
        }
        Err(NoLab::Impossible(why)) => {
            skipped(why);
            None
        }
        // Built once: forty tests that wait a minute each for the same failure say no more than one.
        Err(NoLab::Broken(said)) => panic!("the lab could not be built: {said}"),
    }
}

impl Lab {
    fn build() -> Result<Self, String> {
        let state = std::env::temp_dir().join(format!("wc-lab-{}", std::process::id()));
        remove_at_end(&state);
        let began = Instant::now();
        let output = program().args(["lab", "up", "--state"]).arg(&state).output().expect("the program runs");
        let up_said = String::from_utf8_lossy(&output.stderr).into_owned();
        match output.status.success() {
            true => Ok(Self { state, built_in: began.elapsed(), up_said }),
            false => Err(up_said),
        }
    }

    pub fn run(&self, words: &[&str]) -> Output {
        run_at(&self.state, words)
    }

    /// A command that succeeds, and its JSON.
    pub fn json(&self, words: &[&str]) -> Value {
        let output = self.run(&[words, &["--json"]].concat());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "lab {}: {said}", words.join(" "));
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("lab {}: {error}", words.join(" ")))
    }

    /// A carrier that was silent is left out for half a minute, which no later test is to wait for; it waits until all are back.
    pub fn forget_silence(&self) {
        for proxy in ["kamailio-01", "kamailio-02"] {
            let kamcmd = |words: &[&str]| self.try_exec(proxy, &[&["kamcmd", "-s", "unix:/run/kamailio/ctl"], words].concat());
            let _ = kamcmd(&["htable.flush", "silent"]);
            wait_until("every PBX and carrier to answer the probes", Duration::from_secs(30), || {
                kamcmd(&["dispatcher.list"]).is_ok_and(|list| list.matches("FLAGS: A").count() == 5)
            });
        }
    }

    pub fn call(&self, words: &[&str]) -> Value {
        self.json(&[&["call", "--from", "customer-01"], words].concat())
    }

    /// What a command in a machine printed, whether it succeeded, and what it complained about.
    pub fn try_exec(&self, machine: &str, argv: &[&str]) -> Result<String, String> {
        let output = self.run(&[&["exec", machine, "--"], argv].concat());
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_string();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr) + &text(&output.stdout)) }
    }

    pub fn exec(&self, machine: &str, argv: &[&str]) -> String {
        self.try_exec(machine, argv).unwrap_or_else(|said| panic!("{machine}: {}: {said}", argv.join(" ")))
    }

    pub fn sql(&self, machine: &str, statement: &str) -> String {
        self.exec(machine, &["mariadb", "--defaults-file=/etc/mysql/my.cnf", "--batch", "--skip-column-names", "-e", statement])
    }

    /// A column a line.
    pub fn sql_vertical(&self, machine: &str, statement: &str) -> String {
        self.exec(machine, &["mariadb", "--defaults-file=/etc/mysql/my.cnf", "--vertical", "-e", statement])
    }

    pub fn status(&self) -> Value {
        self.json(&["status"])
    }

    pub fn machine(&self, name: &str) -> Value {
        let status = self.status();
        let machines = status["machines"].as_array().expect("a list");
        machines.iter().find(|machine| machine["name"] == name).unwrap_or_else(|| panic!("{name} is listed")).clone()
    }

    pub fn service_is_up(&self, machine: &str, service: &str) -> bool {
        let machine = self.machine(machine);
        machine["services"].as_array().is_some_and(|all| all.iter().any(|one| one["name"] == service && one["up"] == true))
    }
}

/// One row's columns of `SHOW SLAVE STATUS\G`.
pub fn column<'a>(status: &'a str, name: &str) -> &'a str {
    let line = status.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix(':'));
    line.map_or("", str::trim)
}

pub fn run_at(state: &Path, words: &[&str]) -> Output {
    let mut command = program();
    command.arg("lab");
    // What comes after -- is a machine's, so the state stands before.
    let at = words.iter().position(|word| *word == "--").unwrap_or(words.len());
    command.args(&words[..at]).arg("--state").arg(state).args(&words[at..]);
    command.stdin(Stdio::null()).output().expect("the program runs")
}

pub fn wait_until(what: &str, patience: Duration, is_so: impl Fn() -> bool) {
    let give_up = Instant::now() + patience;
    while !is_so() {
        assert!(Instant::now() < give_up, "waited {} s for {what}", patience.as_secs());
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// A child that waits for this process to end, however it ends, and takes the lab down.
fn remove_at_end(state: &Path) {
    let script = "read -r _; \"$1\" lab down --state \"$2\" >/dev/null 2>&1; rm -rf \"$2\"";
    let mut keeper = Command::new("setsid");
    keeper.args(["sh", "-c", script, "sh", env!("CARGO_BIN_EXE_wirecenter")]).arg(state);
    let child = keeper.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("a shell");
    // Its standard input closes when this process ends.
    std::mem::forget(child);
}
