//! Which time a chart shows, cut into buckets, and the same time a week earlier.

use crate::values::{Moment, Query};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Which time a person looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Range {
    /// The last minutes, beside what the PBXs tell now.
    Live,
    #[default]
    Hour,
    Day,
    Week,
    Month,
    Custom {
        from: Moment,
        to: Moment,
    },
}

const MINUTE_S: u64 = 60;
/// The minutes of [`Range::Live`].
const LIVE_MINUTES: u64 = 15;
const HOUR_S: u64 = 3_600;
const DAY_S: u64 = 24 * HOUR_S;
/// A chart of a longer time than this would only be read by a machine.
pub const CUSTOM_DAYS_MAX: u64 = 400;

impl Range {
    pub const FIXED: [Range; 5] = [Range::Live, Range::Hour, Range::Day, Range::Week, Range::Month];

    /// In an address, and on the button.
    pub const fn name(self) -> &'static str {
        match self {
            Range::Live => "live",
            Range::Hour => "1h",
            Range::Day => "24h",
            Range::Week => "7d",
            Range::Month => "30d",
            Range::Custom { .. } => "custom",
        }
    }

    /// `range=24h`, or `from` and `to` with `range=custom` or without a range. What cannot be read is the last hour here;
    /// whoever asks is told before ([`VolumeQuestion::problems`](super::volume_question::VolumeQuestion::problems)).
    pub fn from_query(query: &Query) -> Self {
        let named = query.get("range").and_then(|name| Self::FIXED.into_iter().find(|range| range.name() == name));
        let custom = || {
            let (from, to) = (query.get("from").and_then(Moment::parse)?, query.get("to").and_then(Moment::parse)?);
            (from < to).then_some(Range::Custom { from, to })
        };
        named.or_else(custom).unwrap_or_default()
    }

    pub fn to_query(self, query: &Query) -> Query {
        let query = query.clone().without("from").without("to").with("range", self.name());
        match self {
            Range::Custom { from, to } => query.with("from", from.rfc3339()).with("to", to.rfc3339()),
            _ => query,
        }
    }

    /// The range as it is now: whole buckets, the last one still filling where it reaches to now.
    pub fn span(self, now: Moment) -> Span {
        let (length_s, end) = match self {
            Range::Live => (LIVE_MINUTES * MINUTE_S, now),
            Range::Hour => (HOUR_S, now),
            Range::Day => (DAY_S, now),
            Range::Week => (7 * DAY_S, now),
            Range::Month => (30 * DAY_S, now),
            Range::Custom { from, to } => (to.since(from).as_secs().clamp(1, CUSTOM_DAYS_MAX * DAY_S), to),
        };
        let bucket_s = match length_s {
            s if s <= 3 * HOUR_S => MINUTE_S,
            s if s <= DAY_S => 10 * MINUTE_S,
            s if s <= 8 * DAY_S => HOUR_S,
            s if s <= 60 * DAY_S => 4 * HOUR_S,
            _ => DAY_S,
        };
        let to = end.plus(Duration::from_secs(bucket_s) - Duration::from_micros(1)).whole(bucket_s);
        let from = match self {
            Range::Custom { from, .. } => from.max(to.minus(Duration::from_secs(CUSTOM_DAYS_MAX * DAY_S))).whole(bucket_s),
            _ => to.minus(Duration::from_secs(length_s)),
        };
        Span { from, to, bucket_s, now }
    }
}

impl Moment {
    /// The last whole multiple of `seconds` since 1970 at or before it: the beginning of its minute, hour or day.
    pub const fn whole(self, seconds: u64) -> Self {
        // A bucket is at most a day long.
        #[expect(clippy::cast_possible_wrap, reason = "a bucket has at most a few thousand seconds")]
        let seconds = if seconds == 0 { 1 } else { seconds as i64 };
        Self::from_seconds(self.seconds().div_euclid(seconds) * seconds)
    }
}

/// From and to, cut into buckets of one length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    pub from: Moment,
    /// Not included.
    pub to: Moment,
    pub bucket_s: u64,
    /// When it was asked: what lies after it has not happened yet.
    pub now: Moment,
}

/// Calls are added up by minute, by hour and by day of UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grain {
    Minute,
    Hour,
    Day,
}

/// What is read at once, of one grain: a time that lies in a span, in an earlier one, or in both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    pub grain: Grain,
    pub from: Moment,
    /// Not included.
    pub to: Moment,
    pub in_span: bool,
    pub in_earlier: bool,
}

impl Span {
    /// This span and an earlier one of the same buckets, cut so that every time is read once, and whole days by day.
    pub fn pieces(&self, earlier: &Self) -> Vec<Piece> {
        let mut bounds = [earlier.from, earlier.to, self.from, self.to];
        bounds.sort_unstable();
        let mut pieces = Vec::new();
        for (from, to) in bounds.iter().zip(&bounds[1..]) {
            let within = |span: &Self| span.from <= *from && *from < span.to;
            let (in_span, in_earlier) = (within(self), within(earlier));
            let (first_day, last_day) = (from.plus(Duration::from_secs(DAY_S - 1)).whole(DAY_S), to.whole(DAY_S));
            let cut = match (self.by_hours(), first_day < last_day) {
                (false, _) => vec![(Grain::Minute, *from, *to)],
                (true, false) => vec![(Grain::Hour, *from, *to)],
                (true, true) => {
                    vec![(Grain::Hour, *from, first_day), (Grain::Day, first_day, last_day), (Grain::Hour, last_day, *to)]
                }
            };
            let some = cut.into_iter().filter(|(_, from, to)| from < to && (in_span || in_earlier));
            pieces.extend(some.map(|(grain, from, to)| Piece { grain, from, to, in_span, in_earlier }));
        }
        pieces
    }

    /// Where buckets are whole hours the sums by hour do; they are sixty times fewer.
    pub const fn by_hours(&self) -> bool {
        self.bucket_s.is_multiple_of(HOUR_S)
    }

    pub const fn is_by_minutes(&self) -> bool {
        self.bucket_s == MINUTE_S
    }

    pub fn bucket(&self) -> Duration {
        Duration::from_secs(self.bucket_s)
    }

    /// The beginnings of all buckets.
    pub fn buckets(&self) -> impl Iterator<Item = Moment> + use<> {
        let Span { from, to, bucket_s, .. } = *self;
        std::iter::successors(Some(from), move |at| Some(at.plus(Duration::from_secs(bucket_s)))).take_while(move |at| *at < to)
    }

    /// Which bucket `at` falls into; `None` outside.
    pub fn index_of(&self, at: Moment) -> Option<usize> {
        let inside = at >= self.from && at < self.to;
        inside.then(|| usize::try_from(at.since(self.from).as_secs() / self.bucket_s.max(1)).ok())?
    }

    /// How much of the bucket that begins at `at` has gone by, in seconds; all of it but for the last.
    pub fn seconds_of(&self, at: Moment) -> u64 {
        self.now.since(at).as_secs().min(self.bucket_s)
    }

    pub fn seconds(&self) -> u64 {
        self.to.min(self.now).since(self.from).as_secs()
    }

    /// The same time a week earlier, for the shadow behind the chart; all of it has happened.
    pub fn week_before(&self) -> Self {
        let week = Duration::from_secs(7 * DAY_S);
        Self { from: self.from.minus(week), to: self.to.minus(week), bucket_s: self.bucket_s, now: self.to }
    }
}
