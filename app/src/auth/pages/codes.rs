//! Recovery codes, until the person says they have kept them.

use crate::{
    auth::{api::totp, pages::totp::CodeList},
    context,
    error::{AppError, SignedOut},
    routes::Page,
    shell::PageView,
    ui::{Empty, Kind, PostForm, Submit},
};
use leptos::{prelude::*, server_fn::ServerFn};

pub async fn page() -> Result<PageView, AppError> {
    let request = context::request();
    let who = request.who.as_ref().ok_or(AppError::SignedOut(SignedOut::NoSession))?;
    let codes = who.codes_shown.clone();
    let body = if codes.is_empty() {
        view! {
            <section class="panel">
                <Empty what="There are no codes to show." next="They are shown once, when they are made. Make new ones from your profile.">
                    <a class="button" href=Page::Profile.path()>
                        "To your profile"
                    </a>
                </Empty>
            </section>
        }
        .into_any()
    } else {
        view! {
            <section class="panel narrow">
                <p class="say">"The older codes no longer work. Each of these signs you in once if the device is lost."</p>
                <CodeList codes=codes/>
                <PostForm action=totp::KeepRecoveryCodes::PATH>
                    <div class="actions">
                        <Submit label="I have kept them" kind=Kind::Go/>
                    </div>
                </PostForm>
            </section>
        }
        .into_any()
    };
    Ok(PageView::new("Recovery codes", body))
}
