//! Starting panels and watching their logs.

use serde_json::Value;
use server::database::{Owner, PrivateMariadb};
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

pub const PASSWORD: &str = "tundra kettle orbit";

/// Says what was not tested and why. Past the runner, which keeps the words of a test that passes to itself.
pub fn skipped(why: &str) {
    let test = std::thread::current().name().unwrap_or_default().to_string();
    // A closed stderr has nobody to tell.
    let _ = writeln!(std::io::stderr(), "SKIPPED {test}: {why}");
}

/// A folder below the build output, removed with the test.
pub fn temp_dir() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("wc").tempdir().expect("a temporary folder")
}

/// The one MariaDB of this test run. Its folder goes with the next run of the tests, its process with this one: the kernel ends it
/// when this process ends.
fn shared_server() -> &'static PrivateMariadb {
    static SERVER: OnceLock<PrivateMariadb> = OnceLock::new();
    SERVER.get_or_init(|| {
        let dir = std::env::temp_dir().join(format!("wc-tests-{}", std::process::id()));
        let server = PrivateMariadb::start(&dir, Owner::Command, None).expect("MariaDB's programs are here");
        let until = Instant::now() + Duration::from_secs(30);
        while sql_at(&server.socket(), "", "SELECT 1").is_err() {
            assert!(Instant::now() < until, "the MariaDB of the tests does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
        // A thread outlives the last test: it removes the folder when this process is about to go.
        remove_at_end(&dir, server.process().expect("it answers"));
        server
    })
}

/// A child that waits for this process to end, then ends the server by its number and removes its folder.
fn remove_at_end(dir: &Path, process: u32) {
    let script = "read -r _; kill \"$1\" 2>/dev/null; while kill -0 \"$1\" 2>/dev/null; do sleep 0.05; done; rm -rf \"$2\"";
    let keeper = Command::new("sh").args(["-c", script, "sh", &process.to_string()]).arg(dir).stdin(Stdio::piped()).spawn();
    // Its standard input closes when this process ends, however it ends.
    std::mem::forget(keeper.expect("a shell"));
}

fn sql_at(socket: &Path, database: &str, statement: &str) -> Result<String, String> {
    let program = server::process::find_program("mariadb").expect("MariaDB's client is here");
    let mut command = Command::new(program);
    command.args(["--no-defaults", "--batch", "--skip-column-names"]).arg(format!("--socket={}", socket.display()));
    let output = command.arg("-e").arg(statement).arg(database).output().expect("the client runs");
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).trim().to_string()),
        false => Err(String::from_utf8_lossy(&output.stderr).trim().to_string()),
    }
}

/// A database of one test.
pub struct Database {
    pub name: String,
    pub socket: PathBuf,
}

impl Database {
    pub fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let socket = shared_server().socket();
        sql_at(&socket, "", &format!("CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")).expect("a new database");
        Self { name, socket }
    }

    pub fn sql(&self, statement: &str) -> String {
        self.try_sql(statement).unwrap_or_else(|error| panic!("{statement}: {error}"))
    }

    pub fn try_sql(&self, statement: &str) -> Result<String, String> {
        sql_at(&self.socket, &self.name, statement)
    }

    pub fn url(&self) -> String {
        self.url_by(&self.socket)
    }

    pub fn url_by(&self, socket: &Path) -> String {
        let user = server::database::private::user_name();
        format!("mysql://{user}@localhost/{}?socket={}", self.name, socket.display())
    }
}

/// The folder of the browser's part: the built one where there is one, else a stand-in, for these tests load no page's script.
pub fn site() -> PathBuf {
    static SITE: OnceLock<PathBuf> = OnceLock::new();
    SITE.get_or_init(|| {
        let built = Path::new(env!("CARGO_BIN_EXE_wirecenter")).parent().expect("in a folder").join("site");
        if built.join("package").exists() {
            return built;
        }
        let dir = std::env::temp_dir().join(format!("wc-site-{}", std::process::id()));
        fs::create_dir_all(dir.join("pkg/none")).expect("a temporary folder");
        fs::write(dir.join("package"), "pkg/none").expect("a file");
        fs::write(dir.join("pkg/none/wirecenter.wasm"), "").expect("a file");
        dir
    })
    .clone()
}

/// The program with an environment of its own: nothing of the person who runs the tests gets in.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wirecenter"));
    for name in ["DATABASE_URL", "WIRECENTER_STATE", "WIRECENTER_CONFIG", "WIRECENTER_LOG", "WIRECENTER_STAFF", "WIRECENTER_PORTAL"]
    {
        command.env_remove(name);
    }
    command.env("WIRECENTER_SITE", site()).env("WIRECENTER_LOG_FORMAT", "json");
    command
}

/// How a panel is started.
pub struct Setup {
    pub database_url: Option<String>,
    pub config: String,
    pub state: Option<PathBuf>,
    pub environment: Vec<(&'static str, String)>,
}

impl Setup {
    pub fn with(database: &Database) -> Self {
        Self { database_url: Some(database.url()), ..Self::private() }
    }

    /// With a MariaDB of its own.
    pub fn private() -> Self {
        Self { database_url: None, config: String::new(), state: None, environment: Vec::new() }
    }

    pub fn config(mut self, text: &str) -> Self {
        self.config = text.into();
        self
    }

    pub fn state(mut self, dir: &Path) -> Self {
        self.state = Some(dir.into());
        self
    }

    fn command(&self, state: &Path) -> Command {
        let mut command = program();
        if let Some(url) = &self.database_url {
            command.env("DATABASE_URL", url);
        }
        command.envs(self.environment.iter().map(|(name, value)| (*name, value.as_str())));
        if !self.config.is_empty() {
            fs::create_dir_all(state).expect("a folder");
            fs::write(state.join("wirecenter.toml"), &self.config).expect("a file");
        }
        command
    }

    /// Runs a start that is expected to fail, and gives what it said.
    pub fn fails(self) -> String {
        let dir = temp_dir();
        let state = self.state.clone().unwrap_or_else(|| dir.path().join("state"));
        let mut command = self.command(&state);
        command.args(["serve", "--json", "--staff", "127.0.0.1:0", "--portal", "127.0.0.1:0", "--state"]).arg(&state);
        let output = run_within(command, Duration::from_secs(60));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(!said.contains("panicked") && !said.contains("stack backtrace"), "{said}");
        said
    }
}

fn run_within(mut command: Command, time: Duration) -> Output {
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program runs");
    let process = child.id();
    let (done, waits) = mpsc::channel::<()>();
    let guard = std::thread::spawn(move || {
        if waits.recv_timeout(time) == Err(mpsc::RecvTimeoutError::Timeout) {
            server::process::kill(process);
        }
    });
    let output = child.wait_with_output().expect("it ends");
    drop(done);
    guard.join().expect("the guard ends");
    output
}

/// A running panel.
pub struct Panel {
    child: Child,
    pub staff: String,
    pub portal: String,
    pub setup: Option<String>,
    pub state: PathBuf,
    url: Option<String>,
    lines: Arc<Mutex<Vec<String>>>,
    announced: Mutex<Vec<String>>,
    stopped: bool,
    _dir: tempfile::TempDir,
}

impl Panel {
    pub fn start(setup: Setup) -> Self {
        let dir = temp_dir();
        let state = setup.state.clone().unwrap_or_else(|| dir.path().join("state"));
        let mut command = setup.command(&state);
        command.args(["serve", "--json", "--staff", "127.0.0.1:0", "--portal", "127.0.0.1:0", "--state"]).arg(&state);
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program runs");
        let lines = Arc::new(Mutex::new(Vec::new()));
        let reader = BufReader::new(child.stderr.take().expect("piped"));
        let kept = Arc::clone(&lines);
        std::thread::spawn(move || reader.lines().map_while(Result::ok).for_each(|line| kept.lock().expect("no panic").push(line)));
        let mut first = String::new();
        let stdout = child.stdout.take().expect("piped");
        BufReader::new(stdout).read_line(&mut first).expect("a line");
        let ready: Value = serde_json::from_str(&first).unwrap_or_else(|_| {
            child.wait().expect("it has ended");
            panic!("the panel did not start: {:?}", lines.lock().expect("no panic"))
        });
        let text = |key: &str| ready[key].as_str().map(ToString::to_string);
        Self {
            child,
            staff: text("staff").expect("an address"),
            portal: text("portal").expect("an address"),
            setup: text("setup"),
            state,
            url: setup.database_url,
            lines,
            announced: Mutex::default(),
            stopped: false,
            _dir: dir,
        }
    }

    /// A panel on a database of its own, with a user of each role; their password is [`PASSWORD`].
    pub fn with_everybody() -> (Self, Database) {
        let database = Database::new();
        let panel = Self::start(Setup::with(&database));
        // One hash serves all: making six takes longer than the rest of a test.
        panel.command_with(&["user", "add", "admin", "--role", "admin", "--password-stdin"], PASSWORD);
        for role in ["noc", "rates", "billing", "viewer", "customer"] {
            database.sql(&format!(
                "INSERT INTO users (name, role, password_hash, created_at) SELECT '{role}', '{role}', password_hash, UTC_TIMESTAMP(6) FROM users WHERE name = 'admin'"
            ));
        }
        (panel, database)
    }

    /// A line at warning or above that contains `text` is expected.
    pub fn announce(&self, text: &str) {
        self.announced.lock().expect("no panic").push(text.into());
    }

    pub fn log(&self) -> String {
        self.lines.lock().expect("no panic").join("\n")
    }

    /// Runs the command line against this panel's state.
    pub fn command(&self, arguments: &[&str]) -> Output {
        self.command_with(arguments, "")
    }

    pub fn command_with(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = program();
        if let Some(url) = &self.url {
            command.env("DATABASE_URL", url);
        }
        command.args(arguments).arg("--state").arg(&self.state);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program runs");
        child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("it reads its input");
        child.wait_with_output().expect("it ends")
    }

    /// As [`Panel::command`]; the command must succeed and print one JSON document.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let output = self.command(&[arguments, &["--json"]].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {said}");
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{arguments:?}: {error}"))
    }

    /// Stops it as a person would, and gives how long that took.
    pub fn stop(&mut self) -> Duration {
        let started = Instant::now();
        server::process::terminate(self.child.id());
        let status = self.child.wait().expect("it ends");
        self.stopped = true;
        assert!(status.success(), "{status}: {}", self.log());
        started.elapsed()
    }

    pub fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
        self.stopped = true;
    }

    fn unannounced(&self) -> Vec<String> {
        let announced = self.announced.lock().expect("no panic").clone();
        let lines = self.lines.lock().expect("no panic").clone();
        let loud = |line: &String| {
            line.contains("\"level\":\"WARN\"") || line.contains("\"level\":\"ERROR\"") || line.contains("panicked")
        };
        lines.into_iter().filter(loud).filter(|line| !announced.iter().any(|text| line.contains(text.as_str()))).collect()
    }
}

impl Drop for Panel {
    fn drop(&mut self) {
        if !self.stopped {
            server::process::terminate(self.child.id());
            let ended = server::process::wait_until_gone(self.child.id(), Duration::from_secs(20));
            if !ended {
                self.child.kill().expect("it runs");
            }
            let status = self.child.wait();
            assert!(std::thread::panicking() || ended, "the panel did not stop: {status:?}");
        }
        let loud = self.unannounced();
        assert!(std::thread::panicking() || loud.is_empty(), "unannounced in the log: {loud:#?}");
        if std::thread::panicking() {
            println!("the panel's log:\n{}", self.log());
        }
    }
}

/// Asks until it is so; gives how long it took.
pub async fn until(what: &str, limit: Duration, mut asked: impl AsyncFnMut() -> bool) -> Duration {
    let started = Instant::now();
    while !asked().await {
        assert!(started.elapsed() < limit, "{what}: not within {limit:?}");
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    started.elapsed()
}
