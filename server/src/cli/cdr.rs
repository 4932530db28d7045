//! `wirecenter cdr search` and `wirecenter volume`: what is over, for scripts and for people without a browser.

use super::{Common, Failure, say, say_json, store::Store, warn};
use app::{
    calls::{
        cdr::{Attempt, Cdr, CdrFilter},
        outcome::cause_words,
        search as search_fields,
        sources::Behind,
        store,
        tally::Tally,
        volume::{Grouping, Measure, Measures, Range, VolumeQuestion},
    },
    context,
    values::{Moment, Query},
};
use clap::Subcommand;
use serde_json::{Map, Value, json};

#[derive(Debug, Subcommand)]
pub enum CdrCommand {
    /// Find calls that are over
    #[command(after_help = "Examples:
  wirecenter cdr search --number 4420 --from 2026-11-22 --to 2026-11-23 --json
  wirecenter cdr search --customer acme --outcome failed --from 2026-11-22T03:00")]
    Search(SearchArgs),
}

#[derive(Clone, Debug, clap::Args)]
pub struct SearchArgs {
    /// First digits of the caller or the called number
    #[arg(long)]
    number: Option<String>,
    /// The customer's Call-ID; also prints the tries at carriers
    #[arg(long)]
    reference: Option<String>,
    #[arg(long)]
    customer: Option<String>,
    #[arg(long)]
    carrier: Option<String>,
    #[arg(long)]
    destination: Option<String>,
    #[arg(long)]
    pbx: Option<String>,
    /// Q.850 cause
    #[arg(long)]
    cause: Option<u16>,
    /// SIP status of the called side
    #[arg(long)]
    status: Option<u16>,
    /// Why it was refused, as in no_rate
    #[arg(long)]
    refusal: Option<String>,
    /// answered, busy, no_answer, rejected, abandoned, failed or refused
    #[arg(long, value_parser = parse_outcome)]
    outcome: Option<app::calls::outcome::Outcome>,
    /// Began at this time or later, UTC
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    from: Option<Moment>,
    /// Began before this time, UTC
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    to: Option<Moment>,
    /// At most this many, newest first
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    limit: u32,
    #[command(flatten)]
    common: Common,
}

#[derive(Clone, Debug, clap::Args)]
pub struct VolumeArgs {
    /// total, carrier, customer, destination or pbx
    #[arg(long, default_value = "total", value_parser = parse_grouping)]
    by: Grouping,
    /// The points of this one carrier, customer, … instead of all calls'
    #[arg(long)]
    name: Option<String>,
    /// 1h, 24h, 7d or 30d up to now [default: 1h]
    #[arg(long, conflicts_with_all = ["from", "to"], value_parser = parse_range)]
    range: Option<Range>,
    /// UTC
    #[arg(long, value_name = "TIME", value_parser = parse_moment, requires = "to")]
    from: Option<Moment>,
    /// Not included, UTC
    #[arg(long, value_name = "TIME", value_parser = parse_moment, requires = "from")]
    to: Option<Moment>,
    #[command(flatten)]
    common: Common,
}

/// Rows read at a time: each statement stays short.
const ROWS_AT_ONCE: u32 = 1_000;

pub async fn run(command: CdrCommand) -> Result<(), Failure> {
    let CdrCommand::Search(args) = command;
    let store = Store::open(&args.common).await?;
    let found = search(&store, &args).await;
    store.close().await;
    let cdrs = found?;
    if args.common.json {
        say_json(&cdrs.iter().map(cdr_json).collect::<Vec<_>>());
    } else {
        cdrs.iter().for_each(|cdr| say(line(cdr)));
    }
    Ok(())
}

async fn search(store: &Store, args: &SearchArgs) -> Result<Vec<Cdr>, Failure> {
    // A number is read as the page reads it.
    let number = Query::default().with("number", args.number.as_deref().unwrap_or_default());
    if let Some(problem) = search_fields::problems(&number).first() {
        return Err(Failure::new(format!("--number {:?} cannot be searched. Expected: {}.", problem.read, problem.expected)));
    }
    let filter = CdrFilter {
        number: CdrFilter::from_query(&number).number,
        reference: args.reference.clone(),
        customer: args.customer.clone(),
        carrier: args.carrier.clone(),
        destination: args.destination.clone(),
        pbx: args.pbx.clone(),
        cause: args.cause,
        status: args.status,
        refusal: args.refusal.clone(),
        outcome: args.outcome,
        from: args.from,
        to: args.to,
    };
    let mut conn = store.database.acquire("search the CDRs").await?;
    if let Some(reference) = &args.reference {
        return Ok(store::cdr::list_by_reference(&mut conn, reference).await?);
    }
    let mut cdrs: Vec<Cdr> = Vec::new();
    let mut below = None;
    loop {
        let left = args.limit - u32::try_from(cdrs.len()).unwrap_or(args.limit);
        let page = store::cdr::list(&mut conn, &filter, below, left.min(ROWS_AT_ONCE)).await?;
        let Some(last) = page.last() else { return Ok(cdrs) };
        below = Some(last.key);
        cdrs.extend(page);
        if cdrs.len() >= args.limit as usize {
            return Ok(cdrs);
        }
    }
}

pub async fn volume(args: VolumeArgs) -> Result<(), Failure> {
    let range = match (args.range, args.from, args.to) {
        (Some(range), ..) => range,
        (None, Some(from), Some(to)) if from < to => Range::Custom { from, to },
        (None, Some(_), Some(_)) => return Err(Failure::new("--from must be before --to.")),
        _ => Range::Hour,
    };
    let question = VolumeQuestion { grouping: args.by, only: args.name.clone(), range };
    let store = Store::open(&args.common).await?;
    let found = async {
        let mut conn = store.database.acquire("read the call volume").await?;
        Ok::<_, Failure>(store::volume::get(&mut conn, &question, &Tally::default(), context::now()).await?)
    };
    let found = found.await;
    store.close().await;
    let volume = found?;
    // Only the running panel knows how far it has read; without it this is not known.
    let behind = super::fleet::ask::<Vec<Behind>>(&args.common, "/behind").await.ok();
    let behind = behind.map(|all| all.into_iter().filter(|one| one.concerns(Some(volume.span.to))).collect::<Vec<_>>());
    for behind in behind.iter().flatten().filter(|_| !args.common.json) {
        warn(behind.sentence());
    }
    if !args.common.json {
        for row in &volume.rows {
            let figures = Measure::ALL.map(|measure| {
                let value = measure.of(&row.measures).map_or_else(|| "–".to_string(), |value| format!("{value:.1}"));
                format!("{} {value}{}", measure.title(), measure.unit())
            });
            say(format!("{:<24} {}", row.name, figures.join("  ")));
        }
        return Ok(());
    }
    let rows = volume.rows.iter().map(|row| {
        let mut value = measures_json(&row.measures);
        value.insert("name".into(), json!(row.name));
        value.insert("week_before".into(), Value::Object(measures_json(&row.week_before)));
        Value::Object(value)
    });
    let points = volume.points.iter().map(|point| {
        let mut value = measures_json(&point.measures);
        value.insert("at".into(), json!(point.at.rfc3339()));
        Value::Object(value)
    });
    say_json(&json!({
        "by": volume.grouping.name(),
        "name": volume.only,
        "from": volume.span.from.rfc3339(),
        "to": volume.span.to.rfc3339(),
        "bucket_s": volume.span.bucket_s,
        "whole": measures_json(&volume.whole),
        "week_before": measures_json(&volume.week_before),
        "rows": rows.collect::<Vec<_>>(),
        "points": points.collect::<Vec<_>>(),
        "behind": behind.map(|all| all.iter().map(behind_json).collect::<Vec<_>>()),
        "formulas": Measure::ALL.iter().map(|measure| (measure.name().to_string(), json!(measure.formula()))).collect::<Map<_, _>>(),
    }));
    Ok(())
}

fn measures_json(measures: &Measures) -> Map<String, Value> {
    match serde_json::to_value(measures) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

/// A source of records up to which figures are whole; `null` in the place of all where no panel runs that could tell.
fn behind_json(behind: &Behind) -> Value {
    json!({
        "source": behind.name,
        "kind": behind.kind,
        "read_until": behind.read_until.map(Moment::rfc3339),
        "since": behind.since.rfc3339(),
        "why": behind.why,
        "sentence": behind.sentence(),
    })
}

fn cdr_json(cdr: &Cdr) -> Value {
    let at = |at: Option<Moment>| at.map(Moment::rfc3339);
    json!({
        "reference": cdr.reference,
        "uniqueid": cdr.uniqueid,
        "sip_call_id": cdr.sip_call_id,
        "carrier_call_id": cdr.carrier_call_id,
        "caller": cdr.caller,
        "called": cdr.called,
        "destination": cdr.destination,
        "customer": cdr.customer,
        "carrier": cdr.carrier,
        "prefix": cdr.prefix,
        "rate": cdr.rate,
        "pbx": cdr.pbx,
        "proxy": cdr.proxy,
        "started_at": cdr.started_at().rfc3339(),
        "ringing_at": at(cdr.ringing_at),
        "answered_at": at(cdr.answered_at),
        "ended_at": at(cdr.ended_at),
        "billsec": cdr.billsec,
        "disposition": cdr.disposition,
        "outcome": cdr.outcome,
        "hangup_cause": cdr.hangup_cause,
        "hangup_cause_words": cdr.hangup_cause.map(cause_words),
        "sip_status": cdr.sip_status,
        "refusal": cdr.refusal,
        "customer_codec": cdr.customer_codec,
        "carrier_codec": cdr.carrier_codec,
        "transcodes": cdr.transcodes(),
        "pdd_ms": cdr.pdd().map(|pdd| pdd.as_millis()),
        "attempts": cdr.attempts.iter().map(attempt_json).collect::<Vec<_>>(),
    })
}

fn attempt_json(attempt: &Attempt) -> Value {
    json!({
        "started_at": attempt.started_at.rfc3339(),
        "proxy": attempt.proxy,
        "carrier": attempt.carrier,
        "prefix": attempt.prefix,
        "rate": attempt.rate,
        "called": attempt.called,
        "sip_status": attempt.sip_status,
        "took_ms": attempt.took_ms,
        "ringing_ms": attempt.ringing_ms,
    })
}

fn line(cdr: &Cdr) -> String {
    let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "–".into());
    format!(
        "{}  {:>15} → {:<15}  {:<12} {:<12} {:<10} {:>6} s  {}",
        cdr.started_at(),
        cdr.caller,
        cdr.called,
        or_dash(&cdr.customer),
        or_dash(&cdr.carrier),
        cdr.outcome.word(),
        cdr.billsec,
        cdr.refusal.as_deref().or(cdr.hangup_cause.map(cause_words)).unwrap_or_default(),
    )
}

fn parse_moment(text: &str) -> Result<Moment, String> {
    Moment::parse(text).ok_or_else(|| "write it as 2026-11-22 or 2026-11-22T03:12, UTC".into())
}

fn parse_grouping(text: &str) -> Result<Grouping, String> {
    Grouping::parse(text).ok_or_else(|| Grouping::ALL.map(Grouping::name).join(", "))
}

fn parse_range(text: &str) -> Result<Range, String> {
    Range::FIXED.into_iter().find(|range| range.name() == text).ok_or_else(|| Range::FIXED.map(Range::name).join(", "))
}

fn parse_outcome(text: &str) -> Result<app::calls::outcome::Outcome, String> {
    use app::calls::outcome::Outcome;
    Outcome::parse(text).ok_or_else(|| Outcome::ALL.map(Outcome::name).join(", "))
}
