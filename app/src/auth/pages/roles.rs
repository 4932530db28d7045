//! What each role may do, and whether it must use a second step.

use crate::{
    auth::{
        api::users::{RequireTotp, list_roles},
        role::{Permission, Role},
    },
    error::AppError,
    shell::PageView,
    ui::{Badge, Kind, PostForm, Submit},
    values::Tone,
};
use leptos::{prelude::*, server_fn::ServerFn};

pub async fn page() -> Result<PageView, AppError> {
    let roles = list_roles().await?;
    let head = Permission::ALL.iter().map(|permission| view! { <th scope="col">{permission.doing()}</th> }).collect_view();
    let body = view! {
        <section class="panel flush">
            <div class="scroll" tabindex="0" role="region" aria-label="Table of roles">
                <table>
                    <thead>
                        <tr>
                            <th scope="col">"Role"</th>
                            <th scope="col">"For"</th>
                            {head}
                            <th scope="col">"Second step"</th>
                            <th scope="col">"Change"</th>
                        </tr>
                    </thead>
                    <tbody>{roles.into_iter().map(row).collect_view()}</tbody>
                </table>
            </div>
        </section>
    };
    Ok(PageView::new("Roles", body)
        .lead("A user has one role. What a role may do is fixed in the program; the second step is yours to require."))
}

fn row((role, required): (Role, bool)) -> impl IntoView {
    let may = Permission::ALL.iter().map(|permission| {
        let (tone, word) = if role.may(*permission) { (Tone::Good, "may") } else { (Tone::Idle, "may not") };
        view! {
            <td>
                <Badge tone=tone word=word/>
            </td>
        }
    });
    let (tone, word, label) =
        if required { (Tone::Good, "required", "Make it optional") } else { (Tone::Idle, "optional", "Require it") };
    view! {
        <tr>
            <th scope="row">{role.name()}</th>
            <td>{role.describe()}</td>
            {may.collect_view()}
            <td>
                <Badge tone=tone word=word/>
            </td>
            <td>
                <PostForm action=RequireTotp::PATH hidden=vec![("role", role.name().into()), ("required", (!required).to_string())]>
                    <Submit label=label kind=Kind::Quiet/>
                </PostForm>
            </td>
        </tr>
    }
}
