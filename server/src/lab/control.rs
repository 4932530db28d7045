//! What the first process of the host and of each machine can be asked, over a Unix socket of its own: one line of JSON each way.

use super::supervisor::Supervisor;
use serde::{Deserialize, Serialize};
use std::{
    fs,
    io::{self, BufRead, BufReader, Write},
    os::unix::{
        fs::PermissionsExt,
        net::{UnixListener, UnixStream},
    },
    path::Path,
    sync::Arc,
    time::Duration,
};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Request {
    Status,
    /// End a service at once and keep it ended.
    Hold {
        service: String,
    },
    /// Let it run again.
    Release {
        service: String,
    },
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    Services(Vec<ServiceStatus>),
    Done,
    Error(String),
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceStatus {
    pub name: String,
    pub version: Option<String>,
    pub state: State,
    /// As its own machine numbers its processes.
    pub pid: Option<u32>,
    pub restarts: u32,
    /// Why it is not up.
    pub said: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    #[default]
    Down,
    Starting,
    Up,
}

/// Answers on a thread of its own, for ever.
pub fn listen(socket: &Path, supervisor: Arc<Supervisor>) -> io::Result<()> {
    // What is left of an earlier boot.
    let _ = fs::remove_file(socket);
    let listener = UnixListener::bind(socket)?;
    fs::set_permissions(socket, fs::Permissions::from_mode(0o600))?;
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let supervisor = Arc::clone(&supervisor);
            std::thread::spawn(move || answer(&stream, &supervisor));
        }
    });
    Ok(())
}

fn answer(stream: &UnixStream, supervisor: &Supervisor) -> Option<()> {
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).ok()?;
    let done = |result: Result<(), String>| result.map_or_else(Answer::Error, |()| Answer::Done);
    let answer = match serde_json::from_str(&line) {
        Ok(Request::Status) => Answer::Services(supervisor.status()),
        Ok(Request::Hold { service }) => done(supervisor.hold(&service)),
        Ok(Request::Release { service }) => done(supervisor.release(&service)),
        Err(error) => Answer::Error(format!("not understood: {error}")),
    };
    let text = serde_json::to_string(&answer).ok()?;
    let mut stream = stream;
    writeln!(stream, "{text}").ok()
}

/// Asks, and waits at most `timeout`: a frozen machine does not answer.
pub fn ask(socket: &Path, request: &Request, timeout: Duration) -> io::Result<Answer> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(timeout))?;
    stream.set_write_timeout(Some(timeout))?;
    writeln!(stream, "{}", serde_json::to_string(request)?)?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    Ok(serde_json::from_str(&line)?)
}
