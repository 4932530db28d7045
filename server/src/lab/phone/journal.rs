//! What came in, for those who ask later, and what is expected to come.

use super::{
    address::{digits, uri_of, user_of},
    clock::epoch_us,
    control::{Behavior, CallCounts, Expectation, ReceivedInvite},
    message::{Message, Start},
    sdp::Sound,
};
use std::{
    collections::{HashMap, VecDeque},
    net::SocketAddr,
    time::{Duration, Instant},
};

/// Older ones are forgotten.
const RECEIVED_MAX: usize = 10_000;
/// More would mean that somebody expects and never calls.
pub const EXPECTED_MAX: usize = 100_000;
const EXPECTED_FOR: Duration = Duration::from_secs(120);
/// Headers whose values a test of screening looks at.
const OF_INTEREST: [&str; 9] = [
    "From",
    "To",
    "Contact",
    "P-Asserted-Identity",
    "P-Preferred-Identity",
    "Remote-Party-ID",
    "Privacy",
    "Diversion",
    "User-Agent",
];

#[derive(Default)]
pub struct Journal {
    pub counts: CallCounts,
    received: VecDeque<ReceivedInvite>,
    /// The number of the oldest that is still there.
    first: u64,
}

impl Journal {
    /// Gives the number under which `set_status` finds it again.
    pub fn record(&mut self, invite: &Message, source: SocketAddr) -> u64 {
        self.counts.received += 1;
        if self.received.len() >= RECEIVED_MAX {
            self.received.pop_front();
            self.first += 1;
        }
        let called = called_of(invite);
        let interesting = |name: &str| OF_INTEREST.iter().any(|wanted| wanted.eq_ignore_ascii_case(name));
        self.received.push_back(ReceivedInvite {
            at_us: epoch_us(),
            call_id: invite.call_id.clone(),
            source: source.to_string(),
            called: called.to_owned(),
            caller: user_of(uri_of(invite.header("From").unwrap_or_default())).to_owned(),
            header_names: invite.headers.iter().map(|header| header.name.clone()).collect(),
            headers: invite.headers.iter().filter(|h| interesting(&h.name)).map(|h| (h.name.clone(), h.value.clone())).collect(),
            sdp_codecs: Sound::parse(&invite.body).map(|sound| sound.codecs).unwrap_or_default(),
            status: None,
            status_at_us: None,
        });
        self.first + self.received.len() as u64 - 1
    }

    pub fn set_status(&mut self, number: u64, status: u16) {
        let at = number.checked_sub(self.first).and_then(|at| usize::try_from(at).ok());
        if let Some(received) = at.and_then(|at| self.received.get_mut(at)) {
            received.status = Some(status);
            received.status_at_us = Some(epoch_us());
        }
    }

    /// Newest first.
    pub fn list(&self, called: Option<&str>, call_id: Option<&str>) -> Vec<ReceivedInvite> {
        let called = called.map(digits);
        let wanted = |received: &&ReceivedInvite| {
            called.as_ref().is_none_or(|called| digits(&received.called) == *called)
                && call_id.is_none_or(|call_id| received.call_id == call_id)
        };
        self.received.iter().rev().filter(wanted).cloned().collect()
    }
}

/// The number an INVITE is for: the request URI says it, the To header only what was once dialed.
pub fn called_of(invite: &Message) -> &str {
    match &invite.start {
        Start::Request { uri, .. } => user_of(uri),
        Start::Response { .. } => "",
    }
}

/// One-shot instructions by number, oldest first.
#[derive(Default)]
pub struct Expectations {
    by_called: HashMap<String, VecDeque<(Instant, Behavior)>>,
    /// All live equally long, so the order they came in is the order they end in.
    order: VecDeque<(Instant, String)>,
    count: usize,
}

impl Expectations {
    pub fn len(&self) -> usize {
        self.count
    }

    /// All or none of them; false when there is no room.
    pub fn add(&mut self, now: Instant, wanted: Vec<Expectation>) -> bool {
        self.forget_old(now);
        if self.count + wanted.len() > EXPECTED_MAX {
            return false;
        }
        for Expectation { called, answer } in wanted {
            let called = digits(&called);
            self.order.push_back((now, called.clone()));
            self.by_called.entry(called).or_default().push_back((now, answer));
            self.count += 1;
        }
        true
    }

    pub fn take(&mut self, now: Instant, called: &str) -> Option<Behavior> {
        self.forget_old(now);
        let called = digits(called);
        let waiting = self.by_called.get_mut(&called)?;
        let (_, behavior) = waiting.pop_front()?;
        if waiting.is_empty() {
            self.by_called.remove(&called);
        }
        self.count -= 1;
        Some(behavior)
    }

    fn forget_old(&mut self, now: Instant) {
        let is_old = |at: Instant| now.duration_since(at) > EXPECTED_FOR;
        while let Some((_, called)) = self.order.pop_front_if(|(at, _)| is_old(*at)) {
            // It may have been used since.
            if let Some(waiting) = self.by_called.get_mut(&called) {
                while waiting.pop_front_if(|(at, _)| is_old(*at)).is_some() {
                    self.count -= 1;
                }
                if waiting.is_empty() {
                    self.by_called.remove(&called);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expectation(called: &str, status: u16) -> Expectation {
        Expectation { called: called.into(), answer: Behavior::Reject { status, after_ms: 0 } }
    }

    #[test]
    fn an_expectation_is_good_once_and_for_two_minutes() {
        let (mut expectations, now) = (Expectations::default(), Instant::now());
        assert!(expectations.add(now, vec![expectation("+44 20", 486), expectation("4420", 503), expectation("1", 404)]));
        assert_eq!(expectations.take(now, "+4420"), Some(expectation("", 486).answer));
        assert_eq!(expectations.take(now, "4420"), Some(expectation("", 503).answer));
        assert_eq!(expectations.take(now, "4420"), None);
        assert_eq!(expectations.len(), 1);
        assert_eq!(expectations.take(now + Duration::from_secs(121), "1"), None);
        assert_eq!(expectations.len(), 0);
        assert!(!expectations.add(now, vec![expectation("1", 404); EXPECTED_MAX + 1]));
    }
}
