//! The cable between the panel and its database, cut and frozen by a proxy, because MariaDB itself cannot be asked to fail so.

use crate::browser::Browser;
use crate::harness::{Database, PASSWORD, Panel, Setup, temp_dir, until};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{UnixListener, UnixStream},
    sync::watch,
};

#[derive(Clone, Copy, PartialEq)]
pub enum Cable {
    Whole,
    /// Nothing gets through, nothing is closed.
    Frozen,
    /// Every connection is closed at once, new ones too.
    Cut,
}

pub struct Proxy {
    pub socket: PathBuf,
    state: watch::Sender<Cable>,
    _dir: tempfile::TempDir,
}

impl Proxy {
    pub fn before(server: &Path) -> Self {
        let dir = temp_dir();
        let socket = dir.path().join("proxy");
        let listener = UnixListener::bind(&socket).expect("a socket");
        let state = watch::Sender::new(Cable::Whole);
        let (seen, server) = (state.subscribe(), Arc::new(server.to_path_buf()));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (seen, server) = (seen.clone(), Arc::clone(&server));
                tokio::spawn(async move {
                    if *seen.borrow() == Cable::Cut {
                        return;
                    }
                    let Ok(upstream) = UnixStream::connect(&*server).await else { return };
                    let ((a, b), (c, d)) = (client.into_split(), upstream.into_split());
                    tokio::select! { () = carry(a, d, seen.clone()) => {} () = carry(c, b, seen) => {} }
                });
            }
        });
        Self { socket, state, _dir: dir }
    }

    pub fn set(&self, cable: Cable) {
        self.state.send_replace(cable);
    }
}

async fn carry(mut from: impl AsyncReadExt + Unpin, mut to: impl AsyncWriteExt + Unpin, mut state: watch::Receiver<Cable>) {
    let mut buffer = [0u8; 16 * 1024];
    loop {
        let now = *state.borrow_and_update();
        tokio::select! {
            changed = state.changed() => if changed.is_err() || *state.borrow() == Cable::Cut { return },
            read = from.read(&mut buffer), if now == Cable::Whole => {
                let Ok(count @ 1..) = read else { return };
                if to.write_all(&buffer[..count]).await.is_err() { return }
            }
        }
    }
}

const QUICK: Duration = Duration::from_secs(4);

async fn without_database(panel: &Panel, admin: &Browser) {
    let ready = Browser::at(&panel.staff);
    until("the panel notices", QUICK, async || ready.get("/readyz").await.status() == 503).await;
    assert_eq!(ready.get("/healthz").await.status(), 200, "the panel itself is well");

    // Whoever is signed in stays so, and what is read from memory goes on.
    assert!(admin.is_signed_in().await);
    let page = admin.get("/system").await;
    assert_eq!(page.status(), 200);
    let text = page.text().await.expect("text");
    assert!(text.contains("The database does not answer since") && text.contains("You stay signed in"), "{text}");

    // What needs the database says since when, at once, and changes nothing.
    let started = std::time::Instant::now();
    let users = admin.get("/users").await;
    assert_eq!(users.status(), 503);
    let text = users.text().await.expect("text");
    assert!(text.contains("The database does not answer since") && text.contains("could not list the users"), "{text}");
    assert!(started.elapsed() < Duration::from_secs(1), "refused at once, not after a time-out");
    admin.form("/users/new", "/api/users/add", &[("name", "bob"), ("role", "noc")]).await;
    assert!(admin.notice().contains("Nothing was changed"), "{}", admin.notice());

    // A stranger learns why there is no signing in; a cookie nobody here knows is not taken for a stranger's.
    let stranger = Browser::at(&panel.staff);
    assert_eq!(stranger.call("/api/session/sign-in", &[("name", "admin"), ("password", PASSWORD)]).await.status(), 503);
    let unseen = Browser::at(&panel.staff);
    unseen.set_cookie("wirecenter-staff-session", "AAAAAAAAAAAAAAAAAAAAAA");
    assert_eq!(unseen.get("/users").await.status(), 503);
    // Customers are not told of sockets and processes.
    let portal = Browser::at(&panel.portal).page("/readyz").await;
    assert!(portal.contains("\"why\":\"\""), "{portal}");
}

async fn with_database_again(panel: &Panel, admin: &Browser) {
    let ready = Browser::at(&panel.staff);
    until("it goes on by itself", QUICK, async || ready.get("/readyz").await.status() == 200).await;
    assert_eq!(admin.get("/users").await.status(), 200);
    assert!(!admin.page("/system").await.contains("You stay signed in"));
    assert_eq!(crate::browser::location(&Browser::at(&panel.staff).sign_in("admin", PASSWORD).await), "/");
}

async fn panel_behind(proxy: &Proxy, database: &Database) -> (Panel, Browser) {
    let setup = Setup { database_url: Some(database.url_by(&proxy.socket)), ..Setup::private() };
    let panel = Panel::start(setup);
    panel.command_with(&["user", "add", "admin", "--role", "admin", "--password-stdin"], PASSWORD);
    panel.announce("the database does not answer");
    let admin = Browser::signed_in(&panel.staff, "admin").await;
    (panel, admin)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_cable_is_told_endured_and_mended_without_a_restart() {
    let database = Database::new();
    let proxy = Proxy::before(&database.socket);
    let (panel, admin) = panel_behind(&proxy, &database).await;
    for _ in 0..2 {
        proxy.set(Cable::Cut);
        without_database(&panel, &admin).await;
        proxy.set(Cable::Whole);
        with_database_again(&panel, &admin).await;
    }
    assert_eq!(database.sql("SELECT COUNT(*) FROM users WHERE name = 'bob'"), "0");
    let told = panel.log().matches("the database does not answer").count();
    assert!(told <= 2, "one line per change of state, not one per round: {told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_cable_holds_nobody_up() {
    let database = Database::new();
    let proxy = Proxy::before(&database.socket);
    let (panel, admin) = panel_behind(&proxy, &database).await;
    proxy.set(Cable::Frozen);
    without_database(&panel, &admin).await;
    proxy.set(Cable::Whole);
    with_database_again(&panel, &admin).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_panel_starts_without_its_database_and_goes_on_when_it_is_there() {
    let database = Database::new();
    let proxy = Proxy::before(&database.socket);
    proxy.set(Cable::Cut);
    let panel = Panel::start(Setup { database_url: Some(database.url_by(&proxy.socket)), ..Setup::private() });
    panel.announce("the database does not answer");
    assert_eq!(panel.setup, None, "nothing is known yet");
    let browser = Browser::at(&panel.staff);
    assert_eq!(browser.get("/readyz").await.status(), 503);
    assert_eq!(browser.get("/sign-in").await.status(), 200);
    proxy.set(Cable::Whole);
    until("it migrates and goes on", QUICK * 3, async || browser.get("/readyz").await.status() == 200).await;
    until("the link is printed", QUICK, async || panel.log().contains("/setup/")).await;
    let log = panel.log();
    let link = log.split_whitespace().find(|word| word.contains("/setup/")).expect("a link");
    let path = link[link.find("/setup/").expect("a path")..].to_string();
    assert!(browser.page(&path).await.contains("Make the first administrator"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_does_not_wait_for_a_database_that_is_away() {
    let database = Database::new();
    let proxy = Proxy::before(&database.socket);
    let (mut panel, _admin) = panel_behind(&proxy, &database).await;
    proxy.set(Cable::Frozen);
    let took = tokio::task::spawn_blocking(move || panel.stop()).await.expect("it stops");
    assert!(took < Duration::from_secs(5), "{took:?}");
}
