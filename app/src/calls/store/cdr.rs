//! Searching the tables `cdrs` and `attempts`.
//!
//! A search first finds the keys of the rows it shows, which an index alone can answer, and then reads those rows: fifty, not the
//! thousands that a short prefix matches. A number is looked for among callers and called separately, because one index cannot
//! answer both.

use crate::{
    calls::{
        cdr::{Attempt, Cdr, CdrFilter, CdrKey},
        outcome::Outcome,
    },
    values::{Moment, RatePerMinute},
};
use sqlx::{MySql, MySqlConnection, QueryBuilder, Row, mysql::MySqlRow};
use time::PrimitiveDateTime;

/// The newest records below `below` (of all, where it is `None`) that pass the filter; without their attempts.
pub async fn list(conn: &mut MySqlConnection, filter: &CdrFilter, below: Option<CdrKey>, rows_max: u32) -> sqlx::Result<Vec<Cdr>> {
    let mut query = QueryBuilder::<MySql>::new(
        "SELECT cdrs.started_at, cdrs.id, reference, uniqueid, sip_call_id, carrier_call_id, caller, called, destination, customer, \
         carrier, prefix, rate_micros, pbx, proxy, ringing_at, answered_at, ended_at, billsec, disposition, outcome, hangup_cause, \
         sip_status, refusal, customer_codec, carrier_codec FROM (",
    );
    push_keys(&mut query, filter, below, rows_max, true);
    query.push(
        ") AS found STRAIGHT_JOIN cdrs ON cdrs.started_at = found.started_at AND cdrs.id = found.id \
         ORDER BY cdrs.started_at DESC, cdrs.id DESC",
    );
    let rows = query.build().fetch_all(conn).await?;
    rows.iter().map(read_cdr).collect()
}

/// How many records pass the filter; counting ends at `at_most`.
pub async fn count(conn: &mut MySqlConnection, filter: &CdrFilter, at_most: u32) -> sqlx::Result<u64> {
    let mut query = QueryBuilder::<MySql>::new("SELECT COUNT(*) FROM (");
    push_keys(&mut query, filter, None, at_most, false);
    query.push(") AS found");
    let count: i64 = query.build_query_scalar().fetch_one(conn).await?;
    Ok(u64::try_from(count).unwrap_or(0))
}

/// A subquery of the keys of the rows that pass. Newest first where the order matters.
fn push_keys(query: &mut QueryBuilder<MySql>, filter: &CdrFilter, below: Option<CdrKey>, rows_max: u32, ordered: bool) {
    let order = if ordered { " ORDER BY started_at DESC, id DESC LIMIT " } else { " LIMIT " };
    let Some(number) = &filter.number else {
        push_where(query, filter, None, below);
        query.push(order).push_bind(rows_max);
        return;
    };
    query.push("(");
    push_where(query, filter, Some(("called", number)), below);
    query.push(order).push_bind(rows_max).push(") UNION (");
    push_where(query, filter, Some(("caller", number)), below);
    query.push(order).push_bind(rows_max).push(")").push(order).push_bind(rows_max);
}

fn push_where(query: &mut QueryBuilder<MySql>, filter: &CdrFilter, number: Option<(&'static str, &str)>, below: Option<CdrKey>) {
    query.push("SELECT started_at, id FROM cdrs WHERE TRUE");
    if let Some((column, digits)) = number {
        // Digits alone: nothing in them is a pattern.
        query.push(" AND ").push(column).push(" LIKE ").push_bind(format!("{digits}%"));
    }
    let texts = [
        (" AND reference = ", &filter.reference),
        (" AND customer = ", &filter.customer),
        (" AND carrier = ", &filter.carrier),
        (" AND destination = ", &filter.destination),
        (" AND pbx = ", &filter.pbx),
        (" AND refusal = ", &filter.refusal),
    ];
    for (condition, value) in texts {
        if let Some(value) = value {
            query.push(condition).push_bind(value.clone());
        }
    }
    for (condition, value) in [(" AND hangup_cause = ", filter.cause), (" AND sip_status = ", filter.status)] {
        if let Some(value) = value {
            query.push(condition).push_bind(value);
        }
    }
    if let Some(outcome) = filter.outcome {
        query.push(" AND outcome = ").push_bind(outcome.name());
    }
    for (condition, at) in [(" AND started_at >= ", filter.from), (" AND started_at < ", filter.to)] {
        if let Some(at) = at {
            query.push(condition).push_bind(PrimitiveDateTime::from(at));
        }
    }
    if let Some(CdrKey { started_at, id }) = below {
        let at = PrimitiveDateTime::from(started_at);
        // The first condition says less than the second, but lets whole days be left out.
        query.push(" AND started_at <= ").push_bind(at);
        query.push(" AND (started_at < ").push_bind(at).push(" OR id < ").push_bind(id).push(")");
    }
}

/// The records of a call, oldest first, each with the attempts of the whole call.
pub async fn list_by_reference(conn: &mut MySqlConnection, reference: &str) -> sqlx::Result<Vec<Cdr>> {
    let filter = CdrFilter { reference: Some(reference.into()), ..CdrFilter::default() };
    let mut cdrs = list(&mut *conn, &filter, None, RECORDS_OF_A_CALL_MAX).await?;
    cdrs.reverse();
    if !cdrs.is_empty() {
        let attempts = list_attempts(conn, reference).await?;
        cdrs.iter_mut().for_each(|cdr| cdr.attempts.clone_from(&attempts));
    }
    Ok(cdrs)
}

/// A call has one record for each PBX that was asked, and a try for each carrier. A customer that gives all its calls one name
/// must not make the page endless.
const RECORDS_OF_A_CALL_MAX: u32 = 50;

/// Tries at carriers, oldest first.
pub async fn list_attempts(conn: &mut MySqlConnection, reference: &str) -> sqlx::Result<Vec<Attempt>> {
    let rows = sqlx::query!(
        "SELECT started_at, reference, proxy, carrier, prefix, rate_micros, called, sip_status, took_ms, ringing_ms FROM attempts
         WHERE reference = ? ORDER BY started_at LIMIT ?",
        reference,
        RECORDS_OF_A_CALL_MAX * 4
    )
    .fetch_all(conn)
    .await?;
    let attempts = rows.into_iter().map(|row| Attempt {
        started_at: row.started_at.into(),
        reference: row.reference,
        proxy: row.proxy,
        carrier: row.carrier,
        prefix: row.prefix,
        rate: RatePerMinute::from_micros(row.rate_micros),
        called: row.called,
        sip_status: row.sip_status,
        took_ms: row.took_ms,
        ringing_ms: row.ringing_ms,
    });
    Ok(attempts.collect())
}

/// Columns in the order of the statement above.
fn read_cdr(row: &MySqlRow) -> sqlx::Result<Cdr> {
    let at = |column: &str| row.try_get::<Option<PrimitiveDateTime>, _>(column).map(|at| at.map(Moment::from));
    let outcome: String = row.try_get("outcome")?;
    let unreadable = || sqlx::Error::Decode(format!("cdrs.outcome has the unknown value {outcome:?}").into());
    Ok(Cdr {
        key: CdrKey { started_at: row.try_get::<PrimitiveDateTime, _>("started_at")?.into(), id: row.try_get("id")? },
        reference: row.try_get("reference")?,
        uniqueid: row.try_get("uniqueid")?,
        sip_call_id: row.try_get("sip_call_id")?,
        carrier_call_id: row.try_get("carrier_call_id")?,
        caller: row.try_get("caller")?,
        called: row.try_get("called")?,
        destination: row.try_get("destination")?,
        customer: row.try_get("customer")?,
        carrier: row.try_get("carrier")?,
        prefix: row.try_get("prefix")?,
        rate: row.try_get::<Option<u64>, _>("rate_micros")?.map(RatePerMinute::from_micros),
        pbx: row.try_get("pbx")?,
        proxy: row.try_get("proxy")?,
        ringing_at: at("ringing_at")?,
        answered_at: at("answered_at")?,
        ended_at: at("ended_at")?,
        billsec: row.try_get("billsec")?,
        disposition: row.try_get("disposition")?,
        outcome: Outcome::parse(&outcome).ok_or_else(unreadable)?,
        hangup_cause: row.try_get("hangup_cause")?,
        sip_status: row.try_get("sip_status")?,
        refusal: row.try_get("refusal")?,
        customer_codec: row.try_get("customer_codec")?,
        carrier_codec: row.try_get("carrier_codec")?,
        attempts: Vec::new(),
    })
}
