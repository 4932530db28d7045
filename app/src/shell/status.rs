//! The things in the frame that move: the clock, the light that says whether the page lives, the banner of the database, the number
//! of alerts beside their page in the menu.

use crate::{
    alerts::api::{Firing, get_firing},
    live::{
        Topic,
        client::{Connection, bus, follow},
    },
    system::{api::get_database_state, snapshot::DatabaseState},
    ui::Badge,
    values::{Moment, quantity::format_span},
    wire::Given,
};
use leptos::prelude::*;

/// The server's clock. UTC, and it says so.
#[island]
pub fn Clock(at: Moment) -> impl IntoView {
    let now = RwSignal::new(at);
    let tick = bus().now;
    Effect::new(move |_| now.set(tick.get()));
    view! {
        <time class="clock" datetime=move || now.get().rfc3339()>
            <span class="date">{move || now.get().date()}</span>
            " "
            {move || now.get().time_of_day()}
            <small>" UTC"</small>
        </time>
    }
}

/// Whether what one sees is live.
#[island]
pub fn LiveLight() -> impl IntoView {
    let (state, since) = (RwSignal::new(Connection::Connecting), RwSignal::new(Moment::EPOCH));
    let (connection, tick) = (bus().connection, bus().now);
    Effect::new(move |_| {
        state.set(connection.get());
        since.set(tick.get());
    });
    let word = move || match state.get() {
        Connection::Connecting => "connecting".to_string(),
        Connection::Live => "live".to_string(),
        Connection::LostSince(at) => format!("not live for {}", format_span(since.get().since(at))),
    };
    let tone = move || match state.get() {
        Connection::Connecting => "busy",
        Connection::Live => "good",
        Connection::LostSince(_) => "bad",
    };
    view! {
        <span class=move || format!("light {}", tone()) role="status">
            <i></i>
            {word}
        </span>
    }
}

/// How many alerts nobody looks after, and how bad the worst is. Nothing at all while there is none.
#[island]
pub fn FiringCount(#[prop(into)] firing: Given<Firing>) -> impl IntoView {
    let Given(firing) = firing;
    let firing = RwSignal::new(firing);
    follow(Topic::Alerts, firing, |_| get_firing(), |_, new| new);
    let words = move || {
        let Firing { count, worst } = firing.get();
        worst.filter(|_| count > 0).map(|worst| {
            let said = if count == 1 { " alert firing: " } else { " alerts firing, worst: " };
            view! {
                " "
                <Badge tone=worst.tone() word=count.to_string()/>
                <span class="unseen">{said} {worst.name()}</span>
            }
        })
    };
    view! { <span class="firing">{words}</span> }
}

/// Says on every page that the database is away, since when, and what still works; reloads a page that waits for it.
#[island]
pub fn DatabaseBanner(#[prop(into)] state: Given<Option<DatabaseState>>) -> impl IntoView {
    let Given(state) = state;
    let state = RwSignal::new(state);
    let fetch = |_: &Option<DatabaseState>| async { get_database_state().await.map(|state| (!state.is_up()).then_some(state)) };
    follow(Topic::System, state, fetch, |_, new| new);
    let was_away = StoredValue::new(state.get_untracked().is_some());
    Effect::new(move |_| {
        let away = state.get().is_some();
        if was_away.get_value() && !away {
            reload_what_waits();
        }
        was_away.set_value(away);
    });
    let sentence = move || {
        state.get().map(|state| {
            let (since, word) = (state.since().time_of_day(), state.word());
            let why = match &state {
                DatabaseState::Down { why, .. } | DatabaseState::Unfit { why, .. } => why.clone(),
                DatabaseState::Starting { .. } | DatabaseState::Up { .. } => String::new(),
            };
            view! {
                <div class="notice bad banner" role="alert">
                    <p>
                        <b>"The panel’s database " {word} " since " {since} " UTC. "</b>
                        {why}
                        " You stay signed in, and what does not need it goes on; changes that need it are refused until it is back. The panel keeps trying."
                    </p>
                </div>
            }
        })
    };
    view! { <div class="banners">{sentence}</div> }
}

/// A page that shows only a problem because the database was away is worth loading again; any other keeps what was typed.
fn reload_what_waits() {
    #[cfg(feature = "hydrate")]
    {
        let waits = document().query_selector("[data-reload-when-back]").ok().flatten().is_some();
        if waits {
            // A reload fails only while the page is already leaving.
            let _ = window().location().reload();
        }
    }
}
