use leptos::prelude::*;

/// How far something is, with a word for what it waits on. Without a number it says that it does not know.
#[component]
pub fn Progress(#[prop(into)] label: String, percent: Option<u8>) -> impl IntoView {
    let spoken = label.clone();
    let bar = match percent {
        Some(percent) => view! { <progress max="100" value=percent.min(100).to_string() aria-label=spoken></progress> }.into_any(),
        None => view! { <progress aria-label=spoken></progress> }.into_any(),
    };
    view! { <p class="progress">{bar} <span>{label}</span> {percent.map(|percent| view! { <small>{percent.min(100)} " %"</small> })}</p> }
}
