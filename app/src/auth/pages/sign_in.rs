//! Signing in, at either door.

use crate::{
    auth::role::Door,
    context,
    error::AppError,
    routes::Page,
    shell::PageView,
    ui::{Field, FieldKind, FormState, Kind, PostForm, Submit},
};
use leptos::{prelude::*, server_fn::ServerFn};

pub async fn page() -> Result<PageView, AppError> {
    let request = context::request();
    let action = crate::auth::api::session::SignIn::PATH;
    // Whoever is signed in already goes on; a second sign-in would only be a riddle.
    if request.who.as_ref().is_some_and(|who| Page::Home.access().allows(Some(who)).is_ok()) {
        context::redirect_page("/");
    }
    let state = FormState::of(request.notice.as_ref(), action);
    let next = request.query.get("next").map(|next| vec![("next", next.to_string())]).unwrap_or_default();
    let (title, lead) = match request.door {
        Door::Staff => ("Sign in", "The operations panel, for staff."),
        Door::Portal => ("Sign in", "The customers’ portal: your balance, calls and statements."),
    };
    let body = view! {
        <section class="panel narrow">
            <PostForm action=action hidden=next state=state.clone()>
                <Field label="Name" name="name" state=state.clone() autocomplete="username" required=true focus=true/>
                <Field label="Password" name="password" kind=FieldKind::Password state=state autocomplete="current-password" required=true/>
                <div class="actions">
                    <Submit label="Sign in" kind=Kind::Go/>
                </div>
            </PostForm>
            <p class="quiet">"Forgotten? An administrator can send you a link to choose a new password."</p>
        </section>
    };
    Ok(PageView::new(title, body).lead(lead))
}
