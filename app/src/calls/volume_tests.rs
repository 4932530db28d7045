//! What the measures and ranges of call volume must be.

use super::*;

fn counts(answered: u64, busy: u64, failed: u64) -> Counts {
    let mut counts = Counts::default();
    (0..answered).for_each(|_| counts.note(Outcome::Answered));
    (0..busy).for_each(|_| counts.note(Outcome::Busy));
    (0..failed).for_each(|_| counts.note(Outcome::Failed));
    counts
}

#[test]
fn nothing_divided_by_nothing_is_no_measure() {
    let nothing = Counts::default().measures(60);
    assert_eq!((nothing.asr_percent, nothing.ner_percent, nothing.acd_s), (None, None, None));
    assert_eq!((nothing.pdd_ms, nothing.pdd_p95_ms), (None, None));
    assert_eq!(nothing.cps, Some(0.0), "no call in a minute is zero calls a second");
    assert_eq!(counts(1, 0, 0).measures(0).cps, None);
    let failed = counts(0, 0, 4).measures(60);
    assert_eq!((failed.asr_percent, failed.acd_s), (Some(0.0), None));
}

#[test]
fn the_measures_are_the_fields_formulas() {
    let mut some = counts(6, 2, 2);
    some.talk_us = 600_000_000;
    let measures = some.measures(5);
    assert_eq!(measures.asr_percent, Some(60.0));
    assert_eq!(measures.ner_percent, Some(80.0));
    assert_eq!(measures.acd_s, Some(100.0));
    assert_eq!(measures.cps, Some(2.0));
}

#[test]
fn histograms_add_up_to_the_histogram_of_all() {
    let (mut one, mut other, mut all) = (PddHistogram::default(), PddHistogram::default(), PddHistogram::default());
    for ms in [10u64, 60, 450, 450, 900, 2_500, 30_000] {
        let pdd = Duration::from_millis(ms);
        if ms < 500 {
            one.note(pdd);
        } else {
            other.note(pdd);
        }
        all.note(pdd);
    }
    one.add(&other);
    assert_eq!(one, all);
    assert_eq!(all.count(), 7);
    assert_eq!(all.quantile_ms(1.0), Some(20_000.0), "more than the last bound is told as the bound");
    assert_eq!(all.average_ms(), Some((10 + 60 + 450 + 450 + 900 + 2_500 + 30_000) as f64 / 7.0));
}

#[test]
fn the_ninety_fifth_percentile_lies_in_the_bucket_of_the_ninety_fifth_call() {
    let mut histogram = PddHistogram::default();
    (0..94).for_each(|_| histogram.note(Duration::from_millis(80)));
    (0..6).for_each(|_| histogram.note(Duration::from_millis(1_800)));
    let p95 = histogram.quantile_ms(0.95).expect("there are calls");
    assert!((1_500.0..=2_000.0).contains(&p95), "{p95}");
    assert!(histogram.quantile_ms(0.5).is_some_and(|ms| (50.0..=100.0).contains(&ms)));
}

#[test]
fn calls_at_once_add_up_within_a_minute_and_peak_over_minutes() {
    let with = |concurrent| Counts { concurrent, ..Counts::default() };
    let mut minute = with(3);
    minute.add(&with(4));
    assert_eq!(minute.concurrent, 7);
    minute.add_later(&with(5));
    assert_eq!(minute.concurrent, 7);
}

#[test]
fn a_range_is_whole_buckets_and_its_last_one_is_still_filling() {
    let now = Moment::parse("2026-11-22T03:12:30").expect("a date");
    let span = Range::Hour.span(now);
    assert_eq!((span.from.hour_and_minute(), span.to.hour_and_minute()), ("02:13".into(), "03:13".into()));
    assert_eq!(span.buckets().count(), 60);
    let last = span.buckets().last().expect("sixty");
    assert_eq!((span.seconds_of(last), span.seconds_of(span.from)), (30, 60));
    assert_eq!(span.index_of(last), Some(59));
    assert_eq!((span.index_of(span.to), span.index_of(span.from.minus(Duration::from_micros(1)))), (None, None));
    for (range, count, by_hours) in
        [(Range::Live, 15, false), (Range::Day, 144, false), (Range::Week, 168, true), (Range::Month, 180, true)]
    {
        let span = range.span(now);
        assert_eq!((span.buckets().count(), span.by_hours()), (count, by_hours), "{range:?}");
    }
}

#[test]
fn the_shadow_is_the_same_time_a_week_earlier_and_whole() {
    let span = Range::Day.span(Moment::parse("2026-11-22T03:12:30").expect("a date"));
    let shadow = span.week_before();
    assert_eq!(span.from.since(shadow.from), Duration::from_secs(7 * 24 * 3_600));
    assert_eq!(shadow.buckets().count(), span.buckets().count());
    let last = shadow.buckets().last().expect("many");
    assert_eq!(shadow.seconds_of(last), span.bucket_s);
}

#[test]
fn every_name_in_an_address_is_read_again() {
    for grouping in Grouping::ALL {
        assert_eq!(Grouping::parse(grouping.name()), Some(grouping));
        assert_eq!(Grouping::by_number(grouping.number()), Some(grouping));
    }
    for measure in Measure::ALL {
        assert_eq!(Measure::parse(measure.name()), Some(measure));
        assert!(!measure.formula().is_empty());
    }
}
