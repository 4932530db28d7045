//! Reading the sums: charts and tables of call volume, from minutes where buckets are minutes, else from hours and
//! whole days.

use crate::{
    calls::{
        range::{Grain, Piece},
        tally::{TOTAL, Tally},
        volume::{Counts, Grouping, PddHistogram, Span, Volume, VolumePoint, VolumeQuestion, VolumeRow},
    },
    values::Moment,
};
use sqlx::MySqlConnection;
use std::collections::BTreeMap;
use time::PrimitiveDateTime;

/// What a page or command asks for, with the shadow of a week earlier. The points are of the one name that was asked for, or of all
/// calls together. `live` are the calls that are not over, as far as whoever asks knows them.
pub async fn get(conn: &mut MySqlConnection, question: &VolumeQuestion, live: &Tally, now: Moment) -> sqlx::Result<Volume> {
    let span = question.range.span(now);
    let before = span.week_before();
    let (grouping, name) = match &question.only {
        Some(name) => (question.grouping, name.as_str()),
        None => (Grouping::Total, TOTAL),
    };
    let mut here = list_points(&mut *conn, grouping, name, &span).await?;
    let earlier = list_points(&mut *conn, grouping, name, &before).await?;
    let (mut rows, mut rows_before) = list_both(&mut *conn, question.grouping, &span, &before).await?;
    for ((of, minute, about), counts) in live.minutes() {
        let Some(at) = span.index_of(*minute) else { continue };
        if (*of, about.as_str()) == (grouping, name)
            && let Some(bucket) = here.get_mut(at)
        {
            // In a longer bucket the minute of the most calls is not known any more.
            if span.is_by_minutes() { bucket.add(counts) } else { bucket.add_later(counts) }
        }
        if *of == question.grouping {
            rows.entry(about.clone()).or_default().add_later(counts);
        }
    }
    let whole = |counts: &[Counts], span: &Span| {
        let mut sum = Counts::default();
        counts.iter().for_each(|counts| sum.add_later(counts));
        sum.measures(span.seconds())
    };
    let point = |(at, counts, seconds): (Moment, &Counts, u64)| VolumePoint { at, measures: counts.measures(seconds) };
    let mut table: Vec<VolumeRow> = rows
        .into_iter()
        .map(|(name, counts)| {
            let week_before = rows_before.remove(&name).unwrap_or_default().measures(before.seconds());
            VolumeRow { name, measures: counts.measures(span.seconds()), week_before }
        })
        .collect();
    // Stable, by name among equals.
    table.sort_by_key(|row| std::cmp::Reverse(row.measures.attempts));
    Ok(Volume {
        grouping: question.grouping,
        only: question.only.clone(),
        points: span.buckets().zip(&here).map(|(at, counts)| point((at, counts, span.seconds_of(at)))).collect(),
        shadow: span.buckets().zip(&earlier).map(|(at, counts)| point((at, counts, span.bucket_s))).collect(),
        whole: whole(&here, &span),
        week_before: whole(&earlier, &before),
        rows: table,
        span,
        // What was read when is known to the panel that reads.
        behind: Vec::new(),
    })
}

/// The counts of one name, one for each bucket of the span.
pub async fn list_points(conn: &mut MySqlConnection, grouping: Grouping, name: &str, span: &Span) -> sqlx::Result<Vec<Counts>> {
    let (cut, from, to) = (grouping.number(), PrimitiveDateTime::from(span.from), PrimitiveDateTime::from(span.to));
    let rows = if span.by_hours() {
        sqlx::query_as!(
            Sums,
            r#"SELECT hour AS at, name,
                CAST(attempts AS UNSIGNED) AS "attempts!: u64", CAST(answered AS UNSIGNED) AS "answered!: u64", CAST(busy AS
                UNSIGNED) AS "busy!: u64", CAST(no_answer AS UNSIGNED) AS "no_answer!: u64", CAST(rejected AS UNSIGNED) AS
                "rejected!: u64", CAST(abandoned AS UNSIGNED) AS "abandoned!: u64", CAST(failed AS UNSIGNED) AS "failed!:
                u64", CAST(refused AS UNSIGNED) AS "refused!: u64", CAST(talk_us AS UNSIGNED) AS "talk_us!: u64",
                CAST(concurrent AS UNSIGNED) AS "concurrent!: u64", CAST(pdd_sum_ms AS UNSIGNED) AS "pdd_sum_ms!: u64",
                CAST(pdd_0 AS UNSIGNED) AS "pdd_0!: u64", CAST(pdd_1 AS UNSIGNED) AS "pdd_1!: u64", CAST(pdd_2 AS UNSIGNED) AS
                "pdd_2!: u64", CAST(pdd_3 AS UNSIGNED) AS "pdd_3!: u64", CAST(pdd_4 AS UNSIGNED) AS "pdd_4!: u64", CAST(pdd_5
                AS UNSIGNED) AS "pdd_5!: u64", CAST(pdd_6 AS UNSIGNED) AS "pdd_6!: u64", CAST(pdd_7 AS UNSIGNED) AS "pdd_7!:
                u64", CAST(pdd_8 AS UNSIGNED) AS "pdd_8!: u64", CAST(pdd_9 AS UNSIGNED) AS "pdd_9!: u64", CAST(pdd_10 AS
                UNSIGNED) AS "pdd_10!: u64", CAST(pdd_11 AS UNSIGNED) AS "pdd_11!: u64", CAST(pdd_12 AS UNSIGNED) AS "pdd_12!:
                u64", CAST(pdd_13 AS UNSIGNED) AS "pdd_13!: u64", CAST(pdd_14 AS UNSIGNED) AS "pdd_14!: u64", CAST(pdd_15 AS
                UNSIGNED) AS "pdd_15!: u64"
               FROM volume_hours WHERE cut = ? AND hour >= ? AND hour < ? AND name = ? ORDER BY hour"#,
            cut,
            from,
            to,
            name
        )
        .fetch_all(conn)
        .await?
    } else {
        sqlx::query_as!(
            Sums,
            r#"SELECT minute AS at, name,
                CAST(attempts AS UNSIGNED) AS "attempts!: u64", CAST(answered AS UNSIGNED) AS "answered!: u64", CAST(busy AS
                UNSIGNED) AS "busy!: u64", CAST(no_answer AS UNSIGNED) AS "no_answer!: u64", CAST(rejected AS UNSIGNED) AS
                "rejected!: u64", CAST(abandoned AS UNSIGNED) AS "abandoned!: u64", CAST(failed AS UNSIGNED) AS "failed!:
                u64", CAST(refused AS UNSIGNED) AS "refused!: u64", CAST(talk_us AS UNSIGNED) AS "talk_us!: u64",
                CAST(concurrent AS UNSIGNED) AS "concurrent!: u64", CAST(pdd_sum_ms AS UNSIGNED) AS "pdd_sum_ms!: u64",
                CAST(pdd_0 AS UNSIGNED) AS "pdd_0!: u64", CAST(pdd_1 AS UNSIGNED) AS "pdd_1!: u64", CAST(pdd_2 AS UNSIGNED) AS
                "pdd_2!: u64", CAST(pdd_3 AS UNSIGNED) AS "pdd_3!: u64", CAST(pdd_4 AS UNSIGNED) AS "pdd_4!: u64", CAST(pdd_5
                AS UNSIGNED) AS "pdd_5!: u64", CAST(pdd_6 AS UNSIGNED) AS "pdd_6!: u64", CAST(pdd_7 AS UNSIGNED) AS "pdd_7!:
                u64", CAST(pdd_8 AS UNSIGNED) AS "pdd_8!: u64", CAST(pdd_9 AS UNSIGNED) AS "pdd_9!: u64", CAST(pdd_10 AS
                UNSIGNED) AS "pdd_10!: u64", CAST(pdd_11 AS UNSIGNED) AS "pdd_11!: u64", CAST(pdd_12 AS UNSIGNED) AS "pdd_12!:
                u64", CAST(pdd_13 AS UNSIGNED) AS "pdd_13!: u64", CAST(pdd_14 AS UNSIGNED) AS "pdd_14!: u64", CAST(pdd_15 AS
                UNSIGNED) AS "pdd_15!: u64"
               FROM volume_minutes WHERE cut = ? AND minute >= ? AND minute < ? AND name = ? ORDER BY minute"#,
            cut,
            from,
            to,
            name
        )
        .fetch_all(conn)
        .await?
    };
    let mut buckets = vec![Counts::default(); span.buckets().count()];
    for row in rows {
        if let Some(bucket) = span.index_of(row.at.into()).and_then(|at| buckets.get_mut(at)) {
            bucket.add_later(&row.counts());
        }
    }
    Ok(buckets)
}

/// The counts of every name over the whole span.
pub async fn list_rows(conn: &mut MySqlConnection, grouping: Grouping, span: &Span) -> sqlx::Result<ByName> {
    let nothing = Span { to: span.from, ..*span };
    Ok(list_both(conn, grouping, span, &nothing).await?.0)
}

pub type ByName = BTreeMap<String, Counts>;

/// The counts of every name over the span and over an earlier one.
async fn list_both(conn: &mut MySqlConnection, grouping: Grouping, span: &Span, earlier: &Span) -> sqlx::Result<(ByName, ByName)> {
    let (mut now, mut before) = (ByName::new(), ByName::new());
    for piece in span.pieces(earlier) {
        for row in list_piece(&mut *conn, grouping, &piece).await? {
            for (_, names) in [(piece.in_span, &mut now), (piece.in_earlier, &mut before)].into_iter().filter(|(is, _)| *is) {
                names.entry(row.name.clone()).or_default().add_later(&row.counts());
            }
        }
    }
    Ok((now, before))
}

/// Sums are made of doubles, which are exact here and twice as fast as decimals.
async fn list_piece(conn: &mut MySqlConnection, grouping: Grouping, piece: &Piece) -> sqlx::Result<Vec<Sums>> {
    let (cut, from, to) = (grouping.number(), PrimitiveDateTime::from(piece.from), PrimitiveDateTime::from(piece.to));
    match piece.grain {
        Grain::Minute => {
            sqlx::query_as!(
                Sums,
                r#"SELECT MIN(minute) AS "at!: PrimitiveDateTime", name,
                CAST(SUM(attempts + 0e0) AS UNSIGNED) AS "attempts!: u64", CAST(SUM(answered + 0e0) AS UNSIGNED) AS "answered!:
                u64", CAST(SUM(busy + 0e0) AS UNSIGNED) AS "busy!: u64", CAST(SUM(no_answer + 0e0) AS UNSIGNED) AS "no_answer!:
                u64", CAST(SUM(rejected + 0e0) AS UNSIGNED) AS "rejected!: u64", CAST(SUM(abandoned + 0e0) AS UNSIGNED) AS
                "abandoned!: u64", CAST(SUM(failed + 0e0) AS UNSIGNED) AS "failed!: u64", CAST(SUM(refused + 0e0) AS UNSIGNED)
                AS "refused!: u64", CAST(SUM(talk_us + 0e0) AS UNSIGNED) AS "talk_us!: u64", CAST(MAX(concurrent) AS UNSIGNED)
                AS "concurrent!: u64", CAST(SUM(pdd_sum_ms + 0e0) AS UNSIGNED) AS "pdd_sum_ms!: u64", CAST(SUM(pdd_0 + 0e0) AS
                UNSIGNED) AS "pdd_0!: u64", CAST(SUM(pdd_1 + 0e0) AS UNSIGNED) AS "pdd_1!: u64", CAST(SUM(pdd_2 + 0e0) AS
                UNSIGNED) AS "pdd_2!: u64", CAST(SUM(pdd_3 + 0e0) AS UNSIGNED) AS "pdd_3!: u64", CAST(SUM(pdd_4 + 0e0) AS
                UNSIGNED) AS "pdd_4!: u64", CAST(SUM(pdd_5 + 0e0) AS UNSIGNED) AS "pdd_5!: u64", CAST(SUM(pdd_6 + 0e0) AS
                UNSIGNED) AS "pdd_6!: u64", CAST(SUM(pdd_7 + 0e0) AS UNSIGNED) AS "pdd_7!: u64", CAST(SUM(pdd_8 + 0e0) AS
                UNSIGNED) AS "pdd_8!: u64", CAST(SUM(pdd_9 + 0e0) AS UNSIGNED) AS "pdd_9!: u64", CAST(SUM(pdd_10 + 0e0) AS
                UNSIGNED) AS "pdd_10!: u64", CAST(SUM(pdd_11 + 0e0) AS UNSIGNED) AS "pdd_11!: u64", CAST(SUM(pdd_12 + 0e0) AS
                UNSIGNED) AS "pdd_12!: u64", CAST(SUM(pdd_13 + 0e0) AS UNSIGNED) AS "pdd_13!: u64", CAST(SUM(pdd_14 + 0e0) AS
                UNSIGNED) AS "pdd_14!: u64", CAST(SUM(pdd_15 + 0e0) AS UNSIGNED) AS "pdd_15!: u64"
               FROM volume_minutes WHERE cut = ? AND minute >= ? AND minute < ? GROUP BY name"#,
                cut,
                from,
                to
            )
            .fetch_all(conn)
            .await
        }
        Grain::Hour => {
            sqlx::query_as!(
                Sums,
                r#"SELECT MIN(hour) AS "at!: PrimitiveDateTime", name,
                CAST(SUM(attempts + 0e0) AS UNSIGNED) AS "attempts!: u64", CAST(SUM(answered + 0e0) AS UNSIGNED) AS "answered!:
                u64", CAST(SUM(busy + 0e0) AS UNSIGNED) AS "busy!: u64", CAST(SUM(no_answer + 0e0) AS UNSIGNED) AS "no_answer!:
                u64", CAST(SUM(rejected + 0e0) AS UNSIGNED) AS "rejected!: u64", CAST(SUM(abandoned + 0e0) AS UNSIGNED) AS
                "abandoned!: u64", CAST(SUM(failed + 0e0) AS UNSIGNED) AS "failed!: u64", CAST(SUM(refused + 0e0) AS UNSIGNED)
                AS "refused!: u64", CAST(SUM(talk_us + 0e0) AS UNSIGNED) AS "talk_us!: u64", CAST(MAX(concurrent) AS UNSIGNED)
                AS "concurrent!: u64", CAST(SUM(pdd_sum_ms + 0e0) AS UNSIGNED) AS "pdd_sum_ms!: u64", CAST(SUM(pdd_0 + 0e0) AS
                UNSIGNED) AS "pdd_0!: u64", CAST(SUM(pdd_1 + 0e0) AS UNSIGNED) AS "pdd_1!: u64", CAST(SUM(pdd_2 + 0e0) AS
                UNSIGNED) AS "pdd_2!: u64", CAST(SUM(pdd_3 + 0e0) AS UNSIGNED) AS "pdd_3!: u64", CAST(SUM(pdd_4 + 0e0) AS
                UNSIGNED) AS "pdd_4!: u64", CAST(SUM(pdd_5 + 0e0) AS UNSIGNED) AS "pdd_5!: u64", CAST(SUM(pdd_6 + 0e0) AS
                UNSIGNED) AS "pdd_6!: u64", CAST(SUM(pdd_7 + 0e0) AS UNSIGNED) AS "pdd_7!: u64", CAST(SUM(pdd_8 + 0e0) AS
                UNSIGNED) AS "pdd_8!: u64", CAST(SUM(pdd_9 + 0e0) AS UNSIGNED) AS "pdd_9!: u64", CAST(SUM(pdd_10 + 0e0) AS
                UNSIGNED) AS "pdd_10!: u64", CAST(SUM(pdd_11 + 0e0) AS UNSIGNED) AS "pdd_11!: u64", CAST(SUM(pdd_12 + 0e0) AS
                UNSIGNED) AS "pdd_12!: u64", CAST(SUM(pdd_13 + 0e0) AS UNSIGNED) AS "pdd_13!: u64", CAST(SUM(pdd_14 + 0e0) AS
                UNSIGNED) AS "pdd_14!: u64", CAST(SUM(pdd_15 + 0e0) AS UNSIGNED) AS "pdd_15!: u64"
               FROM volume_hours WHERE cut = ? AND hour >= ? AND hour < ? GROUP BY name"#,
                cut,
                from,
                to
            )
            .fetch_all(conn)
            .await
        }
        Grain::Day => {
            sqlx::query_as!(
                Sums,
                r#"SELECT CAST(MIN(day) AS DATETIME) AS "at!: PrimitiveDateTime", name,
                CAST(SUM(attempts + 0e0) AS UNSIGNED) AS "attempts!: u64", CAST(SUM(answered + 0e0) AS UNSIGNED) AS "answered!:
                u64", CAST(SUM(busy + 0e0) AS UNSIGNED) AS "busy!: u64", CAST(SUM(no_answer + 0e0) AS UNSIGNED) AS "no_answer!:
                u64", CAST(SUM(rejected + 0e0) AS UNSIGNED) AS "rejected!: u64", CAST(SUM(abandoned + 0e0) AS UNSIGNED) AS
                "abandoned!: u64", CAST(SUM(failed + 0e0) AS UNSIGNED) AS "failed!: u64", CAST(SUM(refused + 0e0) AS UNSIGNED)
                AS "refused!: u64", CAST(SUM(talk_us + 0e0) AS UNSIGNED) AS "talk_us!: u64", CAST(MAX(concurrent) AS UNSIGNED)
                AS "concurrent!: u64", CAST(SUM(pdd_sum_ms + 0e0) AS UNSIGNED) AS "pdd_sum_ms!: u64", CAST(SUM(pdd_0 + 0e0) AS
                UNSIGNED) AS "pdd_0!: u64", CAST(SUM(pdd_1 + 0e0) AS UNSIGNED) AS "pdd_1!: u64", CAST(SUM(pdd_2 + 0e0) AS
                UNSIGNED) AS "pdd_2!: u64", CAST(SUM(pdd_3 + 0e0) AS UNSIGNED) AS "pdd_3!: u64", CAST(SUM(pdd_4 + 0e0) AS
                UNSIGNED) AS "pdd_4!: u64", CAST(SUM(pdd_5 + 0e0) AS UNSIGNED) AS "pdd_5!: u64", CAST(SUM(pdd_6 + 0e0) AS
                UNSIGNED) AS "pdd_6!: u64", CAST(SUM(pdd_7 + 0e0) AS UNSIGNED) AS "pdd_7!: u64", CAST(SUM(pdd_8 + 0e0) AS
                UNSIGNED) AS "pdd_8!: u64", CAST(SUM(pdd_9 + 0e0) AS UNSIGNED) AS "pdd_9!: u64", CAST(SUM(pdd_10 + 0e0) AS
                UNSIGNED) AS "pdd_10!: u64", CAST(SUM(pdd_11 + 0e0) AS UNSIGNED) AS "pdd_11!: u64", CAST(SUM(pdd_12 + 0e0) AS
                UNSIGNED) AS "pdd_12!: u64", CAST(SUM(pdd_13 + 0e0) AS UNSIGNED) AS "pdd_13!: u64", CAST(SUM(pdd_14 + 0e0) AS
                UNSIGNED) AS "pdd_14!: u64", CAST(SUM(pdd_15 + 0e0) AS UNSIGNED) AS "pdd_15!: u64"
               FROM volume_days WHERE cut = ? AND day >= ? AND day < ? GROUP BY name"#,
                cut,
                from.date(),
                to.date()
            )
            .fetch_all(conn)
            .await
        }
    }
}

struct Sums {
    at: PrimitiveDateTime,
    name: String,
    attempts: u64,
    answered: u64,
    busy: u64,
    no_answer: u64,
    rejected: u64,
    abandoned: u64,
    failed: u64,
    refused: u64,
    talk_us: u64,
    concurrent: u64,
    pdd_sum_ms: u64,
    pdd_0: u64,
    pdd_1: u64,
    pdd_2: u64,
    pdd_3: u64,
    pdd_4: u64,
    pdd_5: u64,
    pdd_6: u64,
    pdd_7: u64,
    pdd_8: u64,
    pdd_9: u64,
    pdd_10: u64,
    pdd_11: u64,
    pdd_12: u64,
    pdd_13: u64,
    pdd_14: u64,
    pdd_15: u64,
}

impl Sums {
    const fn counts(&self) -> Counts {
        let buckets = [
            self.pdd_0,
            self.pdd_1,
            self.pdd_2,
            self.pdd_3,
            self.pdd_4,
            self.pdd_5,
            self.pdd_6,
            self.pdd_7,
            self.pdd_8,
            self.pdd_9,
            self.pdd_10,
            self.pdd_11,
            self.pdd_12,
            self.pdd_13,
            self.pdd_14,
            self.pdd_15,
        ];
        Counts {
            attempts: self.attempts,
            answered: self.answered,
            busy: self.busy,
            no_answer: self.no_answer,
            rejected: self.rejected,
            abandoned: self.abandoned,
            failed: self.failed,
            refused: self.refused,
            talk_us: self.talk_us,
            open: 0,
            concurrent: self.concurrent,
            pdd: PddHistogram { buckets, sum_ms: self.pdd_sum_ms },
        }
    }
}
