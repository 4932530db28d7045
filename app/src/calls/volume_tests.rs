//! What the measures and ranges of call volume must be.

use super::*;
use crate::calls::range::Piece;

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

#[test]
fn two_spans_are_read_once_each_and_whole_days_by_day() {
    let at = |text: &str| Moment::parse(text).expect("a date");
    let told = |span: &Span, earlier: &Span| {
        let line = |piece: &Piece| {
            let whose = match (piece.in_span, piece.in_earlier) {
                (true, true) => "both",
                (true, false) => "span",
                (false, true) => "earlier",
                (false, false) => "nobody",
            };
            let text = |at: Moment| at.rfc3339()[5..13].to_string();
            format!("{:?} {} {} {whose}", piece.grain, text(piece.from), text(piece.to))
        };
        span.pieces(earlier).iter().map(line).collect::<Vec<_>>()
    };
    let span = |from, to, bucket_s| Span { from: at(from), to: at(to), bucket_s, now: at(to) };
    // Thirty days and the same a week before overlap.
    let month = span("2026-10-24T08:00", "2026-11-23T08:00", 4 * 3_600);
    assert_eq!(
        told(&month, &month.week_before()),
        [
            "Hour 10-17T08 10-18T00 earlier",
            "Day 10-18T00 10-24T00 earlier",
            "Hour 10-24T00 10-24T08 earlier",
            "Hour 10-24T08 10-25T00 both",
            "Day 10-25T00 11-16T00 both",
            "Hour 11-16T00 11-16T08 both",
            "Hour 11-16T08 11-17T00 span",
            "Day 11-17T00 11-23T00 span",
            "Hour 11-23T00 11-23T08 span",
        ]
    );
    let nights = span("2026-11-21T00:00", "2026-11-23T00:00", 3_600);
    let nothing = Span { to: nights.from, ..nights };
    assert_eq!(told(&nights, &nothing), ["Day 11-21T00 11-23T00 span"]);
    let morning = span("2026-11-21T01:00", "2026-11-21T23:00", 3_600);
    assert_eq!(told(&morning, &nothing), ["Hour 11-21T01 11-21T23 span"]);
    let hour = span("2026-11-21T01:00", "2026-11-21T02:00", 60);
    assert_eq!(told(&hour, &hour.week_before()), ["Minute 11-14T01 11-14T02 earlier", "Minute 11-21T01 11-21T02 span"]);
}
