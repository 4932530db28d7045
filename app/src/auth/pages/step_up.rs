//! A fresh proof of identity, for the few things that ask for one.

use crate::{
    auth::api::profile::get_profile,
    context,
    error::AppError,
    shell::PageView,
    ui::{Field, FieldKind, FormState, Kind, PostForm, Submit},
};
use leptos::{prelude::*, server_fn::ServerFn};

pub async fn page() -> Result<PageView, AppError> {
    let request = context::request();
    let (name, has_totp) = match get_profile().await {
        Ok(profile) => (profile.name, profile.totp),
        // What this panel remembers of who is signed in is enough to ask.
        Err(away @ AppError::Away { .. }) => {
            let known = request.who.as_ref().and_then(|who| context::panel().sessions.proof(who.user));
            known.map(|known| (known.name, known.totp_secret.is_some())).ok_or(away)?
        }
        Err(error) => return Err(error),
    };
    let action = crate::auth::api::session::StepUp::PATH;
    let state = FormState::of(request.notice.as_ref(), action);
    let next = request.query.get("next").unwrap_or("/").to_string();
    let code = has_totp.then(|| {
        view! { <Field label="Code" name="code" kind=FieldKind::Code state=state.clone() autocomplete="one-time-code" required=true/> }
    });
    let lead = format!("{name}, what you are about to do asks for your password again. The proof counts for five minutes.");
    let cancel = next.clone();
    let body = view! {
        <section class="panel narrow">
            <PostForm action=action hidden=vec![("next", next)] state=state.clone()>
                <input class="unseen" type="text" autocomplete="username" value=name readonly=true tabindex="-1" aria-hidden="true"/>
                <Field
                    label="Password"
                    name="password"
                    kind=FieldKind::Password
                    state=state.clone()
                    autocomplete="current-password"
                    required=true
                    focus=true
                />
                {code}
                <div class="actions">
                    <Submit label="It is me" kind=Kind::Go/>
                    <a class="button" href=cancel>
                        "Cancel"
                    </a>
                </div>
            </PostForm>
        </section>
    };
    Ok(PageView::new("Is it you?", body).lead(lead))
}
