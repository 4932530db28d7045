//! Managing users. Each change is a transaction with its row in the audit log; what weakens a user ends the user's sessions.

use crate::{
    auth::role::Role,
    auth::user::User,
    error::AppError,
    values::UserId,
    wire::{GetUrl, Json},
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
use super::{draft, setup::make_setup_link};
#[cfg(feature = "ssr")]
use crate::{
    auth::{
        audit::Action,
        audit::Draft,
        store,
        store::users::{UserOrder, UserPage},
        user::{self, UserChange, UserFilter, UserRefusal},
    },
    context::{self, Allowed, allowed},
    error::Problem,
    limits,
    live::Topic,
    notice::Notice,
    routes::Page,
    values::Level,
    values::Query,
};
#[cfg(feature = "ssr")]
use sqlx::{MySql, Transaction};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserList {
    pub users: Vec<User>,
    /// All that pass the filter.
    pub total: u64,
}

/// The user with what an administrator needs to decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserDetail {
    pub user: User,
    pub active_admins: u64,
}

/// What the columns of the users table are called in the address.
#[cfg(feature = "ssr")]
pub fn parse_order(key: Option<&str>) -> UserOrder {
    let all =
        [UserOrder::Name, UserOrder::Role, UserOrder::State, UserOrder::CreatedAt, UserOrder::LastSignedInAt, UserOrder::Sessions];
    all.into_iter().find(|order| Some(order.key()) == key).unwrap_or(UserOrder::Name)
}

/// `query` is that of the page: `q`, `role`, `state`, `sort`, `desc`, `page`, `rows`.
#[server(endpoint = "users/list", input = GetUrl, output = Json)]
pub async fn list_users(query: String) -> Result<UserList, AppError> {
    let allowed = allowed::<ListUsers>()?;
    let (database, doing) = (&allowed.panel.database, "list the users");
    let query = Query::parse(&query);
    let filter = UserFilter::from_query(&query);
    let view = crate::ui::table_view::TableView::from_query(&query);
    let page = UserPage {
        filter: &filter,
        order: parse_order(view.sort.as_deref()),
        descending: view.descending,
        offset: view.offset(),
        rows_max: view.rows,
    };
    let mut conn = database.acquire(doing).await?;
    let users = database.within(doing, store::users::list_users(&mut conn, &page)).await?;
    let total = database.within(doing, store::users::count_users(&mut conn, &filter)).await?;
    Ok(UserList { users, total })
}

#[server(endpoint = "users/get", input = GetUrl, output = Json)]
pub async fn get_user(id: UserId) -> Result<UserDetail, AppError> {
    let allowed = allowed::<GetUser>()?;
    let doing = "read the user";
    let mut tx = allowed.panel.database.begin(doing).await?;
    detail(&allowed, &mut tx, id, doing).await
}

#[cfg(feature = "ssr")]
async fn detail(allowed: &Allowed, tx: &mut Transaction<'static, MySql>, id: UserId, doing: &str) -> Result<UserDetail, AppError> {
    let database = &allowed.panel.database;
    let active_admins = database.within(doing, store::users::count_active_admins(tx)).await?;
    let user = database.within(doing, store::users::find_user(tx, id)).await?;
    let user = user.ok_or_else(|| AppError::not_found(format!("user number {id}")))?;
    Ok(UserDetail { user, active_admins })
}

/// Obeys the level of a change: L2 wants the user's name typed, L3 a fresh proof of identity too.
#[cfg(feature = "ssr")]
fn confirmed(allowed: &Allowed, change: UserChange, user: &User, typed: Option<&str>) -> Result<(), AppError> {
    if change.level() >= Level::L3 {
        allowed.proved()?;
    }
    if change.level() >= Level::L2 && typed.map(str::trim) != Some(user.name.as_str()) {
        let read = typed.unwrap_or_default();
        return Err(AppError::wrong(vec![Problem::new("typed", read, format!("the user's name, {}", user.name))]));
    }
    Ok(())
}

/// Ends a change: audit row, commit, and the user's sessions if the change ended them.
#[cfg(feature = "ssr")]
async fn finish(
    allowed: &Allowed,
    mut tx: Transaction<'static, MySql>,
    doing: &str,
    row: Draft,
    sessions_of: Option<UserId>,
) -> Result<(), AppError> {
    let database = &allowed.panel.database;
    if let Some(user) = sessions_of {
        database.within(doing, store::sessions::delete_of_user(&mut tx, user, None)).await?;
    }
    database.within(doing, store::audit::append(&mut tx, row, context::now())).await?;
    database.commit(tx, doing, &[Topic::Users, Topic::Sessions, Topic::Audit]).await?;
    if let Some(user) = sessions_of {
        allowed.panel.sessions.forget(|_, other| other == user);
    }
    Ok(())
}

/// Adds a user and gives the set-up link they choose their password with.
#[server(endpoint = "users/add")]
pub async fn add_user(name: String, role: Role) -> Result<String, AppError> {
    let allowed = allowed::<AddUser>()?;
    let doing = "add the user";
    if role == Role::Admin {
        allowed.proved()?;
    }
    let name = user::parse_name(&name).map_err(|problem| AppError::wrong(vec![problem]))?;
    let (database, now) = (&allowed.panel.database, context::now());
    let mut tx = database.begin(doing).await?;
    let id = database.within(doing, store::users::insert_user(&mut tx, &name, role, None, now)).await?;
    let id = id.ok_or_else(|| UserRefusal::NameTaken { name: name.clone() })?;
    let path = database.within(doing, make_setup_link(&mut tx, Some(id), now)).await?;
    let mut row = draft(&allowed, Action::UserAdd, &name);
    row.after = Some(role.name().into());
    finish(&allowed, tx, doing, row, None).await?;
    let link = format!("{}{path}", allowed.panel.url(role.door()));
    context::go_to(&Page::User(id), Some(&link_notice(&format!("{name} was added"), &link)));
    Ok(link)
}

#[cfg(feature = "ssr")]
fn link_notice(done: &str, link: &str) -> Notice {
    let hours = limits::SETUP_LINK_LIFE.as_secs() / 3_600;
    Notice::done(format!("{done}. Send them this link; it works once, within {hours} hours, and is not shown again: {link}"))
}

#[server(endpoint = "users/role")]
pub async fn change_role(id: UserId, role: Role, typed: Option<String>) -> Result<(), AppError> {
    let allowed = allowed::<ChangeRole>()?;
    let doing = "change the role";
    let mut tx = allowed.panel.database.begin(doing).await?;
    let UserDetail { user, active_admins } = detail(&allowed, &mut tx, id, doing).await?;
    user::can_change_role(Some(allowed.who()?.user), &user, role, active_admins)?;
    let change = if role == Role::Admin { UserChange::Promote } else { UserChange::ChangeRole };
    confirmed(&allowed, change, &user, typed.as_deref())?;
    allowed.panel.database.within(doing, store::users::update_role(&mut tx, id, role)).await?;
    let mut row = draft(&allowed, Action::UserRole, &user.name);
    (row.before, row.after) = (Some(user.role.name().into()), Some(role.name().into()));
    finish(&allowed, tx, doing, row, Some(id)).await?;
    let text =
        format!("{} is {} now. Their sessions have ended; the new role counts from the next sign-in.", user.name, role.name());
    context::go_to(&Page::User(id), Some(&Notice::done(text)));
    Ok(())
}

#[server(endpoint = "users/disable")]
pub async fn disable_user(id: UserId, typed: Option<String>) -> Result<(), AppError> {
    let allowed = allowed::<DisableUser>()?;
    let doing = "disable the user";
    let mut tx = allowed.panel.database.begin(doing).await?;
    let UserDetail { user, active_admins } = detail(&allowed, &mut tx, id, doing).await?;
    user::can_disable(Some(allowed.who()?.user), &user, active_admins)?;
    confirmed(&allowed, UserChange::Disable, &user, typed.as_deref())?;
    allowed.panel.database.within(doing, store::users::update_disabled(&mut tx, id, Some(context::now()))).await?;
    let mut row = draft(&allowed, Action::UserDisable, &user.name);
    (row.before, row.after) = (Some(user.state.name().into()), Some("disabled".into()));
    finish(&allowed, tx, doing, row, Some(id)).await?;
    let text = format!("{} is disabled and signed out everywhere.", user.name);
    context::go_to(&Page::User(id), Some(&Notice::done(text)));
    Ok(())
}

#[server(endpoint = "users/enable")]
pub async fn enable_user(id: UserId) -> Result<(), AppError> {
    let allowed = allowed::<EnableUser>()?;
    let doing = "enable the user";
    let mut tx = allowed.panel.database.begin(doing).await?;
    let UserDetail { user, .. } = detail(&allowed, &mut tx, id, doing).await?;
    user::can_enable(&user)?;
    allowed.panel.database.within(doing, store::users::update_disabled(&mut tx, id, None)).await?;
    let mut row = draft(&allowed, Action::UserEnable, &user.name);
    row.before = Some("disabled".into());
    finish(&allowed, tx, doing, row, None).await?;
    context::go_to(&Page::User(id), Some(&Notice::done(format!("{} can sign in again.", user.name))));
    Ok(())
}

/// A new set-up link for somebody who lost their password. The old password works until the link is used.
#[server(endpoint = "users/link")]
pub async fn send_setup_link(id: UserId, typed: Option<String>) -> Result<String, AppError> {
    let allowed = allowed::<SendSetupLink>()?;
    let doing = "make a set-up link";
    let mut tx = allowed.panel.database.begin(doing).await?;
    let UserDetail { user, .. } = detail(&allowed, &mut tx, id, doing).await?;
    confirmed(&allowed, UserChange::SendLink, &user, typed.as_deref())?;
    let path = allowed.panel.database.within(doing, make_setup_link(&mut tx, Some(id), context::now())).await?;
    finish(&allowed, tx, doing, draft(&allowed, Action::UserLink, &user.name), None).await?;
    let link = format!("{}{path}", allowed.panel.url(user.role.door()));
    context::go_to(&Page::User(id), Some(&link_notice(&format!("A new set-up link for {} was made", user.name), &link)));
    Ok(link)
}

/// Switches the second step of somebody else off, because their device is lost.
#[server(endpoint = "users/totp-off")]
pub async fn switch_user_totp_off(id: UserId, typed: Option<String>) -> Result<(), AppError> {
    let allowed = allowed::<SwitchUserTotpOff>()?;
    let doing = "switch off the second step";
    let mut tx = allowed.panel.database.begin(doing).await?;
    let UserDetail { user, .. } = detail(&allowed, &mut tx, id, doing).await?;
    user::can_switch_totp_off(Some(allowed.who()?.user), &user)?;
    confirmed(&allowed, UserChange::TotpOff, &user, typed.as_deref())?;
    allowed.panel.database.within(doing, store::users::update_totp(&mut tx, id, None, 0)).await?;
    allowed.panel.database.within(doing, store::users::replace_recovery_codes(&mut tx, id, &[])).await?;
    finish(&allowed, tx, doing, draft(&allowed, Action::TotpOff, &user.name), Some(id)).await?;
    let text = format!("The second step of {} is off and their sessions have ended.", user.name);
    context::go_to(&Page::User(id), Some(&Notice::done(text)));
    Ok(())
}

#[server(endpoint = "users/end-sessions")]
pub async fn end_user_sessions(id: UserId) -> Result<(), AppError> {
    let allowed = allowed::<EndUserSessions>()?;
    let doing = "end the sessions";
    let mut tx = allowed.panel.database.begin(doing).await?;
    let UserDetail { user, .. } = detail(&allowed, &mut tx, id, doing).await?;
    finish(&allowed, tx, doing, draft(&allowed, Action::SessionEnd, &user.name), Some(id)).await?;
    context::go_to(&Page::User(id), Some(&Notice::done(format!("All sessions of {} have ended.", user.name))));
    Ok(())
}

/// Roles and whether each requires a second step.
#[server(endpoint = "roles/list", input = GetUrl, output = Json)]
pub async fn list_roles() -> Result<Vec<(Role, bool)>, AppError> {
    let allowed = allowed::<ListRoles>()?;
    let (database, doing) = (&allowed.panel.database, "list the roles");
    let mut conn = database.acquire(doing).await?;
    let required = database.within(doing, store::users::list_totp_roles(&mut conn)).await?;
    Ok(Role::ALL.into_iter().map(|role| (role, required.contains(&role))).collect())
}

#[server(endpoint = "roles/require-totp")]
pub async fn require_totp(role: Role, required: bool) -> Result<(), AppError> {
    let allowed = allowed::<RequireTotp>()?;
    let doing = "change the rule of the role";
    let mut tx = allowed.panel.database.begin(doing).await?;
    allowed.panel.database.within(doing, store::users::update_totp_required(&mut tx, role, required)).await?;
    let mut row = draft(&allowed, Action::RoleRule, role.name());
    row.after = Some(if required { "second step required" } else { "second step optional" }.into());
    finish(&allowed, tx, doing, row, None).await?;
    let text = match required {
        true => format!("The role {} must use a second step, from each person's next sign-in on.", role.name()),
        false => format!("The role {} may use a second step; nobody's was switched off.", role.name()),
    };
    context::go_to(&Page::Roles, Some(&Notice::done(text)));
    Ok(())
}
