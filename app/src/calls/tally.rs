//! What a batch of new records adds to the sums: to which minutes, under which names, how much. Pure, so that sums made again from
//! the records must come out the same.

use crate::{
    calls::{
        cdr::{Attempt, Cdr},
        destination::destination,
        live::LiveCall,
        volume::{Counts, Grouping},
    },
    values::Moment,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// The name of the one row under [`Grouping::Total`].
pub const TOTAL: &str = "total";
/// Stands for the customer or PBX that a record does not name.
pub const UNKNOWN: &str = "unknown";

const MINUTE_S: u64 = 60;
const HOUR_S: u64 = 3_600;
const DAY_S: u64 = 24 * HOUR_S;
/// A call that claims to have lasted longer overlaps this many minutes, no more: an hour of a broken clock must not become a
/// million rows.
const OVERLAP_MINUTES_MAX: usize = 24 * 60;

/// A row of the sums: the cut, the minute or hour, the name.
pub type Row = (Grouping, Moment, String);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    minutes: BTreeMap<Row, Counts>,
}

impl Tally {
    /// A call counts in the minute it began, under each of its names. The carrier's attempts are counted from the proxies' table,
    /// because a call nobody answered names no carrier; what only the record of an answered call knows is added to them here.
    pub fn note_call(&mut self, cdr: &Cdr) {
        let minute = cdr.started_at().whole(MINUTE_S);
        let talk_us = u64::try_from(cdr.talk().as_micros()).unwrap_or(u64::MAX);
        let customer = cdr.customer.as_deref().unwrap_or(UNKNOWN);
        let pbx = if cdr.pbx.is_empty() { UNKNOWN } else { &cdr.pbx };
        let names = [
            (Grouping::Total, TOTAL),
            (Grouping::Customer, customer),
            (Grouping::Destination, cdr.destination.as_str()),
            (Grouping::Pbx, pbx),
        ];
        let carrier = cdr.carrier.as_deref().map(|carrier| (Grouping::Carrier, carrier));
        for (grouping, name) in names {
            let counts = self.row(grouping, minute, name);
            counts.note(cdr.outcome);
            counts.talk_us = counts.talk_us.saturating_add(talk_us);
            if let Some(pdd) = cdr.pdd() {
                counts.pdd.note(pdd);
            }
        }
        if let Some((grouping, name)) = carrier {
            let counts = self.row(grouping, minute, name);
            counts.talk_us = counts.talk_us.saturating_add(talk_us);
        }
        self.overlap(minute, cdr.ended_at.unwrap_or(cdr.started_at()), names.into_iter().chain(carrier));
    }

    /// A call that is not over has no record yet. Without it the newest minutes of a chart would always fall.
    pub fn note_live(&mut self, call: &LiveCall, now: Moment) {
        let minute = call.started_at.whole(MINUTE_S);
        // Who calls is known as soon as it is authorized.
        let customer = call.customer.as_deref().map(|customer| (Grouping::Customer, customer));
        let destination = (Grouping::Destination, destination(call.called.trim_start_matches('+')));
        let names = [(Grouping::Total, TOTAL), (Grouping::Pbx, call.pbx.as_str()), destination].into_iter().chain(customer);
        for (grouping, name) in names.clone() {
            self.row(grouping, minute, name).open += 1;
        }
        // The try at its carrier is counted already, from the proxies' table.
        let carrier = call.carrier.as_deref().map(|carrier| (Grouping::Carrier, carrier));
        self.overlap(minute, now, names.chain(carrier));
    }

    fn overlap<'a>(&mut self, first: Moment, end: Moment, names: impl Iterator<Item = (Grouping, &'a str)> + Clone) {
        let minutes = std::iter::successors(Some(first), |at| Some(at.plus(Duration::from_secs(MINUTE_S))))
            .take_while(|at| *at == first || *at <= end)
            .take(OVERLAP_MINUTES_MAX);
        for minute in minutes {
            for (grouping, name) in names.clone() {
                self.row(grouping, minute, name).concurrent += 1;
            }
        }
    }

    /// A try at a carrier counts in the minute it began, under the carrier.
    pub fn note_attempt(&mut self, attempt: &Attempt) {
        let counts = self.row(Grouping::Carrier, attempt.started_at.whole(MINUTE_S), &attempt.carrier);
        counts.note(attempt.outcome());
        if let Some(ms) = attempt.ringing_ms {
            counts.pdd.note(Duration::from_millis(u64::from(ms)));
        }
    }

    fn row(&mut self, grouping: Grouping, minute: Moment, name: &str) -> &mut Counts {
        self.minutes.entry((grouping, minute, name.to_string())).or_default()
    }

    /// What is added to each minute.
    pub const fn minutes(&self) -> &BTreeMap<Row, Counts> {
        &self.minutes
    }

    /// What is added to each hour. Calls at once are not: the most of an hour is found among its minutes, once they are written.
    pub fn hours(&self) -> BTreeMap<Row, Counts> {
        self.by(HOUR_S)
    }

    /// What is added to each day of UTC, likewise.
    pub fn days(&self) -> BTreeMap<Row, Counts> {
        self.by(DAY_S)
    }

    fn by(&self, seconds: u64) -> BTreeMap<Row, Counts> {
        let mut sums: BTreeMap<Row, Counts> = BTreeMap::new();
        for ((grouping, minute, name), counts) in &self.minutes {
            let row = (*grouping, minute.whole(seconds), name.clone());
            sums.entry(row).or_default().add(&Counts { concurrent: 0, ..*counts });
        }
        sums
    }

    /// The names that were touched, by which the sums of one name can be asked for.
    pub fn names(&self, grouping: Grouping) -> BTreeSet<&str> {
        self.minutes.keys().filter(|(found, ..)| *found == grouping).map(|(.., name)| name.as_str()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        calls::{cdr::CdrKey, live::CallState, outcome::Outcome},
        values::RatePerMinute,
    };

    fn call(start: &str, seconds: u64, outcome: Outcome) -> Cdr {
        let started_at = Moment::parse(start).expect("a date");
        let answered = (outcome == Outcome::Answered).then(|| started_at.plus(Duration::from_secs(2)));
        Cdr {
            key: CdrKey { started_at, id: 1 },
            reference: "r".into(),
            uniqueid: "u".into(),
            sip_call_id: None,
            carrier_call_id: None,
            caller: "1".into(),
            called: "442079460123".into(),
            destination: "United Kingdom".into(),
            customer: Some("acme".into()),
            carrier: answered.map(|_| "carrier-a".into()),
            prefix: None,
            rate: None,
            pbx: "asterisk-01".into(),
            proxy: None,
            ringing_at: Some(started_at.plus(Duration::from_millis(120))),
            answered_at: answered,
            ended_at: Some(started_at.plus(Duration::from_secs(seconds))),
            billsec: 0,
            disposition: String::new(),
            outcome,
            hangup_cause: None,
            sip_status: None,
            refusal: None,
            customer_codec: None,
            carrier_codec: None,
            attempts: Vec::new(),
        }
    }

    fn at(tally: &Tally, grouping: Grouping, minute: &str, name: &str) -> Counts {
        let minute = Moment::parse(minute).expect("a date");
        tally.minutes().get(&(grouping, minute, name.into())).copied().unwrap_or_default()
    }

    #[test]
    fn a_call_counts_where_it_began_and_is_up_in_every_minute_it_overlaps() {
        let mut tally = Tally::default();
        tally.note_call(&call("2026-11-22T03:12:50", 72, Outcome::Answered));
        let first = at(&tally, Grouping::Customer, "2026-11-22T03:12", "acme");
        assert_eq!((first.attempts, first.answered, first.talk_us, first.concurrent), (1, 1, 70_000_000, 1));
        assert_eq!(first.pdd.quantile_ms(1.0), Some(200.0));
        for minute in ["2026-11-22T03:13", "2026-11-22T03:14"] {
            let later = at(&tally, Grouping::Total, minute, TOTAL);
            assert_eq!((later.attempts, later.talk_us, later.concurrent), (0, 0, 1), "{minute}");
        }
        assert_eq!(at(&tally, Grouping::Total, "2026-11-22T03:15", TOTAL).concurrent, 0);
    }

    #[test]
    fn a_call_that_is_up_counts_where_it_began_without_an_outcome_and_is_up_until_now() {
        let mut tally = Tally::default();
        let live = LiveCall {
            reference: "r".into(),
            pbx: "asterisk-01".into(),
            unique_id: "u".into(),
            channel: "c".into(),
            caller: "1".into(),
            called: "+442079460123".into(),
            customer: Some("acme".into()),
            carrier: Some("carrier-a".into()),
            state: CallState::Up,
            started_at: Moment::parse("2026-11-22T03:12:50").expect("a date"),
            answered_at: None,
            customer_codec: None,
            carrier_codec: None,
        };
        tally.note_live(&live, Moment::parse("2026-11-22T03:14:00").expect("a date"));
        let counted = |grouping, minute, name| {
            let counts = at(&tally, grouping, minute, name);
            (counts.attempts, counts.open, counts.concurrent)
        };
        for (grouping, name) in [(Grouping::Total, TOTAL), (Grouping::Customer, "acme"), (Grouping::Destination, "United Kingdom")]
        {
            assert_eq!(counted(grouping, "2026-11-22T03:12", name), (0, 1, 1), "{name}");
            assert_eq!(counted(grouping, "2026-11-22T03:14", name), (0, 0, 1), "{name}");
        }
        assert_eq!(counted(Grouping::Total, "2026-11-22T03:15", TOTAL), (0, 0, 0));
        assert_eq!(counted(Grouping::Carrier, "2026-11-22T03:12", "carrier-a"), (0, 0, 1), "its try is the proxies' to count");
        let measures = at(&tally, Grouping::Total, "2026-11-22T03:12", TOTAL).measures(60);
        assert_eq!((measures.attempts, measures.asr_percent, measures.cps), (1, None, Some(1.0 / 60.0)));
    }

    #[test]
    fn a_carriers_attempts_are_the_proxies_and_its_minutes_the_calls() {
        let mut tally = Tally::default();
        tally.note_call(&call("2026-11-22T03:12:50", 12, Outcome::Answered));
        let attempt = |carrier: &str, sip_status, ringing_ms| Attempt {
            started_at: Moment::parse("2026-11-22T03:12:50").expect("a date"),
            reference: "r".into(),
            proxy: "kamailio-01".into(),
            carrier: carrier.into(),
            prefix: "44".into(),
            rate: RatePerMinute::from_micros(1),
            called: "442079460123".into(),
            sip_status,
            took_ms: 100,
            ringing_ms,
        };
        tally.note_attempt(&attempt("carrier-b", 503, None));
        tally.note_attempt(&attempt("carrier-a", 200, Some(40)));
        let carrier = |name| at(&tally, Grouping::Carrier, "2026-11-22T03:12", name);
        assert_eq!((carrier("carrier-b").attempts, carrier("carrier-b").failed), (1, 1));
        let a = carrier("carrier-a");
        assert_eq!((a.attempts, a.answered, a.talk_us, a.concurrent, a.pdd.count()), (1, 1, 10_000_000, 1, 1));
        assert_eq!(at(&tally, Grouping::Total, "2026-11-22T03:12", TOTAL).attempts, 1, "a call is one call");
        assert_eq!(tally.names(Grouping::Carrier).into_iter().collect::<Vec<_>>(), ["carrier-a", "carrier-b"]);
    }

    #[test]
    fn hours_are_the_sums_of_their_minutes() {
        let mut tally = Tally::default();
        tally.note_call(&call("2026-11-22T03:12:50", 1, Outcome::Answered));
        tally.note_call(&call("2026-11-22T03:59:59", 4, Outcome::Busy));
        let hours = tally.hours();
        let hour = |text: &str| hours.get(&(Grouping::Total, Moment::parse(text).expect("a date"), TOTAL.into())).copied();
        assert_eq!(hour("2026-11-22T03:00").map(|counts| (counts.attempts, counts.busy)), Some((2, 1)));
        assert_eq!(hour("2026-11-22T04:00").map(|counts| counts.attempts), Some(0), "the busy call ended there");
    }

    #[test]
    fn a_broken_clock_does_not_make_a_million_rows() {
        let mut tally = Tally::default();
        tally.note_call(&call("2026-11-22T03:12:50", 400 * 86_400, Outcome::Answered));
        assert!(tally.minutes().len() <= 5 * OVERLAP_MINUTES_MAX);
        let mut backwards = call("2026-11-22T03:12:50", 0, Outcome::Answered);
        backwards.ended_at = Some(Moment::EPOCH);
        let mut tally = Tally::default();
        tally.note_call(&backwards);
        assert_eq!(at(&tally, Grouping::Total, "2026-11-22T03:12", TOTAL).concurrent, 1);
    }
}
