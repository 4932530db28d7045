//! The panel that is measured: this very program, started as a person starts it, in a folder of its own that goes with it.

use super::Failure;
use crate::process::{self, Usage};
use reqwest::header::{ACCEPT, CONTENT_TYPE, ORIGIN, SET_COOKIE};
use serde::Deserialize;
use std::{
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, Command},
};

/// Made for this run and thrown away with it.
const PASSWORD: &str = "measured not guessed";
const READY_MAX: Duration = Duration::from_secs(60);

pub struct Subject {
    child: Child,
    pub staff: String,
    dir: tempfile::TempDir,
    database_url: Option<String>,
}

#[derive(Deserialize)]
struct Ready {
    staff: String,
}

fn failed(doing: &str) -> impl Fn(std::io::Error) -> Failure {
    move |error| Failure::new(format!("The measured panel: {doing} failed: {error}."))
}

impl Subject {
    /// A panel on a private MariaDB, with one administrator.
    pub async fn start() -> Result<Self, Failure> {
        Self::start_with("").await
    }

    /// The same with this text as its configuration.
    pub async fn start_with(config: &str) -> Result<Self, Failure> {
        let dir = tempfile::Builder::new().prefix("wc-bench").tempdir().map_err(failed("making its folder"))?;
        std::fs::write(dir.path().join("wirecenter.toml"), config).map_err(failed("writing its configuration"))?;
        let (child, ready) = run(dir.path(), None).await?;
        let subject = Self { child, staff: ready.staff, dir, database_url: None };
        subject.command(&["user", "add", "bench", "--role", "admin", "--password-stdin"], PASSWORD).await?;
        Ok(subject)
    }

    pub fn state(&self) -> &Path {
        self.dir.path()
    }

    /// Processor time of the panel with the programs it runs, `ssh` above all, without its MariaDB.
    pub fn cpu_with_programs(&self) -> Duration {
        self.child.id().map(|id| process::cpu_of_family(id, &["mariadbd"])).unwrap_or_default()
    }

    pub fn usage(&self) -> Usage {
        self.child.id().and_then(process::usage).unwrap_or_default()
    }

    /// Stops the panel and starts it again; gives the time from its start to the first page it answers. With `database_url` it
    /// then works on that server.
    pub async fn restart(&mut self, database_url: Option<String>) -> Result<Duration, Failure> {
        self.stop().await?;
        self.database_url = database_url;
        let began = Instant::now();
        let (child, ready) = run(self.dir.path(), self.database_url.as_deref()).await?;
        (self.child, self.staff) = (child, ready.staff);
        let answer = reqwest::get(format!("{}/readyz", self.staff)).await.map_err(Failure::new)?;
        match answer.status().is_success() {
            true => Ok(began.elapsed()),
            false => Err(Failure::new(format!("The measured panel says it is ready, and /readyz answers {}.", answer.status()))),
        }
    }

    pub async fn stop(&mut self) -> Result<(), Failure> {
        if let Some(process) = self.child.id() {
            process::terminate(process);
        }
        self.child.wait().await.map(|_| ()).map_err(failed("stopping it"))
    }

    /// Runs this program's command line on the panel's state.
    pub async fn command(&self, arguments: &[&str], input: &str) -> Result<(), Failure> {
        let mut command = program(self.database_url.as_deref())?;
        command.args(arguments).arg("--state").arg(self.dir.path());
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().map_err(failed("a command"))?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input.as_bytes()).await.map_err(failed("a command"))?;
        }
        let output = child.wait_with_output().await.map_err(failed("a command"))?;
        if output.status.success() {
            return Ok(());
        }
        Err(Failure::new(format!("The measured panel refused a command: {}", String::from_utf8_lossy(&output.stderr).trim())))
    }

    /// What a command prints on the panel's state.
    pub async fn printed(&self, arguments: &[&str]) -> Result<String, Failure> {
        let mut command = program(self.database_url.as_deref())?;
        command.args(arguments).arg("--state").arg(self.dir.path()).stdin(Stdio::null());
        let output = command.output().await.map_err(failed("a command"))?;
        match output.status.success() {
            true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
            false => Err(Failure::new(String::from_utf8_lossy(&output.stderr).trim().to_string())),
        }
    }

    /// Signs in, and gives the cookie line of the session.
    pub async fn sign_in(&self) -> Result<String, Failure> {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().map_err(Failure::new)?;
        let body = format!("name=bench&password={}", PASSWORD.replace(' ', "+"));
        let form = client.post(format!("{}/api/session/sign-in", self.staff)).body(body);
        let form = form.header(CONTENT_TYPE, "application/x-www-form-urlencoded").header(ACCEPT, "text/html");
        let answer = form.header(ORIGIN, &self.staff).send().await.map_err(Failure::new)?;
        let cookies = answer.headers().get_all(SET_COOKIE).iter().filter_map(|line| line.to_str().ok()?.split(';').next());
        cookies
            .filter(|pair| pair.contains("session="))
            .map(ToString::to_string)
            .next()
            .ok_or_else(|| Failure::new(format!("The measured panel did not let its own administrator in ({}).", answer.status())))
    }
}

/// The program with nothing of this shell's settings but where the browser's part lies.
fn program(database_url: Option<&str>) -> Result<Command, Failure> {
    let mut command = Command::new(std::env::current_exe().map_err(failed("finding this program"))?);
    let ours = std::env::vars().map(|(name, _)| name).filter(|name| name.starts_with("WIRECENTER_") && name != "WIRECENTER_SITE");
    ours.chain(["DATABASE_URL".into()]).for_each(|name| {
        command.env_remove(name);
    });
    // A panel must not outlive the measurement, however that ends.
    command.envs(database_url.map(|url| ("DATABASE_URL", url))).kill_on_drop(true);
    Ok(command)
}

async fn run(state: &Path, database_url: Option<&str>) -> Result<(Child, Ready), Failure> {
    let mut command = program(database_url)?;
    command.args(["serve", "--json", "--staff", "127.0.0.1:0", "--portal", "127.0.0.1:0", "--state"]).arg(state);
    command.env("WIRECENTER_LOG", "error").stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().map_err(failed("starting it"))?;
    let mut line = String::new();
    if let Some(stdout) = child.stdout.take() {
        let mut stdout = BufReader::new(stdout);
        let read = tokio::time::timeout(READY_MAX, stdout.read_line(&mut line)).await;
        read.map_err(|_| Failure::new("The measured panel was not ready within a minute."))?
            .map_err(failed("reading its first line"))?;
    }
    let ready =
        serde_json::from_str(&line).map_err(|_| Failure::new("The measured panel did not start; its own lines above say why."))?;
    Ok((child, ready))
}
