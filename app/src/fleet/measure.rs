//! What of a machine is drawn over time: read off its observations every ten seconds, kept for an hour as it is and, by the
//! minute, for eight days in the database.

use super::{
    facts::{DatabaseFacts, DiskUse},
    world::{MachineSeen, Seen},
};
use crate::{system::ring::Ring, values::Moment};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

pub const SAMPLE_EVERY: Duration = Duration::from_secs(10);
/// An hour of samples.
const SAMPLES_KEPT: usize = 360;
/// Minutes that wait for the database; older ones are given up.
const MINUTES_WAIT_MAX: i64 = 60;
pub const KEPT_FOR: Duration = Duration::from_secs(8 * 86_400);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    CpuPercent,
    MemoryPercent,
    /// Of the fullest disk.
    DiskPercent,
    /// Over one minute.
    Load,
    ClockOffsetMs,
    SipRoundTripMs,
    Dialogs,
    Transactions,
    SharedMemoryPercent,
    Calls,
    Channels,
    QueriesPerS,
    CommitsPerS,
    LagMs,
    Connections,
    ThreadsRunning,
}

impl Measure {
    pub const ALL: [Measure; 16] = [
        Measure::CpuPercent,
        Measure::MemoryPercent,
        Measure::DiskPercent,
        Measure::Load,
        Measure::ClockOffsetMs,
        Measure::SipRoundTripMs,
        Measure::Dialogs,
        Measure::Transactions,
        Measure::SharedMemoryPercent,
        Measure::Calls,
        Measure::Channels,
        Measure::QueriesPerS,
        Measure::CommitsPerS,
        Measure::LagMs,
        Measure::Connections,
        Measure::ThreadsRunning,
    ];

    /// In addresses, in the database, in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Measure::CpuPercent => "cpu_percent",
            Measure::MemoryPercent => "memory_percent",
            Measure::DiskPercent => "disk_percent",
            Measure::Load => "load",
            Measure::ClockOffsetMs => "clock_offset_ms",
            Measure::SipRoundTripMs => "sip_round_trip_ms",
            Measure::Dialogs => "dialogs",
            Measure::Transactions => "transactions",
            Measure::SharedMemoryPercent => "shared_memory_percent",
            Measure::Calls => "calls",
            Measure::Channels => "channels",
            Measure::QueriesPerS => "queries_per_s",
            Measure::CommitsPerS => "commits_per_s",
            Measure::LagMs => "lag_ms",
            Measure::Connections => "connections",
            Measure::ThreadsRunning => "threads_running",
        }
    }

    /// A chart's title and its unit.
    pub const fn title(self) -> (&'static str, &'static str) {
        match self {
            Measure::CpuPercent => ("Processor", "%"),
            Measure::MemoryPercent => ("Memory", "%"),
            Measure::DiskPercent => ("Fullest disk", "%"),
            Measure::Load => ("Load over 1 min", ""),
            Measure::ClockOffsetMs => ("Clock offset", "ms"),
            Measure::SipRoundTripMs => ("SIP round trip", "ms"),
            Measure::Dialogs => ("Dialogs", ""),
            Measure::Transactions => ("SIP transactions", ""),
            Measure::SharedMemoryPercent => ("Shared memory", "%"),
            Measure::Calls => ("Calls", ""),
            Measure::Channels => ("Channels", ""),
            Measure::QueriesPerS => ("Statements", "/s"),
            Measure::CommitsPerS => ("Commits", "/s"),
            Measure::LagMs => ("Replication lag", "ms"),
            Measure::Connections => ("Connections", ""),
            Measure::ThreadsRunning => ("Running threads", ""),
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|measure| measure.name() == name)
    }
}

/// What can be read off a machine now; counters need the sample before. What is not fresh is left out.
pub fn sample(seen: &MachineSeen, previous: Option<&MachineSeen>, now: Moment) -> Vec<(Measure, f64)> {
    let mut out = Vec::new();
    let mut add = |measure, value: Option<f64>| out.extend(value.filter(|value| value.is_finite()).map(|value| (measure, value)));
    if let Some(shell) = fresh(seen.shell.as_ref(), now) {
        let used = shell.memory_total_bytes.saturating_sub(shell.memory_available_bytes);
        add(Measure::CpuPercent, shell.cpu_percent.map(f64::from));
        add(Measure::MemoryPercent, percent(used, shell.memory_total_bytes));
        add(Measure::DiskPercent, shell.disks.iter().map(DiskUse::used_percent).max().map(f64::from));
        add(Measure::Load, Some(f64::from(shell.load[0])));
        add(Measure::ClockOffsetMs, Some(shell.clock_offset_ms));
    }
    if let Some(sip) = fresh(seen.sip.as_ref(), now) {
        add(Measure::SipRoundTripMs, Some(f64::from(sip.round_trip_ms)));
    }
    if let Some(proxy) = fresh(seen.proxy.as_ref(), now) {
        add(Measure::Dialogs, Some(proxy.dialogs as f64));
        add(Measure::Transactions, Some(proxy.transactions as f64));
        add(Measure::SharedMemoryPercent, percent(proxy.shared_memory_used_bytes, proxy.shared_memory_total_bytes));
    }
    if let Some(pbx) = fresh(seen.pbx.as_ref(), now) {
        add(Measure::Calls, Some(pbx.calls as f64));
        add(Measure::Channels, Some(pbx.channels as f64));
    }
    if let Some(database) = fresh(seen.database.as_ref(), now) {
        let before = previous.and_then(|previous| previous.database.as_ref()).and_then(Seen::value);
        add(Measure::QueriesPerS, before.and_then(|before| rate(before, database, |facts| facts.queries)));
        add(Measure::CommitsPerS, before.and_then(|before| rate(before, database, |facts| facts.commits)));
        let behind = || Some(database.replication.as_ref()?.seconds_behind? as f64 * 1_000.0);
        let heartbeat = database.heartbeat_age_ms.map(|ms| ms as f64);
        // On the primary the newest heartbeat is its own: an age of it is no lag.
        add(Measure::LagMs, database.replication.is_some().then(|| heartbeat.or_else(behind)).flatten());
        add(Measure::Connections, Some(database.connections as f64));
        add(Measure::ThreadsRunning, Some(database.threads_running as f64));
    }
    out
}

fn fresh<T>(seen: Option<&Seen<T>>, now: Moment) -> Option<&T> {
    seen.and_then(|seen| seen.fresh(now))
}

fn percent(part: u64, whole: u64) -> Option<f64> {
    // Bytes of a machine are far below the 2^53 a double counts exactly.
    (whole > 0).then(|| part as f64 * 100.0 / whole as f64)
}

/// Nothing when the counter fell: the server was restarted between the looks.
fn rate(before: &DatabaseFacts, now: &DatabaseFacts, counter: fn(&DatabaseFacts) -> u64) -> Option<f64> {
    let span_s = now.observed_at.since(before.observed_at).as_secs_f64();
    let grown = counter(now).checked_sub(counter(before))?;
    (span_s > 0.0).then(|| grown as f64 / span_s)
}

/// One minute of one measure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MinuteRow {
    pub machine: String,
    pub measure: Measure,
    /// Its first instant.
    pub minute: Moment,
    pub average: f64,
    pub maximum: f64,
}

/// A point of a chart: a bucket's average and its highest value.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeasurePoint {
    pub at: Moment,
    pub average: f64,
    pub maximum: f64,
}

/// How far back a chart goes, and how wide its buckets are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Range {
    #[serde(rename = "1h")]
    Hour,
    #[serde(rename = "24h")]
    Day,
    #[serde(rename = "7d")]
    Week,
}

impl Range {
    pub const ALL: [Range; 3] = [Range::Hour, Range::Day, Range::Week];

    pub const fn name(self) -> &'static str {
        match self {
            Range::Hour => "1h",
            Range::Day => "24h",
            Range::Week => "7d",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|range| range.name() == name)
    }

    pub const fn span(self) -> Duration {
        match self {
            Range::Hour => Duration::from_secs(3_600),
            Range::Day => Duration::from_secs(86_400),
            Range::Week => Duration::from_secs(7 * 86_400),
        }
    }

    pub const fn bucket_s(self) -> u32 {
        match self {
            Range::Hour => 60,
            Range::Day => 600,
            Range::Week => 3_600,
        }
    }
}

fn bucket_of(at: Moment, bucket_s: u32) -> Moment {
    let bucket_s = i64::from(bucket_s.max(1));
    Moment::from_seconds(at.seconds().div_euclid(bucket_s) * bucket_s)
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    sum: f64,
    maximum: f64,
    count: u32,
}

impl Bucket {
    fn add(into: Option<Bucket>, value: f64) -> Bucket {
        match into {
            None => Bucket { sum: value, maximum: value, count: 1 },
            Some(old) => Bucket { sum: old.sum + value, maximum: old.maximum.max(value), count: old.count + 1 },
        }
    }

    fn average(self) -> f64 {
        self.sum / f64::from(self.count)
    }
}

/// The last hour of every machine, and the minutes that are still to be written.
#[derive(Debug, Default)]
pub struct MeasureLog {
    series: BTreeMap<String, BTreeMap<Measure, Ring<(Moment, f64)>>>,
    open: BTreeMap<(String, Measure), (Moment, Bucket)>,
    unwritten: VecDeque<MinuteRow>,
}

impl MeasureLog {
    pub fn note(&mut self, machine: &str, values: &[(Measure, f64)], now: Moment) {
        let minute = bucket_of(now, 60);
        let series = self.series.entry(machine.into()).or_default();
        for (measure, value) in values {
            series.entry(*measure).or_insert_with(|| Ring::new(SAMPLES_KEPT)).push((now, *value));
            let key = (machine.to_string(), *measure);
            let old = self.open.remove(&key);
            let same = old.filter(|(of, _)| *of == minute).map(|(_, bucket)| bucket);
            if let Some((of, bucket)) = old.filter(|(of, _)| *of != minute) {
                self.unwritten.push_back(row(&key, of, bucket));
            }
            self.open.insert(key, (minute, Bucket::add(same, *value)));
        }
    }

    /// Closes minutes that are over, also of machines that say nothing anymore, and gives up what waited for an hour.
    pub fn close_minutes(&mut self, now: Moment) {
        let minute = bucket_of(now, 60);
        let over: Vec<(String, Measure)> =
            self.open.iter().filter(|(_, (of, _))| *of < minute).map(|(key, _)| key.clone()).collect();
        for key in over {
            if let Some((of, bucket)) = self.open.remove(&key) {
                self.unwritten.push_back(row(&key, of, bucket));
            }
        }
        let oldest = Moment::from_seconds(minute.seconds() - MINUTES_WAIT_MAX * 60);
        self.unwritten.retain(|row| row.minute >= oldest);
        let gone = |samples: &Ring<(Moment, f64)>| samples.last().is_none_or(|(at, _)| *at < oldest);
        self.series.retain(|_, series| {
            series.retain(|_, samples| !gone(samples));
            !series.is_empty()
        });
    }

    pub fn unwritten(&self) -> Vec<MinuteRow> {
        self.unwritten.iter().cloned().collect()
    }

    /// These rows are in the database now.
    pub fn written(&mut self, rows: &[MinuteRow]) {
        let keys: std::collections::BTreeSet<(&str, Measure, Moment)> =
            rows.iter().map(|row| (row.machine.as_str(), row.measure, row.minute)).collect();
        self.unwritten.retain(|row| !keys.contains(&(row.machine.as_str(), row.measure, row.minute)));
    }

    /// What is in memory, by buckets, oldest first.
    pub fn points(&self, machine: &str, measure: Measure, bucket_s: u32, from: Moment) -> Vec<MeasurePoint> {
        let mut buckets: BTreeMap<Moment, Bucket> = BTreeMap::new();
        let samples = self.series.get(machine).and_then(|series| series.get(&measure));
        for (at, value) in samples.into_iter().flat_map(Ring::iter).filter(|(at, _)| *at >= from) {
            let at = bucket_of(*at, bucket_s);
            let bucket = Bucket::add(buckets.get(&at).copied(), *value);
            buckets.insert(at, bucket);
        }
        buckets.into_iter().map(|(at, bucket)| MeasurePoint { at, average: bucket.average(), maximum: bucket.maximum }).collect()
    }

    /// The samples themselves of the last hour, oldest first.
    pub fn samples(&self, machine: &str, measure: Measure) -> Vec<(Moment, f64)> {
        let samples = self.series.get(machine).and_then(|series| series.get(&measure));
        samples.into_iter().flat_map(Ring::iter).copied().collect()
    }
}

fn row(key: &(String, Measure), minute: Moment, bucket: Bucket) -> MinuteRow {
    MinuteRow { machine: key.0.clone(), measure: key.1, minute, average: bucket.average(), maximum: bucket.maximum }
}

/// Stored points with those in memory over them: memory has the newest buckets, the database the older ones.
pub fn joined(stored: Vec<MeasurePoint>, memory: Vec<MeasurePoint>) -> Vec<MeasurePoint> {
    // The first bucket in memory may lack its beginning; the stored one is whole.
    let mut points: BTreeMap<Moment, MeasurePoint> = memory.into_iter().map(|point| (point.at, point)).collect();
    let newest = points.keys().next_back().copied();
    points.extend(stored.into_iter().filter(|point| Some(point.at) != newest).map(|point| (point.at, point)));
    points.into_values().collect()
}

#[cfg(test)]
#[path = "measure_tests.rs"]
mod tests;
