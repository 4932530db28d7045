//! The other end of `control`: the first process of the host or of a machine answers.

use super::{
    control::{Answer, Request},
    supervisor::Supervisor,
};
use std::{
    fs,
    io::{self, BufRead, BufReader, Write},
    os::unix::{
        fs::PermissionsExt,
        net::{UnixListener, UnixStream},
    },
    path::Path,
    sync::Arc,
};

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
