//! Asterisk by its manager interface (AMI): what it is, its live calls as they change, and ending one. AMI is the better door for all
//! three: ARI names no codecs, knows no dialplan's variables and reports only channels that were handed to it.
//!
//! Two connections: one that listens, and one for questions, kept open because each login is a line in the PBX's security log.
//! `manager.conf` of `server/stack` makes each event bring reference, customer, carrier and codec along; a PBX without that is
//! asked for them, call by call.

mod calls;
mod facts;
mod session;
mod wire;

use app::{
    calls::live::PbxEvent,
    fleet::facts::PbxFacts,
    ports::Pbx,
    values::{Moment, PortError, PortErrorKind},
};
use calls::{Calls, VARIABLES};
use session::{DEADLINE, Session};
use std::{convert::Infallible, fmt, net::SocketAddr, time::Duration};
use tokio::{sync::Mutex, time};
use wire::Packet;

/// A connection without an event for so long is asked whether it is still there.
const PING_EVERY: Duration = Duration::from_secs(2);
/// Events that may come while everything there is is being told: some minutes of a busy PBX.
const EARLY_PACKETS_MAX: usize = 20_000;
/// Everything there is, told by a PBX with a thousand calls on a bad day.
const SNAPSHOT_DEADLINE: Duration = Duration::from_secs(10);

/// Where a PBX's AMI is and how it lets us in.
#[derive(Clone)]
pub struct Door {
    /// The machine's name.
    pub name: String,
    pub address: SocketAddr,
    pub user: String,
    pub secret: String,
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} AMI {}", self.name, self.address)
    }
}

impl Door {
    fn error(&self, doing: &str, kind: PortErrorKind, said: impl fmt::Display) -> PortError {
        PortError::new(format!("{self:?}"), doing, kind, said)
    }
}

/// What is asked on the kept connection.
#[derive(Clone, Copy)]
enum Question<'a> {
    Facts,
    /// Answered with nothing.
    HangUp(&'a str),
}

/// After a deadline the late answer is still to come, and after garbage anything: such a connection is not asked again.
fn keeps<T>(answer: &Result<T, PortError>) -> bool {
    answer.as_ref().err().is_none_or(|error| error.kind == PortErrorKind::Failed)
}

pub struct Asterisk {
    door: Door,
    now: fn() -> Moment,
    /// For questions; opened by the first, and again after it broke.
    questions: Mutex<Option<Session>>,
}

impl Asterisk {
    /// `now` reads the clock (`app::context::now`).
    pub fn new(door: Door, now: fn() -> Moment) -> Self {
        Self { door, now, questions: Mutex::new(None) }
    }

    /// Asks on the kept connection. One that was found broken is opened anew, once: the PBX may have been restarted since.
    async fn ask(&self, question: Question<'_>) -> Result<PbxFacts, PortError> {
        let mut kept = self.questions.lock().await;
        if let Some(mut session) = kept.take() {
            match self.ask_on(&mut session, question).await {
                Err(error) if error.kind == PortErrorKind::Broken => {}
                answer => {
                    if keeps(&answer) {
                        *kept = Some(session);
                    }
                    return answer;
                }
            }
        }
        let mut session = Session::open(&self.door, "off").await?;
        let answer = self.ask_on(&mut session, question).await;
        if keeps(&answer) {
            *kept = Some(session);
        }
        answer
    }

    async fn ask_on(&self, session: &mut Session, question: Question<'_>) -> Result<PbxFacts, PortError> {
        match question {
            Question::Facts => facts::read(session, &self.door, (self.now)()).await,
            Question::HangUp(channel) => {
                session.ask("Hangup", &[("Channel", channel), ("Cause", "16")]).await.map(|_| PbxFacts::default())
            }
        }
    }

    async fn listen_until_it_ends(&self, tell: &(impl Fn(PbxEvent) + Send + Sync)) -> Result<Infallible, PortError> {
        // Events are subscribed to by the login, before the snapshot is asked for: none is lost between the two.
        let mut session = Session::open(&self.door, "system,call").await?;
        let mut calls = Calls::new(&self.door.name);
        let snapshot = time::timeout(SNAPSHOT_DEADLINE, self.snapshot(&mut session, &mut calls)).await;
        let early = snapshot.map_err(|_| session.late("read the live calls"))??;
        tell(PbxEvent::All(calls.all()));
        for packet in early {
            self.hear(&mut session, &mut calls, &packet, tell).await?;
        }
        let doing = "listen to its events";
        let mut unanswered: Option<time::Instant> = None;
        let mut tick = time::interval_at(time::Instant::now() + PING_EVERY, PING_EVERY);
        tick.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                packet = session.packet(doing) => {
                    // Whatever comes, it is there.
                    unanswered = None;
                    self.hear(&mut session, &mut calls, &packet?, tell).await?;
                }
                _ = tick.tick() => {
                    if unanswered.is_some_and(|since| since.elapsed() > DEADLINE) {
                        return Err(session.late("ask whether it is still there"));
                    }
                    unanswered.get_or_insert_with(time::Instant::now);
                    session.send("Ping", &[], doing).await?;
                }
            }
        }
    }

    /// Reads everything that is there into `calls`, and gives the events that came meanwhile.
    async fn snapshot(&self, session: &mut Session, calls: &mut Calls) -> Result<Vec<Packet>, PortError> {
        let doing = "read the live calls";
        let asked = session.send("Status", &[("Variables", VARIABLES)], doing).await?;
        let mut early = Vec::new();
        loop {
            let packet = session.packet(doing).await?;
            if !packet.answers(&asked) {
                if early.len() == EARLY_PACKETS_MAX {
                    return Err(self.door.error(doing, PortErrorKind::Garbage, "events without end come before the answer"));
                }
                early.push(packet);
            } else if packet.get("Response") == Some("Error") {
                return Err(session.refusal(&packet, doing));
            } else if packet.is_list("Complete") {
                return Ok(early);
            } else {
                // The changes are not told one by one: everything follows as a whole.
                calls.hear(&packet, (self.now)());
            }
        }
    }

    async fn hear(
        &self,
        session: &mut Session,
        calls: &mut Calls,
        packet: &Packet,
        tell: &(impl Fn(PbxEvent) + Send + Sync),
    ) -> Result<(), PortError> {
        let heard = calls.hear(packet, (self.now)());
        heard.events.into_iter().for_each(tell);
        for channel in heard.ask {
            // The answer comes among the events and is heard like one; "No such channel" is over already.
            session.send("Status", &[("Channel", &channel), ("Variables", VARIABLES)], "read a call").await?;
        }
        Ok(())
    }
}

impl Pbx for Asterisk {
    async fn observe(&self) -> Result<PbxFacts, PortError> {
        self.ask(Question::Facts).await
    }

    async fn listen(&self, tell: impl Fn(PbxEvent) + Send + Sync) -> PortError {
        match self.listen_until_it_ends(&tell).await {
            Err(error) => error,
            Ok(never) => match never {},
        }
    }

    async fn hang_up(&self, channel: &str) -> Result<(), PortError> {
        // Slashes around a name make it a pattern that would end every call it fits.
        if channel.is_empty() || channel.starts_with('/') {
            return Err(self.door.error("end a call", PortErrorKind::Failed, format!("{channel:?} is no channel's name")));
        }
        let answer = self.ask(Question::HangUp(channel)).await;
        answer.map(|_| ()).map_err(|error| match error.kind {
            PortErrorKind::Failed => {
                self.door.error("end a call", PortErrorKind::Failed, format!("{channel} is over already, there is nothing to end"))
            }
            _ => error,
        })
    }
}

#[cfg(test)]
mod tests;
