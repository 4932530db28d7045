//! What runs now, on every page of the staff: a number in the menu, and a drawer behind a button of the header. Where nothing runs
//! neither is there, and nobody asks.

use crate::{
    operations::sheet::Summary,
    routes::Page,
    ui::{Badge, Instant},
    values::Tone,
};
use leptos::prelude::*;

/// The worst of what is not over.
fn tone(active: &[Summary]) -> Tone {
    let any = |tone: Tone| active.iter().any(|summary| summary.tone == tone);
    [Tone::Bad, Tone::Notice].into_iter().find(|tone| any(*tone)).unwrap_or(Tone::Busy)
}

/// Beside “Operations” in the menu.
pub fn count(active: &[Summary]) -> impl IntoView + use<> {
    let count = active.len();
    let badge = (count > 0).then(|| {
        view! {
            " "
            <Badge tone=tone(active) word=count.to_string()/>
            <span class="unseen">{if count == 1 { " operation is not over" } else { " operations are not over" }}</span>
        }
    });
    view! { <span class="firing" data-fresh="frame-count">{badge}</span> }
}

/// It opens without a script; while it is empty the style sheet hides it.
pub fn drawer(active: &[Summary]) -> impl IntoView + use<> {
    let stuck = active.iter().filter(|summary| summary.word == "stuck").count();
    let words = match (active.len(), stuck) {
        (0, _) => None,
        (1, 0) => Some("1 runs".to_string()),
        (many, 0) => Some(format!("{many} run")),
        (_, stuck) => Some(format!("{stuck} stuck")),
    };
    let summary = words.map(|words| {
        view! {
            <span class="unseen">"Operations: "</span>
            <Badge tone=tone(active) word=words/>
        }
    });
    view! {
        <details class="menu drawer">
            // The piece is inside: it goes on changing while the keyboard is at the button.
            <summary class="button quiet">
                <span data-fresh="frame-summary">{summary}</span>
            </summary>
            <div class="sheet" data-fresh="frame-drawer">
                <ul>{active.iter().map(line).collect_view()}</ul>
                <a class="button quiet" href=Page::Operations.path()>
                    "All operations"
                </a>
            </div>
        </details>
    }
}

fn line(summary: &Summary) -> impl IntoView + use<> {
    let since = summary.since.map(|since| view! { " · since " <Instant at=since/> });
    view! {
        <li>
            <Badge tone=summary.tone word=summary.word.clone()/>
            " "
            <a href=Page::Operation(summary.id).path()>{summary.title.clone()}</a>
            <p class="quiet">{summary.step.clone()} {since}</p>
        </li>
    }
}
