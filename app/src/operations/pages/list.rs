//! Operations, running and past, of everybody, the newest first. The address holds the filter.

use crate::{
    context,
    error::AppError,
    live::Topic,
    operations::{
        api::list_operations,
        kind::OperationKind,
        sheet::{Filter, Summary},
    },
    routes::Page,
    shell::{PageView, fresh::Fresh},
    ui::{Badge, Choice, Empty, Field, Instant, Select, Submit},
    values::{Query, quantity::format_span},
};
use leptos::prelude::*;
use std::time::Duration;

/// How soon a change is shown.
pub const FRESH_MS: u32 = 250;

pub async fn page() -> Result<PageView, AppError> {
    let request = context::request();
    let query = request.query.clone();
    let list = list_operations(query.link("").trim_start_matches('?').to_string()).await?;
    let filtered = Filter::of(&query) != Filter::default();
    let actions = view! {
        <Fresh topic=Topic::Operations every_ms=FRESH_MS/>
        <a class="button" href=Page::NewOperation.path()>
            "Start one…"
        </a>
    };
    let body = view! {
        <section class="panel flush">
            {filters(&query, filtered)}
            <div class="inset" data-fresh="operations">
                {rows(list, filtered)}
            </div>
        </section>
    };
    Ok(PageView::new("Operations", body).lead("What runs, what waits for somebody, and what was done.").actions(actions))
}

fn filters(query: &Query, filtered: bool) -> impl IntoView + use<> {
    let states = [("", "any")].into_iter().chain(Filter::STATES.map(|state| match state {
        "active" => (state, "not over"),
        other => (other, other),
    }));
    let states = states.map(|(value, label)| Choice::new(value, label)).collect();
    let kinds = OperationKind::ALL.map(|kind| Choice::new(kind.name(), kind.name().replace('_', " ")));
    let kinds = [Choice::new("", "any")].into_iter().chain(kinds).collect();
    let [state, kind, subject] = ["state", "kind", "subject"].map(|key| query.get(key).unwrap_or_default().to_string());
    let all = Page::Operations.path();
    view! {
        <form class="bar" role="search" aria-label="This list" method="get" action=Page::Operations.path()>
            <Select label="State" name="state" choices=states value=state/>
            <Select label="Kind" name="kind" choices=kinds value=kind/>
            <Field label="Subject" name="subject" value=subject/>
            <Submit label="Filter"/>
            {filtered
                .then(|| {
                    view! {
                        <a class="button quiet" href=all>
                            "Show all"
                        </a>
                    }
                })}
        </form>
    }
}

fn rows(list: Vec<Summary>, filtered: bool) -> AnyView {
    if list.is_empty() {
        let (what, next) = match filtered {
            true => ("No operation passes the filter.", "Show all, or choose another state, kind or subject."),
            false => (
                "No operation was ever started here.",
                "They are started where their subject is: on a machine’s page, on Databases, on Networks, or with “Start one…”.",
            ),
        };
        return view! { <Empty what=what next=next/> }.into_any();
    }
    view! { <ol class="alerts operations">{list.into_iter().map(row).collect_view()}</ol> }.into_any()
}

fn row(summary: Summary) -> impl IntoView {
    let Summary { id, title, word, tone, over, started_at, started_by, last_at, step, since, last_line, reason, .. } = summary;
    let took = over.then(|| format!(" · took {}", span(last_at.since(started_at))));
    let now = step.map(|step| {
        view! {
            <p>
                {step} {since.map(|since| view! { <span class="quiet">" · since " <Instant at=since/></span> })}
            </p>
        }
    });
    let said = last_line.filter(|_| !over).map(|line| view! { <p class="comment">{line}</p> });
    view! {
        <li class=format!("alert {}", tone.name())>
            <p class="head">
                <Badge tone=tone word=word/>
                <a class="sentence" href=Page::Operation(id).path()>
                    {title}
                </a>
                <span class="mark">"operation " {id.to_string()}</span>
            </p>
            {now}
            {said}
            {reason.map(|reason| view! { <p class="comment">{reason}</p> })}
            <p class="quiet">"Started by " {started_by} " · " <Instant at=started_at/> {took}</p>
        </li>
    }
}

/// Short things to a tenth of a second.
pub fn span(span: Duration) -> String {
    if span < Duration::from_secs(10) { format!("{:.1} s", span.as_secs_f64()) } else { format_span(span) }
}
