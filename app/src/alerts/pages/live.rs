//! The part of the inbox that lives. A form that a person is typing into is never drawn anew: only the words around it change.

use crate::{
    alerts::{
        alert::{Alert, AlertState},
        api::{AlertList, list_alerts},
        links::links,
    },
    live::{
        Topic,
        client::{bus, follow},
    },
    routes::Page,
    ui::{Badge, Empty, Instant, Kind, Submit},
    values::{AlertId, Moment, quantity::format_span},
    wire::Given,
};
use leptos::prelude::*;

/// `query` is that of the page; `may_handle` whether the person may acknowledge.
#[island]
pub fn AlertsLive(#[prop(into)] initial: Given<AlertList>, query: String, may_handle: bool) -> impl IntoView {
    let Given(initial) = initial;
    let at_load = initial.at;
    let list = RwSignal::new(initial);
    let back = if query.is_empty() { Page::Alerts.path() } else { format!("{}?{query}", Page::Alerts.path()) };
    follow(Topic::Alerts, list, move |_| list_alerts(query.clone()), |_, new| new);
    let (now, tick) = (RwSignal::new(at_load), bus().now);
    Effect::new(move |_| now.set(tick.get()));
    let ids = Memo::new(move |_| list.with(|list| list.alerts.iter().map(|(alert, _)| alert.id).collect::<Vec<_>>()));
    let counts = move || {
        list.with(|list| {
            let AlertList { firing, acknowledged, silenced, .. } = list;
            match (firing, acknowledged, silenced) {
                (0, 0, 0) => "Nothing is wrong that is known here.".to_string(),
                _ => format!("{firing} firing, {acknowledged} acknowledged, {silenced} silenced."),
            }
        })
    };
    view! {
        <p class="say" role="status">{counts}</p>
        {move || {
            ids.with(Vec::is_empty)
                .then(|| view! { <Empty what="No alert here." next="What holds for a few seconds appears by itself."/> })
        }}
        <ol class="alerts">
            <For each=move || ids.get() key=|id| *id children=move |id| item(id, list, now, may_handle, back.clone())/>
        </ol>
    }
}

fn item(id: AlertId, list: RwSignal<AlertList>, now: RwSignal<Moment>, may_handle: bool, back: String) -> impl IntoView {
    // Keeps its last words while the list no longer has it, for the instant before its row goes.
    let found = move || list.with(|list| list.alerts.iter().find(|(alert, _)| alert.id == id).cloned());
    let first = list.with_untracked(|list| list.alerts.iter().find(|(alert, _)| alert.id == id).cloned());
    let known = Memo::new(move |last: Option<&Option<(Alert, AlertState)>>| found().or_else(|| last.cloned().flatten()));
    let tone = move || known.with(|known| known.as_ref().map_or("idle", |(alert, _)| alert.tone().name()));
    first.map(|(first, _)| {
        let can_acknowledge = may_handle && first.resolved_at.is_none();
        view! {
            <li class=move || format!("alert {}", tone())>
                {move || known.get().map(|(alert, state)| words(alert, state, now))}
                {can_acknowledge.then(|| acknowledge_form(id, &back))}
            </li>
        }
    })
}

/// Everything but the form.
fn words(alert: Alert, state: AlertState, now: RwSignal<Moment>) -> impl IntoView {
    let leads = links(&alert, now.get_untracked()).into_iter().map(|link| view! { <a href=link.href>{link.title}</a> });
    let leads = leads.collect_view();
    let (since, ended) = (alert.since, alert.resolved_at);
    let lasted = move || {
        let until = ended.unwrap_or_else(|| now.get());
        format_span(std::time::Duration::from_secs(until.since(since).as_secs()))
    };
    view! {
        <p class="head">
            {marks(&alert, state)} <a class="sentence" href=Page::Alert(alert.id).path()>{alert.sentence.clone()}</a>
        </p>
        <p class="quiet">
            {alert.subject.to_string()} " · since " <Instant at=since/> " · " {lasted}
            {alert.assigned.as_ref().map(|who| format!(" · {who} looks after it"))}
        </p>
        {alert.acknowledged.as_ref().filter(|a| !a.comment.is_empty()).map(|a| view! { <p class="comment">{format!("{}: {}", a.by, a.comment)}</p> })}
        {folded(&alert)}
        <p class="leads">{leads}</p>
    }
}

/// State as tone, shape and word.
pub fn marks(alert: &Alert, state: AlertState) -> impl IntoView + use<> {
    let severity = if alert.resolved_at.is_some() { "over" } else { alert.severity.name() };
    let word = match state {
        AlertState::Resolved => String::new(),
        other => other.name().to_string(),
    };
    view! {
        <Badge tone=alert.tone() word=severity/>
        <span class="mark">{word}</span>
        {alert.flapping.then(|| view! { <span class="mark">"flaps"</span> })}
        {alert.escalated_at.filter(|_| alert.resolved_at.is_none()).map(|_| view! { <span class="mark">"escalated"</span> })}
    }
}

/// What has the same cause, and what was seen; closed until somebody wants it.
pub fn folded(alert: &Alert) -> impl IntoView + use<> {
    let below = alert.symptoms.iter().map(|symptom| {
        view! { <li><Badge tone=symptom.severity.tone() word=symptom.severity.name()/> " " {symptom.sentence.clone()}</li> }
    });
    let below = below.collect_view();
    let evidence = alert.evidence.iter().map(|line| view! { <li><code>{line.clone()}</code></li> }).collect_view();
    let title = match alert.symptoms.len() {
        0 => "Evidence".to_string(),
        1 => "1 symptom with the same cause, and the evidence".into(),
        many => format!("{many} symptoms with the same cause, and the evidence"),
    };
    (!alert.symptoms.is_empty() || !alert.evidence.is_empty()).then(|| {
        view! {
            <details class="folded">
                <summary>{title}</summary>
                <ul>{below}</ul>
                <ul>{evidence}</ul>
            </details>
        }
    })
}

/// Plain HTML: it works before, or without, any script.
fn acknowledge_form(id: AlertId, back: &str) -> impl IntoView + use<> {
    let field = format!("comment-{id}");
    view! {
        <details class="acknowledge">
            <summary class="button quiet">"Acknowledge…"</summary>
            <form method="post" action="/api/alerts/acknowledge" class="form inline">
                <input type="hidden" name="id" value=id.to_string()/>
                <input type="hidden" name="back" value=back.to_string()/>
                <div class="field">
                    <label for=field.clone()>"Comment, seen by all"</label>
                    <input id=field type="text" name="comment" maxlength="2000" autocomplete="off"/>
                </div>
                <Submit label="I look after it" kind=Kind::Go/>
            </form>
        </details>
    }
}
