//! `wirecenter serve`: the start-up, in order. What can be wrong is found before anything is started.

use super::{Failure, ServeArgs, say, say_json, warn};
use crate::{
    config::{self, LogFormat, LogSection},
    database::{Place, private::make_private_dir, watch::Contact},
    http::{DoorContext, local, metrics::Metrics, routes},
    lab::beside::LabBeside,
    process,
    site::Site,
    wiring::{self, Addresses, VERSION, Wiring},
};
use app::{
    auth::api::setup::make_setup_link, auth::guards::Guard, auth::role::Door, auth::store, context, database::Database, live::Hub,
};
use axum::serve::ListenerExt;
use std::{
    net::SocketAddr,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tracing_subscriber::EnvFilter;

const STAFF: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 3000);
const PORTAL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 3001);
/// Requests under way at a stop are given this long; live streams end at once.
const DRAIN_MAX: Duration = Duration::from_secs(2);
/// A private server answers well under a second after its start; one that recovers from a crash takes longer.
const PRIVATE_ANSWER_MAX: Duration = Duration::from_secs(60);
const GIVEN_ANSWER_MAX: Duration = Duration::from_secs(3);

pub async fn serve(args: ServeArgs) -> Result<(), Failure> {
    let mut config = args.common.config()?;
    config.server.development |= args.development;
    let state = args.common.state();
    start_log(&config.log)?;
    check_functions()?;
    let site = Site::find().map_err(Failure::new)?;
    make_private_dir(&state).map_err(Failure::new)?;
    let staff = bind(Door::Staff, args.staff.or(config.staff.listen).unwrap_or(STAFF)).await?;
    let portal = bind(Door::Portal, args.portal.or(config.portal.listen).unwrap_or(PORTAL)).await?;
    let addresses = Addresses { staff: url(&staff)?, portal: url(&portal)? };
    let token_file = config.server.metrics_token_file.clone();
    let token = token_file.map(|file| config::read_secret(&file, "the token of /metrics")).transpose().map_err(Failure::new)?;

    let hub = Arc::new(Hub::new(wiring::new_id()));
    let system = wiring::system_state(&hub);
    let place = {
        let (config, state, system) = (config.clone(), state.clone(), Arc::clone(&system));
        let opened = tokio::task::spawn_blocking(move || Place::open(&config, &state, Some(system))).await;
        opened.map_err(Failure::new)?.map_err(Failure::new)?
    };
    let wiring = wiring::wire(config, place, hub, system, &site, &addresses, &state);
    if let Err(failure) = first_contact(&wiring).await {
        stop_database(wiring).await;
        return Err(failure);
    }
    let setup = if wiring.panel.database.state().is_up() { setup_link(&wiring).await? } else { None };
    wiring.start_tasks(state.clone());
    if let Err(error) = local::start(&state, Arc::clone(&wiring.panel), wiring.stop.clone()) {
        tracing::warn!(%error, "commands like wirecenter fleet cannot ask this panel");
    }
    if !wiring.panel.database.state().is_up() {
        print_setup_link_later(&wiring);
    }
    let metrics = Arc::new(Metrics::new());
    let door = |door: Door| DoorContext {
        door,
        panel: Arc::clone(&wiring.panel),
        metrics: Arc::clone(&metrics),
        trusted_proxies: Arc::new(wiring.config.server.trusted_proxies.clone()),
        metrics_token: token.as_deref().map(Into::into),
        stop: wiring.stop.clone(),
    };
    // Renders run on this runtime; a second call would only say that it is so already.
    let _ = any_spawner::Executor::init_tokio();
    let serving = [spawn_door(staff, door(Door::Staff), &site), spawn_door(portal, door(Door::Portal), &site)];
    // Heard from here on: whoever reads the announcement may send one at once.
    let signals = listen_for_signals()?;
    announce(&args, &addresses, setup.as_deref(), &state);
    let lab = args.lab.then(|| LabBeside::start(&state, Arc::clone(&wiring.watch.system)));
    signals.await;
    tracing::info!("stopping");
    wiring.stop.cancel();
    if let Some(lab) = lab {
        // A failure here is in the log already.
        let _ = tokio::task::spawn_blocking(move || lab.stop()).await;
    }
    let drained = futures::future::join_all(serving);
    if tokio::time::timeout(DRAIN_MAX, drained).await.is_err() {
        tracing::info!("some requests did not end in time and were cut off");
    }
    wiring.tasks.finished().await;
    if wiring.panel.database.state().is_up()
        && let Err(error) = wiring.panel.sessions.flush(context::now()).await
    {
        tracing::info!(%error, "the last input times could not be written");
    }
    stop_database(wiring).await;
    tracing::info!("stopped");
    Ok(())
}

fn start_log(log: &LogSection) -> Result<(), Failure> {
    // What these libraries say of a database that is away, or of a cookie that was tampered with, is said by the panel itself, once.
    const ALWAYS: &str = "tower_sessions=off,tower_sessions_core=off,sqlx_core::pool=off";
    let level = std::env::var("WIRECENTER_LOG").ok().or_else(|| log.level.clone()).unwrap_or_else(|| "info".into());
    let filter = EnvFilter::try_new(format!("{level},{ALWAYS}")).map_err(|error| {
        Failure::new(format!("The log level {level:?} is not understood: {error}. Use error, warn, info, debug or trace."))
    })?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let json = log.format == LogFormat::Json || std::env::var("WIRECENTER_LOG_FORMAT").is_ok_and(|format| format == "json");
    let started = match json {
        true => builder.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init(),
        false => builder.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).try_init(),
    };
    started.map_err(|error| Failure::new(format!("The log cannot be started: {error}.")))
}

/// A server function without a line in the guard table must not go live.
fn check_functions() -> Result<(), Failure> {
    let unguarded: Vec<&str> =
        leptos::server_fn::axum::server_fn_paths().map(|(path, _)| path).filter(|path| Guard::find(path).is_none()).collect();
    if unguarded.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "These server functions have no line in the guard table: {}. Nothing was started.",
        unguarded.join(", ")
    )))
}

async fn bind(door: Door, address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        let (name, flag) = (door.name(), format!("--{}", door.name()));
        let why = match error.kind() {
            std::io::ErrorKind::AddrInUse => "another program listens there".to_string(),
            std::io::ErrorKind::PermissionDenied => "ports below 1024 need more rights".to_string(),
            std::io::ErrorKind::AddrNotAvailable => "this machine does not have that address".to_string(),
            _ => error.to_string(),
        };
        Failure::new(format!(
            "The {name} door cannot listen on {address}: {why}. Stop that program, or choose another with {flag} ADDR:PORT."
        ))
    })
}

fn url(listener: &TcpListener) -> Result<String, Failure> {
    let address = listener.local_addr().map_err(|error| Failure::new(format!("A listener has no address: {error}.")))?;
    Ok(format!("http://{address}"))
}

/// Waits for the database, as long as waiting makes sense.
async fn first_contact(wiring: &Wiring) -> Result<(), Failure> {
    let private = wiring.place.is_private();
    let until = Instant::now() + if private { PRIVATE_ANSWER_MAX } else { GIVEN_ANSWER_MAX };
    loop {
        match wiring.watch.prepare_once().await {
            Contact::Ready { .. } => return Ok(()),
            Contact::Unfit(why) => return Err(Failure::new(why)),
            Contact::NoAnswer(why) => {
                if let Some(death) = wiring.place.private().and_then(|private| private.death()) {
                    return Err(Failure::new(death));
                }
                if Instant::now() >= until {
                    let place = wiring.place.describe();
                    if private {
                        return Err(Failure::new(format!("The {place} does not answer: {why}. Run wirecenter doctor.")));
                    }
                    // Somebody else's server may come later; the panel starts without it and goes on when it is there.
                    wiring.watch.set_down(why.clone());
                    warn(format!("{place} does not answer: {why}. The panel starts without it and keeps trying."));
                    return Ok(());
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// While nobody can administer the panel, a link makes the first administrator. Each start makes a new one; older ones end.
async fn setup_link(wiring: &Wiring) -> Result<Option<String>, Failure> {
    let path = make_link_if_needed(&wiring.panel.database).await?;
    Ok(path.map(|path| format!("{}{path}", wiring.panel.staff_url)))
}

async fn make_link_if_needed(database: &Database) -> Result<Option<String>, Failure> {
    let mut tx = database.pool().begin().await?;
    if store::users::count_active_admins(&mut tx).await? > 0 {
        return Ok(None);
    }
    let path = make_setup_link(&mut tx, None, context::now()).await?;
    tx.commit().await?;
    Ok(Some(path))
}

fn print_setup_link_later(wiring: &Wiring) {
    let (panel, stop) = (Arc::clone(&wiring.panel), wiring.stop.clone());
    tokio::spawn(async move {
        let mut state = panel.database.watch_state();
        tokio::select! {
            () = stop.cancelled() => {}
            up = async { state.wait_for(|state| state.is_up()).await.is_ok() } => {
                if !up { return }
                match make_link_if_needed(&panel.database).await {
                    Ok(Some(path)) => warn(format!("first sign-in: {}{path}", panel.staff_url)),
                    Ok(None) => {}
                    Err(failure) => warn(failure),
                }
            }
        }
    });
}

fn spawn_door(listener: TcpListener, context: DoorContext, site: &Site) -> tokio::task::JoinHandle<()> {
    let stop = context.stop.clone();
    let name = context.door.name();
    let routes = routes(context, site).into_make_service_with_connect_info::<SocketAddr>();
    let listener = listener.tap_io(|stream| {
        // With Nagle's algorithm the end of an answer waits 40 ms for an acknowledgement.
        let _ = stream.set_nodelay(true);
    });
    tokio::spawn(async move {
        let served = axum::serve(listener, routes).with_graceful_shutdown(async move { stop.cancelled().await }).await;
        if let Err(error) = served {
            tracing::error!(%error, door = name, "the door is closed by an error");
        }
    })
}

fn announce(args: &ServeArgs, addresses: &Addresses, setup: Option<&str>, state: &Path) {
    let Addresses { staff, portal } = addresses;
    tracing::info!(version = VERSION, staff, portal, host = process::hostname(), "ready");
    if args.common.json {
        return say_json(&serde_json::json!({ "staff": staff, "portal": portal, "setup": setup }));
    }
    say(format!("\nWirecenter {VERSION} is ready; its files are in {}.", state.display()));
    say(format!("  Staff panel        {staff}"));
    say(format!("  Customers' portal  {portal}"));
    if let Some(setup) = setup {
        say(format!("  First sign-in      {setup}\n                     (works once, within 24 hours; a restart makes a new one)"));
    }
    say("Stop it with Ctrl-C.\n");
}

/// Listens from this call on, and comes back with the first signal to stop.
fn listen_for_signals() -> Result<impl Future<Output = ()>, Failure> {
    let failed = |error: std::io::Error| Failure::new(format!("Signals cannot be heard: {error}."));
    let (mut term, mut int) = (signal(SignalKind::terminate()).map_err(failed)?, signal(SignalKind::interrupt()).map_err(failed)?);
    Ok(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
    })
}

async fn stop_database(wiring: Wiring) {
    let Wiring { panel, watch, place, .. } = wiring;
    // A connection in use is cut off with the server.
    let _ = tokio::time::timeout(Duration::from_secs(1), panel.database.pool().close()).await;
    drop((panel, watch));
    let stop = move || match Arc::try_unwrap(place).ok() {
        Some(Place::Private(private)) => private.stop(),
        // Not ours to stop, or still held by a thread that goes down with the process: dropping stops it then.
        Some(Place::Borrowed { .. } | Place::Given { .. }) | None => {}
    };
    if let Err(error) = tokio::task::spawn_blocking(stop).await {
        tracing::error!(%error, "stopping the private MariaDB failed");
    }
}
