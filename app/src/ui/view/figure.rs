use crate::values::{Moment, Tone};
use leptos::prelude::*;

/// Figures in a row.
#[component]
pub fn Figures(children: Children) -> impl IntoView {
    view! { <dl class="figures">{children()}</dl> }
}

/// A big number with its small, quiet unit. Both may change while one looks.
#[component]
pub fn Figure(
    #[prop(into)] label: String,
    #[prop(into)] number: Signal<String>,
    #[prop(optional, into)] unit: Signal<String>,
    #[prop(optional_no_strip, into)] tone: Option<Signal<Tone>>,
    /// A line below: what it is made of, or how it is counted.
    #[prop(optional, into)]
    note: Signal<String>,
) -> impl IntoView {
    view! {
        <div class=move || format!("figure {}", tone.map_or("", |tone| tone.get().name()))>
            <dt>{label}</dt>
            <dd>
                {move || number.get()} <small>{move || unit.get()}</small>
                <span class="note">{move || note.get()}</span>
            </dd>
        </div>
    }
}

/// A moment, readable by people and machines; the zone is beside it.
#[component]
pub fn Instant(at: Moment) -> impl IntoView {
    view! {
        <time class="instant" datetime=at.rfc3339()>
            {at.to_string()}
            <small>" UTC"</small>
        </time>
    }
}
