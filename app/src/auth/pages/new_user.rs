//! Adding a user: a name and a role; they choose their password themselves, by a link.

use crate::{
    auth::{api::users, role::Role},
    context,
    error::AppError,
    routes::Page,
    shell::PageView,
    ui::{Choice, Field, FormState, Kind, PostForm, Select, Submit},
};
use leptos::{prelude::*, server_fn::ServerFn};

pub async fn page() -> Result<PageView, AppError> {
    let request = context::request();
    let action = users::AddUser::PATH;
    let state = FormState::of(request.notice.as_ref(), action);
    let roles = Role::ALL.iter().map(|role| Choice::new(role.name(), format!("{} — {}", role.name(), role.describe()))).collect();
    let body = view! {
        <section class="panel narrow">
            <PostForm action=action state=state.clone()>
                <Field
                    label="Name"
                    name="name"
                    state=state.clone()
                    autocomplete="off"
                    hint="Small letters, digits and . _ - @; it stands in the audit log beside what they do."
                    required=true
                    focus=true
                />
                <Select label="Role" name="role" choices=roles state=state value=Role::Viewer.name()/>
                <div class="actions">
                    <Submit label="Add and make a set-up link" kind=Kind::Go/>
                    <a class="button" href=Page::Users.path()>
                        "Cancel"
                    </a>
                </div>
            </PostForm>
            <p class="quiet">"You get a link to send them; nobody but them knows the password. Adding an administrator asks for a fresh proof that it is you."</p>
        </section>
    };
    Ok(PageView::new("Add a user", body))
}
