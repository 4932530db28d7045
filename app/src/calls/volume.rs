//! What many calls add up to: counts that can be added, and the field's measures made of them, each with its formula in words.

pub use crate::calls::{
    range::{Range, Span},
    volume_question::VolumeQuestion,
};
use crate::{
    calls::{outcome::Outcome, sources::Behind},
    values::Moment,
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// By what volume is cut. A call counts once in each grouping; under `Carrier` each try at a carrier counts, because a call that
/// nobody answered has no carrier, only those who were asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Grouping {
    #[default]
    Total,
    Carrier,
    Customer,
    Destination,
    Pbx,
}

impl Grouping {
    pub const ALL: [Grouping; 5] = [Grouping::Total, Grouping::Carrier, Grouping::Customer, Grouping::Destination, Grouping::Pbx];

    pub const fn name(self) -> &'static str {
        match self {
            Grouping::Total => "total",
            Grouping::Carrier => "carrier",
            Grouping::Customer => "customer",
            Grouping::Destination => "destination",
            Grouping::Pbx => "pbx",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grouping| grouping.name() == name)
    }

    /// What it is in the tables of sums; never renumber, rows keep theirs.
    pub const fn number(self) -> u8 {
        match self {
            Grouping::Total => 0,
            Grouping::Carrier => 1,
            Grouping::Customer => 2,
            Grouping::Destination => 3,
            Grouping::Pbx => 4,
        }
    }

    pub fn by_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|grouping| grouping.number() == number)
    }
}

/// Upper bounds, in ms, of the histogram's buckets; the last bucket has none. Fixed, so that any two histograms can be added.
pub const PDD_BOUNDS_MS: [u32; 15] = [50, 100, 200, 300, 500, 750, 1_000, 1_500, 2_000, 3_000, 4_000, 6_000, 8_000, 12_000, 20_000];
pub const PDD_BUCKETS: usize = PDD_BOUNDS_MS.len() + 1;

/// Post-dial delays of many calls: their number by bucket, and their sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PddHistogram {
    pub buckets: [u64; PDD_BUCKETS],
    pub sum_ms: u64,
}

impl PddHistogram {
    pub fn note(&mut self, pdd: Duration) {
        let ms = u64::try_from(pdd.as_millis()).unwrap_or(u64::MAX);
        let at = PDD_BOUNDS_MS.iter().position(|bound| ms <= u64::from(*bound)).unwrap_or(PDD_BOUNDS_MS.len());
        self.buckets[at] += 1;
        self.sum_ms = self.sum_ms.saturating_add(ms);
    }

    pub fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.buckets.iter_mut().zip(other.buckets) {
            *mine += theirs;
        }
        self.sum_ms = self.sum_ms.saturating_add(other.sum_ms);
    }

    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    pub fn average_ms(&self) -> Option<f64> {
        ratio(self.sum_ms, self.count())
    }

    /// The delay that `share` of the calls did not exceed, read between the bounds of its bucket as if calls lay evenly in it. In
    /// the last bucket, which has no upper bound, it is the lower one: "more than 20 s".
    pub fn quantile_ms(&self, share: f64) -> Option<f64> {
        let count = self.count();
        let rank = share * as_f64(count);
        let mut below = 0;
        for (i, here) in self.buckets.into_iter().enumerate() {
            if here > 0 && as_f64(below + here) >= rank {
                let low = if i == 0 { 0.0 } else { f64::from(PDD_BOUNDS_MS[i - 1]) };
                let Some(high) = PDD_BOUNDS_MS.get(i) else { return Some(low) };
                let within = ((rank - as_f64(below)) / as_f64(here)).clamp(0.0, 1.0);
                return Some(low + within * (f64::from(*high) - low));
            }
            below += here;
        }
        None
    }
}

/// What is counted of the calls that began within a time. Counts of two times, or of two groups, can be added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub attempts: u64,
    pub answered: u64,
    pub busy: u64,
    pub no_answer: u64,
    pub rejected: u64,
    pub abandoned: u64,
    pub failed: u64,
    pub refused: u64,
    /// Calls that began and are not over yet: without an outcome, and not among the attempts.
    #[serde(default)]
    pub open: u64,
    pub talk_us: u64,
    pub pdd: PddHistogram,
    /// Calls that overlapped the minute, wherever they began; over a longer time, the most in any of its minutes.
    pub concurrent: u64,
}

impl Counts {
    pub const fn note(&mut self, outcome: Outcome) {
        self.attempts += 1;
        match outcome {
            Outcome::Answered => self.answered += 1,
            Outcome::Busy => self.busy += 1,
            Outcome::NoAnswer => self.no_answer += 1,
            Outcome::Rejected => self.rejected += 1,
            Outcome::Abandoned => self.abandoned += 1,
            Outcome::Failed => self.failed += 1,
            Outcome::Refused => self.refused += 1,
        }
    }

    /// Adds what happened in the same minute.
    pub fn add(&mut self, other: &Self) {
        let most = self.concurrent.max(other.concurrent);
        let sum = self.concurrent + other.concurrent;
        self.add_later(other);
        debug_assert_eq!(self.concurrent, most, "the rest is added the same way");
        self.concurrent = sum;
    }

    /// Adds what happened at another time: of the calls up at once it is the most that counts.
    pub fn add_later(&mut self, other: &Self) {
        self.attempts += other.attempts;
        self.answered += other.answered;
        self.busy += other.busy;
        self.no_answer += other.no_answer;
        self.rejected += other.rejected;
        self.abandoned += other.abandoned;
        self.failed += other.failed;
        self.refused += other.refused;
        self.open += other.open;
        self.talk_us = self.talk_us.saturating_add(other.talk_us);
        self.pdd.add(&other.pdd);
        self.concurrent = self.concurrent.max(other.concurrent);
    }

    pub const fn effective(&self) -> u64 {
        self.answered + self.busy + self.no_answer + self.rejected
    }

    /// The measures of counts that were taken over `seconds`.
    pub fn measures(&self, seconds: u64) -> Measures {
        let percent = |part| ratio(part, self.attempts).map(|share| share * 100.0);
        Measures {
            attempts: self.attempts + self.open,
            answered: self.answered,
            asr_percent: percent(self.answered),
            ner_percent: percent(self.effective()),
            acd_s: ratio(self.talk_us, self.answered).map(|us| us / 1_000_000.0),
            pdd_ms: self.pdd.average_ms(),
            pdd_p95_ms: self.pdd.quantile_ms(0.95),
            cps: ratio(self.attempts + self.open, seconds),
            concurrent: self.concurrent,
        }
    }
}

/// The field's measures. `None` where there is nothing to divide by: no attempt has no ASR, neither 0 nor 100.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Measures {
    pub attempts: u64,
    pub answered: u64,
    pub asr_percent: Option<f64>,
    pub ner_percent: Option<f64>,
    pub acd_s: Option<f64>,
    pub pdd_ms: Option<f64>,
    pub pdd_p95_ms: Option<f64>,
    pub cps: Option<f64>,
    pub concurrent: u64,
}

/// One of the measures, for a choice on screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Measure {
    #[default]
    Attempts,
    Asr,
    Ner,
    Acd,
    Pdd,
    PddP95,
    Cps,
    Concurrent,
}

impl Measure {
    pub const ALL: [Measure; 8] = [
        Measure::Attempts,
        Measure::Asr,
        Measure::Ner,
        Measure::Acd,
        Measure::Pdd,
        Measure::PddP95,
        Measure::Cps,
        Measure::Concurrent,
    ];

    /// In an address.
    pub const fn name(self) -> &'static str {
        match self {
            Measure::Attempts => "attempts",
            Measure::Asr => "asr",
            Measure::Ner => "ner",
            Measure::Acd => "acd",
            Measure::Pdd => "pdd",
            Measure::PddP95 => "pdd-p95",
            Measure::Cps => "cps",
            Measure::Concurrent => "concurrent",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|measure| measure.name() == name)
    }

    pub const fn title(self) -> &'static str {
        match self {
            Measure::Attempts => "Attempts",
            Measure::Asr => "ASR",
            Measure::Ner => "NER",
            Measure::Acd => "ACD",
            Measure::Pdd => "PDD",
            Measure::PddP95 => "PDD p95",
            Measure::Cps => "CPS",
            Measure::Concurrent => "Concurrent",
        }
    }

    pub const fn unit(self) -> &'static str {
        match self {
            Measure::Attempts | Measure::Concurrent => "",
            Measure::Asr | Measure::Ner => "%",
            Measure::Acd => "s",
            Measure::Pdd | Measure::PddP95 => "ms",
            Measure::Cps => "/s",
        }
    }

    /// Printed beside the figure.
    pub const fn formula(self) -> &'static str {
        match self {
            Measure::Attempts => "calls that began; by carrier: tries at the carrier",
            Measure::Asr => "answered ÷ attempts that are over",
            Measure::Ner => "(answered + busy + no answer + rejected by the called side) ÷ attempts that are over (ITU-T E.425)",
            Measure::Acd => "talk seconds ÷ answered, of calls that are over",
            Measure::Pdd => "INVITE to the first 180, 183 or 200, on average",
            Measure::PddP95 => "INVITE to the first 180, 183 or 200, not exceeded by 95 % (from fixed buckets)",
            Measure::Cps => "attempts ÷ seconds",
            Measure::Concurrent => "calls that overlap a minute, the most of any minute",
        }
    }

    pub fn of(self, measures: &Measures) -> Option<f64> {
        match self {
            Measure::Attempts => Some(as_f64(measures.attempts)),
            Measure::Asr => measures.asr_percent,
            Measure::Ner => measures.ner_percent,
            Measure::Acd => measures.acd_s,
            Measure::Pdd => measures.pdd_ms,
            Measure::PddP95 => measures.pdd_p95_ms,
            Measure::Cps => measures.cps,
            Measure::Concurrent => Some(as_f64(measures.concurrent)),
        }
    }
}

/// One bucket of a chart. `None` in a measure is a gap in its line.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct VolumePoint {
    pub at: Moment,
    pub measures: Measures,
}

/// One line of the table: a carrier, a customer, … over the whole range, and in the same range a week earlier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VolumeRow {
    pub name: String,
    pub measures: Measures,
    pub week_before: Measures,
}

/// Everything the page of call volume shows, and `wirecenter volume --json` prints.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Volume {
    pub grouping: Grouping,
    /// The one group the points are of; `None` when they are of all together.
    pub only: Option<String>,
    pub span: Span,
    /// One for each bucket of the span.
    pub points: Vec<VolumePoint>,
    /// As many, a week earlier; `at` is the moment of the chart they stand under, not of the week before.
    pub shadow: Vec<VolumePoint>,
    /// The groups, most attempts first; one row named `total` under [`Grouping::Total`].
    pub rows: Vec<VolumeRow>,
    /// All of `points` together.
    pub whole: Measures,
    pub week_before: Measures,
    /// Sources of records that lag behind: what is counted after they were read last is not whole.
    #[serde(default)]
    pub behind: Vec<Behind>,
}

#[expect(clippy::cast_precision_loss, reason = "counts of calls are far below 2^53")]
const fn as_f64(count: u64) -> f64 {
    count as f64
}

fn ratio(part: u64, of: u64) -> Option<f64> {
    (of > 0).then(|| as_f64(part) / as_f64(of))
}

#[cfg(test)]
#[path = "volume_tests.rs"]
mod tests;
