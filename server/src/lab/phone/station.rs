//! What every call of the phone uses: the socket, the clock, the timers, the memory of what came in.

use super::{journal::Journal, sdp::Codec};
use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    net::SocketAddr,
    time::{Duration, Instant},
};
use tokio::net::UdpSocket;

/// The estimated round trip of RFC 3261, from which its other times follow.
pub const T1: Duration = Duration::from_millis(500);
/// The longest pause between two repetitions, except of an INVITE.
pub const T2: Duration = Duration::from_secs(4);
/// After this a transaction is given up, and its last answer forgotten.
pub const T1_64: Duration = Duration::from_secs(32);

/// What a call asked to be woken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Alarm {
    /// A request of ours may have to be sent again.
    Request(u32),
    /// A response of ours may have to be sent again.
    Reply(u32),
    /// The callee's phone starts to ring.
    Ring,
    /// The callee takes the call.
    Answer,
    Reject,
    /// Somebody has talked enough.
    HangUp,
    /// The caller has waited enough.
    GiveUp,
    /// This attempt may have got no response at all.
    NextProxy(usize),
    /// Nothing will come for this call any more.
    Forget,
}

pub struct Station {
    pub name: String,
    pub local: SocketAddr,
    /// Where all sound for calls we took is sent back.
    pub echo: SocketAddr,
    /// What we take when it is offered.
    pub codecs: Vec<Codec>,
    pub journal: Journal,
    pub socket: UdpSocket,
    /// When the datagram, timer or command that is worked on now came.
    pub now: Instant,
    timers: BinaryHeap<Reverse<(Instant, u64, Alarm)>>,
    serial: u32,
}

impl Station {
    pub fn new(name: String, local: SocketAddr, echo: SocketAddr, codecs: Vec<Codec>, socket: UdpSocket) -> Self {
        let journal = Journal::default();
        Self { name, local, echo, codecs, journal, socket, now: Instant::now(), timers: BinaryHeap::new(), serial: 0 }
    }

    /// A datagram that cannot be sent is lost like one that is lost on the way: its repetition is the cure for both.
    pub fn send(&self, bytes: &[u8], to: SocketAddr) {
        if let Err(error) = self.socket.try_send_to(bytes, to) {
            tracing::debug!(%to, %error, "a datagram was not sent");
        }
    }

    pub fn wake(&mut self, call: u64, alarm: Alarm, after: Duration) {
        self.timers.push(Reverse((self.now + after, call, alarm)));
    }

    pub fn next_due(&self) -> Option<Instant> {
        self.timers.peek().map(|Reverse((at, ..))| *at)
    }

    /// The next alarm that is due.
    pub fn pop_due(&mut self) -> Option<(u64, Alarm)> {
        self.next_due().filter(|at| *at <= self.now)?;
        self.timers.pop().map(|Reverse((_, call, alarm))| (call, alarm))
    }

    /// A number to tell this request or reply from others of its call.
    pub fn next_serial(&mut self) -> u32 {
        self.serial = self.serial.wrapping_add(1);
        self.serial
    }
}

pub fn new_branch() -> String {
    format!("z9hG4bK{:016x}", rand::random::<u64>())
}

pub fn new_tag() -> String {
    format!("{:010x}", rand::random::<u64>() >> 24)
}
