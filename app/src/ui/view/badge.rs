use crate::{ui::icon::Icon, values::Tone};
use leptos::prelude::*;

/// State as tone, shape and word, so that it can be read in greyscale and by those who do not see the tone.
#[component]
pub fn Badge(tone: Tone, #[prop(into)] word: String) -> impl IntoView {
    let shape = match tone {
        Tone::Good => Icon::Good,
        Tone::Busy => Icon::Busy,
        Tone::Notice => Icon::Notice,
        Tone::Bad => Icon::Bad,
        Tone::Idle => Icon::Idle,
    };
    view! {
        <span class=format!("badge {}", tone.name())>
            <svg class="shape" viewBox="0 0 20 20" aria-hidden="true">
                <path d=shape.path()></path>
            </svg>
            {word}
        </span>
    }
}
