//! The part of the map that lives: reads the map again at each wake-up and writes the pieces that changed, and shows what would
//! stop with whatever one points at. The drawing itself is the server's.

use crate::{
    fleet::{
        api::{get_blast, get_map},
        blast::{Blast, BlastLine},
        map::{MAP_EVERY_MS, MapSnapshot},
    },
    live::{
        Topic,
        client::{bus, follow},
    },
    values::{Freshness, Moment, Observed},
    wire::Given,
};
use leptos::{either::Either, prelude::*};

#[island]
pub fn MapLive(
    taken_at: Moment,
    /// Of the map that is drawn.
    stamp: String,
    /// Of the board.
    rows: usize,
    /// What the address asks about; stays when nothing is pointed at.
    #[prop(into)]
    pinned: Given<Option<Blast>>,
) -> impl IntoView {
    let Given(pinned) = pinned;
    let map = RwSignal::new(None::<MapSnapshot>);
    follow(Topic::Fleet, map, |_| get_map(), |_, new| new);
    let shown = RwSignal::new(pinned.clone());
    let newest = move || map.with(|map| map.as_ref().map_or(taken_at, |map| map.taken_at));
    let tick = bus().now;
    let silent = {
        let tick = tick.clone();
        Memo::new(move |_| {
            let seen = Observed { value: (), observed_at: newest(), every_ms: MAP_EVERY_MS };
            tick.get() > taken_at && seen.freshness(tick.get()) != Freshness::Fresh
        })
    };
    // Nobody wakes a page about a world that stands still, and its ages must go on being true.
    let woken = bus().wakes(Topic::Fleet);
    Effect::new(move |_| {
        let now = tick.get();
        if now.since(newest()).as_millis() >= u128::from(MAP_EVERY_MS) {
            woken.update(|version| *version += 1);
        }
    });
    #[cfg(feature = "hydrate")]
    browser::live(map, silent, shown, stamp, rows, pinned);
    #[cfg(not(feature = "hydrate"))]
    let _ = (silent, stamp, rows, pinned, get_blast);
    view! { <div class="map-blast" aria-live="polite">{move || match shown.get() { None => Either::Left(hint()), Some(blast) => Either::Right(told(blast)) }}</div> }
}

fn hint() -> impl IntoView {
    view! {
        <p class="quiet hint">
            "Point at a machine, a network or a group, or walk there with Tab and the arrow keys: what would stop with it stands here. Enter opens it."
        </p>
    }
}

fn told(blast: Blast) -> impl IntoView {
    let line = |line: BlastLine| {
        view! {
            <li class=line.tone.name()>
                <span class="dot"></span>
                {line.text}
            </li>
        }
    };
    view! {
        <h2>{blast.title}</h2>
        <ul>{blast.lines.into_iter().map(line).collect_view()}</ul>
    }
}

#[cfg(feature = "hydrate")]
mod browser {
    use super::{Blast, MapSnapshot, get_blast};
    use crate::{
        fleet::map::{
            Said,
            slots::{Put, Slot, changes},
        },
        live::client::bus,
        values::{
            Moment, Tone,
            quantity::{format_age, format_span},
        },
    };
    use leptos::prelude::*;
    use std::time::Duration;
    use wasm_bindgen::{JsCast, closure::Closure};
    use web_sys::{Element, Event, HtmlElement, KeyboardEvent};

    /// A pointer that only passes by asks nothing.
    const REST: Duration = Duration::from_millis(90);
    /// About a frame: the board is on the screen before the lists below it are written.
    const FRAME: Duration = Duration::from_millis(20);

    fn all(selector: &str) -> Vec<Element> {
        let Ok(found) = document().query_selector_all(selector) else { return Vec::new() };
        (0..found.length()).filter_map(|at| found.get(at)?.dyn_into().ok()).collect()
    }

    fn set(element: &Element, name: &str, value: Option<&str>) {
        // An attribute of a name we wrote ourselves is never refused.
        let _ = match value {
            Some(value) => element.set_attribute(name, value),
            None => element.remove_attribute(name),
        };
    }

    fn put(slot: &Slot, now: Moment) {
        let Some(element) = document().get_element_by_id(&slot.id) else { return };
        match &slot.put {
            Put::Text(text) => {
                set(&element, "data-for", None);
                element.set_text_content(Some(text));
            }
            Put::Class(class) => set(&element, "class", Some(class)),
            Put::Path(path) => set(&element, "d", Some(path)),
            Put::Age(at) => count_from(&element, "data-age", *at, now),
            Put::For(at) => count_from(&element, "data-for", *at, now),
        }
    }

    fn count_from(element: &Element, kind: &str, at: Option<Moment>, now: Moment) {
        set(element, kind, at.map(|at| at.micros().to_string()).as_deref());
        match at {
            Some(_) => count(element, kind, now),
            None => element.set_text_content(None),
        }
    }

    fn count(element: &Element, kind: &str, now: Moment) {
        let at = element.get_attribute(kind).and_then(|micros| micros.parse().ok()).map(Moment::from_micros);
        let Some(span) = at.map(|at| now.since(at)) else { return };
        let text = match kind {
            "data-for" => format!("for {}", format_span(Duration::from_secs(span.as_secs()))),
            _ => format_age(span),
        };
        if element.text_content().as_deref() != Some(&text) {
            element.set_text_content(Some(&text));
        }
    }

    fn say(lead: &[Said], now: Moment) {
        let Some(place) = document().get_element_by_id("map-lead") else { return };
        place.set_text_content(None);
        let add = |kind: &str, text: &str| {
            let piece = document().create_element(kind).ok()?;
            piece.set_text_content(Some(text));
            place.append_child(&piece).ok()?;
            place.append_child(&document().create_text_node(" ")).ok()?;
            Some(piece)
        };
        for said in lead {
            if let Some(piece) = add("span", &said.text) {
                set(&piece, "class", Some(said.tone.map_or("", Tone::name)));
            }
            if let Some(piece) = said.at.and_then(|_| add("small", "")) {
                count_from(&piece, "data-age", said.at, now);
            }
        }
    }

    /// Marks what the blast radius touches; the style sheet dims the rest.
    fn mark(blast: Option<&Blast>) {
        for element in all("[data-subject]") {
            let name = element.get_attribute("data-subject").unwrap_or_default();
            let has = |names: &[String]| names.contains(&name);
            let subject = blast.is_some_and(|blast| blast.subject == name);
            let touched = blast.is_some_and(|blast| has(&blast.machines) || has(&blast.networks) || has(&blast.outsiders));
            let classes = element.class_list();
            let _ = classes.toggle_with_force("touched", subject || touched);
            let _ = classes.toggle_with_force("subject", subject);
        }
        if let Some(board) = document().get_element_by_id("map-board") {
            let _ = board.class_list().toggle_with_force("asked", blast.is_some());
        }
    }

    fn write(slots: &[Slot], now: Moment, shown: RwSignal<Option<Blast>>) {
        slots.iter().for_each(|slot| put(slot, now));
        // A class that was written anew has lost its mark.
        let pointing = shown.with_untracked(Option::is_some);
        if pointing && slots.iter().any(|slot| matches!(slot.put, Put::Class(_))) {
            shown.with_untracked(|blast| mark(blast.as_ref()));
        }
    }

    pub fn live(
        map: RwSignal<Option<MapSnapshot>>,
        silent: Memo<bool>,
        shown: RwSignal<Option<Blast>>,
        stamp: String,
        rows: usize,
        pinned: Option<Blast>,
    ) {
        let (bus, written) = (bus(), StoredValue::new(None::<MapSnapshot>));
        let now = bus.now.clone();
        Effect::new(move |_| {
            let Some(new) = map.get() else { return };
            if new.stamp != stamp {
                // Another inventory is another drawing.
                let _ = window().location().reload();
                return;
            }
            let new = if silent.get() { new.silenced() } else { new };
            let now = now.get_untracked();
            let (slots, lead) = written.with_value(|old| {
                let said = old.as_ref().is_none_or(|old| old.lead != new.lead);
                (changes(old.as_ref(), &new, rows), said)
            });
            let (below, board): (Vec<_>, Vec<_>) = slots.into_iter().partition(Slot::is_below_board);
            write(&board, now, shown);
            if lead {
                say(&new.lead, now);
            }
            written.set_value(Some(new));
            if !below.is_empty() {
                set_timeout(move || write(&below, now, shown), FRAME);
            }
        });
        let now = bus.now;
        Effect::new(move |_| {
            let now = now.get();
            for kind in ["data-age", "data-for"] {
                all(&format!(".map-page [{kind}], .map-lead [{kind}]")).iter().for_each(|element| count(element, kind, now));
            }
        });
        Effect::new(move |_| shown.with(|blast| mark(blast.as_ref())));
        listen(shown, pinned);
    }

    fn subject_of(event: &Event) -> Option<String> {
        let target: Element = event.target()?.dyn_into().ok()?;
        target.closest("#map-board [data-subject]").ok()??.get_attribute("data-subject")
    }

    fn listen(shown: RwSignal<Option<Blast>>, pinned: Option<Blast>) {
        let Some(board) = document().get_element_by_id("map-board") else { return };
        let wanted = RwSignal::new(None::<String>);
        let want = move |name: Option<String>| {
            if wanted.get_untracked() == name {
                return;
            }
            wanted.set(name.clone());
            let still = move || wanted.get_untracked();
            let pinned = pinned.clone();
            let ask = move || {
                if still() != name {
                    return;
                }
                let Some(name) = name.clone() else {
                    shown.set(pinned.clone());
                    return;
                };
                leptos::task::spawn_local(async move {
                    if let Ok(Some(blast)) = get_blast(name.clone()).await
                        && wanted.get_untracked().as_ref() == Some(&name)
                    {
                        shown.set(Some(blast));
                    }
                });
            };
            set_timeout(ask, REST);
        };
        let add = |kind: &str, heard: Closure<dyn FnMut(Event)>| {
            if board.add_event_listener_with_callback(kind, heard.as_ref().unchecked_ref()).is_ok() {
                // The board lives as long as the page.
                heard.forget();
            }
        };
        for kind in ["pointerover", "focusin"] {
            let want = want.clone();
            add(kind, Closure::new(move |event: Event| want(subject_of(&event))));
        }
        for kind in ["pointerleave", "focusout"] {
            let want = want.clone();
            add(kind, Closure::new(move |_: Event| want(None)));
        }
        add("keydown", Closure::new(move |event: Event| walk(&event)));
    }

    /// Left and right from machine to machine, down to the networks and up again.
    fn walk(event: &Event) {
        let Some(event) = event.dyn_ref::<KeyboardEvent>() else { return };
        let (nodes, rails) = (all("#map-board a.node"), all("#map-board a.rail"));
        let at = |list: &[Element]| {
            let focused = document().active_element()?;
            list.iter().position(|element| *element == focused)
        };
        let next = match (event.key().as_str(), at(&nodes), at(&rails)) {
            ("ArrowRight", Some(i), _) => nodes.get(i + 1),
            ("ArrowLeft", Some(i), _) => i.checked_sub(1).and_then(|i| nodes.get(i)),
            ("ArrowDown", Some(_), _) => rails.first(),
            ("ArrowDown", _, Some(i)) => rails.get(i + 1),
            ("ArrowUp", _, Some(0)) | ("ArrowLeft" | "ArrowRight", _, Some(_)) => nodes.first(),
            ("ArrowUp", _, Some(i)) => rails.get(i - 1),
            ("Escape", ..) => {
                if let Some(focused) = document().active_element() {
                    let _ = focused.unchecked_ref::<HtmlElement>().blur();
                }
                None
            }
            _ => None,
        };
        if let Some(next) = next {
            event.prevent_default();
            // An SVG link has the same `focus` as an HTML one, under another interface.
            let _ = next.unchecked_ref::<HtmlElement>().focus();
        }
    }
}
