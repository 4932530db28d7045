//! Who may sign in.

use crate::{
    auth::{
        api::users::list_users,
        role::Role,
        user::{User, UserState},
    },
    context,
    error::AppError,
    live::Topic,
    routes::Page,
    shell::{PageView, changed::Changed},
    ui::{Badge, Choice, Column, DataTable, Filters, Instant, Row, Select, TableFacts},
    values::Tone,
};
use leptos::prelude::*;

/// Also what the export offers, in this order.
pub const COLUMNS: &[Column] = &[
    Column::text("name", "Name"),
    Column::text("role", "Role"),
    Column::text("state", "State"),
    Column::text("totp", "Second step").unsorted(),
    Column::number("sessions", "Sessions"),
    Column::text("seen", "Last signed in (UTC)"),
    Column::text("created", "Added (UTC)").hidden(),
];

pub async fn page() -> Result<PageView, AppError> {
    let request = context::request();
    let query = request.query.clone();
    let list = list_users(query.link("").trim_start_matches('?').into()).await?;
    let any = || Choice::new("", "any");
    let roles = std::iter::once(any()).chain(Role::ALL.iter().map(|role| Choice::new(role.name(), role.name()))).collect();
    let states = std::iter::once(any()).chain(UserState::ALL.iter().map(|state| Choice::new(state.name(), state.name()))).collect();
    let facts = TableFacts {
        path: Page::Users.path(),
        query: query.clone(),
        what: ("user", "users"),
        columns: COLUMNS,
        default_sort: "name",
        total: Some(list.total),
        export: Some("/users.csv"),
        older: None,
    };
    let lead = "Who may sign in, at which door and as what.";
    let body = view! {
        <section class="panel flush">
            <Filters path=Page::Users.path() query=query.clone() search="Name">
                <Select label="Role" name="role" choices=roles value=query.get("role").unwrap_or_default()/>
                <Select label="State" name="state" choices=states value=query.get("state").unwrap_or_default()/>
            </Filters>
            <DataTable facts=facts rows=list.users.into_iter().map(row).collect()/>
        </section>
    };
    let actions = view! {
        <Changed topic=Topic::Users/>
        <a class="button" href=Page::Roles.path()>
            "Roles"
        </a>
        <a class="button go" href=Page::NewUser.path()>
            "Add a user"
        </a>
    };
    Ok(PageView::new("Users", body).lead(lead).actions(actions))
}

fn row(user: User) -> Row {
    let totp = if user.totp { (Tone::Good, "on") } else { (Tone::Idle, "off") };
    let seen = user.last_signed_in_at.map_or_else(|| "never".into_any(), |at| view! { <Instant at=at/> }.into_any());
    vec![
        view! { <a href=Page::User(user.id).path()>{user.name}</a> }.into_any(),
        user.role.name().into_any(),
        view! { <Badge tone=user.state.tone() word=user.state.name()/> }.into_any(),
        view! { <Badge tone=totp.0 word=totp.1/> }.into_any(),
        user.sessions.into_any(),
        seen,
        view! { <Instant at=user.created_at/> }.into_any(),
    ]
}
