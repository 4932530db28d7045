//! What a server function or a page finds around it: the panel, the request, the clock. Provided by the server for each request.

use crate::{
    alerts::state::AlertsState,
    auth::{
        attempts::Attempts,
        guards::Guard,
        hashing::HashGate,
        role::Door,
        session::SignedIn,
        sessions::{SESSION_KEY, SessionData, Sessions},
        store::kept::KeptAudit,
    },
    calls::state::CallsState,
    database::Database,
    error::AppError,
    fleet::{
        certificate::{PORTAL_DOOR, Place, STAFF_DOOR, places},
        inventory::Inventory,
        state::FleetState,
    },
    live::Hub,
    notice::Notice,
    operations::state::OperationsState,
    routes::Page,
    system::state::SystemState,
    values::{Moment, Query, RequestId},
};
use axum::http::{HeaderValue, StatusCode, header, request::Parts};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use leptos::{prelude::use_context, server_fn::ServerFn};
use leptos_axum::ResponseOptions;
use std::{net::IpAddr, sync::Arc, sync::Mutex};
use tower_sessions::Session;

/// The running panel: everything that outlives a request.
pub struct Panel {
    pub database: Arc<Database>,
    pub sessions: Arc<Sessions>,
    /// For what must be done and written down while the database is away.
    pub kept_audit: KeptAudit,
    pub hub: Arc<Hub>,
    pub gate: HashGate,
    pub attempts: Mutex<Attempts>,
    pub system: Arc<SystemState>,
    pub fleet: Arc<FleetState>,
    pub calls: Arc<CallsState>,
    pub alerts: Arc<AlertsState>,
    pub operations: Arc<OperationsState>,
    /// Whether TLS ends in front of each door: cookies are then `Secure` and carry the `__Host-` prefix.
    pub secure: Secure,
    /// Where each door is reached from outside, for links that leave it (set-up links).
    pub staff_url: String,
    pub portal_url: String,
    /// The gallery of components exists in development only.
    pub development: bool,
    /// `pkg/<hash>`: the folder of the style sheet, the script and the WASM, named by their content.
    pub package: String,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Secure {
    pub staff: bool,
    pub portal: bool,
}

impl Panel {
    pub fn is_secure(&self, door: Door) -> bool {
        match door {
            Door::Staff => self.secure.staff,
            Door::Portal => self.secure.portal,
        }
    }

    pub fn url(&self, door: Door) -> &str {
        match door {
            Door::Staff => &self.staff_url,
            Door::Portal => &self.portal_url,
        }
    }

    /// Where certificates are looked at, the panel's own doors among them.
    pub fn certificate_places(&self, inventory: &Inventory) -> Vec<Place> {
        places(inventory, [(STAFF_DOOR, &self.staff_url), (PORTAL_DOOR, &self.portal_url)])
    }

    /// Cookie names differ per door, because browsers do not keep cookies of two ports apart.
    pub fn cookie_name(&self, door: Door, what: &str) -> String {
        let prefix = if self.is_secure(door) { "__Host-" } else { "" };
        format!("{prefix}wirecenter-{}-{what}", door.name())
    }
}

/// One request, as far as pages and functions care.
#[derive(Clone, Debug)]
pub struct Request {
    pub id: RequestId,
    pub door: Door,
    pub address: IpAddr,
    pub path: String,
    pub query: Query,
    pub who: Option<SignedIn>,
    pub look: crate::ui::look::Look,
    pub notice: Option<Notice>,
    /// A plain form or link, not a script: the answer is a redirect to a page.
    pub wants_html: bool,
}

/// The clock, read here and nowhere else.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
pub fn now() -> Moment {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Moment::EPOCH.plus(since)
}

pub fn panel() -> Arc<Panel> {
    use_context().expect("the server provides the panel to every page and function")
}

fn parts() -> Parts {
    use_context().expect("leptos_axum provides the request's parts to every page and function")
}

pub fn request() -> Arc<Request> {
    parts().extensions.get().cloned().expect("the door describes every request before it reaches a page or function")
}

fn session() -> Session {
    parts().extensions.get().cloned().expect("the session layer wraps every page and function")
}

/// What an allowed call works with.
pub struct Allowed {
    pub panel: Arc<Panel>,
    pub request: Arc<Request>,
}

impl Allowed {
    /// The person, where the guard line says there must be one.
    pub fn who(&self) -> Result<&SignedIn, AppError> {
        self.request.who.as_ref().ok_or(AppError::SignedOut(crate::error::SignedOut::NoSession))
    }

    /// The person, with a fresh proof of identity (level L3).
    pub fn proved(&self) -> Result<&SignedIn, AppError> {
        let who = self.who()?;
        if who.proved_lately(now()) { Ok(who) } else { Err(AppError::SignedOut(crate::error::SignedOut::ProofTooOld)) }
    }
}

/// The first line of every server function: finds the function's line in the guard table and obeys it.
pub fn allowed<F: ServerFn>() -> Result<Allowed, AppError> {
    let guard = Guard::find(F::PATH).expect("the server does not start with a function that has no guard line");
    let request = request();
    if !guard.opens_at(request.door) {
        return Err(AppError::not_found(format!("function {} at this door", F::PATH)));
    }
    guard.access.allows(request.who.as_ref())?;
    Ok(Allowed { panel: panel(), request })
}

/// Starts a session for this browser, under a new id; whatever session it had before is gone.
pub async fn start_session(allowed: &Allowed, who: SignedIn) -> Result<(), AppError> {
    let session = session();
    let agent = parts().headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default().to_string();
    let data = SessionData { signed_in: who, door: allowed.request.door, address: allowed.request.address.to_string(), agent };
    let failed = |error: tower_sessions::session::Error| session_failure(&allowed.panel, "start a session", &error);
    session.cycle_id().await.map_err(failed)?;
    session.set_expiry(Some(data.expiry()));
    session.insert(SESSION_KEY, data).await.map_err(failed)?;
    session.save().await.map_err(failed)
}

/// Changes what this session remembers; with `new_id` also its secret (after a proof of identity).
pub async fn change_session(allowed: &Allowed, new_id: bool, change: impl FnOnce(&mut SignedIn)) -> Result<(), AppError> {
    let session = session();
    let failed = |error: tower_sessions::session::Error| session_failure(&allowed.panel, "change the session", &error);
    let data: Option<SessionData> = session.get(SESSION_KEY).await.map_err(failed)?;
    let mut data = data.ok_or(AppError::SignedOut(crate::error::SignedOut::NoSession))?;
    change(&mut data.signed_in);
    if new_id {
        session.cycle_id().await.map_err(failed)?;
    }
    session.set_expiry(Some(data.expiry()));
    session.insert(SESSION_KEY, data).await.map_err(failed)?;
    session.save().await.map_err(failed)
}

pub async fn end_session(allowed: &Allowed) -> Result<(), AppError> {
    session().flush().await.map_err(|error| session_failure(&allowed.panel, "end the session", &error))
}

/// The secret of this browser's session, for comparing with those of a list.
pub fn session_id() -> Option<tower_sessions::session::Id> {
    session().id()
}

fn session_failure(panel: &Panel, doing: &str, error: &tower_sessions::session::Error) -> AppError {
    if panel.database.state().is_up() {
        tracing::error!(%error, doing, "the session store failed");
        AppError::Broken
    } else {
        AppError::Away { system: "The database".into(), since: Some(panel.database.state().since()), doing: doing.into() }
    }
}

/// Answers a plain form: the next page shows `notice`. A script gets the function's value and ignores this.
pub fn go_to(page: &Page, notice: Option<&Notice>) {
    go_to_path(&page.path(), notice);
}

pub fn go_to_path(path: &str, notice: Option<&Notice>) {
    let request = request();
    if !request.wants_html {
        return;
    }
    if let Some(notice) = notice {
        append_cookie(&notice_cookie(&panel(), request.door, Some(notice)));
    }
    leptos_axum::redirect(path);
}

/// Answers a page's address with another one, whoever asks: a browser, a script, a curious person with curl.
pub fn redirect_page(path: &str) {
    let options: Option<ResponseOptions> = use_context();
    if let (Some(options), Ok(value)) = (options, HeaderValue::from_str(path)) {
        options.set_status(StatusCode::SEE_OTHER);
        options.insert_header(header::LOCATION, value);
    }
}

/// The browser reads this address by itself after some seconds, also without a script: what the page waits for may be there then.
pub fn look_again_after(seconds: u32, path: &str) {
    let options: Option<ResponseOptions> = use_context();
    if let (Some(options), Ok(value)) = (options, HeaderValue::from_str(&format!("{seconds}; url={path}"))) {
        options.insert_header(header::REFRESH, value);
    }
}

pub fn append_cookie(cookie: &str) {
    let options: Option<ResponseOptions> = use_context();
    if let (Some(options), Ok(value)) = (options, HeaderValue::from_str(cookie)) {
        options.append_header(header::SET_COOKIE, value);
    }
}

/// The cookie that carries a notice to the next page, or removes it.
pub fn notice_cookie(panel: &Panel, door: Door, notice: Option<&Notice>) -> String {
    let name = panel.cookie_name(door, "notice");
    let secure = if panel.is_secure(door) { "; Secure" } else { "" };
    match notice {
        Some(notice) => {
            let value = URL_SAFE_NO_PAD.encode(notice.to_json());
            format!("{name}={value}; Path=/; Max-Age=60; HttpOnly; SameSite=Strict{secure}")
        }
        None => format!("{name}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict{secure}"),
    }
}

/// The inverse of [`notice_cookie`]'s value.
pub fn read_notice(value: &str) -> Option<Notice> {
    let json = URL_SAFE_NO_PAD.decode(value).ok()?;
    Notice::from_json(std::str::from_utf8(&json).ok()?)
}
