//! Thirty minutes without input end a session. The server decides; this counts down the last thirty seconds, reports the person's
//! input, and keeps what was typed over a sign-in.

use crate::{limits, live::client::bus, values::Moment};
use leptos::{either::Either, prelude::*};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Quiet,
    Counting { left_s: u64 },
    Ended,
}

#[island]
pub fn IdleGuard(
    /// Seconds until the server ends the session if nobody touches anything.
    left_s: u64,
) -> impl IntoView {
    let phase = RwSignal::new(Phase::Quiet);
    let tick = bus().now;
    let ends_at = StoredValue::new(tick.get_untracked().plus(std::time::Duration::from_secs(left_s)));
    Effect::new(move |_| {
        let now = tick.get();
        let left = ends_at.get_value().since(now);
        let next = match phase.get_untracked() {
            Phase::Ended => Phase::Ended,
            _ if left > limits::SESSION_WARNING => Phase::Quiet,
            _ => Phase::Counting { left_s: left.as_secs() },
        };
        // Another tab may have kept the session: the server is asked before the person is bothered, and every five seconds.
        let ask = match (phase.get_untracked(), next) {
            (Phase::Quiet, Phase::Counting { .. }) => true,
            (_, Phase::Counting { left_s }) => left_s % 5 == 0,
            _ => false,
        };
        if ask {
            check(phase, ends_at, false);
        }
        if next != phase.get_untracked() && !(ask && phase.get_untracked() == Phase::Quiet) {
            phase.set(next);
        }
    });
    #[cfg(feature = "hydrate")]
    {
        browser::restore_draft();
        browser::report_input(move || check(phase, ends_at, true));
        // An ended session is heard of at once, not at the next click.
        let woken = bus().wakes(crate::live::Topic::Sessions);
        Effect::new(move |_| {
            if woken.get() > 0 {
                check(phase, ends_at, false);
            }
        });
    }
    let stay = move |_| check(phase, ends_at, true);
    let go = move |_| {
        #[cfg(feature = "hydrate")]
        browser::keep_draft_and_sign_in();
    };
    let dialog = move || match phase.get() {
        Phase::Quiet => None,
        Phase::Counting { left_s } => Some(Either::Left(view! {
            <div class="veil">
                <div class="dialog" role="alertdialog" aria-modal="true" aria-labelledby="idle-title" aria-describedby="idle-text">
                    <h2 id="idle-title">"Still there?"</h2>
                    <p id="idle-text">
                        "Nobody has touched the panel for a while. You will be signed out in "
                        <b>{left_s} " s"</b> "; what you typed stays on this page."
                    </p>
                    <div class="actions">
                        <button type="button" class="button go" on:click=stay autofocus=true>
                            "Stay signed in"
                        </button>
                    </div>
                </div>
            </div>
        })),
        Phase::Ended => Some(Either::Right(view! {
            <div class="veil">
                <div class="dialog" role="alertdialog" aria-modal="true" aria-labelledby="idle-title">
                    <h2 id="idle-title">"Your session has ended"</h2>
                    <p>"Sign in again to go on. What you typed on this page is kept in this browser until then; passwords are not."</p>
                    <div class="actions">
                        <button type="button" class="button go" on:click=go autofocus=true>
                            "Sign in again"
                        </button>
                    </div>
                </div>
            </div>
        })),
    };
    view! { <div class="idle">{dialog}</div> }
}

/// Asks the server how long the session lives; with `input` it also tells that the person is there.
fn check(phase: RwSignal<Phase>, ends_at: StoredValue<Moment>, input: bool) {
    use crate::{
        auth::api::session::{get_session_left, report_input},
        error::AppError,
    };
    leptos::task::spawn_local(async move {
        let left = if input { report_input().await } else { get_session_left().await };
        match left {
            Ok(left_s) => {
                let left = std::time::Duration::from_secs(left_s);
                ends_at.set_value(bus().now.get_untracked().plus(left));
                let counting = Phase::Counting { left_s };
                phase.set(if left > limits::SESSION_WARNING { Phase::Quiet } else { counting });
            }
            Err(AppError::SignedOut(_)) => phase.set(Phase::Ended),
            // The panel is out of reach: the light in the header says so, and nothing is known of the session.
            Err(_) => {}
        }
    });
}

#[cfg(feature = "hydrate")]
mod browser {
    use crate::limits;
    use leptos::prelude::*;
    use std::{cell::Cell, rc::Rc};
    use wasm_bindgen::{JsCast, closure::Closure};
    use web_sys::{HtmlInputElement, HtmlSelectElement, HtmlTextAreaElement};

    /// Calls `report` when the person did something, at most every so often.
    pub fn report_input(report: impl Fn() + 'static) {
        let last_ms = Rc::new(Cell::new(js_sys::Date::now()));
        let every_ms = limits::INPUT_REPORT_EVERY.as_secs_f64() * 1_000.0;
        let did = Closure::<dyn FnMut()>::new(move || {
            let now_ms = js_sys::Date::now();
            if now_ms - last_ms.get() >= every_ms {
                last_ms.set(now_ms);
                report();
            }
        });
        for event in ["pointerdown", "keydown", "wheel", "touchstart"] {
            // Listening to input cannot fail on a window.
            let _ = window().add_event_listener_with_callback(event, did.as_ref().unchecked_ref());
        }
        did.forget();
    }

    fn storage() -> Option<web_sys::Storage> {
        window().session_storage().ok().flatten()
    }

    fn key() -> String {
        format!("draft {}", window().location().pathname().unwrap_or_default())
    }

    /// The fields of this page that may be kept: what a person types, but no secret.
    fn fields() -> Vec<web_sys::Element> {
        let all = document().query_selector_all("main form input[name], main form textarea[name], main form select[name]");
        let Ok(all) = all else { return Vec::new() };
        let elements = (0..all.length()).filter_map(|i| all.get(i)?.dyn_into::<web_sys::Element>().ok());
        let may_keep = |element: &web_sys::Element| {
            let kind = element.get_attribute("type").unwrap_or_default();
            let name = element.get_attribute("name").unwrap_or_default();
            !["password", "hidden", "file"].contains(&kind.as_str()) && crate::notice::may_repeat(&name)
        };
        elements.filter(may_keep).collect()
    }

    fn read(element: &web_sys::Element) -> Option<String> {
        if let Some(input) = element.dyn_ref::<HtmlInputElement>() {
            let box_ = ["checkbox", "radio"].contains(&input.type_().as_str());
            return Some(if box_ { input.checked().to_string() } else { input.value() });
        }
        let text = element.dyn_ref::<HtmlTextAreaElement>().map(HtmlTextAreaElement::value);
        text.or_else(|| element.dyn_ref::<HtmlSelectElement>().map(HtmlSelectElement::value))
    }

    fn write(element: &web_sys::Element, value: &str) {
        if let Some(input) = element.dyn_ref::<HtmlInputElement>() {
            if ["checkbox", "radio"].contains(&input.type_().as_str()) {
                input.set_checked(value == "true");
            } else {
                input.set_value(value);
            }
        } else if let Some(area) = element.dyn_ref::<HtmlTextAreaElement>() {
            area.set_value(value);
        } else if let Some(select) = element.dyn_ref::<HtmlSelectElement>() {
            select.set_value(value);
        }
    }

    pub fn keep_draft_and_sign_in() {
        let values: Vec<Option<String>> = fields().iter().map(read).collect();
        if let (Some(storage), Ok(json)) = (storage(), serde_json::to_string(&values)) {
            // A full storage loses the draft, and only the draft.
            let _ = storage.set_item(&key(), &json);
        }
        let location = window().location();
        let here = format!("{}{}", location.pathname().unwrap_or_default(), location.search().unwrap_or_default());
        let target = crate::values::Query::default().with("next", here).link("/sign-in");
        let _ = location.set_href(&target);
    }

    pub fn restore_draft() {
        let Some(storage) = storage() else { return };
        let Ok(Some(json)) = storage.get_item(&key()) else { return };
        let _ = storage.remove_item(&key());
        let values: Vec<Option<String>> = serde_json::from_str(&json).unwrap_or_default();
        let fields = fields();
        // Another shape means the page has changed since; half a draft in the wrong fields would be worse than none.
        if fields.len() == values.len() {
            for (field, value) in fields.iter().zip(values) {
                if let Some(value) = value {
                    write(field, &value);
                }
            }
        }
    }
}
