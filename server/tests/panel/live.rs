//! The stream of wake-ups.

use crate::browser::Browser;
use crate::harness::Panel;
use futures::StreamExt;
use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

/// The lines heard so far, with the time they came.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<(Instant, String)>>>);

impl Heard {
    async fn listen(browser: &Browser) -> (Self, tokio::task::JoinHandle<Instant>) {
        let since = Instant::now();
        let response = browser.raw(|client, base| client.get(format!("{base}/live")).timeout(Duration::from_secs(60))).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let heard = Self::default();
        let kept = heard.clone();
        let listening = tokio::spawn(async move {
            let mut stream = response.bytes_stream();
            while let Some(Ok(part)) = stream.next().await {
                let text = String::from_utf8_lossy(&part).into_owned();
                let lines =
                    text.lines().filter_map(|line| line.strip_prefix("data: ")).map(|line| (Instant::now(), line.to_string()));
                kept.0.lock().expect("no panic").extend(lines);
            }
            Instant::now()
        });
        heard.wait("hello", since, Duration::from_secs(2)).await;
        (heard, listening)
    }

    /// How long after `since` the first line beginning with `what` came.
    async fn wait(&self, what: &str, since: Instant, limit: Duration) -> Duration {
        loop {
            let found = self
                .0
                .lock()
                .expect("no panic")
                .iter()
                .find(|(at, line)| *at >= since && line.starts_with(what))
                .map(|(at, _)| *at);
            if let Some(at) = found {
                return at - since;
            }
            assert!(since.elapsed() < limit, "no {what} within {limit:?}: {:?}", self.0.lock().expect("no panic"));
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn count(&self, what: &str) -> usize {
        self.0.lock().expect("no panic").iter().filter(|(_, line)| line.starts_with(what)).count()
    }
}

const LIMIT: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread")]
async fn a_change_wakes_whoever_may_see_it_within_a_second() {
    let (panel, _database) = Panel::with_everybody();
    let admin = Browser::signed_in(&panel.staff, "admin").await;
    let viewer = Browser::signed_in(&panel.staff, "viewer").await;
    let (by_admin, _a) = Heard::listen(&admin).await;
    let (by_viewer, _v) = Heard::listen(&viewer).await;
    by_admin.wait("wake system", Instant::now(), LIMIT).await;
    by_admin.wait("ping", Instant::now(), LIMIT).await;

    let started = Instant::now();
    admin.form("/users/new", "/api/users/add", &[("name", "bob"), ("role", "noc")]).await;
    assert!(by_admin.wait("wake users", started, LIMIT).await < Duration::from_secs(1), "changed here");
    by_admin.wait("wake audit", started, LIMIT).await;

    tokio::time::sleep(Duration::from_millis(800)).await;
    let started = Instant::now();
    panel.command(&["user", "disable", "bob"]);
    let done = Instant::now();
    by_admin.wait("wake users", started, LIMIT).await;
    assert!(done.elapsed() < Duration::from_secs(1), "changed by another process");
    assert_eq!(by_viewer.count("wake users") + by_viewer.count("wake audit"), 0, "a viewer hears nothing of it");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_changes_become_few_wake_ups() {
    let (panel, _database) = Panel::with_everybody();
    let admin = Browser::signed_in(&panel.staff, "admin").await;
    let (heard, _listening) = Heard::listen(&admin).await;
    let started = Instant::now();
    for i in 0..30 {
        admin.form("/users/new", "/api/users/add", &[("name", &format!("user{i}")), ("role", "noc")]).await;
    }
    heard.wait("wake users", started, LIMIT).await;
    tokio::time::sleep(Duration::from_millis(800)).await;
    let calm = started.elapsed().as_millis() / 200 + 2;
    assert!(heard.count("wake users") as u128 <= calm, "{} wake-ups", heard.count("wake users"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stream_needs_a_session_and_ends_with_it() {
    let (panel, _database) = Panel::with_everybody();
    assert_eq!(Browser::at(&panel.staff).get("/live").await.status(), 401);
    let noc = Browser::signed_in(&panel.staff, "noc").await;
    let (heard, listening) = Heard::listen(&noc).await;
    let started = Instant::now();
    panel.command(&["user", "disable", "noc"]);
    let ended = tokio::time::timeout(LIMIT, listening).await.expect("in time").expect("no panic");
    assert!(ended - started < Duration::from_secs(3));
    heard.wait("wake sessions", started, LIMIT).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_does_not_wait_for_the_streams() {
    let (mut panel, _database) = Panel::with_everybody();
    let admin = Browser::signed_in(&panel.staff, "admin").await;
    let (_heard, listening) = Heard::listen(&admin).await;
    let took = tokio::task::spawn_blocking(move || panel.stop()).await.expect("it stops");
    assert!(took < Duration::from_secs(5), "{took:?}");
    tokio::time::timeout(LIMIT, listening).await.expect("the stream has ended").expect("no panic");
}
