//! Taking records in, exactly once. Everything here runs in one transaction with the source's position: killed before its commit
//! nothing has happened, after it everything has.
//!
//! A batch travels as one JSON parameter that the database opens as a table: one statement, checked when this is compiled, however
//! many rows there are. `INSERT IGNORE … RETURNING` gives back only those that were not there yet, and only they are added up.

use crate::{
    calls::{
        cdr::{Attempt, Cdr, CdrKey},
        tally::{Row, Tally},
        volume::Counts,
    },
    values::Moment,
};
use serde_json::{Value, json};
use sqlx::{MySqlConnection, Row as _, mysql::MySqlRow};
use std::collections::{BTreeMap, HashSet};
use time::PrimitiveDateTime;

/// How far a source has been read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// The highest id that was taken in.
    pub position: u64,
    /// Nothing new can appear at or below this id any more.
    pub settled: u64,
}

/// Another panel that has read a source within this time goes on reading it; ours stands by.
const READER_AWAY_S: i64 = 10;

/// The source's position, locked until the transaction ends; `None` while another panel reads it. Nothing goes wrong when two do:
/// the lock puts them in a row and the keys tell what is new. It would only be work done twice.
pub async fn lock_position(conn: &mut MySqlConnection, source: &str, reader: &str) -> sqlx::Result<Option<Position>> {
    sqlx::query!("INSERT IGNORE INTO cdr_sources (source, reader, read_at) VALUES (?, ?, UTC_TIMESTAMP(6))", source, reader)
        .execute(&mut *conn)
        .await?;
    let row = sqlx::query!(
        r#"SELECT position, settled, reader, TIMESTAMPDIFF(SECOND, read_at, UTC_TIMESTAMP(6)) AS "age_s!: i64"
           FROM cdr_sources WHERE source = ? FOR UPDATE"#,
        source
    )
    .fetch_one(conn)
    .await?;
    let mine = row.reader == reader || row.age_s >= READER_AWAY_S;
    Ok(mine.then_some(Position { position: row.position, settled: row.settled }))
}

pub async fn update_position(conn: &mut MySqlConnection, source: &str, reader: &str, new: Position) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE cdr_sources SET position = ?, settled = ?, reader = ?, read_at = UTC_TIMESTAMP(6) WHERE source = ?",
        new.position,
        new.settled,
        reader,
        source
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes calls in and adds the new ones up; gives how many were new.
pub async fn insert_calls(conn: &mut MySqlConnection, cdrs: &[Cdr]) -> sqlx::Result<usize> {
    let rows = Value::Array(cdrs.iter().map(call_row).collect()).to_string();
    let inserted = sqlx::query!(
        "INSERT IGNORE INTO cdrs
           (started_at, id, reference, uniqueid, sip_call_id, carrier_call_id, caller, called, destination, customer, carrier,
           prefix, rate_micros, pbx, proxy, ringing_at, answered_at, ended_at, billsec, disposition, outcome, hangup_cause,
           sip_status, refusal, customer_codec, carrier_codec)
         SELECT * FROM JSON_TABLE(?, '$[*]' COLUMNS (
           started_at DATETIME(6) PATH '$[0]', id BIGINT UNSIGNED PATH '$[1]', reference VARCHAR(128) PATH '$[2]', uniqueid
           VARCHAR(150) PATH '$[3]', sip_call_id VARCHAR(255) PATH '$[4]', carrier_call_id VARCHAR(255) PATH '$[5]', caller
           VARCHAR(18) PATH '$[6]', called VARCHAR(18) PATH '$[7]', destination VARCHAR(63) PATH '$[8]', customer VARCHAR(63)
           PATH '$[9]', carrier VARCHAR(63) PATH '$[10]', prefix VARCHAR(18) PATH '$[11]', rate_micros BIGINT UNSIGNED PATH
           '$[12]', pbx VARCHAR(63) PATH '$[13]', proxy VARCHAR(63) PATH '$[14]', ringing_at DATETIME(6) PATH '$[15]',
           answered_at DATETIME(6) PATH '$[16]', ended_at DATETIME(6) PATH '$[17]', billsec INT UNSIGNED PATH '$[18]',
           disposition VARCHAR(16) PATH '$[19]', outcome VARCHAR(9) PATH '$[20]', hangup_cause SMALLINT UNSIGNED PATH '$[21]',
           sip_status SMALLINT UNSIGNED PATH '$[22]', refusal VARCHAR(32) PATH '$[23]', customer_codec VARCHAR(32) PATH
           '$[24]', carrier_codec VARCHAR(32) PATH '$[25]')) AS new
         RETURNING started_at, id",
        rows
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut new = read_keys(&inserted)?;
    let (count, mut tally) = (new.len(), Tally::default());
    // A batch may hold the same call twice; it was inserted once.
    cdrs.iter().filter(|cdr| new.remove(&cdr.key)).for_each(|cdr| tally.note_call(cdr));
    add_up(conn, &tally).await?;
    Ok(count)
}

/// Takes tries at carriers in and adds the new ones up; gives how many were new. Each comes with its number.
pub async fn insert_attempts(conn: &mut MySqlConnection, attempts: &[(u64, Attempt)]) -> sqlx::Result<usize> {
    let rows = Value::Array(attempts.iter().map(|(id, attempt)| attempt_row(*id, attempt)).collect()).to_string();
    let inserted = sqlx::query!(
        "INSERT IGNORE INTO attempts
           (started_at, id, reference, proxy, carrier, prefix, rate_micros, called, sip_status, took_ms, ringing_ms)
         SELECT * FROM JSON_TABLE(?, '$[*]' COLUMNS (
           started_at DATETIME(6) PATH '$[0]', id BIGINT UNSIGNED PATH '$[1]', reference VARCHAR(128) PATH '$[2]', proxy
           VARCHAR(63) PATH '$[3]', carrier VARCHAR(63) PATH '$[4]', prefix VARCHAR(18) PATH '$[5]', rate_micros BIGINT
           UNSIGNED PATH '$[6]', called VARCHAR(18) PATH '$[7]', sip_status SMALLINT UNSIGNED PATH '$[8]', took_ms INT
           UNSIGNED PATH '$[9]', ringing_ms INT UNSIGNED PATH '$[10]')) AS new
         RETURNING started_at, id",
        rows
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut new = read_keys(&inserted)?;
    let (count, mut tally) = (new.len(), Tally::default());
    for (id, attempt) in attempts {
        if new.remove(&CdrKey { started_at: attempt.started_at, id: *id }) {
            tally.note_attempt(attempt);
        }
    }
    add_up(conn, &tally).await?;
    Ok(count)
}

async fn add_up(conn: &mut MySqlConnection, tally: &Tally) -> sqlx::Result<()> {
    if tally.minutes().is_empty() {
        return Ok(());
    }
    add_to_minutes(&mut *conn, &sums(tally.minutes())).await?;
    add_to_hours(&mut *conn, &sums(&tally.hours())).await?;
    add_to_days(&mut *conn, &sums(&tally.days())).await?;
    let touched = touched(tally);
    raise_peaks(&mut *conn, &touched).await?;
    raise_peaks_of_days(conn, &touched).await
}

/// Adds to each minute, or begins it.
async fn add_to_minutes(conn: &mut MySqlConnection, rows: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO volume_minutes
           (cut, minute, name, attempts, answered, busy, no_answer, rejected, abandoned, failed, refused, talk_us, concurrent, pdd_sum_ms, pdd_0, pdd_1, pdd_2, pdd_3, pdd_4, pdd_5, pdd_6, pdd_7, pdd_8, pdd_9, pdd_10, pdd_11, pdd_12, pdd_13, pdd_14, pdd_15)
         SELECT * FROM JSON_TABLE(?, '$[*]' COLUMNS (
           cut TINYINT UNSIGNED PATH '$[0]', minute DATETIME PATH '$[1]', name VARCHAR(63) PATH '$[2]', attempts INT UNSIGNED
           PATH '$[3]', answered INT UNSIGNED PATH '$[4]', busy INT UNSIGNED PATH '$[5]', no_answer INT UNSIGNED PATH '$[6]',
           rejected INT UNSIGNED PATH '$[7]', abandoned INT UNSIGNED PATH '$[8]', failed INT UNSIGNED PATH '$[9]', refused INT
           UNSIGNED PATH '$[10]', talk_us BIGINT UNSIGNED PATH '$[11]', concurrent INT UNSIGNED PATH '$[12]', pdd_sum_ms
           BIGINT UNSIGNED PATH '$[13]', pdd_0 INT UNSIGNED PATH '$[14]', pdd_1 INT UNSIGNED PATH '$[15]', pdd_2 INT UNSIGNED
           PATH '$[16]', pdd_3 INT UNSIGNED PATH '$[17]', pdd_4 INT UNSIGNED PATH '$[18]', pdd_5 INT UNSIGNED PATH '$[19]',
           pdd_6 INT UNSIGNED PATH '$[20]', pdd_7 INT UNSIGNED PATH '$[21]', pdd_8 INT UNSIGNED PATH '$[22]', pdd_9 INT
           UNSIGNED PATH '$[23]', pdd_10 INT UNSIGNED PATH '$[24]', pdd_11 INT UNSIGNED PATH '$[25]', pdd_12 INT UNSIGNED PATH
           '$[26]', pdd_13 INT UNSIGNED PATH '$[27]', pdd_14 INT UNSIGNED PATH '$[28]', pdd_15 INT UNSIGNED PATH '$[29]')) AS new
         ON DUPLICATE KEY UPDATE
           attempts = volume_minutes.attempts + VALUES(attempts), answered = volume_minutes.answered + VALUES(answered), busy
           = volume_minutes.busy + VALUES(busy), no_answer = volume_minutes.no_answer + VALUES(no_answer), rejected =
           volume_minutes.rejected + VALUES(rejected), abandoned = volume_minutes.abandoned + VALUES(abandoned), failed =
           volume_minutes.failed + VALUES(failed), refused = volume_minutes.refused + VALUES(refused), talk_us =
           volume_minutes.talk_us + VALUES(talk_us), concurrent = volume_minutes.concurrent + VALUES(concurrent), pdd_sum_ms =
           volume_minutes.pdd_sum_ms + VALUES(pdd_sum_ms), pdd_0 = volume_minutes.pdd_0 + VALUES(pdd_0), pdd_1 =
           volume_minutes.pdd_1 + VALUES(pdd_1), pdd_2 = volume_minutes.pdd_2 + VALUES(pdd_2), pdd_3 = volume_minutes.pdd_3 +
           VALUES(pdd_3), pdd_4 = volume_minutes.pdd_4 + VALUES(pdd_4), pdd_5 = volume_minutes.pdd_5 + VALUES(pdd_5), pdd_6 =
           volume_minutes.pdd_6 + VALUES(pdd_6), pdd_7 = volume_minutes.pdd_7 + VALUES(pdd_7), pdd_8 = volume_minutes.pdd_8 +
           VALUES(pdd_8), pdd_9 = volume_minutes.pdd_9 + VALUES(pdd_9), pdd_10 = volume_minutes.pdd_10 + VALUES(pdd_10),
           pdd_11 = volume_minutes.pdd_11 + VALUES(pdd_11), pdd_12 = volume_minutes.pdd_12 + VALUES(pdd_12), pdd_13 =
           volume_minutes.pdd_13 + VALUES(pdd_13), pdd_14 = volume_minutes.pdd_14 + VALUES(pdd_14), pdd_15 =
           volume_minutes.pdd_15 + VALUES(pdd_15)",
        rows
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Adds to each hour, or begins it; calls at once are told by [`raise_peaks`].
async fn add_to_hours(conn: &mut MySqlConnection, rows: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO volume_hours
           (cut, hour, name, attempts, answered, busy, no_answer, rejected, abandoned, failed, refused, talk_us, concurrent, pdd_sum_ms, pdd_0, pdd_1, pdd_2, pdd_3, pdd_4, pdd_5, pdd_6, pdd_7, pdd_8, pdd_9, pdd_10, pdd_11, pdd_12, pdd_13, pdd_14, pdd_15)
         SELECT * FROM JSON_TABLE(?, '$[*]' COLUMNS (
           cut TINYINT UNSIGNED PATH '$[0]', hour DATETIME PATH '$[1]', name VARCHAR(63) PATH '$[2]', attempts INT UNSIGNED
           PATH '$[3]', answered INT UNSIGNED PATH '$[4]', busy INT UNSIGNED PATH '$[5]', no_answer INT UNSIGNED PATH '$[6]',
           rejected INT UNSIGNED PATH '$[7]', abandoned INT UNSIGNED PATH '$[8]', failed INT UNSIGNED PATH '$[9]', refused INT
           UNSIGNED PATH '$[10]', talk_us BIGINT UNSIGNED PATH '$[11]', concurrent INT UNSIGNED PATH '$[12]', pdd_sum_ms
           BIGINT UNSIGNED PATH '$[13]', pdd_0 INT UNSIGNED PATH '$[14]', pdd_1 INT UNSIGNED PATH '$[15]', pdd_2 INT UNSIGNED
           PATH '$[16]', pdd_3 INT UNSIGNED PATH '$[17]', pdd_4 INT UNSIGNED PATH '$[18]', pdd_5 INT UNSIGNED PATH '$[19]',
           pdd_6 INT UNSIGNED PATH '$[20]', pdd_7 INT UNSIGNED PATH '$[21]', pdd_8 INT UNSIGNED PATH '$[22]', pdd_9 INT
           UNSIGNED PATH '$[23]', pdd_10 INT UNSIGNED PATH '$[24]', pdd_11 INT UNSIGNED PATH '$[25]', pdd_12 INT UNSIGNED PATH
           '$[26]', pdd_13 INT UNSIGNED PATH '$[27]', pdd_14 INT UNSIGNED PATH '$[28]', pdd_15 INT UNSIGNED PATH '$[29]')) AS new
         ON DUPLICATE KEY UPDATE
           attempts = volume_hours.attempts + VALUES(attempts), answered = volume_hours.answered + VALUES(answered), busy =
           volume_hours.busy + VALUES(busy), no_answer = volume_hours.no_answer + VALUES(no_answer), rejected =
           volume_hours.rejected + VALUES(rejected), abandoned = volume_hours.abandoned + VALUES(abandoned), failed =
           volume_hours.failed + VALUES(failed), refused = volume_hours.refused + VALUES(refused), talk_us =
           volume_hours.talk_us + VALUES(talk_us), pdd_sum_ms = volume_hours.pdd_sum_ms + VALUES(pdd_sum_ms), pdd_0 =
           volume_hours.pdd_0 + VALUES(pdd_0), pdd_1 = volume_hours.pdd_1 + VALUES(pdd_1), pdd_2 = volume_hours.pdd_2 +
           VALUES(pdd_2), pdd_3 = volume_hours.pdd_3 + VALUES(pdd_3), pdd_4 = volume_hours.pdd_4 + VALUES(pdd_4), pdd_5 =
           volume_hours.pdd_5 + VALUES(pdd_5), pdd_6 = volume_hours.pdd_6 + VALUES(pdd_6), pdd_7 = volume_hours.pdd_7 +
           VALUES(pdd_7), pdd_8 = volume_hours.pdd_8 + VALUES(pdd_8), pdd_9 = volume_hours.pdd_9 + VALUES(pdd_9), pdd_10 =
           volume_hours.pdd_10 + VALUES(pdd_10), pdd_11 = volume_hours.pdd_11 + VALUES(pdd_11), pdd_12 = volume_hours.pdd_12 +
           VALUES(pdd_12), pdd_13 = volume_hours.pdd_13 + VALUES(pdd_13), pdd_14 = volume_hours.pdd_14 + VALUES(pdd_14),
           pdd_15 = volume_hours.pdd_15 + VALUES(pdd_15)",
        rows
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Adds to each day, or begins it; calls at once are told by [`raise_peaks`].
async fn add_to_days(conn: &mut MySqlConnection, rows: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO volume_days
           (cut, day, name, attempts, answered, busy, no_answer, rejected, abandoned, failed, refused, talk_us, concurrent, pdd_sum_ms, pdd_0, pdd_1, pdd_2, pdd_3, pdd_4, pdd_5, pdd_6, pdd_7, pdd_8, pdd_9, pdd_10, pdd_11, pdd_12, pdd_13, pdd_14, pdd_15)
         SELECT * FROM JSON_TABLE(?, '$[*]' COLUMNS (
           cut TINYINT UNSIGNED PATH '$[0]', day DATE PATH '$[1]', name VARCHAR(63) PATH '$[2]', attempts INT UNSIGNED
           PATH '$[3]', answered INT UNSIGNED PATH '$[4]', busy INT UNSIGNED PATH '$[5]', no_answer INT UNSIGNED PATH '$[6]',
           rejected INT UNSIGNED PATH '$[7]', abandoned INT UNSIGNED PATH '$[8]', failed INT UNSIGNED PATH '$[9]', refused INT
           UNSIGNED PATH '$[10]', talk_us BIGINT UNSIGNED PATH '$[11]', concurrent INT UNSIGNED PATH '$[12]', pdd_sum_ms
           BIGINT UNSIGNED PATH '$[13]', pdd_0 INT UNSIGNED PATH '$[14]', pdd_1 INT UNSIGNED PATH '$[15]', pdd_2 INT UNSIGNED
           PATH '$[16]', pdd_3 INT UNSIGNED PATH '$[17]', pdd_4 INT UNSIGNED PATH '$[18]', pdd_5 INT UNSIGNED PATH '$[19]',
           pdd_6 INT UNSIGNED PATH '$[20]', pdd_7 INT UNSIGNED PATH '$[21]', pdd_8 INT UNSIGNED PATH '$[22]', pdd_9 INT
           UNSIGNED PATH '$[23]', pdd_10 INT UNSIGNED PATH '$[24]', pdd_11 INT UNSIGNED PATH '$[25]', pdd_12 INT UNSIGNED PATH
           '$[26]', pdd_13 INT UNSIGNED PATH '$[27]', pdd_14 INT UNSIGNED PATH '$[28]', pdd_15 INT UNSIGNED PATH '$[29]')) AS new
         ON DUPLICATE KEY UPDATE
           attempts = volume_days.attempts + VALUES(attempts), answered = volume_days.answered + VALUES(answered), busy =
           volume_days.busy + VALUES(busy), no_answer = volume_days.no_answer + VALUES(no_answer), rejected =
           volume_days.rejected + VALUES(rejected), abandoned = volume_days.abandoned + VALUES(abandoned), failed =
           volume_days.failed + VALUES(failed), refused = volume_days.refused + VALUES(refused), talk_us =
           volume_days.talk_us + VALUES(talk_us), pdd_sum_ms = volume_days.pdd_sum_ms + VALUES(pdd_sum_ms), pdd_0 =
           volume_days.pdd_0 + VALUES(pdd_0), pdd_1 = volume_days.pdd_1 + VALUES(pdd_1), pdd_2 = volume_days.pdd_2 +
           VALUES(pdd_2), pdd_3 = volume_days.pdd_3 + VALUES(pdd_3), pdd_4 = volume_days.pdd_4 + VALUES(pdd_4), pdd_5 =
           volume_days.pdd_5 + VALUES(pdd_5), pdd_6 = volume_days.pdd_6 + VALUES(pdd_6), pdd_7 = volume_days.pdd_7 +
           VALUES(pdd_7), pdd_8 = volume_days.pdd_8 + VALUES(pdd_8), pdd_9 = volume_days.pdd_9 + VALUES(pdd_9), pdd_10 =
           volume_days.pdd_10 + VALUES(pdd_10), pdd_11 = volume_days.pdd_11 + VALUES(pdd_11), pdd_12 = volume_days.pdd_12 +
           VALUES(pdd_12), pdd_13 = volume_days.pdd_13 + VALUES(pdd_13), pdd_14 = volume_days.pdd_14 + VALUES(pdd_14),
           pdd_15 = volume_days.pdd_15 + VALUES(pdd_15)",
        rows
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The most calls at once of an hour, and of a day, is that of its minutes. A minute's count only ever grows, so looking at the
/// minutes that were touched is enough.
async fn raise_peaks(conn: &mut MySqlConnection, rows: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO volume_hours (cut, hour, name, concurrent)
         SELECT touched.cut, touched.hour, touched.name, MAX(minutes.concurrent)
         FROM JSON_TABLE(?, '$[*]' COLUMNS (
           cut TINYINT UNSIGNED PATH '$[0]', minute DATETIME PATH '$[1]', name VARCHAR(63) PATH '$[2]', hour DATETIME PATH '$[3]')) AS touched
         STRAIGHT_JOIN volume_minutes AS minutes
           ON minutes.cut = touched.cut AND minutes.minute = touched.minute AND minutes.name = touched.name
         GROUP BY touched.cut, touched.hour, touched.name
         ON DUPLICATE KEY UPDATE concurrent = GREATEST(volume_hours.concurrent, VALUES(concurrent))",
        rows
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn raise_peaks_of_days(conn: &mut MySqlConnection, rows: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO volume_days (cut, day, name, concurrent)
         SELECT touched.cut, DATE(touched.minute), touched.name, MAX(minutes.concurrent)
         FROM JSON_TABLE(?, '$[*]' COLUMNS (
           cut TINYINT UNSIGNED PATH '$[0]', minute DATETIME PATH '$[1]', name VARCHAR(63) PATH '$[2]')) AS touched
         STRAIGHT_JOIN volume_minutes AS minutes
           ON minutes.cut = touched.cut AND minutes.minute = touched.minute AND minutes.name = touched.name
         GROUP BY touched.cut, DATE(touched.minute), touched.name
         ON DUPLICATE KEY UPDATE concurrent = GREATEST(volume_days.concurrent, VALUES(concurrent))",
        rows
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What `RETURNING started_at, id` gave back. The server tells of these columns when the statement runs, not when it is prepared,
/// so the macro does not know them.
fn read_keys(rows: &[MySqlRow]) -> sqlx::Result<HashSet<CdrKey>> {
    let key = |row: &MySqlRow| Ok(CdrKey { started_at: row.try_get::<PrimitiveDateTime, _>(0)?.into(), id: row.try_get(1)? });
    rows.iter().map(key).collect()
}

/// As the database reads it, and sqlx would write it.
fn stamp(at: Moment) -> String {
    format!("{} {}.{:06}", at.date(), at.time_of_day(), at.micros().rem_euclid(1_000_000))
}

fn second(at: Moment) -> String {
    format!("{} {}", at.date(), at.time_of_day())
}

fn call_row(cdr: &Cdr) -> Value {
    json!([
        stamp(cdr.key.started_at),
        cdr.key.id,
        cdr.reference,
        cdr.uniqueid,
        cdr.sip_call_id,
        cdr.carrier_call_id,
        cdr.caller,
        cdr.called,
        cdr.destination,
        cdr.customer,
        cdr.carrier,
        cdr.prefix,
        cdr.rate.map(|rate| rate.micros()),
        cdr.pbx,
        cdr.proxy,
        cdr.ringing_at.map(stamp),
        cdr.answered_at.map(stamp),
        cdr.ended_at.map(stamp),
        cdr.billsec,
        cdr.disposition,
        cdr.outcome.name(),
        cdr.hangup_cause,
        cdr.sip_status,
        cdr.refusal,
        cdr.customer_codec,
        cdr.carrier_codec,
    ])
}

fn attempt_row(id: u64, attempt: &Attempt) -> Value {
    json!([
        stamp(attempt.started_at),
        id,
        attempt.reference,
        attempt.proxy,
        attempt.carrier,
        attempt.prefix,
        attempt.rate.micros(),
        attempt.called,
        attempt.sip_status,
        attempt.took_ms,
        attempt.ringing_ms,
    ])
}

fn sums(rows: &BTreeMap<Row, Counts>) -> String {
    let row = |((grouping, at, name), counts): (&Row, &Counts)| {
        let mut row = vec![
            json!(grouping.number()),
            json!(second(*at)),
            json!(name),
            json!(counts.attempts),
            json!(counts.answered),
            json!(counts.busy),
            json!(counts.no_answer),
            json!(counts.rejected),
            json!(counts.abandoned),
            json!(counts.failed),
            json!(counts.refused),
            json!(counts.talk_us),
            json!(counts.concurrent),
            json!(counts.pdd.sum_ms),
        ];
        row.extend(counts.pdd.buckets.map(Value::from));
        Value::Array(row)
    };
    Value::Array(rows.iter().map(row).collect()).to_string()
}

fn touched(tally: &Tally) -> String {
    let row = |(grouping, minute, name): &Row| json!([grouping.number(), second(*minute), name, second(minute.whole(3_600))]);
    Value::Array(tally.minutes().keys().map(row).collect()).to_string()
}
