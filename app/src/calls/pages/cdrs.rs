//! Calls that are over: search, columns, export of exactly the view.

use super::incomplete::incomplete;
use crate::{
    calls::{
        cdr::Cdr,
        columns::{COLUMNS, cell},
        history::{COUNTED_MAX, list_cdrs},
        outcome::{Outcome, cause_words},
        search,
    },
    context,
    error::{AppError, Problem},
    live::Topic,
    notice::Notice,
    routes::Page,
    shell::{PageView, changed::Changed},
    ui::{
        Badge, Choice, DataTable, Empty, Field, FieldKind, FormState, Instant, Kind, ProblemList, Row, Select, Submit, TableFacts,
    },
    values::{Query, quantity::format_count},
};
use leptos::prelude::*;

/// The fields of the form that say what is wrong with them.
const MARKED: [&str; 6] = ["number", "customer", "carrier", "cause", "from", "to"];

pub async fn page() -> Result<PageView, AppError> {
    let query = context::request().query.clone();
    let problems = search::problems(&query);
    let path = Page::Cdrs.path();
    let mut behind = Vec::new();
    let table = if problems.is_empty() {
        let list = list_cdrs(query.link("").trim_start_matches('?').into()).await?;
        behind = list.behind;
        let counted = match list.counted {
            counted if counted >= u64::from(COUNTED_MAX) => format!("{} or more calls pass the filter.", format_count(counted)),
            1 => "1 call passes the filter.".into(),
            counted => format!("{} calls pass the filter.", format_count(counted)),
        };
        let newest = query.get("below").is_some().then(|| {
            view! { <a class="button quiet" href=query.clone().without("below").link(&path)>"Back to the newest"</a> }
        });
        let facts = TableFacts {
            path: path.clone(),
            query: query.clone(),
            what: ("call", "calls, newest first"),
            columns: COLUMNS,
            default_sort: "at",
            total: None,
            export: Some("/cdrs.csv"),
            older: list.older.map(|key| query.clone().with("below", key.to_string())),
        };
        let empty = list
            .cdrs
            .is_empty()
            .then(|| view! { <Empty what="No call passes the filter." next="Take a condition away, or look at a longer time."/> });
        view! { <div class="bar"><span role="status">{counted}</span> {newest}</div> {empty} <DataTable facts=facts rows=list.cdrs.iter().map(row).collect()/> }.into_any()
    } else {
        // What came with a link has no field to be marked.
        let elsewhere = problems.iter().filter(|problem| !MARKED.contains(&problem.at.as_str())).cloned().collect();
        view! {
            <Empty what="Nothing was searched." next="Mend what is wrong and search again."/>
            <ProblemList problems=elsewhere/>
        }
        .into_any()
    };
    let body = view! { {incomplete(&behind)} <section class="panel flush">{form(&query, problems)} {table}</section> };
    Ok(PageView::new("CDRs", body)
        .lead("Calls that are over, newest first. Times are UTC.")
        .actions(view! { <Changed topic=Topic::Calls/> }))
}

fn form(query: &Query, problems: Vec<Problem>) -> impl IntoView + use<> {
    let path = Page::Cdrs.path();
    let all = path.clone();
    let fields = ["number", "customer", "carrier", "cause", "outcome", "from", "to"];
    let value = |key: &str| query.get(key).unwrap_or_default().to_string();
    let [number, customer, carrier, cause, outcome, from, to] = fields.map(value);
    let notice = Notice { form: Some(path.clone()), problems, ..Notice::done("") };
    let state = FormState::of(Some(&notice), &path);
    // What came with a link (a PBX, a destination) stays a condition, and says so.
    let kept = query.pairs().filter(|(key, _)| !fields.contains(key) && *key != "below");
    let kept =
        kept.map(|(key, value)| view! { <input type="hidden" name=key.to_string() value=value.to_string()/> }).collect_view();
    let more: Vec<String> = ["pbx", "destination", "status", "refusal", "reference"]
        .into_iter()
        .filter_map(|key| Some(format!("{key} {}", query.get(key)?)))
        .collect();
    let more = (!more.is_empty()).then(|| view! { <span class="quiet">"also: " {more.join(", ")}</span> });
    let outcomes = Outcome::ALL.iter().map(|outcome| Choice::new(outcome.name(), outcome.word()));
    let outcomes = std::iter::once(Choice::new("", "any")).chain(outcomes).collect();
    view! {
        <form class="bar cdr-search" role="search" aria-label="Search calls" method="get" action=path>
            {kept}
            <Field label="Number" name="number" value=number state=state.clone() autocomplete="off"/>
            <Field label="Customer" name="customer" value=customer state=state.clone() autocomplete="off"/>
            <Field label="Carrier" name="carrier" value=carrier state=state.clone() autocomplete="off"/>
            <Field label="Cause (Q.850)" name="cause" value=cause state=state.clone() autocomplete="off"/>
            <Select label="Outcome" name="outcome" choices=outcomes value=outcome/>
            <Field label="From (UTC)" name="from" kind=FieldKind::Moment value=from state=state.clone()/>
            <Field label="To (UTC)" name="to" kind=FieldKind::Moment value=to state=state/>
            <Submit label="Search" kind=Kind::Go/>
            <a class="button quiet" href=all>"Show all"</a>
            {more}
        </form>
    }
}

fn row(cdr: &Cdr) -> Row {
    COLUMNS.iter().map(|column| shown(cdr, column.key)).collect()
}

/// As the export has it, only for people: words, units and links.
fn shown(cdr: &Cdr, column: &str) -> AnyView {
    match column {
        "at" => view! { <a href=Page::Call(cdr.reference.clone()).path()><Instant at=cdr.started_at()/></a> }.into_any(),
        "caller" | "called" | "reference" | "sip_call_id" | "carrier_call_id" => {
            view! { <span class="num">{cell(cdr, column)}</span> }.into_any()
        }
        "outcome" => view! { <Badge tone=cdr.outcome.tone() word=cdr.outcome.word()/> }.into_any(),
        "cause" => cdr.hangup_cause.map(|cause| view! { {cause} <span class="below">{cause_words(cause)}</span> }).into_any(),
        "refusal" => cdr.refusal.as_ref().map(|refusal| refusal.replace('_', " ")).into_any(),
        _ => cell(cdr, column).into_any(),
    }
}
