//! The minutes whose calls are held against past weeks, and what was usual then.
//!
//! A call's record comes when it is over, so of the newest minutes only what failed is on record: the calls that are up are added
//! to it ([`with_live`]), or every figure would seem to break down.

use super::rule::VolumeFigures;
use crate::{
    calls::{
        live::{CallState, LiveCall},
        tally::{TOTAL, UNKNOWN},
        volume::{Counts, Grouping, Span},
    },
    values::Moment,
};
use std::{collections::BTreeMap, time::Duration};

/// Long enough that fifty calls are soon in it, short enough that a carrier that breaks down is told of within minutes.
const MINUTES: u64 = 10;
const HOUR_S: u64 = 3_600;
const WEEK: Duration = Duration::from_secs(7 * 86_400);
pub const WEEKS: u32 = 4;

/// Counts by name.
pub type ByName = BTreeMap<String, Counts>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub from: Moment,
    pub until: Moment,
}

/// The two hours around the middle of a window, some weeks earlier. At five past nine the hour of nine is not what is usual yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    /// The earlier one begins here.
    pub from: Moment,
    /// How much of the later one counts, in seconds of an hour.
    pub later_s: u64,
}

impl Window {
    /// The newest whole minutes.
    pub fn before(now: Moment) -> Self {
        let until = now.whole(60);
        Self { from: until.minus(Duration::from_secs(60 * MINUTES)), until }
    }

    pub fn span(&self) -> Span {
        Span { from: self.from, to: self.until, bucket_s: 60, now: self.until }
    }

    pub fn hours(&self) -> Hours {
        let middle = self.from.plus(Duration::from_secs(30 * MINUTES));
        // The middles of the two hours lie around it.
        let from = middle.minus(Duration::from_secs(HOUR_S / 2)).whole(HOUR_S);
        Hours { from, later_s: middle.since(from.plus(Duration::from_secs(HOUR_S / 2))).as_secs() }
    }

    pub fn now(&self, counts: &Counts) -> VolumeFigures {
        figures(counts, counts.measures(60 * MINUTES).cps, counts.attempts)
    }
}

impl Hours {
    /// The earlier and the later one, so many weeks ago.
    pub fn spans(&self, weeks: u32) -> [Span; 2] {
        let from = self.from.minus(WEEK * weeks);
        let hour = |from: Moment| {
            let to = from.plus(Duration::from_secs(HOUR_S));
            Span { from, to, bucket_s: HOUR_S, now: to }
        };
        [hour(from), hour(from.plus(Duration::from_secs(HOUR_S)))]
    }

    /// What one week's two hours say of a window: its attempts are as many as the window would have had.
    pub fn usual(&self, earlier: &Counts, later: &Counts) -> VolumeFigures {
        let blended = (earlier.attempts * (HOUR_S - self.later_s) + later.attempts * self.later_s) / HOUR_S;
        let rate = Counts { attempts: blended, ..Counts::default() };
        let mut both = *earlier;
        both.add_later(later);
        figures(&both, rate.measures(HOUR_S).cps, blended * 60 * MINUTES / HOUR_S)
    }
}

fn figures(counts: &Counts, cps: Option<f64>, attempts: u64) -> VolumeFigures {
    let measures = counts.measures(1);
    let (asr_percent, ner_percent) = (measures.asr_percent, measures.ner_percent);
    VolumeFigures { attempts, asr_percent, ner_percent, pdd_ms: measures.pdd_ms, cps }
}

/// Adds the answered calls that began in the window and are still up. Attempts at carriers are on record when they are answered.
pub fn with_live<'a>(counts: &mut ByName, grouping: Grouping, window: &Window, live: impl Iterator<Item = &'a LiveCall>) {
    let counted = live.filter(|call| call.state == CallState::Up && (window.from..window.until).contains(&call.started_at));
    for call in counted {
        let name = match grouping {
            Grouping::Total => TOTAL,
            Grouping::Customer => call.customer.as_deref().unwrap_or(UNKNOWN),
            Grouping::Carrier | Grouping::Destination | Grouping::Pbx => return,
        };
        let counts = counts.entry(name.to_string()).or_default();
        counts.attempts += 1;
        counts.answered += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Moment {
        Moment::parse(text).expect("a time")
    }

    fn counts(attempts: u64, answered: u64) -> Counts {
        Counts { attempts, answered, ..Counts::default() }
    }

    #[test]
    fn what_is_usual_glides_from_hour_to_hour() {
        for (now, from, later_s) in [
            ("2026-11-22T09:35:20Z", "2026-11-22T08:00:00Z", 3_600),
            ("2026-11-22T09:36:00Z", "2026-11-22T09:00:00Z", 60),
            ("2026-11-22T10:05:59Z", "2026-11-22T09:00:00Z", 1_800),
            ("2026-11-22T00:02:00Z", "2026-11-21T23:00:00Z", 1_620),
        ] {
            let hours = Window::before(at(now)).hours();
            // At half past exactly both say the same: all of one hour.
            let same = hours.later_s == 0 && later_s == 3_600;
            assert!(same || (hours.from, hours.later_s) == (at(from), later_s), "{now}: {hours:?}");
        }
        let hours = Hours { from: at("2026-11-22T08:00:00Z"), later_s: 900 };
        let usual = hours.usual(&counts(1_200, 600), &counts(3_600, 1_800));
        assert_eq!((usual.attempts, usual.cps, usual.asr_percent), (300, Some(0.5), Some(50.0)));
        let [earlier, later] = hours.spans(2);
        assert_eq!((earlier.from, later.to), (at("2026-11-08T08:00:00Z"), at("2026-11-08T10:00:00Z")));
        assert!(earlier.by_hours());
    }

    #[test]
    fn calls_that_are_up_count_as_answered_where_their_record_is_still_to_come() {
        let window = Window::before(at("2026-11-22T09:35:20Z"));
        let call = |state, started: &str, customer: Option<&str>| LiveCall {
            reference: "r".into(),
            pbx: "asterisk-01".into(),
            unique_id: "1".into(),
            channel: "c".into(),
            caller: "1".into(),
            called: "2".into(),
            customer: customer.map(Into::into),
            carrier: Some("carrier-a".into()),
            state,
            started_at: at(started),
            answered_at: None,
            customer_codec: None,
            carrier_codec: None,
        };
        let live = [
            call(CallState::Up, "2026-11-22T09:30:00Z", Some("acme")),
            call(CallState::Ringing, "2026-11-22T09:30:00Z", Some("acme")),
            call(CallState::Up, "2026-11-22T09:10:00Z", Some("acme")),
            call(CallState::Up, "2026-11-22T09:35:10Z", None),
        ];
        for (grouping, name, expected) in [
            (Grouping::Total, TOTAL, counts(11, 1)),
            (Grouping::Customer, "acme", counts(11, 1)),
            (Grouping::Carrier, "carrier-a", counts(10, 0)),
        ] {
            let mut by_name: ByName = [(name.to_string(), counts(10, 0))].into();
            with_live(&mut by_name, grouping, &window, live.iter());
            assert_eq!((by_name[name], by_name.len()), (expected, 1), "{grouping:?}");
        }
    }
}
