//! A conversation with a phone of the lab, over its control socket.

use super::{
    phone::control::{Answer, Request},
    place::Layout,
    roles::PHONE_CONTROL,
};
use std::{
    io::{BufRead, BufReader, ErrorKind, Write},
    os::unix::net::UnixStream,
    path::Path,
    time::Duration,
};

pub struct PhoneLine {
    name: String,
    stream: BufReader<UnixStream>,
    part: String,
}

impl PhoneLine {
    pub fn open(lab: &Layout, machine: &str) -> Result<Self, String> {
        let gone = || match lab.running() {
            Some(_) => format!("{machine} is switched off or not a phone of the lab. See wirecenter lab status."),
            None => "The lab is not up. Start it with wirecenter lab up.".into(),
        };
        let socket = lab.inside(machine, PHONE_CONTROL).ok_or_else(gone)?;
        Self::at(&socket, machine)
    }

    /// To a phone whose socket is here; `machine` is what it is called in sentences.
    pub fn at(socket: &Path, machine: &str) -> Result<Self, String> {
        let stream = UnixStream::connect(socket).map_err(|error| format!("The phone of {machine} does not answer: {error}."))?;
        Ok(Self { name: machine.into(), stream: BufReader::new(stream), part: String::new() })
    }

    /// How long `hear` waits for a line; `None` for ever.
    pub fn set_patience(&self, patience: Option<Duration>) -> Result<(), String> {
        self.stream.get_ref().set_read_timeout(patience).map_err(|error| self.said(&error))
    }

    pub fn ask(&mut self, request: &Request) -> Result<(), String> {
        let mut text = serde_json::to_string(request).map_err(|error| error.to_string())?;
        text.push('\n');
        self.stream.get_mut().write_all(text.as_bytes()).map_err(|error| self.said(&error))
    }

    pub fn hear(&mut self) -> Result<Answer, String> {
        let heard = self.try_hear()?;
        heard.ok_or_else(|| format!("The phone of {} says nothing. If the machine is frozen, heal that first.", self.name))
    }

    /// Nothing, when nothing was said within the patience. A line that came in part is kept for the next time.
    pub fn try_hear(&mut self) -> Result<Option<Answer>, String> {
        match self.stream.read_line(&mut self.part) {
            Ok(0) => Err(format!("The phone of {} hung up on us.", self.name)),
            Ok(_) => {
                let line = std::mem::take(&mut self.part);
                self.understood(&line).map(Some)
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(None),
            Err(error) => Err(self.said(&error)),
        }
    }

    fn understood(&self, line: &str) -> Result<Answer, String> {
        match serde_json::from_str(line) {
            Ok(Answer::Error(said)) => Err(said),
            Ok(answer) => Ok(answer),
            Err(error) => Err(format!("The phone of {} said what is not understood: {error}.", self.name)),
        }
    }

    fn said(&self, error: &std::io::Error) -> String {
        format!("The phone of {} does not answer: {error}. If the machine is frozen, heal that first.", self.name)
    }
}

/// Asks for something that is done at once.
pub fn tell(lab: &Layout, machine: &str, request: &Request) -> Result<(), String> {
    let mut line = PhoneLine::open(lab, machine)?;
    line.set_patience(Some(Duration::from_secs(3)))?;
    line.ask(request)?;
    line.hear().map(|_| ())
}
