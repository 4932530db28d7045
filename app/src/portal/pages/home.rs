//! The customer's account at a glance.

use crate::{
    auth::api::profile::get_profile,
    error::AppError,
    routes::Page,
    shell::PageView,
    ui::{Badge, Empty, Instant},
    values::Tone,
};
use leptos::prelude::*;

pub async fn page() -> Result<PageView, AppError> {
    let profile = get_profile().await?;
    let (tone, word) = if profile.totp { (Tone::Good, "second step on") } else { (Tone::Notice, "no second step") };
    let body = view! {
        <section class="panel">
            <h2>"Your sign-in"</h2>
            <p class="say">
                "Signed in as " <b>{profile.name.clone()}</b> " since " <Instant at=profile.signed_in_at/> ". " <Badge tone=tone word=word/>
            </p>
            <p class="actions">
                <a class="button" href=Page::Profile.path()>
                    "Password, second step and sessions"
                </a>
            </p>
        </section>
        <section class="panel">
            <h2>"Balance and calls"</h2>
            <Empty
                what="Your balance and calls are not shown here yet."
                next="This carrier has not connected its billing to the portal. Ask its support for your balance until then."
            />
        </section>
    };
    Ok(PageView::new("Account", body).lead("Your account at a glance."))
}
