//! The HTML document. Everything a page needs is loaded before the first byte is sent, so the status is right, nothing moves
//! later, and it works with scripts off.

use crate::{
    alerts::api::Firing,
    auth::{
        guards::Access,
        role::{Door, Permission},
        session::Stage,
    },
    context::{self, Panel, Request},
    error::{AppError, SignedOut},
    live::Topic,
    routes::Page,
    shell::{
        drawer,
        fresh::Fresh,
        idle::IdleGuard,
        palette::{Palette, PaletteEntry},
        status::{Clock, DatabaseBanner, FiringCount, LiveLight},
    },
    system::snapshot::DatabaseState,
    ui::{Choice, NoticeBox, PostForm, ProblemPage, Select, Submit, icon, icon::Icon, look::Density, look::Theme},
    values::Query,
};
use axum::http::StatusCode;
use leptos::{nonce::use_nonce, prelude::*};
use leptos_axum::ResponseOptions;
use std::sync::Arc;

/// What a page gives to the frame.
pub struct PageView {
    pub title: String,
    /// The first sentence: in words, how things are.
    pub lead: Option<AnyView>,
    pub actions: Option<AnyView>,
    pub body: AnyView,
}

impl PageView {
    pub fn new(title: impl Into<String>, body: impl IntoView + 'static) -> Self {
        Self { title: title.into(), lead: None, actions: None, body: body.into_any() }
    }

    pub fn lead(self, lead: impl IntoView + 'static) -> Self {
        Self { lead: Some(lead.into_any()), ..self }
    }

    pub fn actions(self, actions: impl IntoView + 'static) -> Self {
        Self { actions: Some(actions.into_any()), ..self }
    }
}

/// The whole document of a page.
pub fn document(page: Page) -> impl IntoView {
    Suspend::new(async move {
        let (panel, request) = (context::panel(), context::request());
        let view = match page.access().allows(request.who.as_ref()) {
            Ok(()) => crate::pages::build(&page).await,
            Err(error) => Err(error),
        };
        let view = view.unwrap_or_else(|error| problem_view(&panel, &request, &error));
        frame(&panel, &request, Some(&page), view)
    })
}

/// The document that says what happened instead of a page.
pub fn problem_document(error: AppError) -> impl IntoView {
    let (panel, request) = (context::panel(), context::request());
    let view = problem_view(&panel, &request, &error);
    frame(&panel, &request, None, view)
}

/// Sets the status and shows the sentence; who must first sign in, finish signing in or prove themselves is sent there.
fn problem_view(panel: &Panel, request: &Request, error: &AppError) -> PageView {
    if let AppError::SignedOut(why) = error {
        let page = match why {
            SignedOut::NoSession => Page::SignIn,
            SignedOut::CodeMissing => Page::Code,
            SignedOut::SecondStepMissing => Page::Totp,
            SignedOut::ProofTooOld => Page::StepUp,
        };
        let wanted = request.query.link(&request.path);
        context::redirect_page(&Query::default().with("next", wanted).link(&page.path()));
    } else if let Some(options) = use_context::<ResponseOptions>() {
        options.set_status(StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
    }
    // While the database is away the banner reloads the page as soon as it is back.
    let waiting = matches!(error, AppError::Away { .. }) && !panel.database.state().is_up();
    let body = view! {
        <div data-reload-when-back=waiting.then_some("")>
            <ProblemPage error=error.clone() request=request.id.clone() home="/"/>
        </div>
    };
    PageView::new("Problem", body)
}

fn frame(panel: &Arc<Panel>, request: &Request, page: Option<&Page>, view: PageView) -> impl IntoView + use<> {
    let look = request.look;
    let kiosk = request.query.get("kiosk").is_some();
    let full = request.who.as_ref().is_some_and(|who| who.stage == Stage::Full);
    let now = context::now();
    let title = format!("{} — Wirecenter", view.title);
    let side = full.then(|| menu(panel, request, page));
    let head = header(panel, request, full);
    // Pages of operations read themselves again, and the frame with them.
    let reads_itself = matches!(page, Some(Page::Operations | Page::Operation(_)));
    let frame_fresh = (full && sees_operations(request) && !reads_itself).then(|| {
        let from = Query::default().with("state", "active").link(&Page::Operations.path());
        view! { <Fresh topic=Topic::Operations every_ms=FRAME_EVERY_MS from=from/> }
    });
    let left_s =
        full.then(|| context::session_id().and_then(|id| panel.sessions.left(&id, now))).flatten().map(|left| left.as_secs());
    let entries = palette_entries(panel, request);
    // Leaving this page, the notice has been read.
    if request.notice.is_some() {
        context::append_cookie(&context::notice_cookie(panel, request.door, None));
    }
    let notice = request.notice.clone().map(|notice| view! { <NoticeBox notice/> });
    let shape = if full { "signed-in" } else { "signed-out" };
    view! {
        <!DOCTYPE html>
        <html
            lang="en"
            dir="ltr"
            data-theme=look.theme.name()
            data-density=look.density.name()
            data-still=look.still.then_some("")
            data-kiosk=kiosk.then_some("")
            data-door=request.door.name()
        >
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <meta name="robots" content="noindex"/>
                <meta name="wirecenter-now" content=now.millis().to_string()/>
                {full.then(|| view! { <meta name="wirecenter-live" content="yes"/> })}
                <title>{title}</title>
                <link rel="stylesheet" href=format!("/{}/wirecenter.css", panel.package)/>
                <link rel="icon" type="image/svg+xml" href="/favicon.svg"/>
                {full.then(|| start_script(panel))}
            </head>
            <body class=shape>
                <a class="skip" href="#main">
                    "Skip to the content"
                </a>
                {side}
                {head}
                <main id="main" tabindex="-1">
                    {full.then(|| view! { <DatabaseBanner state=banner_state(panel, request.door)/> })}
                    {notice}
                    <div class="head">
                        <h1>{view.title}</h1>
                        {view.lead.map(|lead| view! { <p class="lead">{lead}</p> })}
                        {view.actions.map(|actions| view! { <div class="acts">{actions}</div> })}
                    </div>
                    {view.body}
                </main>
                {full.then(|| view! { <Palette entries/> })}
                {frame_fresh}
                {left_s.map(|left_s| view! { <IdleGuard left_s/> })}
            </body>
        </html>
    }
}

/// What loads the browser's part. leptos has a script for this too; it wakes all islands in one task.
fn start_script(panel: &Panel) -> impl IntoView + use<> {
    let root = format!("/{}", panel.package);
    let script = format!("const root = '{root}';\n{}", include_str!("start.js"));
    view! {
        <link rel="modulepreload" href=format!("{root}/wirecenter.js") nonce=use_nonce()/>
        <link rel="preload" href=format!("{root}/wirecenter.wasm") r#as="fetch" r#type="application/wasm" crossorigin=""/>
        <script type="module" nonce=use_nonce() inner_html=script></script>
    }
}

/// While something runs the frame of every page is read again at most this often.
const FRAME_EVERY_MS: u32 = 1_000;

fn sees_operations(request: &Request) -> bool {
    request.door == Door::Staff && Access::Needs(Permission::SeeOperations).allows(request.who.as_ref()).is_ok()
}

fn banner_state(panel: &Panel, door: Door) -> Option<DatabaseState> {
    let state = panel.database.state().as_told_at(door);
    (!state.is_up()).then_some(state)
}

/// Pages this person may open, as the menu and the palette list them.
fn reachable(panel: &Panel, request: &Request) -> Vec<(Page, crate::routes::MenuItem)> {
    Page::list(request.door)
        .into_iter()
        .filter(|page| page.access().allows(request.who.as_ref()).is_ok())
        .filter(|page| *page != Page::Gallery || panel.development)
        .filter_map(|page| page.menu(request.door).map(|item| (page, item)))
        .collect()
}

fn palette_entries(panel: &Panel, request: &Request) -> Vec<PaletteEntry> {
    let entry = |(page, item): (Page, crate::routes::MenuItem)| PaletteEntry {
        title: item.title.into(),
        about: item.about.into(),
        href: page.path(),
        key: Some(item.key),
    };
    let pages = reachable(panel, request).into_iter().map(entry);
    let more = [
        (Page::NewUser, "Add a user", "with a set-up link to choose their password"),
        (Page::NewOperation, "Start an operation", "choose what and on whom; its plan comes first"),
    ];
    let more = more
        .into_iter()
        .filter(|(page, ..)| request.door == Door::Staff && page.access().allows(request.who.as_ref()).is_ok())
        .map(|(page, title, about)| PaletteEntry { title: title.into(), about: about.into(), href: page.path(), key: None });
    pages.chain(more).collect()
}

fn menu(panel: &Panel, request: &Request, page: Option<&Page>) -> impl IntoView + use<> {
    let here = page.map(Page::path).unwrap_or_default();
    let items = reachable(panel, request).into_iter().map(|(page, item)| {
        let path = page.path();
        let firing = (page == Page::Alerts).then(|| {
            let firing = Firing::from(panel.alerts.firing_count(context::now()));
            view! { <FiringCount firing/> }
        });
        let running = (page == Page::Operations).then(|| drawer::count(&panel.operations.active()));
        // A page below (`/users/7`) keeps its parent marked.
        let current = here == path || (path != "/" && here.starts_with(&format!("{path}/")));
        view! {
            <a class="item" href=path aria-current=current.then_some("page") data-key=item.key.to_string()>
                {icon(item.icon)}
                <span>{item.title}</span>
                {firing}
                {running}
            </a>
        }
    });
    let door = match request.door {
        Door::Staff => "Wirecenter",
        Door::Portal => "Wirecenter portal",
    };
    view! {
        <nav class="side" aria-label="Main">
            <a class="logo" href="/">
                {door}
            </a>
            {items.collect_view()}
        </nav>
    }
}

fn header(panel: &Panel, request: &Request, full: bool) -> impl IntoView + use<> {
    let staff = request.door == Door::Staff;
    let search = (full && staff).then(|| {
        let q = request.query.get("q").filter(|_| request.path == Page::Search.path()).unwrap_or_default().to_string();
        view! {
            <form class="jump" role="search" aria-label="Whole panel" method="get" action=Page::Search.path()>
                <label class="search">
                    {icon(Icon::Search)}
                    <span class="unseen">"Search pages and users"</span>
                    <input type="search" name="q" value=q placeholder="Search or jump to…" data-palette=""/>
                    <kbd>"Ctrl K"</kbd>
                </label>
            </form>
        }
    });
    let name = (!full).then(|| view! { <b class="logo">"Wirecenter"</b> });
    let running = (full && sees_operations(request)).then(|| drawer::drawer(&panel.operations.active()));
    let live = full.then(|| view! { <LiveLight/> });
    let clock = full.then(|| view! { <Clock at=context::now()/> });
    view! {
        <header>
            {name}
            {search}
            <span class="grow"></span>
            {running}
            {live}
            {clock}
            {look_menu(request)}
            {request.who.as_ref().map(account_menu)}
        </header>
    }
}

fn look_menu(request: &Request) -> impl IntoView + use<> {
    let themes = Theme::ALL.iter().map(|theme| Choice::new(theme.name(), theme.name())).collect();
    let densities = Density::ALL.iter().map(|density| Choice::new(density.name(), density.name())).collect();
    let look = request.look;
    view! {
        <details class="menu">
            <summary class="button quiet">"Look"</summary>
            <div class="sheet">
                <PostForm action="/api/look/set">
                    <Select label="Theme" name="theme" choices=themes value=look.theme.name()/>
                    <Select label="Rows" name="density" choices=densities value=look.density.name()/>
                    <label class="check">
                        <input type="checkbox" name="still" value="true" checked=look.still/>
                        "Less motion"
                    </label>
                    <Submit label="Apply"/>
                </PostForm>
            </div>
        </details>
    }
}

fn account_menu(who: &crate::auth::session::SignedIn) -> impl IntoView + use<> {
    view! {
        <details class="menu account">
            <summary class="button quiet">
                {icon(Icon::Person)}
                <span class="unseen">"Account of "</span>
                <span class="name">{who.name.clone()}</span>
                <small>{who.role.name()}</small>
            </summary>
            <div class="sheet">
                {(who.stage == Stage::Full).then(|| view! { <a class="button quiet" href=Page::Profile.path()>"Profile and sessions"</a> })}
                <PostForm action="/api/session/sign-out">
                    <Submit label="Sign out"/>
                </PostForm>
            </div>
        </details>
    }
}
