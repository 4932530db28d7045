//! The part of an alert's page that lives: how it is, what happened to it, who was told.

use super::live::{folded, marks};
use crate::{
    alerts::{
        api::{AlertDetail, get_alert},
        telling::NoticeRow,
    },
    live::{
        Topic,
        client::{bus, follow},
    },
    ui::{Badge, Empty, Instant},
    values::{Moment, Tone, quantity::format_span},
    wire::Given,
};
use leptos::{
    either::{Either, EitherOf3},
    prelude::*,
};

#[island]
pub fn AlertTimeline(#[prop(into)] initial: Given<AlertDetail>) -> impl IntoView {
    let Given(initial) = initial;
    let (id, at_load) = (initial.alert.id, initial.at);
    let detail = RwSignal::new(initial);
    follow(Topic::Alerts, detail, move |_| get_alert(id), |_, new| new);
    let (now, tick) = (RwSignal::new(at_load), bus().now);
    Effect::new(move |_| now.set(tick.get()));
    view! {
        <section class="panel alert-now">
            {move || detail.with(|detail| state(detail, now))}
        </section>
        <section class="panel">
            <h2>"What happened to it"</h2>
            {move || detail.with(history)}
        </section>
        <section class="panel flush">
            <div class="bar"><h2>"Who was told"</h2></div>
            {move || detail.with(|detail| told(&detail.notices))}
        </section>
    }
}

fn state(detail: &AlertDetail, now: RwSignal<Moment>) -> impl IntoView + use<> {
    let alert = &detail.alert;
    let (since, ended) = (alert.since, alert.resolved_at);
    let lasted = move || {
        let until = ended.unwrap_or_else(|| now.get());
        format_span(std::time::Duration::from_secs(until.since(since).as_secs()))
    };
    let silenced = alert.silenced_until.filter(|_| ended.is_none()).map(|until| format!("Silenced until {until} UTC. "));
    let looked_after = alert.acknowledged.as_ref().map(|a| match a.comment.as_str() {
        "" => format!("{} looks after it since {} UTC.", a.by, a.at),
        comment => format!("{} looks after it since {} UTC: {comment}", a.by, a.at),
    });
    let assigned = alert.assigned.as_ref().map(|who| format!("Assigned to {who}. "));
    view! {
        <p class="head">{marks(alert, detail.state)} " " {alert.sentence.clone()}</p>
        <p class="quiet">
            {alert.subject.to_string()} " · " <code>{alert.key.clone()}</code> " · since " <Instant at=since/> " · " {lasted}
        </p>
        <p>{assigned} {silenced} {looked_after}</p>
        {folded(alert)}
    }
}

fn history(detail: &AlertDetail) -> impl IntoView + use<> {
    if let Some(why) = &detail.without_history {
        return EitherOf3::A(view! { <p class="quiet">{why.clone()}</p> });
    }
    if detail.events.is_empty() {
        return EitherOf3::B(view! { <Empty what="Not written down yet." next="It appears as soon as the database has it."/> });
    }
    let line = |event: &crate::alerts::alert::AlertEvent| {
        let who = event.who.as_ref().map(|who| format!(" by {who}"));
        view! {
            <li>
                <Instant at=event.at/>
                <span><b>{event.kind.name()}</b> {who} " " {event.text.clone()}</span>
            </li>
        }
    };
    EitherOf3::C(view! { <ol class="timeline">{detail.events.iter().map(line).collect_view()}</ol> })
}

fn told(notices: &[NoticeRow]) -> impl IntoView + use<> {
    if notices.is_empty() {
        let next = "Receivers are named in the section [notices] of wirecenter.toml.";
        return Either::Left(view! { <Empty what="Nobody was told outside." next=next/> });
    }
    let row = |notice: &NoticeRow| {
        let (tone, word) = match (notice.sent_at, notice.given_up_at) {
            (Some(_), _) => (Tone::Good, "sent"),
            (None, Some(_)) => (Tone::Bad, "given up"),
            (None, None) if notice.attempts > 0 => (Tone::Notice, "tried again"),
            (None, None) => (Tone::Busy, "waiting"),
        };
        let at = notice.sent_at.unwrap_or(notice.created_at);
        view! {
            <tr>
                <td>{notice.receiver.clone()}</td>
                <td class="r">{notice.seq}</td>
                <td><Badge tone=tone word=word/></td>
                <td><Instant at=at/></td>
                <td class="r">{notice.attempts}</td>
                <td class="wrap">{notice.last_error.clone()}</td>
            </tr>
        }
    };
    Either::Right(view! {
        <div class="scroll" tabindex="0" role="region" aria-label="Table of notices">
            <table>
                <thead>
                    <tr>
                        <th scope="col">"Receiver"</th>
                        <th scope="col" class="r">"Event"</th>
                        <th scope="col">"State"</th>
                        <th scope="col">"When"</th>
                        <th scope="col" class="r">"Tries"</th>
                        <th scope="col">"Last error"</th>
                    </tr>
                </thead>
                <tbody>{notices.iter().map(row).collect_view()}</tbody>
            </table>
        </div>
    })
}
