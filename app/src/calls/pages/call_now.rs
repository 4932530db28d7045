//! The part of a call's page that lives: a call that is up, until it is over and its record is collected.

use super::{
    ladder_view::{codecs, ladder_view},
    live_table::hang_up_link,
};
use crate::{
    calls::{api::get_call_now, board::BoardCall, call_now::CallNow, ladder::live_ladder, live::CallState},
    live::{
        Topic,
        client::{Bus, Connection, bus, follow},
    },
    routes::Page,
    ui::Badge,
    values::{
        Moment, Tone,
        quantity::{format_count, format_span},
    },
    wire::Given,
};
use leptos::{either::Either, prelude::*};

#[island]
pub fn OneCallNow(#[prop(into)] initial: Given<CallNow>, may_hang_up: bool) -> impl IntoView {
    let Given(initial) = initial;
    let at_load = initial.at;
    let now = RwSignal::new(initial);
    follow(Topic::Calls, now, |before: &CallNow| get_call_now(before.call.reference.clone()), keep);
    let (clock, Bus { now: tick, connection, .. }) = (RwSignal::new(at_load), bus());
    Effect::new(move |_| clock.set(tick.get()));
    let lost_since = Memo::new(move |_| match connection.get() {
        Connection::LostSince(at) => Some(at),
        Connection::Connecting | Connection::Live => None,
    });
    let said = Memo::new(move |_| match lost_since.get() {
        Some(at) => {
            (Tone::Idle, "unknown", format!("Unknown since {} UTC: the panel does not answer this page.", at.time_of_day()))
        }
        None => now.with(|now| (now.tone(), now.word(), now.sentence())),
    });
    // What is drawn changes with what is known, not with each second.
    let known = Memo::new(move |_| now.with(|now| CallNow { at: at_load, ..now.clone() }));
    // A link that is drawn again loses the focus, so it is drawn again only when it leads elsewhere.
    let step = Memo::new(move |_| known.with(|now| (now.is_up(), now.recorded, now.call.pbx.clone(), now.call.unique_id.clone())));
    view! {
        <div class="live-area" class:unknown=move || lost_since.get().is_some()>
            <p class="say first">
                <span role="status">
                    {move || {
                        let (tone, word, sentence) = said.get();
                        view! { <Badge tone=tone word=word/> " " <span>{sentence}</span> }
                    }}
                </span>
                {move || step.with(|_| next(&known.get_untracked(), may_hang_up))}
            </p>
            <div class="cols">
                <section class="panel">
                    <h2>"The call"</h2>
                    <p class="num">{move || running(&known.get(), clock.get())}</p>
                    {move || identity(&known.get())}
                </section>
                <section class="panel">
                    <h2>"Codecs"</h2>
                    {move || known.with(|now| codecs(&now.call.called, now.call.customer_codec.clone(), now.call.carrier_codec.clone(), NO_CODEC))}
                </section>
            </div>
            <section class="panel">
                <h2>"What happened so far"</h2>
                {move || known.with(|now| ladder_view(live_ladder(&now.call, &now.attempts, now.ended_at)))}
                <p class="quiet">{move || missing(&known.get())}</p>
            </section>
        </div>
    }
}

const NO_CODEC: &str = "The PBX tells no codec yet: nothing is set up.";

/// The page stays with the call it shows until a younger one takes its name, as when a PBX refused it and it went to the next.
fn keep(before: CallNow, new: CallNow) -> CallNow {
    let same = before.call.pbx == new.call.pbx && before.call.unique_id == new.call.unique_id;
    if same || new.call.started_at > before.call.started_at { new } else { before }
}

/// What can be done now.
fn next(now: &CallNow, may_hang_up: bool) -> Option<impl IntoView + use<>> {
    if now.recorded || !now.is_up() {
        let words = if now.recorded { "Show its record" } else { "Look again" };
        // The same address is the record as soon as there is one.
        let href = Page::Call(now.call.reference.clone()).path();
        return Some(Either::Left(view! { " " <a class="button" href=href>{words}</a> }));
    }
    let one = BoardCall { call: now.call.clone(), unknown_since: now.unknown_since };
    may_hang_up.then(|| Either::Right(view! { " " {hang_up_link(&one, "")} }))
}

fn running(now: &CallNow, clock: Moment) -> String {
    match now.ended_at {
        Some(at) => format!("took {}", format_span(at.since(now.call.started_at))),
        None => format!("{} s since it began", format_count(clock.since(now.call.started_at).as_secs())),
    }
}

/// As a list of words: each row of its own kind would be code of its own in the browser.
fn identity(now: &CallNow) -> impl IntoView + use<> {
    let call = &now.call;
    let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "–".into());
    let said = |text: &str, none: &str| if text.is_empty() { none.to_string() } else { text.to_string() };
    let unanswered = match (call.state, now.is_up()) {
        (CallState::Up, _) => "not told when",
        (_, true) => "not yet",
        (_, false) => "no",
    };
    let facts = [
        ("Started", format!("{} UTC", call.started_at)),
        ("Answered", call.answered_at.map_or_else(|| unanswered.into(), |at| format!("{at} UTC"))),
        ("Caller", said(&call.caller, "withheld")),
        ("Called", said(&call.called, "not said")),
        ("Customer", or_dash(&call.customer)),
        ("Carrier", or_dash(&call.carrier)),
        ("PBX", call.pbx.clone()),
        ("Reference", call.reference.clone()),
    ];
    let row = |(name, value): (&'static str, String)| view! { <dt>{name}</dt><dd class="num">{value}</dd> };
    view! { <dl class="call-facts">{facts.map(row).into_iter().collect_view()}</dl> }
}

/// Why the ladder is shorter than that of the record.
fn missing(now: &CallNow) -> String {
    let of_attempts = match &now.attempts_unknown {
        Some(why) => format!("Tries at carriers cannot be read: {why} "),
        None => String::new(),
    };
    format!(
        "{of_attempts}When it rang, and at which carrier it is now, is written down with the end of the try; the record has all of it."
    )
}
