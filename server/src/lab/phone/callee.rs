//! A call that we take, in the way we were told to.

use super::{
    control::Behavior,
    dialog::Dialog,
    leg::{Leg, Told},
    message::{Message, Method},
    sdp::{Session, Sound},
    station::{Alarm, Station, T1_64},
};
use std::{net::SocketAddr, time::Duration};

/// RFC 3261 wants a 100 when nothing better comes by then, or the peer repeats itself.
const TRYING_AFTER_MS: u64 = 200;

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// We play dead.
    Silent,
    /// No final response yet.
    Waiting,
    Talking,
    HangingUp,
    Done,
}

pub struct Taken {
    pub leg: Leg,
    invite: Message,
    source: SocketAddr,
    pub behavior: Behavior,
    state: State,
    /// Its place in the journal.
    record: u64,
    /// The callee has talked enough, but the ACK is still on its way: no BYE may go before it.
    hang_up_due: bool,
    /// It met a machine that was dead for everybody.
    pub was_dead: bool,
}

impl Taken {
    pub fn begin(station: &mut Station, number: u64, invite: Message, source: SocketAddr, behavior: Behavior, record: u64) -> Self {
        let session = Session::new(station.echo, rand::random::<u32>() >> 1, station.codecs.clone());
        let mut leg = Leg::new(number, invite.call_id.clone(), session, None);
        leg.dialog = Some(Dialog::as_callee(&invite, source, &leg.local_tag));
        let mut taken = Self { leg, invite, source, behavior, state: State::Waiting, record, hang_up_due: false, was_dead: false };
        station.journal.counts.live += 1;
        taken.meet(station);
        taken
    }

    fn meet(&mut self, station: &mut Station) {
        let number = self.leg.number;
        let wake = |station: &mut Station, alarm, after_ms| station.wake(number, alarm, Duration::from_millis(after_ms));
        match self.behavior {
            Behavior::Silent {} => {
                self.end(station);
                self.state = State::Silent;
                return;
            }
            Behavior::Reject { status, after_ms: 0 } => return self.finish(station, status),
            Behavior::Reject { after_ms, .. } => {
                self.trying(station, after_ms);
                wake(station, Alarm::Reject, after_ms);
                return;
            }
            Behavior::Ring { .. } | Behavior::RingForever { .. } => {}
        }
        if let Some(status) = self.agree(station) {
            self.finish(station, status);
            return;
        }
        match self.behavior {
            Behavior::Ring { after_ms, answer_ms, .. } => {
                self.trying(station, after_ms.min(answer_ms));
                if after_ms < answer_ms {
                    wake(station, Alarm::Ring, after_ms);
                }
                wake(station, Alarm::Answer, answer_ms);
            }
            Behavior::RingForever { after_ms } => {
                self.trying(station, after_ms);
                wake(station, Alarm::Ring, after_ms);
            }
            Behavior::Reject { .. } | Behavior::Silent {} => {}
        }
    }

    /// Chooses the codec, or gives the status with which the call has to be refused.
    fn agree(&mut self, station: &Station) -> Option<u16> {
        if self.invite.list("Require").iter().any(|option| option.eq_ignore_ascii_case("100rel")) {
            return Some(420);
        }
        if self.invite.body.is_empty() {
            // Then we offer in the 200.
            return None;
        }
        let Some(sound) = Sound::parse(&self.invite.body) else { return Some(488) };
        let Some(codec) = sound.choose(&station.codecs) else { return Some(488) };
        self.leg.session.codecs = vec![codec];
        self.leg.session.telephone_event = sound.telephone_event;
        self.leg.session.direction = sound.mirrored();
        None
    }

    fn trying(&mut self, station: &mut Station, next_after_ms: u64) {
        if next_after_ms >= TRYING_AFTER_MS {
            self.leg.answer(station, &self.invite, self.source, 100, None);
        }
    }

    /// Whether this is the INVITE that began the call, come again.
    pub fn is_same_invite(&self, request: &Message) -> bool {
        self.invite.branch == request.branch
    }

    /// Whether the same call came another way while it is still alive here.
    pub fn is_merged_with(&self, invite: &Message) -> bool {
        matches!(self.state, State::Waiting | State::Talking)
            && self.invite.from_tag == invite.from_tag
            && self.invite.cseq == invite.cseq
    }

    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Done | State::Silent)
    }

    pub fn is_silent(&self) -> bool {
        self.state == State::Silent
    }

    /// The same call, from now on met otherwise: the machine came back while the caller was still trying.
    pub fn wake_up(&mut self, station: &mut Station, behavior: Behavior) {
        self.behavior = behavior;
        self.state = State::Waiting;
        station.journal.counts.live += 1;
        self.meet(station);
    }

    pub fn on_alarm(&mut self, station: &mut Station, alarm: Alarm) {
        let waiting = self.state == State::Waiting;
        match alarm {
            Alarm::Ring if waiting => self.leg.answer(station, &self.invite, self.source, 180, None),
            Alarm::Answer if waiting => self.finish(station, 200),
            Alarm::Reject if waiting => {
                if let Behavior::Reject { status, .. } = self.behavior {
                    self.finish(station, status);
                }
            }
            Alarm::HangUp if self.state == State::Talking => self.hang_up(station),
            Alarm::Request(serial) => self.on_request_alarm(station, serial),
            Alarm::Reply(serial) => self.on_reply_alarm(station, serial),
            _ => {}
        }
    }

    fn on_request_alarm(&mut self, station: &mut Station, serial: u32) {
        let given_up = self.leg.on_request_alarm(station, serial).is_some();
        // Nobody confirmed the BYE: over all the same.
        if given_up && self.state == State::HangingUp {
            self.end(station);
        }
    }

    fn on_reply_alarm(&mut self, station: &mut Station, serial: u32) {
        let never_confirmed = self.leg.on_reply_alarm(station, serial);
        // RFC 3261 13.3.1.4: a call whose ACK never comes is ended.
        if never_confirmed && self.state == State::Talking {
            self.hang_up(station);
        }
    }

    pub fn on_cancel(&mut self, station: &mut Station, cancel: &Message, source: SocketAddr) {
        if self.state == State::Silent || self.leg.repeat(station, cancel) {
            return;
        }
        self.leg.answer(station, cancel, source, 200, None);
        if self.state == State::Waiting {
            self.finish(station, 487);
        }
    }

    pub fn on_request(&mut self, station: &mut Station, request: &Message, source: SocketAddr) {
        if request.cseq_method == Method::Ack {
            if self.leg.on_ack(request) && self.hang_up_due && self.state == State::Talking {
                self.hang_up(station);
            }
            return;
        }
        if let Told::HungUp(_) = self.leg.on_request(station, request, source) {
            match self.state {
                State::Waiting => self.finish(station, 487),
                State::Talking | State::HangingUp => self.end(station),
                State::Silent | State::Done => {}
            }
        }
    }

    pub fn on_response(&mut self, station: &mut Station, response: &Message, status: u16) {
        if status < 200 {
            self.leg.note_heard(&response.branch, response.cseq_method);
            return;
        }
        self.leg.take_sent(&response.branch, response.cseq_method);
        if self.state == State::HangingUp {
            self.end(station);
        }
    }

    fn hang_up(&mut self, station: &mut Station) {
        if self.leg.waits_for_ack() {
            self.hang_up_due = true;
            return;
        }
        self.state = State::HangingUp;
        self.leg.hang_up(station);
    }

    /// The final response.
    fn finish(&mut self, station: &mut Station, status: u16) {
        station.journal.set_status(self.record, status);
        if status != 200 {
            let extra = if status == 420 { "Unsupported: 100rel\r\n" } else { "" };
            self.leg.answer_with(station, &self.invite, self.source, status, (extra, None));
            self.end(station);
            return;
        }
        let sdp = self.leg.session.text();
        self.leg.answer(station, &self.invite, self.source, 200, Some(&sdp));
        station.journal.counts.answered += 1;
        self.state = State::Talking;
        if let Behavior::Ring { talk_ms: Some(talk_ms), .. } = self.behavior {
            station.wake(self.leg.number, Alarm::HangUp, Duration::from_millis(talk_ms));
        }
    }

    fn end(&mut self, station: &mut Station) {
        self.state = State::Done;
        if self.behavior != (Behavior::Silent {}) {
            // It is remembered for its answers only, and there may be ten thousand like it.
            self.invite.headers = Vec::new();
            self.invite.body = String::new();
        }
        station.journal.counts.live -= 1;
        station.wake(self.leg.number, Alarm::Forget, T1_64);
    }
}
