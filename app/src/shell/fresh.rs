//! Pieces of a page that the server draws, charts above all: read again after a wake-up and put in the place of the old ones. A
//! piece is an element with `data-fresh="NAME"`, it contains no island, and it stays as it is while the keyboard is inside it.

use crate::live::{Topic, client::bus};
use leptos::prelude::*;

/// Reads the page again at most every `every_ms`, and not while its tab is hidden. With `from` another page is read, and only the
/// pieces of the frame, which every page has, are taken from it.
#[island]
pub fn Fresh(topic: Topic, every_ms: u32, #[prop(optional, into)] from: Option<String>) -> impl IntoView {
    let woken = bus().wakes(topic);
    #[cfg(feature = "hydrate")]
    browser::listen(woken, std::time::Duration::from_millis(u64::from(every_ms)), from);
    #[cfg(not(feature = "hydrate"))]
    let _ = (woken, every_ms, from);
}

#[cfg(feature = "hydrate")]
mod browser {
    use leptos::prelude::*;
    use std::time::Duration;
    use wasm_bindgen::{JsCast, JsValue};
    use wasm_bindgen_futures::JsFuture;
    use web_sys::{Document, DomParser, Element, Response, SupportedType};

    pub fn listen(woken: ArcRwSignal<u64>, every: Duration, from: Option<String>) {
        let waits = StoredValue::new(false);
        Effect::new(move |before: Option<u64>| {
            let version = woken.get();
            // What wakes while one is waiting for is in what will be read.
            if before.unwrap_or_default() != version && !waits.get_value() {
                waits.set_value(true);
                let from = from.clone();
                set_timeout(
                    move || {
                        waits.set_value(false);
                        leptos::task::spawn_local(async move {
                            // The old pieces stay; the page's light says that the panel does not answer.
                            let _ = read_again(from).await;
                        });
                    },
                    every,
                );
            }
            version
        });
    }

    async fn read_again(from: Option<String>) -> Result<(), JsValue> {
        if document().hidden() {
            return Ok(());
        }
        let wanted = if from.is_some() { "[data-fresh^=frame-]" } else { "[data-fresh]" };
        let address = match from {
            Some(from) => from,
            None => window().location().href()?,
        };
        let response: Response = JsFuture::from(window().fetch_with_str(&address)).await?.dyn_into()?;
        // After the end of a session another page would answer.
        if !response.ok() || response.redirected() {
            return Ok(());
        }
        let text = JsFuture::from(response.text()?).await?.as_string().unwrap_or_default();
        let new = DomParser::new()?.parse_from_string(&text, SupportedType::TextHtml)?;
        pieces(&document(), wanted).iter().for_each(|old| replace(old, &new, wanted));
        Ok(())
    }

    fn pieces(page: &Document, wanted: &str) -> Vec<Element> {
        let Ok(found) = page.query_selector_all(wanted) else { return Vec::new() };
        (0..found.length()).filter_map(|at| found.get(at)?.dyn_into().ok()).collect()
    }

    fn replace(old: &Element, new: &Document, wanted: &str) {
        let name = old.get_attribute("data-fresh");
        let Some(new) = pieces(new, wanted).into_iter().find(|new| new.get_attribute("data-fresh") == name) else { return };
        let text = new.inner_html();
        let has_focus = document().active_element().is_some_and(|focused| old.contains(Some(&focused)));
        if !has_focus && text != old.inner_html() {
            old.set_inner_html(&text);
        }
    }
}
