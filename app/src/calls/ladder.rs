//! What happened in a call, machine by machine and in order: the ladder people know from SIP traces, made of a record and the tries at
//! carriers behind it. Times are those that were written down; what was not is not made up.

use crate::{
    calls::{
        cdr::{Attempt, Cdr},
        live::{CallState, LiveCall},
    },
    values::Moment,
};

/// One arrow of the ladder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub at: Moment,
    /// Since the first message of the ladder.
    pub after_ms: u64,
    pub from: String,
    pub to: String,
    pub what: String,
    /// A refusal or a failure: drawn as one.
    pub failed: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ladder {
    /// From left to right: customer, proxy, PBX, carriers in the order they were tried.
    pub machines: Vec<String>,
    pub messages: Vec<Message>,
}

/// The ladder of a call. The proxy stands between customer and PBX, and again between PBX and carrier; it is one machine.
pub fn ladder(cdr: &Cdr) -> Ladder {
    let mut found = Found::of(cdr.customer.as_ref(), cdr.proxy.as_ref(), &cdr.attempts);
    found.opening(cdr.started_at(), &cdr.called, &cdr.pbx);
    if let Some(reason) = &cdr.refusal {
        let (pbx, customer) = (cdr.pbx.clone(), found.customer.clone());
        found.say(cdr.ended_at.unwrap_or(cdr.started_at()), &pbx, &customer, format!("refused: {reason}"), true);
    }
    found.attempts(&cdr.pbx, &cdr.attempts);
    found.ending(cdr);
    found.ladder(&cdr.pbx, &cdr.attempts, cdr.carrier.as_ref())
}

/// The ladder of a call that has no record yet, from what its PBX told and the tries that are written down. When it rang nobody
/// wrote down yet, so that is not in it; the carrier it is at has its column even while no try at it is known.
pub fn live_ladder(call: &LiveCall, attempts: &[Attempt], ended_at: Option<Moment>) -> Ladder {
    let mut found = Found::of(call.customer.as_ref(), None, attempts);
    found.opening(call.started_at, &call.called, &call.pbx);
    found.attempts(&call.pbx, attempts);
    let customer = found.customer.clone();
    if let Some(at) = call.answered_at {
        found.say(at, &call.pbx, &customer, "200, answered", false);
    }
    if let Some(at) = ended_at {
        found.say(at, &call.pbx, &customer, "the call ends", call.state != CallState::Up);
    }
    found.ladder(&call.pbx, attempts, call.carrier.as_ref())
}

struct Found {
    customer: String,
    proxy: String,
    messages: Vec<Message>,
}

impl Found {
    fn of(customer: Option<&String>, proxy: Option<&String>, attempts: &[Attempt]) -> Self {
        let proxy = proxy.or_else(|| attempts.first().map(|attempt| &attempt.proxy));
        let name = |name: Option<&String>, role: &str| name.cloned().unwrap_or_else(|| role.into());
        Self { customer: name(customer, "customer"), proxy: name(proxy, "proxy"), messages: Vec::new() }
    }

    fn say(&mut self, at: Moment, from: &str, to: &str, what: impl Into<String>, failed: bool) {
        self.messages.push(Message { at, after_ms: 0, from: from.into(), to: to.into(), what: what.into(), failed });
    }

    fn opening(&mut self, at: Moment, called: &str, pbx: &str) {
        let (customer, proxy) = (self.customer.clone(), self.proxy.clone());
        self.say(at, &customer, &proxy, format!("INVITE {called}"), false);
        self.say(at, &proxy, pbx, "INVITE", false);
    }

    fn attempts(&mut self, pbx: &str, attempts: &[Attempt]) {
        if let Some(first) = attempts.first() {
            let proxy = self.proxy.clone();
            self.say(first.started_at, pbx, &proxy, "INVITE to a carrier", false);
        }
        for attempt in attempts {
            self.attempt(attempt);
        }
    }

    /// In order, with the time since the first message.
    fn ladder(mut self, pbx: &str, attempts: &[Attempt], carrier: Option<&String>) -> Ladder {
        // Sorting is stable: what happened in the same microsecond stays in the order it is told in.
        self.messages.sort_by_key(|message| message.at);
        let first = self.messages.first().map(|message| message.at);
        for message in &mut self.messages {
            let after = first.map_or(0, |first| message.at.since(first).as_millis());
            message.after_ms = u64::try_from(after).unwrap_or(u64::MAX);
        }
        let mut machines = vec![self.customer, self.proxy, pbx.to_string()];
        for name in attempts.iter().map(|attempt| &attempt.carrier).chain(carrier) {
            if !machines.contains(name) {
                machines.push(name.clone());
            }
        }
        Ladder { machines, messages: self.messages }
    }

    fn attempt(&mut self, attempt: &Attempt) {
        let later = |ms: u32| attempt.started_at.plus(std::time::Duration::from_millis(u64::from(ms)));
        let (proxy, carrier) = (self.proxy.clone(), &attempt.carrier);
        self.say(
            attempt.started_at,
            &proxy,
            carrier,
            format!("INVITE, prefix {}, {} a minute", attempt.prefix, attempt.rate),
            false,
        );
        // A 200 without a 180 before it is told by the answer alone.
        if let Some(ms) = attempt.ringing_ms.filter(|ms| *ms < attempt.took_ms || attempt.sip_status >= 300) {
            self.say(later(ms), carrier, &proxy, "ringing", false);
        }
        let failed = attempt.sip_status >= 300;
        self.say(later(attempt.took_ms), carrier, &proxy, format!("{} after {} ms", attempt.sip_status, attempt.took_ms), failed);
    }

    fn ending(&mut self, cdr: &Cdr) {
        let customer = self.customer.clone();
        if let Some(at) = cdr.ringing_at.filter(|at| Some(*at) != cdr.answered_at) {
            self.say(at, &cdr.pbx, &customer, "ringing", false);
        }
        if let Some(at) = cdr.answered_at {
            self.say(at, &cdr.pbx, &customer, "200, answered", false);
        }
        if let Some(at) = cdr.ended_at.filter(|_| cdr.refusal.is_none()) {
            let cause = cdr.hangup_cause.map(|cause| format!(" ({cause}: {})", crate::calls::outcome::cause_words(cause)));
            let what = format!("the call ends{}", cause.unwrap_or_default());
            self.say(at, &cdr.pbx, &customer, what, cdr.answered_at.is_none());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calls::{cdr::CdrKey, outcome::Outcome};

    fn at(ms: i64) -> Moment {
        Moment::from_millis(1_795_317_127_000 + ms)
    }

    fn attempt(ms: i64, carrier: &str, sip_status: u16, took_ms: u32) -> Attempt {
        let rate = "0.0038".parse().expect("a rate");
        let (reference, proxy, prefix) = ("r".to_string(), "kamailio-01".to_string(), "4420".to_string());
        let called = "442079460123".to_string();
        Attempt {
            started_at: at(ms),
            reference,
            proxy,
            carrier: carrier.into(),
            prefix,
            rate,
            called,
            sip_status,
            took_ms,
            ringing_ms: None,
        }
    }

    fn cdr(attempts: Vec<Attempt>) -> Cdr {
        Cdr {
            key: CdrKey { started_at: at(0), id: 1 },
            reference: "r".into(),
            uniqueid: "u".into(),
            sip_call_id: None,
            carrier_call_id: None,
            caller: "4930".into(),
            called: "442079460123".into(),
            destination: "United Kingdom".into(),
            customer: Some("acme".into()),
            carrier: None,
            prefix: None,
            rate: None,
            pbx: "asterisk-02".into(),
            proxy: None,
            ringing_at: None,
            answered_at: None,
            ended_at: None,
            billsec: 0,
            disposition: "FAILED".into(),
            outcome: Outcome::Failed,
            hangup_cause: None,
            sip_status: None,
            refusal: None,
            customer_codec: None,
            carrier_codec: None,
            attempts,
        }
    }

    #[test]
    fn a_carrier_that_fails_stands_before_the_one_that_answers() {
        let call = Cdr {
            answered_at: Some(at(110)),
            ended_at: Some(at(2_110)),
            hangup_cause: Some(16),
            ..cdr(vec![attempt(8, "carrier-a", 503, 1), attempt(10, "carrier-b", 200, 99)])
        };
        let ladder = ladder(&call);
        assert_eq!(ladder.machines, ["acme", "kamailio-01", "asterisk-02", "carrier-a", "carrier-b"]);
        let told: Vec<_> = ladder.messages.iter().map(|m| (m.after_ms, m.from.as_str(), m.failed)).collect();
        assert_eq!(told[4], (9, "carrier-a", true));
        assert_eq!(told[6], (109, "carrier-b", false));
        assert_eq!(told.last(), Some(&(2_110, "asterisk-02", false)));
        assert!(ladder.messages.windows(2).all(|pair| pair[0].at <= pair[1].at));
    }

    #[test]
    fn a_call_that_is_up_shows_what_is_known_and_makes_nothing_up() {
        let mut call = LiveCall {
            reference: "r".into(),
            pbx: "asterisk-02".into(),
            unique_id: "u".into(),
            channel: "c".into(),
            caller: "4930".into(),
            called: "442079460123".into(),
            customer: None,
            carrier: Some("carrier-b".into()),
            state: CallState::Ringing,
            started_at: at(0),
            answered_at: None,
            customer_codec: None,
            carrier_codec: None,
        };
        let ringing = live_ladder(&call, &[], None);
        assert_eq!(ringing.machines, ["customer", "proxy", "asterisk-02", "carrier-b"]);
        assert_eq!(ringing.messages.len(), 2, "when it was asked or rang is not known");
        (call.state, call.answered_at) = (CallState::Up, Some(at(110)));
        let up = live_ladder(&call, &[attempt(8, "carrier-a", 503, 1)], None);
        assert_eq!(up.machines, ["customer", "kamailio-01", "asterisk-02", "carrier-a", "carrier-b"]);
        let last = up.messages.last().map(|message| (message.what.as_str(), message.after_ms));
        assert_eq!(last, Some(("200, answered", 110)));
        let over = live_ladder(&call, &[], Some(at(2_000)));
        assert_eq!(over.messages.last().map(|message| (message.after_ms, message.failed)), Some((2_000, false)));
    }

    #[test]
    fn a_refused_call_reaches_no_carrier_and_says_why() {
        let call = Cdr { refusal: Some("no_rate".into()), ended_at: Some(at(4)), ..cdr(Vec::new()) };
        let ladder = ladder(&call);
        assert_eq!(ladder.machines, ["acme", "proxy", "asterisk-02"]);
        let last = ladder.messages.last().expect("the refusal");
        assert_eq!((last.what.as_str(), last.after_ms, last.failed), ("refused: no_rate", 4, true));
    }
}
