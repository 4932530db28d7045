//! The audit log: who did what, from where, with what result, and the proof that no row was touched.

use crate::{
    auth::{
        api::audit::{AuditProof, list_audit, verify_audit},
        audit::{Action, Entry, Outcome},
    },
    context,
    error::AppError,
    live::Topic,
    routes::Page,
    shell::{PageView, changed::Changed},
    ui::{Badge, Choice, Column, DataTable, Field, FieldKind, Filters, Instant, Row, Select, TableFacts},
    values::{Query, Tone, quantity::format_count},
};
use leptos::prelude::*;

/// Also what the export offers, in this order.
pub const COLUMNS: &[Column] = &[
    Column::number("seq", "Row").unsorted(),
    Column::text("at", "When").unsorted(),
    Column::text("actor", "Who").unsorted(),
    Column::text("address", "From").unsorted(),
    Column::text("action", "Did what").unsorted(),
    Column::text("subject", "To what").unsorted(),
    Column::text("before", "Before").unsorted(),
    Column::text("after", "After").unsorted(),
    Column::text("outcome", "Result").unsorted(),
    Column::text("request", "Request").unsorted().hidden(),
];

pub async fn page() -> Result<PageView, AppError> {
    let request = context::request();
    let query = request.query.clone();
    let list = list_audit(query.link("").trim_start_matches('?').into()).await?;
    // Proving reads the whole log, so it is asked for.
    let proof = if query.get("prove").is_some() { Some(verify_audit().await?) } else { None };
    let facts = TableFacts {
        path: Page::Audit.path(),
        query: query.clone().without("prove"),
        what: ("row", "rows, newest first"),
        columns: COLUMNS,
        default_sort: "seq",
        total: None,
        export: Some("/audit.csv"),
        older: list.older.map(|below| query.clone().without("prove").with("below", below.to_string())),
    };
    let any = || Choice::new("", "any");
    let actions = std::iter::once(any())
        .chain(Action::ALL.iter().map(|action| Choice::new(action.name(), in_words(action.name()))))
        .collect();
    let outcomes = [Outcome::Done, Outcome::Refused].map(|outcome| Choice::new(outcome.name(), outcome.name()));
    let outcomes = std::iter::once(any()).chain(outcomes).collect();
    let [action, outcome, from, until] =
        ["action", "outcome", "from", "until"].map(|key| query.get(key).unwrap_or_default().to_string());
    let body = view! {
        {proof.map(proof_view)}
        <section class="panel flush">
            <Filters path=Page::Audit.path() query=query.clone().without("below") search="Name, address, request id…">
                <Select label="Did what" name="action" choices=actions value=action/>
                <Select label="Result" name="outcome" choices=outcomes value=outcome/>
                <Field label="From (UTC)" name="from" kind=FieldKind::Moment value=from/>
                <Field label="Until (UTC)" name="until" kind=FieldKind::Moment value=until/>
            </Filters>
            <DataTable facts=facts rows=list.entries.into_iter().map(row).collect()/>
        </section>
    };
    let actions = view! {
        <Changed topic=Topic::Audit/>
        <a class="button" href=query.with("prove", "1").link(&Page::Audit.path())>
            "Prove the chain"
        </a>
    };
    let lead = "Every change and every sign-in, in a chain that shows any row edited, removed or reordered.";
    Ok(PageView::new("Audit", body).lead(lead).actions(actions))
}

fn proof_view(proof: AuditProof) -> impl IntoView {
    let rows = format_count(proof.rows);
    let (tone, text) = match proof.broken {
        None => (Tone::Good, format!("All {rows} rows are as they were written.")),
        Some(broken) => (
            Tone::Bad,
            format!("The chain is broken. {broken} The {rows} rows before are as they were written. Compare with a backup."),
        ),
    };
    view! {
        <div class=format!("notice {}", tone.name()) role="status">
            <p>{text} " The same by command: " <code>"wirecenter audit verify"</code></p>
        </div>
    }
}

/// The log keeps `user_add`; people read "user add".
fn in_words(action: &str) -> String {
    action.replace('_', " ")
}

fn row(entry: Entry) -> Row {
    let filter = Query::default().with("q", entry.request.clone()).link(&Page::Audit.path());
    vec![
        entry.seq.into_any(),
        view! { <Instant at=entry.at/> }.into_any(),
        entry.actor.into_any(),
        view! { <span class="num">{entry.address}</span> }.into_any(),
        in_words(&entry.action).into_any(),
        entry.subject.into_any(),
        entry.before.unwrap_or_default().into_any(),
        entry.after.unwrap_or_default().into_any(),
        view! { <Badge tone=entry.outcome.tone() word=entry.outcome.name()/> }.into_any(),
        view! { <a class="num" href=filter>{entry.request}</a> }.into_any(),
    ]
}
