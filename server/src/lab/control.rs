//! What the first process of the host and of each machine can be asked, over a Unix socket of its own: one line of JSON each way.

use super::place::Layout;
use serde::{Deserialize, Serialize};
use std::{
    io::{self, BufRead, BufReader, Write},
    os::unix::net::UnixStream,
    path::Path,
    time::Duration,
};

/// Where a machine's first process answers, as seen inside.
pub const MACHINE_SOCKET: &str = "/run/machine.sock";

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

/// Asks a machine, given its first process as the real machine numbers it.
pub fn ask_machine(first: u32, request: &Request, timeout: Duration) -> io::Result<Answer> {
    ask(Path::new(&format!("/proc/{first}/root{MACHINE_SOCKET}")), request, timeout)
}

/// Asks the host of a lab.
pub fn ask_host(lab: &Layout, request: &Request) -> Result<Answer, String> {
    ask(&lab.host_socket(), request, Duration::from_secs(2)).map_err(|error| format!("The lab's host does not answer: {error}."))
}
