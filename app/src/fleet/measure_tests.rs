//! Measures: what is read off a machine, and how minutes are made, kept and joined.

use super::*;
use crate::fleet::facts::{ProxyFacts, Replication, ShellFacts};

fn at(s: i64) -> Moment {
    Moment::from_seconds(1_780_000_020 + s)
}

fn seen<T>(value: T, at: Moment) -> Option<Seen<T>> {
    let mut seen = Seen::new(5_000, at);
    seen.note(Ok(value), at);
    Some(seen)
}

fn value(values: &[(Measure, f64)], measure: Measure) -> Option<f64> {
    values.iter().find(|(of, _)| *of == measure).map(|(_, value)| *value)
}

fn database(queries: u64, commits: u64, now: Moment) -> MachineSeen {
    let facts = DatabaseFacts { queries, commits, connections: 12, observed_at: now, ..DatabaseFacts::default() };
    MachineSeen { database: seen(facts, now), ..MachineSeen::default() }
}

#[test]
fn a_counter_needs_the_sample_before_and_a_restart_gives_no_negative_rate() {
    let first = database(1_000, 50, at(0));
    assert_eq!(value(&sample(&first, None, at(0)), Measure::QueriesPerS), None);
    let second = sample(&database(1_500, 60, at(10)), Some(&first), at(10));
    assert_eq!((value(&second, Measure::QueriesPerS), value(&second, Measure::CommitsPerS)), (Some(50.0), Some(1.0)));
    assert_eq!(value(&second, Measure::Connections), Some(12.0));
    let restarted = sample(&database(3, 0, at(10)), Some(&first), at(10));
    assert_eq!((value(&restarted, Measure::QueriesPerS), value(&restarted, Measure::CommitsPerS)), (None, None));
    assert_eq!(value(&sample(&first, Some(&first), at(1)), Measure::QueriesPerS), None, "the same look twice is no rate");
}

#[test]
fn what_is_not_fresh_is_not_drawn() {
    let machine = database(1, 1, at(0));
    assert!(!sample(&machine, None, at(15)).is_empty());
    assert!(sample(&machine, None, at(16)).is_empty());
    assert!(sample(&MachineSeen::default(), None, at(0)).is_empty());
}

#[test]
fn shares_are_of_the_whole_and_a_whole_of_nothing_has_none() {
    let shell = ShellFacts {
        memory_total_bytes: 1_000,
        memory_available_bytes: 250,
        disks: vec![
            DiskUse { mount: "/".into(), size_bytes: 100, free_bytes: 90 },
            DiskUse { mount: "/var".into(), size_bytes: 100, free_bytes: 20 },
        ],
        load: [0.5, 1.0, 2.0],
        ..ShellFacts::default()
    };
    let proxy = ProxyFacts { shared_memory_used_bytes: 5, dialogs: 7, ..ProxyFacts::default() };
    let machine = MachineSeen { shell: seen(shell, at(0)), proxy: seen(proxy, at(0)), ..MachineSeen::default() };
    let values = sample(&machine, None, at(0));
    assert_eq!(value(&values, Measure::MemoryPercent), Some(75.0));
    assert_eq!(value(&values, Measure::DiskPercent), Some(80.0), "the fullest one");
    assert_eq!(value(&values, Measure::Load), Some(0.5));
    assert_eq!(value(&values, Measure::Dialogs), Some(7.0));
    assert_eq!((value(&values, Measure::SharedMemoryPercent), value(&values, Measure::CpuPercent)), (None, None));
}

#[test]
fn lag_is_the_heartbeats_age_else_what_the_replica_says_and_none_on_a_primary() {
    let lag = |heartbeat_age_ms, replication| {
        let facts = DatabaseFacts { heartbeat_age_ms, replication, ..DatabaseFacts::default() };
        value(&sample(&MachineSeen { database: seen(facts, at(0)), ..MachineSeen::default() }, None, at(0)), Measure::LagMs)
    };
    let behind = |seconds_behind| Some(Replication { seconds_behind, ..Replication::default() });
    assert_eq!(lag(Some(120), behind(Some(2))), Some(120.0));
    assert_eq!(lag(None, behind(Some(2))), Some(2_000.0));
    assert_eq!(lag(None, behind(None)), None);
    assert_eq!(lag(Some(900), None), None);
}

#[test]
fn minutes_have_an_average_and_a_maximum_and_wait_until_written() {
    let mut log = MeasureLog::default();
    for (s, value) in [(0, 1.0), (10, 3.0), (60, 9.0)] {
        log.note("kamailio-01", &[(Measure::Dialogs, value)], at(s));
    }
    let rows = log.unwritten();
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!((rows[0].minute, rows[0].average, rows[0].maximum), (at(0), 2.0, 3.0));
    log.close_minutes(at(125));
    assert_eq!(log.unwritten().len(), 2, "a minute ends also when the machine says nothing more");
    log.written(&rows);
    assert_eq!(log.unwritten().iter().map(|row| row.minute).collect::<Vec<_>>(), [at(60)]);
    log.close_minutes(at(60 + 62 * 60));
    assert!(log.unwritten().is_empty(), "after an hour it is given up");
    assert!(log.points("kamailio-01", Measure::Dialogs, 60, at(0)).is_empty(), "and so is the hour in memory");
}

#[test]
fn points_are_by_bucket_and_an_hour_is_kept() {
    let mut log = MeasureLog::default();
    for s in 0..400 {
        log.note("a", &[(Measure::Load, f64::from(s))], at(i64::from(s) * 10));
    }
    assert_eq!(log.samples("a", Measure::Load).len(), 360);
    let points = log.points("a", Measure::Load, 600, at(0));
    assert!(points.windows(2).all(|pair| pair[0].at < pair[1].at && pair[0].maximum < pair[1].maximum), "{points:?}");
    assert_eq!(points.last().map(|point| point.maximum), Some(399.0));
    assert_eq!(log.points("a", Measure::Load, 600, at(3_990)).len(), 1);
    assert!(log.points("b", Measure::Load, 60, at(0)).is_empty() && log.points("a", Measure::Calls, 60, at(0)).is_empty());
}

#[test]
fn stored_points_come_first_and_memory_has_the_newest() {
    let point = |s: i64, average: f64| MeasurePoint { at: at(s), average, maximum: average };
    let points = joined(vec![point(0, 1.0), point(60, 2.0), point(120, 2.5)], vec![point(60, 7.0), point(120, 3.0)]);
    assert_eq!(points, [point(0, 1.0), point(60, 2.0), point(120, 3.0)]);
    assert_eq!(joined(vec![], vec![point(0, 1.0)]), [point(0, 1.0)]);
    assert_eq!(joined(vec![point(0, 1.0)], vec![]), [point(0, 1.0)]);
}

#[test]
fn names_and_ranges_are_read_back() {
    for measure in Measure::ALL {
        assert_eq!(Measure::parse(measure.name()), Some(measure));
        assert_eq!(serde_json::to_value(measure).expect("a name"), measure.name());
    }
    for range in Range::ALL {
        assert_eq!(Range::parse(range.name()), Some(range));
        assert_eq!(range.span().as_secs() % u64::from(range.bucket_s()), 0);
    }
    assert_eq!((Measure::parse("weather"), Range::parse("1y")), (None, None));
}
