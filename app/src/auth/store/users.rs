//! The tables `users`, `recovery_codes`, `setup_links` and `role_rules`.

use super::{audit::like, unreadable};
use crate::{
    auth::{
        role::Role,
        user::{User, UserFilter, UserState},
    },
    values::{Moment, UserId},
};
use sqlx::MySqlConnection;
use time::PrimitiveDateTime;

/// A user with what only sign-in may see.
#[derive(Clone)]
pub struct Credentials {
    pub id: UserId,
    pub name: String,
    pub role: Role,
    pub password_hash: Option<String>,
    pub disabled: bool,
    pub totp_secret: Option<Vec<u8>>,
    pub totp_last_step: u64,
}

pub async fn find_credentials(conn: &mut MySqlConnection, name: &str) -> sqlx::Result<Option<Credentials>> {
    let row = sqlx::query!(
        "SELECT id, name, role, password_hash, disabled_at, totp_secret, totp_last_step FROM users WHERE name = ?",
        name
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| {
        Ok(Credentials {
            id: UserId(row.id),
            name: row.name,
            role: Role::parse(&row.role).ok_or_else(|| unreadable("users.role", &row.role))?,
            password_hash: row.password_hash,
            disabled: row.disabled_at.is_some(),
            totp_secret: row.totp_secret,
            totp_last_step: row.totp_last_step,
        })
    })
    .transpose()
}

/// The order of a list, whitelisted here because it is part of the statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserOrder {
    Name,
    Role,
    State,
    CreatedAt,
    LastSignedInAt,
    Sessions,
}

impl UserOrder {
    pub const fn key(self) -> &'static str {
        match self {
            UserOrder::Name => "name",
            UserOrder::Role => "role",
            UserOrder::State => "state",
            UserOrder::CreatedAt => "created",
            UserOrder::LastSignedInAt => "seen",
            UserOrder::Sessions => "sessions",
        }
    }
}

pub struct UserPage<'a> {
    pub filter: &'a UserFilter,
    pub order: UserOrder,
    pub descending: bool,
    pub offset: u32,
    pub rows_max: u32,
}

pub async fn list_users(conn: &mut MySqlConnection, page: &UserPage<'_>) -> sqlx::Result<Vec<User>> {
    let pattern = page.filter.q.as_deref().map(like);
    let (role, state) = (page.filter.role.map(Role::name), page.filter.state.map(UserState::name));
    let (ascending_by, descending_by) = if page.descending { ("", page.order.key()) } else { (page.order.key(), "") };
    let rows = sqlx::query!(
        r#"SELECT id, name, role, state AS "state!: String", totp AS "totp!: bool", created_at, last_signed_in_at, sessions AS "sessions!: i64" FROM (
             SELECT users.id, name, role, created_at, last_signed_in_at, totp_secret IS NOT NULL AS totp,
                    CASE WHEN disabled_at IS NOT NULL THEN 'disabled' WHEN password_hash IS NULL THEN 'invited' ELSE 'active' END AS state,
                    (SELECT COUNT(*) FROM sessions WHERE sessions.user_id = users.id) AS sessions
             FROM users) AS listed
           WHERE (? IS NULL OR name LIKE ?) AND (? IS NULL OR role = ?) AND (? IS NULL OR state = ?)
           ORDER BY CASE ? WHEN 'name' THEN name WHEN 'role' THEN role WHEN 'state' THEN state WHEN 'created' THEN created_at
                           WHEN 'seen' THEN COALESCE(last_signed_in_at, '1970-01-01') WHEN 'sessions' THEN LPAD(sessions, 9, '0') END,
                    CASE ? WHEN 'name' THEN name WHEN 'role' THEN role WHEN 'state' THEN state WHEN 'created' THEN created_at
                           WHEN 'seen' THEN COALESCE(last_signed_in_at, '1970-01-01') WHEN 'sessions' THEN LPAD(sessions, 9, '0') END DESC,
                    id
           LIMIT ? OFFSET ?"#,
        pattern, pattern, role, role, state, state, ascending_by, descending_by, page.rows_max, page.offset
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(User {
                id: UserId(row.id),
                name: row.name,
                role: Role::parse(&row.role).ok_or_else(|| unreadable("users.role", &row.role))?,
                state: parse_state(&row.state)?,
                totp: row.totp,
                created_at: row.created_at.into(),
                last_signed_in_at: row.last_signed_in_at.map(Into::into),
                sessions: u64::try_from(row.sessions).unwrap_or(0),
            })
        })
        .collect()
}

pub async fn count_users(conn: &mut MySqlConnection, filter: &UserFilter) -> sqlx::Result<u64> {
    let pattern = filter.q.as_deref().map(like);
    let (role, state) = (filter.role.map(Role::name), filter.state.map(UserState::name));
    let count = sqlx::query_scalar!(
        "SELECT COUNT(*) FROM users
         WHERE (? IS NULL OR name LIKE ?) AND (? IS NULL OR role = ?)
           AND (? IS NULL OR CASE WHEN disabled_at IS NOT NULL THEN 'disabled' WHEN password_hash IS NULL THEN 'invited' ELSE 'active' END = ?)",
        pattern,
        pattern,
        role,
        role,
        state,
        state
    )
    .fetch_one(conn)
    .await?;
    Ok(u64::try_from(count).unwrap_or(0))
}

fn parse_state(state: &str) -> sqlx::Result<UserState> {
    UserState::ALL.into_iter().find(|known| known.name() == state).ok_or_else(|| unreadable("users' state", state))
}

/// One user, by number. With `FOR UPDATE` semantics: call it inside the transaction that changes the user.
pub async fn find_user(conn: &mut MySqlConnection, id: UserId) -> sqlx::Result<Option<User>> {
    let row = sqlx::query!(
        r#"SELECT id, name, role, password_hash IS NULL AS "invited!: bool", disabled_at, totp_secret IS NOT NULL AS "totp!: bool",
                  created_at, last_signed_in_at, (SELECT COUNT(*) FROM sessions WHERE sessions.user_id = users.id) AS "sessions!: i64"
           FROM users WHERE id = ? FOR UPDATE"#,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| {
        Ok(User {
            id: UserId(row.id),
            name: row.name,
            role: Role::parse(&row.role).ok_or_else(|| unreadable("users.role", &row.role))?,
            state: match (row.disabled_at, row.invited) {
                (Some(_), _) => UserState::Disabled,
                (None, true) => UserState::Invited,
                (None, false) => UserState::Active,
            },
            totp: row.totp,
            created_at: row.created_at.into(),
            last_signed_in_at: row.last_signed_in_at.map(Into::into),
            sessions: u64::try_from(row.sessions).unwrap_or(0),
        })
    })
    .transpose()
}

pub async fn find_id(conn: &mut MySqlConnection, name: &str) -> sqlx::Result<Option<UserId>> {
    Ok(sqlx::query_scalar!("SELECT id FROM users WHERE name = ?", name).fetch_optional(conn).await?.map(UserId))
}

/// Administrators who can sign in. Locks them, so that two administrators cannot disable each other at once.
pub async fn count_active_admins(conn: &mut MySqlConnection) -> sqlx::Result<u64> {
    let ids = sqlx::query_scalar!(
        "SELECT id FROM users WHERE role = 'admin' AND disabled_at IS NULL AND password_hash IS NOT NULL FOR UPDATE"
    )
    .fetch_all(conn)
    .await?;
    Ok(ids.len() as u64)
}

/// Gives `None` when the name is taken.
pub async fn insert_user(
    conn: &mut MySqlConnection,
    name: &str,
    role: Role,
    password_hash: Option<&str>,
    now: Moment,
) -> sqlx::Result<Option<UserId>> {
    let now = PrimitiveDateTime::from(now);
    let changed_at = password_hash.map(|_| now);
    let done = sqlx::query!(
        "INSERT INTO users (name, role, password_hash, created_at, password_changed_at) VALUES (?, ?, ?, ?, ?)",
        name,
        role.name(),
        password_hash,
        now,
        changed_at
    )
    .execute(conn)
    .await;
    match done {
        Ok(done) => Ok(Some(UserId(done.last_insert_id()))),
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Ok(None),
        Err(error) => Err(error),
    }
}

pub async fn update_password(conn: &mut MySqlConnection, id: UserId, hash: &str, now: Moment) -> sqlx::Result<()> {
    let now = PrimitiveDateTime::from(now);
    sqlx::query!("UPDATE users SET password_hash = ?, password_changed_at = ? WHERE id = ?", hash, now, id.0).execute(conn).await?;
    Ok(())
}

pub async fn update_role(conn: &mut MySqlConnection, id: UserId, role: Role) -> sqlx::Result<()> {
    sqlx::query!("UPDATE users SET role = ? WHERE id = ?", role.name(), id.0).execute(conn).await?;
    Ok(())
}

pub async fn update_disabled(conn: &mut MySqlConnection, id: UserId, at: Option<Moment>) -> sqlx::Result<()> {
    let at = at.map(PrimitiveDateTime::from);
    sqlx::query!("UPDATE users SET disabled_at = ? WHERE id = ?", at, id.0).execute(conn).await?;
    Ok(())
}

pub async fn update_signed_in(conn: &mut MySqlConnection, id: UserId, now: Moment) -> sqlx::Result<()> {
    sqlx::query!("UPDATE users SET last_signed_in_at = ? WHERE id = ?", PrimitiveDateTime::from(now), id.0).execute(conn).await?;
    Ok(())
}

pub async fn update_totp(conn: &mut MySqlConnection, id: UserId, secret: Option<&[u8]>, last_step: u64) -> sqlx::Result<()> {
    sqlx::query!("UPDATE users SET totp_secret = ?, totp_last_step = ? WHERE id = ?", secret, last_step, id.0)
        .execute(conn)
        .await?;
    Ok(())
}

/// Marks a time step as used; false when it, or a later one, was used already (two browsers with one code).
pub async fn use_totp_step(conn: &mut MySqlConnection, id: UserId, step: u64) -> sqlx::Result<bool> {
    let done = sqlx::query!("UPDATE users SET totp_last_step = ? WHERE id = ? AND totp_last_step < ?", step, id.0, step)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

pub async fn replace_recovery_codes(conn: &mut MySqlConnection, id: UserId, hashes: &[[u8; 32]]) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM recovery_codes WHERE user_id = ?", id.0).execute(&mut *conn).await?;
    for hash in hashes {
        sqlx::query!("INSERT INTO recovery_codes (user_id, code_hash) VALUES (?, ?)", id.0, hash.as_slice())
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}

/// Uses a recovery code up; false when it is not one, or was used.
pub async fn use_recovery_code(conn: &mut MySqlConnection, id: UserId, hash: &[u8; 32], now: Moment) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "UPDATE recovery_codes SET used_at = ? WHERE user_id = ? AND code_hash = ? AND used_at IS NULL",
        PrimitiveDateTime::from(now),
        id.0,
        hash.as_slice()
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub async fn count_recovery_codes(conn: &mut MySqlConnection, id: UserId) -> sqlx::Result<u64> {
    let count = sqlx::query_scalar!("SELECT COUNT(*) FROM recovery_codes WHERE user_id = ? AND used_at IS NULL", id.0)
        .fetch_one(conn)
        .await?;
    Ok(u64::try_from(count).unwrap_or(0))
}

/// A set-up link that can still be used. `user` is `None` for the link that makes the first administrator.
pub struct SetupLink {
    pub user: Option<UserId>,
    pub name: Option<String>,
    pub role: Role,
    pub disabled: bool,
    pub expires_at: Moment,
    pub used_at: Option<Moment>,
}

pub async fn insert_setup_link(
    conn: &mut MySqlConnection,
    token_hash: &[u8; 32],
    user: Option<UserId>,
    now: Moment,
    expires_at: Moment,
) -> sqlx::Result<()> {
    // A new link replaces the older ones: only the last one sent works.
    let (user, now) = (user.map(|user| user.0), PrimitiveDateTime::from(now));
    sqlx::query!("DELETE FROM setup_links WHERE user_id <=> ? AND used_at IS NULL", user).execute(&mut *conn).await?;
    sqlx::query!(
        "INSERT INTO setup_links (token_hash, user_id, created_at, expires_at) VALUES (?, ?, ?, ?)",
        token_hash.as_slice(),
        user,
        now,
        PrimitiveDateTime::from(expires_at)
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn find_setup_link(conn: &mut MySqlConnection, token_hash: &[u8; 32]) -> sqlx::Result<Option<SetupLink>> {
    let row = sqlx::query!(
        r#"SELECT user_id, users.name AS "name?", users.role AS "role?", users.disabled_at AS "disabled_at?", expires_at, used_at
           FROM setup_links LEFT JOIN users ON users.id = user_id WHERE token_hash = ? FOR UPDATE"#,
        token_hash.as_slice()
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| {
        let role = row.role.unwrap_or_else(|| Role::Admin.name().into());
        Ok(SetupLink {
            user: row.user_id.map(UserId),
            name: row.name,
            role: Role::parse(&role).ok_or_else(|| unreadable("users.role", &role))?,
            disabled: row.disabled_at.is_some(),
            expires_at: row.expires_at.into(),
            used_at: row.used_at.map(Into::into),
        })
    })
    .transpose()
}

pub async fn use_setup_link(conn: &mut MySqlConnection, token_hash: &[u8; 32], now: Moment) -> sqlx::Result<()> {
    sqlx::query!("UPDATE setup_links SET used_at = ? WHERE token_hash = ?", PrimitiveDateTime::from(now), token_hash.as_slice())
        .execute(conn)
        .await?;
    Ok(())
}

/// Roles that require a second step.
pub async fn list_totp_roles(conn: &mut MySqlConnection) -> sqlx::Result<Vec<Role>> {
    let names = sqlx::query_scalar!("SELECT role FROM role_rules WHERE totp_required").fetch_all(conn).await?;
    names.iter().map(|name| Role::parse(name).ok_or_else(|| unreadable("role_rules.role", name))).collect()
}

pub async fn update_totp_required(conn: &mut MySqlConnection, role: Role, required: bool) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO role_rules (role, totp_required) VALUES (?, ?) ON DUPLICATE KEY UPDATE totp_required = VALUES(totp_required)",
        role.name(),
        required
    )
    .execute(conn)
    .await?;
    Ok(())
}
