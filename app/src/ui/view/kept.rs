//! Views that are the same for everybody who looks: rendered once, not once a look.

use leptos::prelude::*;
use std::sync::{Mutex, PoisonError};

/// The last rendering of a view, and what it was made from. It is made again when that is no longer the same, so it is never
/// older than its facts.
pub struct Kept<T>(Mutex<Option<(T, String)>>);

impl<T: PartialEq> Kept<T> {
    pub const fn empty() -> Self {
        Self(Mutex::new(None))
    }

    pub fn view<V: IntoView>(&self, facts: T, render: impl FnOnce() -> V) -> AnyView {
        view! { <div class="kept" inner_html=self.html(facts, || render().to_html())></div> }.into_any()
    }

    fn html(&self, facts: T, render: impl FnOnce() -> String) -> String {
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, html)) = lock().as_ref().filter(|(of, _)| *of == facts) {
            return html.clone();
        }
        // Without the lock: two who come at once both render, and nobody waits.
        let html = render();
        *lock() = Some((facts, html.clone()));
        html
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_the_same_is_rendered_once_and_what_changed_anew() {
        static KEPT: Kept<u32> = Kept::empty();
        assert_eq!(KEPT.html(1, || "one".into()), "one");
        assert_eq!(KEPT.html(1, || "not asked".into()), "one");
        assert_eq!(KEPT.html(2, || "two".into()), "two");
    }
}
