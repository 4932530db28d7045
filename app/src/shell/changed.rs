//! For pages that list things: says when somebody changed what is listed, and shows it on request. The rows do not move by
//! themselves under a person's finger.

use crate::live::{Topic, client::bus};
use leptos::prelude::*;

#[island]
pub fn Changed(topic: Topic) -> impl IntoView {
    let changed = RwSignal::new(false);
    let woken = bus().wakes(topic);
    Effect::new(move |_| changed.set(woken.get() > 0));
    // The address is the view: reading it again keeps filter, sort and page.
    view! {
        <span class="changed" role="status">
            {move || {
                changed
                    .get()
                    .then(|| {
                        view! {
                            <a class="button" href="">
                                "Changed meanwhile: show"
                            </a>
                        }
                    })
            }}
        </span>
    }
}
