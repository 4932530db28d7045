//! One connection to AMI, logged in: actions with a deadline each, answers matched by their ActionID, and the events between them.

use super::{
    Door,
    wire::{self, Lines, Packet, WireError},
};
use app::values::{PortError, PortErrorKind};
use std::{io, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// A PBX answers within milliseconds; one that needs longer for an action has other troubles.
pub const DEADLINE: Duration = Duration::from_secs(3);

pub struct Session {
    door: Door,
    stream: TcpStream,
    lines: Lines,
    buffer: Vec<u8>,
    actions: u64,
}

/// Why nothing came.
enum Silence {
    Ended,
    Io(io::Error),
    Wire(WireError),
}

impl Session {
    /// Connects and logs in. `events` are the classes of events that are wanted (`call,system`), or `off`.
    pub async fn open(door: &Door, events: &str) -> Result<Self, PortError> {
        let doing = "log in";
        let late = |_| door.error(doing, PortErrorKind::TimedOut, format!("no answer within {} s", DEADLINE.as_secs()));
        let connected = timeout(DEADLINE, TcpStream::connect(door.address)).await.map_err(late)?;
        let stream = connected.map_err(|error| match error.kind() {
            io::ErrorKind::TimedOut => door.error(doing, PortErrorKind::TimedOut, "no answer to the connection"),
            _ => door.error(doing, PortErrorKind::Refused, format!("the connection was refused: {error}")),
        })?;
        // Actions are small and wait for their answer.
        let _ = stream.set_nodelay(true);
        let mut session = Self { door: door.clone(), stream, lines: Lines::default(), buffer: vec![0; 16 * 1024], actions: 0 };
        timeout(DEADLINE, session.greeting()).await.map_err(late)?.map_err(|silence| session.failed(doing, silence))?;
        let fields = [("Username", door.user.as_str()), ("Secret", door.secret.as_str()), ("Events", events)];
        session.ask_as("Login", &fields, doing).await.map_err(|error| match error.kind {
            // Whatever the reason, it does not let us in; and it does not say more than that either.
            PortErrorKind::Failed => door.error(doing, PortErrorKind::Denied, format!("it does not let user {} in", door.user)),
            _ => error,
        })?;
        Ok(session)
    }

    async fn greeting(&mut self) -> Result<(), Silence> {
        loop {
            if self.lines.greeting().map_err(Silence::Wire)?.is_some() {
                return Ok(());
            }
            self.read().await?;
        }
    }

    async fn read(&mut self) -> Result<(), Silence> {
        match self.stream.read(&mut self.buffer).await.map_err(Silence::Io)? {
            0 => Err(Silence::Ended),
            n => {
                self.lines.push(&self.buffer[..n]);
                Ok(())
            }
        }
    }

    fn failed(&self, doing: &str, silence: Silence) -> PortError {
        match silence {
            Silence::Ended => self.door.error(doing, PortErrorKind::Broken, "it closed the connection"),
            Silence::Io(error) => self.door.error(doing, PortErrorKind::Broken, format!("the connection broke: {error}")),
            Silence::Wire(error @ WireError::TooOld(_)) => self.door.error(doing, PortErrorKind::WrongVersion, error),
            Silence::Wire(error) => self.door.error(doing, PortErrorKind::Garbage, error),
        }
    }

    /// The next packet, whatever it is. May be dropped while it waits: what was read stays.
    pub async fn packet(&mut self, doing: &str) -> Result<Packet, PortError> {
        loop {
            match self.lines.packet() {
                Ok(Some(packet)) => return Ok(packet),
                Ok(None) => {}
                Err(error) => return Err(self.failed(doing, Silence::Wire(error))),
            }
            if let Err(silence) = self.read().await {
                return Err(self.failed(doing, silence));
            }
        }
    }

    /// Sends an action and gives the ActionID of its answer.
    pub async fn send(&mut self, name: &str, fields: &[(&str, &str)], doing: &str) -> Result<String, PortError> {
        self.actions += 1;
        let action_id = format!("wirecenter-{}", self.actions);
        let text = wire::action(name, &action_id, fields);
        let text = text.ok_or_else(|| self.door.error(doing, PortErrorKind::Failed, "a value holds the end of a line"))?;
        match timeout(DEADLINE, self.stream.write_all(text.as_bytes())).await {
            Ok(Ok(())) => Ok(action_id),
            Ok(Err(error)) => Err(self.failed(doing, Silence::Io(error))),
            Err(_) => Err(self.late(doing)),
        }
    }

    pub fn late(&self, doing: &str) -> PortError {
        self.door.error(doing, PortErrorKind::TimedOut, format!("no answer within {} s", DEADLINE.as_secs()))
    }

    /// Sends an action and gives its answer; for a list its events, without the announcement and the end. Other events are dropped.
    pub async fn ask(&mut self, name: &str, fields: &[(&str, &str)]) -> Result<Vec<Packet>, PortError> {
        self.ask_as(name, fields, &format!("ask {name}")).await
    }

    async fn ask_as(&mut self, name: &str, fields: &[(&str, &str)], doing: &str) -> Result<Vec<Packet>, PortError> {
        let action_id = self.send(name, fields, doing).await?;
        match timeout(DEADLINE, self.answer(&action_id, doing)).await {
            Ok(answer) => answer,
            Err(_) => Err(self.late(doing)),
        }
    }

    async fn answer(&mut self, action_id: &str, doing: &str) -> Result<Vec<Packet>, PortError> {
        let mut all = Vec::new();
        loop {
            let packet = self.packet(doing).await?;
            if !packet.answers(action_id) {
                continue;
            }
            match packet.get("Response") {
                Some("Error") => return Err(self.refusal(&packet, doing)),
                Some(_) if packet.is_list("start") => {}
                Some(_) => return Ok(vec![packet]),
                None if packet.is_list("Complete") => return Ok(all),
                None => all.push(packet),
            }
        }
    }

    /// What an `Error` says.
    pub fn refusal(&self, packet: &Packet, doing: &str) -> PortError {
        let said = packet.get("Message").unwrap_or("it gives no reason");
        let kind = if said.contains("ermission") { PortErrorKind::Denied } else { PortErrorKind::Failed };
        self.door.error(doing, kind, format!("it says {said:?}"))
    }
}
