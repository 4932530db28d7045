//! A call that we place: from the first INVITE to its result.

use super::{
    address::{host_of, uri_of},
    attempt::{Attempt, Content, empty_result},
    control::{CallResult, Direction, EndReason, Outcome, PlaceCall, Side},
    dialog::{Dialog, Ready, reason_of},
    leg::{Leg, Report, Told, Watcher, contact_lines, ms},
    message::{Message, Method},
    rtp::{self, Speaker},
    sdp::{Session, Sound},
    station::{Alarm, Station, T1_64, new_branch},
};
use std::{
    net::{SocketAddr, UdpSocket as StdSocket},
    time::{Duration, Instant},
};
use tokio::sync::mpsc::UnboundedSender;

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Calling,
    /// We want out, and wait for the far end to agree.
    GivingUp,
    Talking,
    HangingUp,
    /// The result is told; what still comes late is answered and otherwise ignored.
    Done,
}

pub struct Placed {
    pub leg: Leg,
    call: PlaceCall,
    from: String,
    state: State,
    started: Instant,
    answered: Option<Instant>,
    attempts: Vec<Attempt>,
    /// Kept to be sent again with every repetition of the 200.
    ack: Option<Ready>,
    bye_branch: Option<String>,
    /// Filled in as things happen.
    result: CallResult,
    /// It will not count as answered, even if there was a 200.
    spoilt: bool,
    rtp_socket: Option<StdSocket>,
    speaker: Option<Speaker>,
}

impl Placed {
    /// Nothing when the call could not even begin; its result is told all the same.
    pub fn begin(
        station: &mut Station,
        number: u64,
        call: PlaceCall,
        wants_events: bool,
        reports: UnboundedSender<Report>,
    ) -> Option<Self> {
        let started = station.now;
        let call_id = format!("{:016x}@{}", rand::random::<u64>(), station.name);
        let mut result = empty_result(&call, call_id.clone())?;
        station.journal.counts.placed += 1;
        let rtp_socket = call.media.then(|| rtp::bind_even(station.local.ip())).transpose();
        let port = match &rtp_socket {
            Ok(Some(socket)) => socket.local_addr().map(|address| address.port()).ok(),
            Ok(None) => Some(rtp::unused_port()),
            Err(_) => None,
        };
        let (Ok(rtp_socket), Some(port)) = (rtp_socket, port) else {
            result.reason = Some(EndReason::NoRtpPort);
            let _ = reports.send(Report::Ended(number, Box::new(result)));
            return None;
        };
        let session = Session::new(SocketAddr::new(station.local.ip(), port), rand::random::<u32>() >> 1, call.codecs.clone());
        let leg = Leg::new(number, call_id, session, Some(Watcher { reports, started, wants_events }));
        let from = format!("<sip:{}@{}>;tag={}", call.from, station.local, leg.local_tag);
        station.journal.counts.live += 1;
        station.wake(number, Alarm::GiveUp, Duration::from_millis(call.ring_ms_max));
        let mut placed = Self {
            leg,
            call,
            from,
            state: State::Calling,
            started,
            answered: None,
            attempts: Vec::with_capacity(1),
            ack: None,
            bye_branch: None,
            result,
            spoilt: false,
            rtp_socket,
            speaker: None,
        };
        placed.attempt(station);
        Some(placed)
    }

    /// Sends the INVITE to the next proxy. False when there is none.
    fn attempt(&mut self, station: &mut Station) -> bool {
        let at = self.attempts.len();
        let Some(&proxy) = self.call.proxy.get(at) else { return false };
        let uri = format!("sip:{}@{proxy}", self.call.to);
        // A new number each time: should both arrive somewhere, the second is no loop of the first.
        let cseq = u32::try_from(at).unwrap_or(u32::MAX).saturating_add(1);
        let attempt = Attempt { branch: new_branch(), proxy, uri, cseq, heard: false, cancelled: false };
        let more: String = self.call.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let extra = contact_lines(station) + &more;
        let sdp = self.leg.session.text();
        let content = Content { method: Method::Invite, to: &attempt.to(), extra: &extra, sdp: Some(&sdp) };
        let ready = attempt.request(station.local, &self.from, &self.leg.call_id, content);
        self.result.proxy = proxy;
        self.attempts.push(attempt);
        self.leg.transmit(station, ready);
        if at + 1 < self.call.proxy.len() {
            station.wake(self.leg.number, Alarm::NextProxy(at), Duration::from_millis(self.call.proxy_timeout_ms));
        }
        true
    }

    /// An INVITE, and its CANCEL or ACK.
    fn for_attempt(&self, station: &Station, attempt: &Attempt, method: Method, to: &str) -> Ready {
        attempt.request(station.local, &self.from, &self.leg.call_id, Content { method, to, extra: "", sdp: None })
    }

    pub fn on_alarm(&mut self, station: &mut Station, alarm: Alarm) {
        match alarm {
            Alarm::Request(serial) => {
                if let Some(ready) = self.leg.on_request_alarm(station, serial) {
                    self.on_timeout(station, &ready);
                }
            }
            Alarm::Reply(serial) => {
                self.leg.on_reply_alarm(station, serial);
            }
            Alarm::NextProxy(at) => {
                let silent = self.attempts.get(at).is_some_and(|attempt| !attempt.heard);
                if silent && at + 1 == self.attempts.len() && self.state == State::Calling {
                    self.next_proxy(station);
                }
            }
            Alarm::GiveUp => match self.state {
                State::Calling => self.give_up(station, EndReason::NoAnswer),
                // Not even the CANCEL brought an end.
                State::GivingUp => self.finish(station, Outcome::Failed),
                State::Talking | State::HangingUp | State::Done => {}
            },
            Alarm::HangUp if self.state == State::Talking => self.hang_up(station),
            Alarm::HangUp | Alarm::Ring | Alarm::Answer | Alarm::Reject | Alarm::Forget => {}
        }
    }

    fn next_proxy(&mut self, station: &mut Station) -> bool {
        if self.attempts.len() >= self.call.proxy.len() {
            return false;
        }
        if let Some(Attempt { branch, proxy, .. }) = self.attempts.last() {
            self.leg.take_sent(branch, Method::Invite);
            self.leg.tell(station.now, Direction::Received, "no response, trying the next proxy", *proxy, false);
        }
        self.attempt(station)
    }

    fn on_timeout(&mut self, station: &mut Station, ready: &Ready) {
        match ready.method {
            Method::Invite if self.state == State::Calling && self.is_current(&ready.branch) => {
                if self.next_proxy(station) {
                    return;
                }
                self.result.reason = Some(EndReason::NoResponse);
                self.finish(station, Outcome::Failed);
            }
            Method::Bye if self.bye_branch.as_ref() == Some(&ready.branch) && self.state == State::HangingUp => {
                self.result.reason = Some(EndReason::HangUpUnconfirmed);
                self.finish(station, Outcome::Failed);
            }
            _ => {}
        }
    }

    fn is_current(&self, branch: &str) -> bool {
        self.attempts.last().is_some_and(|attempt| attempt.branch == branch)
    }

    pub fn on_response(&mut self, station: &mut Station, response: &Message, (status, phrase): (u16, &str), source: SocketAddr) {
        let is_new = self.leg.is_waiting(&response.branch, response.cseq_method);
        self.leg.tell(station.now, Direction::Received, &response.what(), source, !is_new);
        self.leg.note_heard(&response.branch, response.cseq_method);
        if status >= 200 {
            self.leg.take_sent(&response.branch, response.cseq_method);
        }
        match response.cseq_method {
            Method::Invite => self.on_invite_response(station, response, (status, phrase), source),
            Method::Bye if status >= 200 && self.bye_branch.as_ref() == Some(&response.branch) => {
                self.on_bye_answered(station, status);
            }
            _ => {}
        }
    }

    fn on_bye_answered(&mut self, station: &mut Station, status: u16) {
        if self.state != State::HangingUp {
            return;
        }
        let confirmed = status < 300;
        if !confirmed {
            self.result.reason = Some(EndReason::HangUpUnconfirmed);
        }
        let outcome = if confirmed && !self.spoilt { Outcome::Answered } else { Outcome::Failed };
        self.finish(station, outcome);
    }

    fn on_invite_response(&mut self, station: &mut Station, response: &Message, said: (u16, &str), source: SocketAddr) {
        let Some(at) = self.attempts.iter().position(|attempt| attempt.branch == response.branch) else { return };
        let is_current = at + 1 == self.attempts.len();
        if let Some(attempt) = self.attempts.get_mut(at) {
            attempt.heard = true;
        }
        match said.0 {
            ..200 => {
                if !is_current || matches!(self.state, State::GivingUp | State::Done) {
                    self.cancel(station, at);
                } else if matches!(said.0, 180 | 183) && self.state == State::Calling {
                    self.result.pdd_ms.get_or_insert(ms(station.now.duration_since(self.started)));
                }
            }
            200..300 => self.on_ok(station, response, source, is_current),
            _ => self.on_refusal(station, response, said, at),
        }
    }

    fn on_refusal(&mut self, station: &mut Station, response: &Message, (status, phrase): (u16, &str), at: usize) {
        if let Some(attempt) = self.attempts.get(at) {
            let to = response.header("To").unwrap_or_default();
            let ack = self.for_attempt(station, attempt, Method::Ack, to);
            self.leg.send_once(station, &ack, false);
        }
        let is_current = at + 1 == self.attempts.len();
        if !is_current || !matches!(self.state, State::Calling | State::GivingUp) {
            return;
        }
        self.result.sip_status = Some(status);
        self.result.sip_reason = Some(phrase.to_owned());
        self.result.reason_header = reason_of(response);
        let refused = matches!(status, 400..500 | 600..700) && status != 408 && !self.spoilt;
        self.finish(station, if refused { Outcome::Refused } else { Outcome::Failed });
    }

    /// Every 200 is confirmed, again and again, and one too many is hung up at once.
    fn on_ok(&mut self, station: &mut Station, ok: &Message, source: SocketAddr, is_current: bool) {
        let tag = ok.to_tag.as_deref().unwrap_or_default();
        if let (Some(ack), Some(dialog)) = (&self.ack, &self.leg.dialog)
            && dialog.remote_tag == tag
        {
            self.leg.send_once(station, ack, true);
            return;
        }
        let mut dialog = Dialog::as_caller(ok, source, &self.from);
        let ack = dialog.request(station, Method::Ack);
        self.leg.send_once(station, &ack, false);
        if self.leg.dialog.is_some() || !is_current || self.state == State::Done {
            let bye = dialog.request(station, Method::Bye);
            self.leg.transmit(station, bye);
            return;
        }
        self.leg.dialog = Some(dialog);
        self.ack = Some(ack);
        self.answered = Some(station.now);
        let waited = ms(station.now.duration_since(self.started));
        self.result.setup_ms = Some(waited);
        self.result.pdd_ms.get_or_insert(waited);
        self.result.sip_status = Some(200);
        self.result.sip_reason = Some("OK".to_owned());
        self.result.remote_contact = ok.list("Contact").first().map(|contact| host_of(uri_of(contact)).to_owned());
        self.talk(station, ok);
    }

    fn talk(&mut self, station: &mut Station, ok: &Message) {
        let was_giving_up = self.state == State::GivingUp;
        self.state = State::Talking;
        let sound = Sound::parse(&ok.body);
        let chosen = sound.as_ref().and_then(|sound| Some((sound.address, sound.choose(&self.call.codecs)?)));
        match chosen {
            _ if was_giving_up => self.hang_up(station),
            None => {
                self.spoilt = true;
                self.result.reason = Some(EndReason::NoCodec);
                self.hang_up(station);
            }
            Some((address, codec)) => {
                self.result.codec = Some(codec);
                self.leg.session.codecs = vec![codec];
                self.leg.session.telephone_event = sound.and_then(|sound| sound.telephone_event);
                let speaker = self.rtp_socket.take().map(|socket| Speaker::start(socket, address, codec));
                self.speaker = speaker.and_then(Result::ok);
                station.wake(self.leg.number, Alarm::HangUp, Duration::from_millis(self.call.talk_ms));
            }
        }
    }

    pub fn on_request(&mut self, station: &mut Station, request: &Message, source: SocketAddr) {
        self.leg.tell(station.now, Direction::Received, &request.what(), source, false);
        if request.cseq_method == Method::Ack {
            self.leg.on_ack(request);
            // Where we made the offer, in a 200 to a re-INVITE, the answer comes with the ACK.
            if let (Some(sound), Some(speaker)) = (Sound::parse(&request.body), &self.speaker) {
                speaker.redirect(sound.address);
            }
            return;
        }
        match self.leg.on_request(station, request, source) {
            Told::Nothing => {}
            Told::Moved(address) => self.speaker.iter().for_each(|speaker| speaker.redirect(address)),
            Told::HungUp(reason) => match self.state {
                State::Talking => {
                    self.note_end(station, Side::Callee);
                    self.result.reason_header = reason;
                    self.finish(station, Outcome::Answered);
                }
                // Both hung up at once, so both agree.
                State::HangingUp => self.finish(station, if self.spoilt { Outcome::Failed } else { Outcome::Answered }),
                State::Calling | State::GivingUp | State::Done => {}
            },
        }
    }

    pub fn is_over(&self) -> bool {
        self.state == State::Done
    }

    /// Whoever wanted the call is gone.
    pub fn abandon(&mut self, station: &mut Station) {
        match self.state {
            State::Calling => self.give_up(station, EndReason::ControlClosed),
            State::Talking => {
                self.result.reason = Some(EndReason::ControlClosed);
                self.hang_up(station);
            }
            State::GivingUp | State::HangingUp | State::Done => {}
        }
    }

    fn give_up(&mut self, station: &mut Station, reason: EndReason) {
        self.result.reason = Some(reason);
        self.spoilt = true;
        self.state = State::GivingUp;
        let Some(attempt) = self.attempts.last() else { return };
        if attempt.heard {
            let last = self.attempts.len() - 1;
            self.cancel(station, last);
            station.wake(self.leg.number, Alarm::GiveUp, T1_64);
        } else {
            // Nobody may be told to stop who has not said that he began.
            self.leg.take_sent(&attempt.branch, Method::Invite);
            self.finish(station, Outcome::Failed);
        }
    }

    fn cancel(&mut self, station: &mut Station, at: usize) {
        let Some(attempt) = self.attempts.get(at).filter(|attempt| !attempt.cancelled) else { return };
        let cancel = self.for_attempt(station, attempt, Method::Cancel, &attempt.to());
        self.leg.transmit(station, cancel);
        if let Some(attempt) = self.attempts.get_mut(at) {
            attempt.cancelled = true;
        }
    }

    fn hang_up(&mut self, station: &mut Station) {
        self.note_end(station, Side::Caller);
        self.state = State::HangingUp;
        self.bye_branch = self.leg.hang_up(station);
    }

    fn note_end(&mut self, station: &Station, side: Side) {
        self.result.hung_up_by = Some(side);
        self.result.talk_ms = self.answered.map(|answered| ms(station.now.duration_since(answered)));
        self.speaker.iter().for_each(Speaker::hush);
    }

    fn finish(&mut self, station: &mut Station, outcome: Outcome) {
        self.state = State::Done;
        self.result.outcome = outcome;
        if let Some(speaker) = self.speaker.take() {
            (self.result.rtp_sent, self.result.rtp_received) = speaker.counts();
        }
        self.rtp_socket = None;
        if let Some(watcher) = self.leg.watcher.take() {
            let _ = watcher.reports.send(Report::Ended(self.leg.number, Box::new(self.result.clone())));
        }
        station.journal.counts.live -= 1;
        station.wake(self.leg.number, Alarm::Forget, T1_64);
    }
}
