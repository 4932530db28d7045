//! The second step of signing in.

use crate::{
    context,
    error::AppError,
    shell::PageView,
    ui::{Field, FieldKind, FormState, Kind, PostForm, Submit},
};
use leptos::{prelude::*, server_fn::ServerFn};

pub async fn page() -> Result<PageView, AppError> {
    let request = context::request();
    let action = crate::auth::api::session::GiveCode::PATH;
    let state = FormState::of(request.notice.as_ref(), action);
    let next = request.query.get("next").map(|next| vec![("next", next.to_string())]).unwrap_or_default();
    let body = view! {
        <section class="panel narrow">
            <PostForm action=action hidden=next state=state.clone()>
                <Field
                    label="Code"
                    name="code"
                    kind=FieldKind::Code
                    state=state
                    autocomplete="one-time-code"
                    hint="The six digits your authenticator shows now, or one of your recovery codes."
                    required=true
                    focus=true
                />
                <div class="actions">
                    <Submit label="Go on" kind=Kind::Go/>
                </div>
            </PostForm>
        </section>
    };
    Ok(PageView::new("Second step", body).lead("Your password was right. One code more."))
}
