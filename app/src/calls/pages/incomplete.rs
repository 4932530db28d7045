//! The line above figures that are not whole, because a source of call records lags behind.

use crate::{calls::sources::Behind, ui::Badge, values::Tone};
use leptos::prelude::*;

pub fn incomplete(behind: &[Behind]) -> impl IntoView + use<> {
    let line = |behind: &Behind| {
        view! {
            <p class="say" role="status" title=behind.why.clone()>
                <Badge tone=Tone::Notice word="incomplete"/>
                " "
                {behind.sentence()}
            </p>
        }
    };
    behind.iter().map(line).collect_view()
}
