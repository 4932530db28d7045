//! What a call has whether it was placed or taken: the requests that wait for a response, the responses that may be asked for
//! again, and the answers to what comes inside the dialog.

use super::{
    compose::{self, ResponseParts},
    control::{CallEvent, CallResult, Direction},
    dialog::{Dialog, Ready, reason_of},
    message::{Message, Method, Start},
    sdp::{Session, Sound},
    station::{Alarm, Station, T1, T1_64, T2, new_tag},
};
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};
use tokio::sync::mpsc::UnboundedSender;

/// What whoever placed a call hears of it.
pub enum Report {
    Event(CallEvent),
    /// With the number of the call.
    Ended(u64, Box<CallResult>),
}

pub struct Watcher {
    pub reports: UnboundedSender<Report>,
    pub started: Instant,
    /// A load only wants to know how its calls ended.
    pub wants_events: bool,
}

/// A request of ours without a final response.
struct Sent {
    serial: u32,
    ready: Ready,
    interval: Duration,
    until: Instant,
    heard: bool,
}

/// A response of ours, kept for when the request comes again.
struct Reply {
    serial: u32,
    branch: String,
    method: Method,
    cseq: u32,
    bytes: Vec<u8>,
    to: SocketAddr,
    interval: Duration,
    until: Instant,
    waits_for_ack: bool,
}

pub struct Leg {
    pub number: u64,
    pub call_id: String,
    pub local_tag: String,
    pub session: Session,
    pub dialog: Option<Dialog>,
    pub watcher: Option<Watcher>,
    sent: Vec<Sent>,
    replies: Vec<Reply>,
}

/// What a request inside the dialog means for the call.
pub enum Told {
    Nothing,
    HungUp(Option<String>),
    /// Sound goes elsewhere now.
    Moved(SocketAddr),
}

impl Leg {
    pub fn new(number: u64, call_id: String, session: Session, watcher: Option<Watcher>) -> Self {
        Self { number, call_id, local_tag: new_tag(), session, dialog: None, watcher, sent: Vec::new(), replies: Vec::new() }
    }

    pub fn tell(&self, now: Instant, direction: Direction, what: &str, peer: SocketAddr, repeated: bool) {
        if let Some(watcher) = self.watcher.as_ref().filter(|watcher| watcher.wants_events) {
            let at_ms = ms(now.duration_since(watcher.started));
            let event = CallEvent { at_ms, direction, what: what.to_owned(), peer, repeated };
            // The listener may be gone; the call is ended by another way then.
            let _ = watcher.reports.send(Report::Event(event));
        }
    }

    /// Sends a request and keeps at it until `stop_sending`, `take_sent` or the time is up.
    pub fn transmit(&mut self, station: &mut Station, ready: Ready) {
        self.tell(station.now, Direction::Sent, ready.method.name(), ready.to, false);
        station.send(&ready.bytes, ready.to);
        let serial = station.next_serial();
        station.wake(self.number, Alarm::Request(serial), T1);
        self.sent.push(Sent { serial, ready, interval: T1, until: station.now + T1_64, heard: false });
    }

    /// For an ACK, and for what nobody waits for.
    pub fn send_once(&self, station: &Station, ready: &Ready, repeated: bool) {
        self.tell(station.now, Direction::Sent, ready.method.name(), ready.to, repeated);
        station.send(&ready.bytes, ready.to);
    }

    /// Whether the request that this response is for still waits.
    pub fn is_waiting(&self, branch: &str, method: Method) -> bool {
        self.sent.iter().any(|sent| sent.ready.branch == branch && sent.ready.method == method)
    }

    /// A provisional response: an INVITE is not repeated any more, all else only seldom.
    pub fn note_heard(&mut self, branch: &str, method: Method) {
        if let Some(sent) = self.sent.iter_mut().find(|sent| sent.ready.branch == branch && sent.ready.method == method) {
            sent.heard = true;
        }
    }

    pub fn take_sent(&mut self, branch: &str, method: Method) {
        self.sent.retain(|sent| sent.ready.branch != branch || sent.ready.method != method);
    }

    /// Repeats a request, or gives the one up whose time has come.
    pub fn on_request_alarm(&mut self, station: &mut Station, serial: u32) -> Option<Ready> {
        let at = self.sent.iter().position(|sent| sent.serial == serial)?;
        let sent = self.sent.get_mut(at)?;
        let is_invite = sent.ready.method == Method::Invite;
        if is_invite && sent.heard {
            return None;
        }
        if station.now >= sent.until {
            return Some(self.sent.swap_remove(at).ready);
        }
        sent.interval = match (is_invite, sent.heard) {
            (true, _) => sent.interval * 2,
            (false, false) => (sent.interval * 2).min(T2),
            (false, true) => T2,
        };
        let pause = sent.interval.min(sent.until - station.now);
        station.send(&sent.ready.bytes, sent.ready.to);
        station.wake(self.number, Alarm::Request(serial), pause);
        let (name, to) = (sent.ready.method.name(), sent.ready.to);
        self.tell(station.now, Direction::Sent, name, to, true);
        None
    }

    /// Answers a request, and keeps the answer. A final one to an INVITE is repeated until the ACK comes.
    pub fn answer(&mut self, station: &mut Station, request: &Message, source: SocketAddr, status: u16, sdp: Option<&str>) {
        let wants_contact = matches!(request.cseq_method, Method::Invite | Method::Update | Method::Options) && status > 100;
        let extra = if wants_contact { contact_lines(station) } else { String::new() };
        self.answer_with(station, request, source, status, (&extra, sdp));
    }

    pub fn answer_with(
        &mut self,
        station: &mut Station,
        request: &Message,
        source: SocketAddr,
        status: u16,
        (extra, sdp): (&str, Option<&str>),
    ) {
        let parts = ResponseParts { status, to_tag: &self.local_tag, extra, sdp };
        let bytes = compose::response(request, source, &parts);
        let to = compose::reply_to(request, source);
        station.send(&bytes, to);
        if self.watcher.is_some() {
            self.tell(station.now, Direction::Sent, &format!("{status} {}", compose::phrase(status)), to, false);
        }
        let method = request.cseq_method;
        let serial = station.next_serial();
        let waits_for_ack = method == Method::Invite && status >= 200;
        if waits_for_ack {
            station.wake(self.number, Alarm::Reply(serial), T1);
        }
        // The one this replaces, and those that nobody can ask for any more: a long call has many refreshes.
        let now = station.now;
        let is_same = |reply: &Reply| reply.branch == request.branch && reply.method == method;
        self.replies.retain(|reply| !is_same(reply) && (reply.waits_for_ack || now < reply.until));
        self.replies.push(Reply {
            serial,
            branch: request.branch.clone(),
            method,
            cseq: request.cseq,
            bytes,
            to,
            interval: T1,
            until: station.now + T1_64,
            waits_for_ack,
        });
    }

    /// Gives the old answer to a request that comes again. False when it is new.
    pub fn repeat(&self, station: &Station, request: &Message) -> bool {
        let same = |reply: &&Reply| reply.branch == request.branch && reply.method == request.cseq_method;
        let Some(reply) = self.replies.iter().find(same) else { return false };
        station.send(&reply.bytes, reply.to);
        true
    }

    /// Whether this ACK is the one that was waited for.
    pub fn on_ack(&mut self, ack: &Message) -> bool {
        let waiting = self.replies.iter_mut().find(|reply| reply.waits_for_ack && reply.cseq == ack.cseq);
        waiting.map(|reply| reply.waits_for_ack = false).is_some()
    }

    pub fn waits_for_ack(&self) -> bool {
        self.replies.iter().any(|reply| reply.waits_for_ack)
    }

    /// True when the ACK never came.
    pub fn on_reply_alarm(&mut self, station: &mut Station, serial: u32) -> bool {
        let Some(reply) = self.replies.iter_mut().find(|reply| reply.serial == serial && reply.waits_for_ack) else { return false };
        if station.now >= reply.until {
            reply.waits_for_ack = false;
            return true;
        }
        reply.interval = (reply.interval * 2).min(T2);
        station.send(&reply.bytes, reply.to);
        station.wake(self.number, Alarm::Reply(serial), reply.interval.min(reply.until - station.now));
        false
    }

    /// Sends a BYE and gives its branch, by which its response is known.
    pub fn hang_up(&mut self, station: &mut Station) -> Option<String> {
        let ready = self.dialog.as_mut()?.request(station, Method::Bye);
        let branch = ready.branch.clone();
        self.transmit(station, ready);
        Some(branch)
    }

    /// Answers what comes inside the dialog, other than the ACK.
    pub fn on_request(&mut self, station: &mut Station, request: &Message, source: SocketAddr) -> Told {
        if self.repeat(station, request) {
            return Told::Nothing;
        }
        let Start::Request { method, .. } = request.start else { return Told::Nothing };
        let Some(dialog) = self.dialog.as_mut() else {
            self.answer(station, request, source, 481, None);
            return Told::Nothing;
        };
        if request.cseq < dialog.remote_cseq {
            self.answer(station, request, source, 500, None);
            return Told::Nothing;
        }
        dialog.remote_cseq = request.cseq;
        match method {
            Method::Bye => {
                self.answer(station, request, source, 200, None);
                return Told::HungUp(reason_of(request));
            }
            Method::Invite | Method::Update => {
                dialog.refresh_target(request);
                return self.on_offer(station, request, source);
            }
            Method::Options | Method::Info | Method::Notify | Method::Message => {
                self.answer(station, request, source, 200, None);
            }
            // We never send a provisional response that has to be confirmed, so there is nothing it could be for.
            Method::Prack | Method::Cancel => self.answer(station, request, source, 481, None),
            Method::Ack => {}
            Method::Other => self.answer(station, request, source, 501, None),
        }
        Told::Nothing
    }

    /// A session timer, a new connected line, hold, or a new place for the sound.
    fn on_offer(&mut self, station: &mut Station, request: &Message, source: SocketAddr) -> Told {
        let offered = Sound::parse(&request.body);
        if let Some(offered) = &offered {
            if offered.choose(&self.session.codecs).is_none() {
                self.answer(station, request, source, 488, None);
                return Told::Nothing;
            }
            self.session.telephone_event = offered.telephone_event;
        }
        // An offer of our own takes the call from hold.
        let direction = offered.as_ref().map_or("sendrecv", Sound::mirrored);
        if self.session.direction != direction {
            self.session.direction = direction;
            self.session.version += 1;
        }
        // An UPDATE without an offer gets no answer to it; a re-INVITE without one asks for ours.
        let wants_sdp = offered.is_some() || request.cseq_method == Method::Invite;
        let sdp = wants_sdp.then(|| self.session.text());
        self.answer(station, request, source, 200, sdp.as_deref());
        offered.map_or(Told::Nothing, |offered| Told::Moved(offered.address))
    }
}

pub fn contact_lines(station: &Station) -> String {
    format!("Contact: <sip:{}@{}>\r\n{}", station.name, station.local, compose::ALLOW)
}

/// Milliseconds with the three digits that the clock is good for.
pub fn ms(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1_000_000.0).round() / 1_000.0
}
