//! One task that owns all calls: it reads the socket, the timers and the commands, and gives each to its call. Nothing in it waits,
//! so nothing needs a lock.

use super::{
    callee::Taken,
    caller::Placed,
    compose::{self, ResponseParts},
    control::{Answer, Behavior, PlaceCall, Request},
    journal::{EXPECTED_MAX, Expectations, called_of},
    leg::{Leg, Report, contact_lines},
    message::{Message, Method, Start},
    station::{Alarm, Station, new_tag},
};
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use tokio::sync::{
    mpsc::{Receiver, UnboundedSender},
    oneshot,
};

/// The largest UDP payload there is.
const DATAGRAM_BYTES_MAX: usize = 65_535;
/// So many datagrams in a row, then the timers and commands have their turn.
const DATAGRAMS_AT_ONCE: usize = 64;
const FAR_AWAY: Duration = Duration::from_secs(3_600);

/// Numbers calls, for whoever begins one.
pub type Numbers = Arc<AtomicU64>;

pub enum Command {
    Place {
        number: u64,
        call: PlaceCall,
        wants_events: bool,
        reports: UnboundedSender<Report>,
    },
    /// End it, in whatever state it is.
    Abandon {
        number: u64,
    },
    Ask {
        request: Request,
        answer: oneshot::Sender<Answer>,
    },
}

enum Call {
    Placed(Box<Placed>),
    Taken(Box<Taken>),
}

impl Call {
    fn leg(&self) -> &Leg {
        match self {
            Self::Placed(placed) => &placed.leg,
            Self::Taken(taken) => &taken.leg,
        }
    }
}

pub struct Endpoint {
    station: Station,
    calls: HashMap<u64, Call>,
    /// Usually one; two when a call comes back to where it began, or is tried twice.
    by_call_id: HashMap<String, Vec<u64>>,
    expectations: Expectations,
    standing: Option<Behavior>,
    numbers: Numbers,
    /// In answers to requests that belong to no call.
    tag: String,
}

impl Endpoint {
    pub fn new(station: Station, numbers: Numbers) -> Self {
        Self {
            station,
            calls: HashMap::new(),
            by_call_id: HashMap::new(),
            expectations: Expectations::default(),
            standing: None,
            numbers,
            tag: new_tag(),
        }
    }

    /// Works until nobody can command it any more.
    pub async fn work(mut self, mut commands: Receiver<Command>) {
        let mut buffer = vec![0; DATAGRAM_BYTES_MAX];
        loop {
            let due = self.station.next_due().unwrap_or_else(|| Instant::now() + FAR_AWAY);
            tokio::select! {
                ready = self.station.socket.readable() => {
                    self.station.now = Instant::now();
                    if ready.is_ok() {
                        self.read_socket(&mut buffer);
                    }
                }
                command = commands.recv() => {
                    self.station.now = Instant::now();
                    let Some(command) = command else { return };
                    self.on_command(command);
                }
                () = tokio::time::sleep_until(due.into()) => self.station.now = Instant::now(),
            }
            while let Some((number, alarm)) = self.station.pop_due() {
                self.on_alarm(number, alarm);
            }
        }
    }

    fn read_socket(&mut self, buffer: &mut [u8]) {
        for _ in 0..DATAGRAMS_AT_ONCE {
            let Ok((length, source)) = self.station.socket.try_recv_from(buffer) else { return };
            self.station.now = Instant::now();
            self.on_datagram(buffer.get(..length).unwrap_or_default(), source);
        }
    }

    fn on_datagram(&mut self, datagram: &[u8], source: SocketAddr) {
        if datagram.iter().all(|byte| byte.is_ascii_whitespace() || *byte == 0) {
            // Somebody keeps his NAT open.
            return;
        }
        let message = match Message::parse(datagram) {
            Ok(message) => message,
            Err(error) => {
                self.station.journal.counts.malformed += 1;
                tracing::debug!(%source, %error, "a datagram was dropped");
                return;
            }
        };
        match &message.start {
            Start::Request { method, .. } => self.on_request(*method, &message, source),
            Start::Response { status, phrase } => self.on_response(&message, (*status, phrase), source),
        }
    }

    fn numbers_of(&self, call_id: &str) -> Vec<u64> {
        self.by_call_id.get(call_id).cloned().unwrap_or_default()
    }

    fn on_response(&mut self, response: &Message, (status, phrase): (u16, &str), source: SocketAddr) {
        // Ours has our tag in From, whoever began the call: it was our request.
        let numbers = self.numbers_of(&response.call_id);
        let ours = |call: &Call| call.leg().local_tag == response.from_tag;
        let number = numbers.into_iter().find(|number| self.calls.get(number).is_some_and(ours));
        match number.and_then(|number| self.calls.get_mut(&number)) {
            Some(Call::Placed(placed)) => placed.on_response(&mut self.station, response, (status, phrase), source),
            Some(Call::Taken(taken)) => taken.on_response(&mut self.station, response, status),
            None => {}
        }
    }

    fn on_request(&mut self, method: Method, request: &Message, source: SocketAddr) {
        let is_dead = self.standing == Some(Behavior::Silent {});
        if is_dead && (method != Method::Invite || request.to_tag.is_some()) {
            return;
        }
        let numbers = self.numbers_of(&request.call_id);
        if let Some(tag) = &request.to_tag {
            let ours = |call: &Call| call.leg().local_tag == *tag;
            let number = numbers.into_iter().find(|number| self.calls.get(number).is_some_and(ours));
            match number.and_then(|number| self.calls.get_mut(&number)) {
                Some(Call::Placed(placed)) => placed.on_request(&mut self.station, request, source),
                Some(Call::Taken(taken)) => taken.on_request(&mut self.station, request, source),
                None => self.answer_alone(request, source, 481),
            }
            return;
        }
        match method {
            Method::Invite => self.on_invite(request, source, &numbers),
            Method::Cancel => {
                let begun = |call: &Call| matches!(call, Call::Taken(taken) if taken.is_same_invite(request));
                let number = numbers.into_iter().find(|number| self.calls.get(number).is_some_and(begun));
                match number.and_then(|number| self.calls.get_mut(&number)) {
                    Some(Call::Taken(taken)) => taken.on_cancel(&mut self.station, request, source),
                    _ => self.answer_alone(request, source, 481),
                }
            }
            Method::Options => self.answer_alone(request, source, 200),
            Method::Bye | Method::Update | Method::Prack | Method::Info | Method::Notify => {
                self.answer_alone(request, source, 481);
            }
            Method::Message => self.answer_alone(request, source, 405),
            Method::Other => self.answer_alone(request, source, 501),
            Method::Ack => {}
        }
    }

    /// Answers without remembering: the same request would get the same answer.
    fn answer_alone(&self, request: &Message, source: SocketAddr, status: u16) {
        if request.cseq_method == Method::Ack {
            return;
        }
        let extra = match status {
            200 => format!("{}Accept: application/sdp\r\n", contact_lines(&self.station)),
            405 | 501 => compose::ALLOW.to_owned(),
            _ => String::new(),
        };
        let parts = ResponseParts { status, to_tag: &self.tag, extra: &extra, sdp: None };
        let bytes = compose::response(request, source, &parts);
        self.station.send(&bytes, compose::reply_to(request, source));
    }

    fn on_invite(&mut self, invite: &Message, source: SocketAddr, numbers: &[u64]) {
        let mut known = None;
        for number in numbers {
            let Some(Call::Taken(taken)) = self.calls.get_mut(number) else { continue };
            if taken.is_same_invite(invite) {
                let asleep = taken.is_silent() && taken.behavior == (Behavior::Silent {});
                match &self.standing {
                    Some(Behavior::Silent {}) => {}
                    // It was met with silence because the machine was dead, which it is no more.
                    standing if asleep && taken.was_dead => {
                        let behavior = standing.clone().unwrap_or_default();
                        taken.wake_up(&mut self.station, behavior);
                    }
                    _ => {
                        taken.leg.repeat(&self.station, invite);
                    }
                }
                return;
            }
            if taken.is_merged_with(invite) {
                self.answer_alone(invite, source, 482);
                return;
            }
            known = Some(taken.behavior.clone());
        }
        let record = self.station.journal.record(invite, source);
        let was_dead = self.standing == Some(Behavior::Silent {});
        let expected = || self.expectations.take(self.station.now, called_of(invite));
        let behavior = self.standing.clone().or(known).or_else(expected).unwrap_or_default();
        let number = self.numbers.fetch_add(1, Relaxed);
        let mut taken = Taken::begin(&mut self.station, number, invite.clone(), source, behavior, record);
        taken.was_dead = was_dead;
        self.keep(number, Call::Taken(Box::new(taken)));
    }

    fn keep(&mut self, number: u64, call: Call) {
        self.by_call_id.entry(call.leg().call_id.clone()).or_default().push(number);
        self.calls.insert(number, call);
    }

    fn on_alarm(&mut self, number: u64, alarm: Alarm) {
        match self.calls.get_mut(&number) {
            Some(Call::Placed(placed)) if alarm != Alarm::Forget => placed.on_alarm(&mut self.station, alarm),
            Some(Call::Taken(taken)) if alarm != Alarm::Forget => taken.on_alarm(&mut self.station, alarm),
            Some(Call::Placed(placed)) if !placed.is_over() => {}
            Some(Call::Taken(taken)) if !taken.is_over() => {}
            Some(_) => self.forget(number),
            None => {}
        }
    }

    fn forget(&mut self, number: u64) {
        let Some(call) = self.calls.remove(&number) else { return };
        let call_id = &call.leg().call_id;
        if let Some(numbers) = self.by_call_id.get_mut(call_id) {
            numbers.retain(|other| *other != number);
            if numbers.is_empty() {
                self.by_call_id.remove(call_id);
            }
        }
    }

    fn on_command(&mut self, command: Command) {
        match command {
            Command::Place { number, call, wants_events, reports } => {
                let placed = Placed::begin(&mut self.station, number, call, wants_events, reports);
                if let Some(placed) = placed {
                    self.keep(number, Call::Placed(Box::new(placed)));
                }
            }
            Command::Abandon { number } => {
                if let Some(Call::Placed(placed)) = self.calls.get_mut(&number) {
                    placed.abandon(&mut self.station);
                }
            }
            Command::Ask { request, answer } => {
                // Who asked may be gone.
                let _ = answer.send(self.on_question(request));
            }
        }
    }

    fn on_question(&mut self, request: Request) -> Answer {
        match request {
            Request::Expect { expect } => match self.expectations.add(self.station.now, expect) {
                true => Answer::Ok(true),
                false => Answer::Error(format!(
                    "There is no room for these expectations beside the {} that wait: at most {EXPECTED_MAX} may. Each is \
                     forgotten after two minutes; ask again then, or in smaller parts as the calls are placed.",
                    self.expectations.len()
                )),
            },
            Request::Forget { called } => {
                while self.expectations.take(self.station.now, &called).is_some() {}
                Answer::Ok(true)
            }
            Request::Behave { default } => {
                tracing::info!(behavior = ?default, "the standing behavior was set");
                self.standing = default;
                Answer::Ok(true)
            }
            Request::Behavior => Answer::Behavior(self.standing.clone()),
            Request::Calls => {
                let mut counts = self.station.journal.counts;
                counts.expected = self.expectations.len() as u64;
                Answer::Counts(counts)
            }
            Request::Received { called, call_id } => {
                Answer::Received(self.station.journal.list(called.as_deref(), call_id.as_deref()))
            }
            Request::Place { .. } | Request::Load { .. } => {
                Answer::Error("A call is placed on a connection of its own; send place or load over the control socket.".into())
            }
        }
    }
}
