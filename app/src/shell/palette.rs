//! The keyboard: Ctrl-K opens the palette, `/` goes to the page's filter, `?` shows the key map, `g` and a letter goes to a page.
//! Also what makes a dialog of the page modal. Without a script, menu, links and search do the same work.

use crate::wire::Given;
use leptos::{either::Either, prelude::*};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaletteEntry {
    pub title: String,
    pub about: String,
    pub href: String,
    pub key: Option<char>,
}

impl PaletteEntry {
    /// Every word typed must begin a word of the title or stand in the description.
    pub fn matches(&self, typed: &str) -> bool {
        let (title, about) = (self.title.to_lowercase(), self.about.to_lowercase());
        let finds = |word: &str| title.split_whitespace().any(|part| part.starts_with(word)) || about.contains(word);
        typed.to_lowercase().split_whitespace().all(finds)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "hydrate"), expect(dead_code, reason = "only keys open something, and keys are pressed in a browser"))]
enum Open {
    Nothing,
    Palette,
    Keys,
}

#[island]
pub fn Palette(#[prop(into)] entries: Given<Vec<PaletteEntry>>) -> impl IntoView {
    let Given(entries) = entries;
    let (open, typed, chosen) = (RwSignal::new(Open::Nothing), RwSignal::new(String::new()), RwSignal::new(0usize));
    let entries = StoredValue::new(entries);
    let found = Memo::new(move |_| {
        let typed = typed.get();
        entries.with_value(|all| all.iter().filter(|entry| entry.matches(&typed)).cloned().collect::<Vec<_>>())
    });
    #[cfg(feature = "hydrate")]
    {
        browser::make_dialogs_modal();
        browser::listen(open, entries);
        // Focus follows what was opened.
        Effect::new(move |_| {
            if open.get() != Open::Nothing {
                typed.set(String::new());
                chosen.set(0);
                queue_microtask(|| browser::focus(".palette input, .keymap"));
            }
        });
    }
    let move_by = move |step: isize| {
        let count = found.with(Vec::len).max(1);
        chosen.update(|chosen| *chosen = chosen.saturating_add_signed(step).min(count - 1));
    };
    let go = move || {
        let entry = found.with(|found| found.get(chosen.get_untracked()).cloned());
        // Nothing of ours has that name: the server's search may know a user or a row of the log.
        let href =
            entry.map_or_else(|| crate::values::Query::default().with("q", typed.get_untracked()).link("/search"), |e| e.href);
        open.set(Open::Nothing);
        // Leaving the page cannot fail in a way this page could tell.
        let _ = window().location().set_href(&href);
    };
    let pressed = move |event: leptos::ev::KeyboardEvent| match event.key().as_str() {
        "ArrowDown" => move_by(1),
        "ArrowUp" => move_by(-1),
        "Enter" => go(),
        "Escape" => open.set(Open::Nothing),
        _ => {}
    };
    let palette = move || {
        let item = move |(i, entry): (usize, PaletteEntry)| {
            let selected = move || if chosen.get() == i { "true" } else { "false" };
            view! {
                <li role="option" id=format!("palette-{i}") aria-selected=selected>
                    <a href=entry.href tabindex="-1">
                        <b>{entry.title}</b>
                        <span>{entry.about}</span>
                        {entry.key.map(|key| view! { <kbd>"g " {key.to_string()}</kbd> })}
                    </a>
                </li>
            }
        };
        view! {
            <div class="veil" on:click=move |_| open.set(Open::Nothing)>
                <div class="dialog palette" role="dialog" aria-modal="true" aria-label="Jump to" on:click=|event| event.stop_propagation()>
                    <input
                        type="text"
                        role="combobox"
                        aria-expanded="true"
                        aria-controls="palette-list"
                        aria-activedescendant=move || format!("palette-{}", chosen.get())
                        aria-label="Page, user or anything in the log"
                        placeholder="Page, user, request id…"
                        autocomplete="off"
                        spellcheck="false"
                        prop:value=typed
                        on:input=move |event| {
                            typed.set(event_target_value(&event));
                            chosen.set(0);
                        }
                        on:keydown=pressed
                    />
                    <ul id="palette-list" role="listbox" aria-label="Pages">
                        {move || found.get().into_iter().enumerate().map(item).collect_view()}
                    </ul>
                    {move || {
                        found
                            .with(Vec::is_empty)
                            .then(|| view! { <p class="quiet">"No page has that name. Enter searches users and the log."</p> })
                    }}
                </div>
            </div>
        }
    };
    let keys = move || {
        let row = |(keys, does): (String, String)| view! { <tr><th scope="row"><kbd>{keys}</kbd></th><td>{does}</td></tr> };
        let fixed =
            [("Ctrl K", "jump to a page, search"), ("/", "to the filter of the page"), ("?", "these keys"), ("Esc", "close")];
        let fixed = fixed.map(|(keys, does)| (keys.to_string(), does.to_string()));
        let pages = entries.with_value(|all| {
            let keyed = all.iter().filter_map(|entry| Some((format!("g {}", entry.key?), format!("go to {}", entry.title))));
            keyed.collect::<Vec<_>>()
        });
        view! {
            <div class="veil" on:click=move |_| open.set(Open::Nothing)>
                <div class="dialog keymap" role="dialog" aria-modal="true" aria-label="Keys" tabindex="-1" on:keydown=pressed>
                    <h2>"Keys"</h2>
                    <table>
                        <tbody>{fixed.into_iter().chain(pages).map(row).collect_view()}</tbody>
                    </table>
                </div>
            </div>
        }
    };
    view! {
        <div class="keyboard">
            {move || match open.get() {
                Open::Nothing => None,
                Open::Palette => Some(Either::Left(palette())),
                Open::Keys => Some(Either::Right(keys())),
            }}
        </div>
    }
}

#[cfg(feature = "hydrate")]
mod browser {
    use super::{Open, PaletteEntry};
    use leptos::prelude::*;
    use std::{cell::Cell, rc::Rc};
    use wasm_bindgen::{JsCast, closure::Closure};
    use web_sys::{HtmlDialogElement, HtmlElement, KeyboardEvent};

    pub fn focus(selector: &str) {
        let element = document().query_selector(selector).ok().flatten().and_then(|element| element.dyn_into::<HtmlElement>().ok());
        if let Some(element) = element {
            // Focusing an element that is in the page does not fail.
            let _ = element.focus();
        }
    }

    /// A dialog the server put on the page becomes modal: focus stays inside, Escape leads back.
    pub fn make_dialogs_modal() {
        let dialog = document().query_selector("dialog.dialog[open]:not(.still *)").ok().flatten();
        let Some(dialog) = dialog.and_then(|dialog| dialog.dyn_into::<HtmlDialogElement>().ok()) else { return };
        dialog.close();
        if dialog.show_modal().is_err() {
            dialog.set_open(true);
            return;
        }
        let back = dialog.get_attribute("data-back").unwrap_or_else(|| "/".into());
        let closed = Closure::<dyn FnMut()>::new(move || {
            let _ = window().location().set_href(&back);
        });
        if dialog.add_event_listener_with_callback("cancel", closed.as_ref().unchecked_ref()).is_ok() {
            closed.forget();
        }
    }

    fn is_typing() -> bool {
        let Some(active) = document().active_element() else { return false };
        let tag = active.tag_name().to_lowercase();
        ["input", "textarea", "select"].contains(&tag.as_str()) || active.has_attribute("contenteditable")
    }

    pub fn listen(open: RwSignal<Open>, entries: StoredValue<Vec<PaletteEntry>>) {
        let after_g = Rc::new(Cell::new(false));
        let pressed = Closure::<dyn FnMut(KeyboardEvent)>::new(move |event: KeyboardEvent| {
            let key = event.key();
            if (event.ctrl_key() || event.meta_key()) && key.eq_ignore_ascii_case("k") {
                event.prevent_default();
                open.set(Open::Palette);
                return;
            }
            if key == "Escape" && open.get_untracked() != Open::Nothing {
                open.set(Open::Nothing);
                return;
            }
            if is_typing() || event.ctrl_key() || event.meta_key() || event.alt_key() {
                return;
            }
            let goes = after_g.replace(key == "g");
            match key.as_str() {
                "/" => {
                    event.prevent_default();
                    let filter = document().query_selector("[data-slash]").ok().flatten();
                    focus(if filter.is_some() { "[data-slash]" } else { "[data-palette]" });
                }
                "?" => open.set(Open::Keys),
                letter if goes => {
                    let href = entries.with_value(|all| {
                        let found = all.iter().find(|entry| entry.key.is_some_and(|key| letter == key.to_string()));
                        found.map(|entry| entry.href.clone())
                    });
                    if let Some(href) = href {
                        let _ = window().location().set_href(&href);
                    }
                }
                _ => {}
            }
        });
        if document().add_event_listener_with_callback("keydown", pressed.as_ref().unchecked_ref()).is_ok() {
            pressed.forget();
        }
        // The search field in the header opens the palette, where there is a script.
        let clicked = Closure::<dyn FnMut()>::new(move || open.set(Open::Palette));
        if let Ok(Some(field)) = document().query_selector("[data-palette]")
            && field.add_event_listener_with_callback("click", clicked.as_ref().unchecked_ref()).is_ok()
        {
            clicked.forget();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_find_titles_by_their_beginning_and_descriptions_anywhere() {
        let entry = PaletteEntry { title: "Audit log".into(), about: "who did what".into(), href: "/audit".into(), key: Some('a') };
        for typed in ["", "au", "LOG aud", "did", "aud what"] {
            assert!(entry.matches(typed), "{typed:?}");
        }
        for typed in ["dit", "audits", "aud x"] {
            assert!(!entry.matches(typed), "{typed:?}");
        }
    }
}
