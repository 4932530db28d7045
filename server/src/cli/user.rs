//! `wirecenter user …`: the same rules as on the page, for whoever has a shell on the machine.

use super::{
    Common, Failure, say, say_json,
    store::{Store, draft, find_id},
};
use app::{
    auth::{
        api::setup::make_setup_link,
        audit::Action,
        hashing::HashGate,
        role::{Door, Role},
        store,
        store::users::{UserOrder, UserPage},
        user::{self, User, UserFilter, parse_name},
    },
    context,
    values::UserId,
};
use clap::Subcommand;
use serde_json::json;
use sqlx::MySqlConnection;
use std::io::BufRead;

#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Add a user; without --password-stdin a set-up link is printed
    #[command(
        after_help = "Examples:\n  wirecenter user add ada --role noc\n  wirecenter user add bot --role viewer --password-stdin < secret"
    )]
    Add {
        name: String,
        /// admin, noc, rates, billing, viewer, or customer (signs in at the portal)
        #[arg(long, value_parser = parse_role)]
        role: Role,
        /// Read the password from the first line of stdin
        #[arg(long)]
        password_stdin: bool,
        #[command(flatten)]
        common: Common,
    },
    /// Set a user's password and end their sessions; a second step stays on
    #[command(after_help = "Example:\n  wirecenter user passwd ada --password-stdin < secret")]
    Passwd {
        name: String,
        #[arg(long, required = true)]
        password_stdin: bool,
        #[command(flatten)]
        common: Common,
    },
    /// Disable a user and end their sessions
    #[command(after_help = "Example:\n  wirecenter user disable ada")]
    Disable {
        name: String,
        #[command(flatten)]
        common: Common,
    },
    /// Enable a disabled user again
    #[command(after_help = "Example:\n  wirecenter user enable ada")]
    Enable {
        name: String,
        #[command(flatten)]
        common: Common,
    },
    /// Print a new set-up link for a user
    #[command(after_help = "Example:\n  wirecenter user link ada")]
    Link {
        name: String,
        #[command(flatten)]
        common: Common,
    },
    /// Switch a user's second step off, because the device is lost
    #[command(after_help = "Example:\n  wirecenter user totp-off ada")]
    TotpOff {
        name: String,
        #[command(flatten)]
        common: Common,
    },
    /// List the users
    #[command(after_help = "Example:\n  wirecenter user list --json")]
    List {
        #[command(flatten)]
        common: Common,
    },
}

fn parse_role(name: &str) -> Result<Role, String> {
    let known = || Role::ALL.map(Role::name).join(", ");
    Role::parse(name).ok_or_else(|| format!("expected one of {}", known()))
}

pub async fn run(command: UserCommand) -> Result<(), Failure> {
    let common = match &command {
        UserCommand::Add { common, .. }
        | UserCommand::Passwd { common, .. }
        | UserCommand::Disable { common, .. }
        | UserCommand::Enable { common, .. }
        | UserCommand::Link { common, .. }
        | UserCommand::TotpOff { common, .. }
        | UserCommand::List { common } => common.clone(),
    };
    // Read before the database is opened: a command that waits for its input should not hold anything.
    let password = match &command {
        UserCommand::Add { password_stdin: true, .. } | UserCommand::Passwd { .. } => Some(read_password()?),
        _ => None,
    };
    let store = Store::open(&common).await?;
    let done = match command {
        UserCommand::Add { name, role, .. } => add(&store, &common, &name, role, password).await,
        UserCommand::Passwd { name, .. } => passwd(&store, &common, &name, password.unwrap_or_default()).await,
        UserCommand::Disable { name, .. } => disable(&store, &common, &name).await,
        UserCommand::Enable { name, .. } => enable(&store, &common, &name).await,
        UserCommand::Link { name, .. } => link(&store, &common, &name).await,
        UserCommand::TotpOff { name, .. } => totp_off(&store, &common, &name).await,
        UserCommand::List { .. } => list(&store, &common).await,
    };
    store.close().await;
    done
}

fn read_password() -> Result<String, Failure> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(|error| Failure::new(format!("The password cannot be read: {error}.")))?;
    Ok(line.trim_end_matches(['\n', '\r']).to_string())
}

/// Says what was done, as a sentence or as the user's facts.
fn done(common: &Common, name: &str, sentence: String, more: serde_json::Value) {
    if common.json {
        let mut facts = json!({ "name": name });
        if let (Some(facts), Some(more)) = (facts.as_object_mut(), more.as_object()) {
            facts.extend(more.clone());
        }
        say_json(&facts);
    } else {
        say(sentence);
    }
}

/// The address of a door as configured, for links; the port a running panel chose by itself is not known here.
fn door_url(common: &Common, door: Door) -> Result<String, Failure> {
    let config = common.config()?;
    let (section, port) = match door {
        Door::Staff => (config.staff, 3000),
        Door::Portal => (config.portal, 3001),
    };
    let listen = section.listen.map_or_else(|| format!("http://127.0.0.1:{port}"), |address| format!("http://{address}"));
    Ok(section.public_url.unwrap_or(listen).trim_end_matches('/').to_string())
}

async fn add(store: &Store, common: &Common, name: &str, role: Role, password: Option<String>) -> Result<(), Failure> {
    let name = parse_name(name)
        .map_err(|problem| Failure::new(format!("The name {:?} cannot be used: expected {}.", problem.read, problem.expected)))?;
    let hash = match password {
        Some(password) => Some(HashGate::new().choose(password, name.clone()).await?),
        None => None,
    };
    let now = context::now();
    let mut tx = store.begin().await?;
    let id = store::users::insert_user(&mut tx, &name, role, hash.as_deref(), now).await?;
    let id = id.ok_or_else(|| Failure::new(user::UserRefusal::NameTaken { name: name.clone() }))?;
    let path = match hash {
        Some(_) => None,
        None => Some(make_setup_link(&mut tx, Some(id), now).await?),
    };
    let mut row = draft(Action::UserAdd, &name);
    row.after = Some(role.name().into());
    store.commit(tx, row).await?;
    let link = path.map(|path| door_url(common, role.door()).map(|url| format!("{url}{path}"))).transpose()?;
    let sentence = match &link {
        Some(link) => format!("{name} was added as {}. Their set-up link, good for 24 hours:\n{link}", role.name()),
        None => format!("{name} was added as {}.", role.name()),
    };
    done(common, &name, sentence, json!({ "id": id, "role": role, "link": link }));
    Ok(())
}

async fn load(conn: &mut MySqlConnection, name: &str) -> Result<User, Failure> {
    let id = find_id(conn, name).await?;
    let user = store::users::find_user(conn, id).await?;
    user.ok_or_else(|| Failure::new(format!("The user {name} was removed while this command ran.")))
}

async fn end_sessions(conn: &mut MySqlConnection, id: UserId) -> Result<u64, Failure> {
    Ok(store::sessions::delete_of_user(conn, id, None).await?)
}

async fn passwd(store: &Store, common: &Common, name: &str, password: String) -> Result<(), Failure> {
    let mut tx = store.begin().await?;
    let user = load(&mut tx, name).await?;
    let hash = HashGate::new().choose(password, user.name.clone()).await?;
    store::users::update_password(&mut tx, user.id, &hash, context::now()).await?;
    let ended = end_sessions(&mut tx, user.id).await?;
    store.commit(tx, draft(Action::PasswordChange, &user.name)).await?;
    let sentence = format!("The password of {} was changed; {ended} sessions have ended.", user.name);
    done(common, &user.name, sentence, json!({ "sessions_ended": ended }));
    Ok(())
}

async fn disable(store: &Store, common: &Common, name: &str) -> Result<(), Failure> {
    let mut tx = store.begin().await?;
    let user = load(&mut tx, name).await?;
    let admins = store::users::count_active_admins(&mut tx).await?;
    user::can_disable(None, &user, admins).map_err(Failure::new)?;
    store::users::update_disabled(&mut tx, user.id, Some(context::now())).await?;
    let ended = end_sessions(&mut tx, user.id).await?;
    let mut row = draft(Action::UserDisable, &user.name);
    (row.before, row.after) = (Some(user.state.name().into()), Some("disabled".into()));
    store.commit(tx, row).await?;
    let sentence = format!("{} is disabled; {ended} sessions have ended.", user.name);
    done(common, &user.name, sentence, json!({ "state": "disabled", "sessions_ended": ended }));
    Ok(())
}

async fn enable(store: &Store, common: &Common, name: &str) -> Result<(), Failure> {
    let mut tx = store.begin().await?;
    let user = load(&mut tx, name).await?;
    user::can_enable(&user).map_err(Failure::new)?;
    store::users::update_disabled(&mut tx, user.id, None).await?;
    let mut row = draft(Action::UserEnable, &user.name);
    row.before = Some("disabled".into());
    store.commit(tx, row).await?;
    done(common, &user.name, format!("{} can sign in again.", user.name), json!({ "state": "active" }));
    Ok(())
}

async fn link(store: &Store, common: &Common, name: &str) -> Result<(), Failure> {
    let mut tx = store.begin().await?;
    let user = load(&mut tx, name).await?;
    let path = make_setup_link(&mut tx, Some(user.id), context::now()).await?;
    store.commit(tx, draft(Action::UserLink, &user.name)).await?;
    let link = format!("{}{path}", door_url(common, user.role.door())?);
    done(common, &user.name, format!("The set-up link of {}, good for 24 hours:\n{link}", user.name), json!({ "link": link }));
    Ok(())
}

async fn totp_off(store: &Store, common: &Common, name: &str) -> Result<(), Failure> {
    let mut tx = store.begin().await?;
    let user = load(&mut tx, name).await?;
    user::can_switch_totp_off(None, &user).map_err(Failure::new)?;
    store::users::update_totp(&mut tx, user.id, None, 0).await?;
    store::users::replace_recovery_codes(&mut tx, user.id, &[]).await?;
    let ended = end_sessions(&mut tx, user.id).await?;
    store.commit(tx, draft(Action::TotpOff, &user.name)).await?;
    let sentence = format!("The second step of {} is off; {ended} sessions have ended.", user.name);
    done(common, &user.name, sentence, json!({ "totp": false, "sessions_ended": ended }));
    Ok(())
}

async fn list(store: &Store, common: &Common) -> Result<(), Failure> {
    let filter = UserFilter { q: None, role: None, state: None };
    let mut conn = store.database.pool().acquire().await?;
    let (mut users, rows_max) = (Vec::new(), app::limits::EXPORT_ROWS_AT_ONCE);
    loop {
        let offset = u32::try_from(users.len()).unwrap_or(u32::MAX);
        let page = UserPage { filter: &filter, order: UserOrder::Name, descending: false, offset, rows_max };
        let some = store::users::list_users(&mut conn, &page).await?;
        if some.is_empty() {
            break;
        }
        users.extend(some);
    }
    if common.json {
        let facts = users.iter().map(|user| {
            json!({
                "id": user.id, "name": user.name, "role": user.role, "state": user.state, "totp": user.totp, "sessions": user.sessions,
                "created_at": user.created_at.rfc3339(), "last_signed_in_at": user.last_signed_in_at.map(|at| at.rfc3339()),
            })
        });
        say_json(&facts.collect::<Vec<_>>());
        return Ok(());
    }
    say(format!("{:<24} {:<9} {:<9} {:<12} {:>8}  last signed in (UTC)", "name", "role", "state", "second step", "sessions"));
    for user in &users {
        let seen = user.last_signed_in_at.map_or_else(|| "never".into(), |at| at.to_string());
        let totp = if user.totp { "on" } else { "off" };
        say(format!(
            "{:<24} {:<9} {:<9} {:<12} {:>8}  {seen}",
            user.name,
            user.role.name(),
            user.state.name(),
            totp,
            user.sessions
        ));
    }
    Ok(())
}
