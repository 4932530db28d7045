//! A one-time link: the first administrator, or somebody's first or new password.

use crate::{
    auth::api::setup::open_setup,
    context,
    error::AppError,
    limits,
    shell::PageView,
    ui::{Field, FieldKind, FormState, Instant, Kind, PostForm, Submit},
};
use leptos::{prelude::*, server_fn::ServerFn};

pub async fn page(token: &str) -> Result<PageView, AppError> {
    let link = open_setup(token.into()).await?;
    let request = context::request();
    let action = crate::auth::api::setup::FinishSetup::PATH;
    let state = FormState::of(request.notice.as_ref(), action);
    let (title, lead) = match &link.name {
        Some(name) => (format!("Welcome, {name}"), "Choose the password you will sign in with."),
        None => ("Set Wirecenter up".to_string(), "Nobody can sign in yet. Make the first administrator."),
    };
    let name = link.name.is_none().then(|| {
        view! {
            <Field
                label="Name"
                name="name"
                state=state.clone()
                autocomplete="username"
                hint="Small letters, digits and . _ - @; it stands in the audit log beside what you do."
                required=true
                focus=true
            />
        }
    });
    let hint = format!(
        "At least {} characters. Three or four words make a good one; pasting from a password manager is welcome.",
        limits::PASSWORD_CHARS_MIN
    );
    let body = view! {
        <section class="panel narrow">
            <PostForm action=action hidden=vec![("token", token.to_string())] state=state.clone()>
                {name}
                <Field label="Password" name="password" kind=FieldKind::Password state=state autocomplete="new-password" hint=hint required=true/>
                <div class="actions">
                    <Submit label="Set the password and go on" kind=Kind::Go/>
                </div>
            </PostForm>
            <p class="quiet">"This link works once, until " <Instant at=link.expires_at/> "."</p>
        </section>
    };
    Ok(PageView::new(title, body).lead(lead))
}
