//! An instant in UTC. Everything the panel stores, compares or shows is one; the zone is always beside it on screen.

use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};
use time::{Date, Month, OffsetDateTime, PrimitiveDateTime};

/// Microseconds since 1970-01-01 00:00 UTC, the precision of MariaDB's `DATETIME(6)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Moment(i64);

impl Moment {
    /// The first instant; older than anything the panel has seen.
    pub const EPOCH: Moment = Moment(0);

    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000))
    }

    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000))
    }

    pub const fn micros(self) -> i64 {
        self.0
    }

    pub const fn millis(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }

    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }

    /// Time gone by since `earlier`; zero when `earlier` lies ahead, because a clock that was set back must not underflow.
    pub fn since(self, earlier: Moment) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    fn civil(self) -> OffsetDateTime {
        // The range of OffsetDateTime is ±9999 years; an instant outside it can only be garbage and reads as the epoch.
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }

    /// `2026-11-22`
    pub fn date(self) -> String {
        let t = self.civil();
        format!("{:04}-{:02}-{:02}", t.year(), u8::from(t.month()), t.day())
    }

    /// `03:12:07`
    pub fn time_of_day(self) -> String {
        let t = self.civil();
        format!("{:02}:{:02}:{:02}", t.hour(), t.minute(), t.second())
    }

    /// `03:12`
    pub fn hour_and_minute(self) -> String {
        let t = self.civil();
        format!("{:02}:{:02}", t.hour(), t.minute())
    }

    /// `2026-11-22T03:12:07.123456Z`, for machines.
    pub fn rfc3339(self) -> String {
        format!("{}T{}.{:06}Z", self.date(), self.time_of_day(), self.0.rem_euclid(1_000_000))
    }

    /// Reads `2026-11-22`, `2026-11-22T03:12`, `2026-11-22 03:12:07` or `2026-11-22T03:12:07.123456Z`, all of them UTC.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_end_matches('Z');
        let (date, clock) = text.split_once(['T', ' ']).unwrap_or((text, "00:00:00"));
        let mut parts = date.split('-');
        let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() || year.len() != 4 {
            return None;
        }
        let month = Month::try_from(month.parse::<u8>().ok()?).ok()?;
        let date = Date::from_calendar_date(year.parse().ok()?, month, day.parse().ok()?).ok()?;
        let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
        let mut parts = clock.split(':');
        let (hour, minute, second) = (parts.next()?, parts.next()?, parts.next().unwrap_or("0"));
        if parts.next().is_some() || fraction.is_empty() || fraction.len() > 6 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let micros = format!("{fraction:0<6}").parse().ok()?;
        let at = date.with_hms_micro(hour.parse().ok()?, minute.parse().ok()?, second.parse().ok()?, micros).ok()?;
        Some(Self::from(at))
    }
}

/// `2026-11-22 03:12:07`; the caller puts the zone beside it.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.date(), self.time_of_day())
    }
}

impl From<OffsetDateTime> for Moment {
    fn from(at: OffsetDateTime) -> Self {
        // Nanoseconds of ±9999 years divided by a thousand fit an i64.
        Self(i64::try_from(at.unix_timestamp_nanos().div_euclid(1_000)).expect("a calendar date fits 64 bits of microseconds"))
    }
}

impl From<PrimitiveDateTime> for Moment {
    fn from(at: PrimitiveDateTime) -> Self {
        Self::from(at.assume_utc())
    }
}

/// The shape MariaDB's `DATETIME(6)` takes in the database driver; the connection's zone is UTC.
impl From<Moment> for PrimitiveDateTime {
    fn from(at: Moment) -> Self {
        let t = at.civil();
        PrimitiveDateTime::new(t.date(), t.time())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_moment_is_written_as_the_wall_clock_in_utc() {
        let at = Moment::from_micros(1_795_317_127_123_456);
        assert_eq!(at.to_string(), "2026-11-22 03:12:07");
        assert_eq!(at.rfc3339(), "2026-11-22T03:12:07.123456Z");
        assert_eq!(at.hour_and_minute(), "03:12");
    }

    #[test]
    fn dates_times_and_full_stamps_are_read_and_nonsense_is_not() {
        assert_eq!(Moment::parse("2026-11-22").map(Moment::seconds), Some(1_795_305_600));
        assert_eq!(Moment::parse("2026-11-22T03:12").map(Moment::seconds), Some(1_795_317_120));
        for nonsense in ["", "22.11.2026", "0026-1-1-1", "26-11-22", "2026-02-30", "2026-11-22T25:00", "2026-11-22T03:12:07.", "x"]
        {
            assert_eq!(Moment::parse(nonsense), None, "{nonsense:?}");
        }
    }

    #[test]
    fn a_clock_set_back_gives_zero_not_a_panic() {
        assert_eq!(Moment::from_seconds(5).since(Moment::from_seconds(9)), Duration::ZERO);
    }

    proptest! {
        #[test]
        fn parse_is_the_inverse_of_rfc3339(micros in 0i64..253_402_300_799_000_000) {
            let at = Moment::from_micros(micros);
            prop_assert_eq!(Moment::parse(&at.rfc3339()), Some(at));
            prop_assert_eq!(Moment::from(PrimitiveDateTime::from(at)), at);
        }
    }
}
