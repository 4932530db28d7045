//! Signing in, staying in, and being put out.

use crate::browser::{Browser, location};
use crate::harness::{PASSWORD, Panel, Setup, until};
use std::time::{Duration, Instant};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_name_and_a_wrong_password_cannot_be_told_apart() {
    let (panel, _database) = Panel::with_everybody();
    let mut medians = Vec::new();
    let mut answers = Vec::new();
    // Few enough for the limit per name and network.
    for name in ["admin", "nobody-of-that-name", "customer"] {
        let mut times = Vec::new();
        for _ in 0..8 {
            let browser = Browser::at(&panel.staff);
            let started = Instant::now();
            let response = browser.sign_in(name, "a wrong password").await;
            times.push(started.elapsed());
            answers.push((response.status().as_u16(), location(&response), browser.notice()));
        }
        times.sort();
        medians.push(times[times.len() / 2]);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "one answer for all: {answers:?}");
    let (low, high) = (medians.iter().min().expect("three"), medians.iter().max().expect("three"));
    assert!(*high < *low * 2, "the time tells them apart: {medians:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_wrong_tries_make_name_and_network_wait_and_lock_nobody_else_out() {
    let database = crate::harness::Database::new();
    let panel = Panel::start(Setup::with(&database).config("[server]\ntrusted_proxies = [\"127.0.0.1\"]\n"));
    for name in ["ada", "bob"] {
        panel.command_with(&["user", "add", name, "--role", "noc", "--password-stdin"], PASSWORD);
    }
    let from = |address: &str| Browser::at(&panel.staff).header("x-forwarded-for", address);
    for _ in 0..10 {
        from("198.51.100.9").sign_in("ada", "a wrong password").await;
    }
    let blocked = from("198.51.100.77");
    blocked.sign_in("ada", PASSWORD).await;
    assert!(blocked.notice().starts_with("Too many wrong tries"), "{}", blocked.notice());
    assert!(blocked.cookie("session").is_none(), "even the right password waits");
    let by_script = from("198.51.100.9").call("/api/session/sign-in", &[("name", "ada"), ("password", "x")]).await;
    assert_eq!(by_script.status(), 429);
    assert!(by_script.headers()["retry-after"].to_str().expect("text").parse::<u64>().expect("seconds") <= 900);
    assert_eq!(location(&from("203.0.113.5").sign_in("ada", PASSWORD).await), "/", "the owner, from her own network");
    assert_eq!(location(&from("198.51.100.9").sign_in("bob", PASSWORD).await), "/", "a colleague behind that address");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_at_the_door_is_told_to_come_back_and_nothing_breaks() {
    let (panel, _database) = Panel::with_everybody();
    let tries =
        (0..60).map(|i| {
            let browser = Browser::at(&panel.staff);
            async move {
                browser.call("/api/session/sign-in", &[("name", &format!("user{i}")), ("password", "x")]).await.status().as_u16()
            }
        });
    let statuses = futures::future::join_all(tries).await;
    assert!(statuses.iter().all(|status| [422, 429].contains(status)), "{statuses:?}");
    assert!(statuses.contains(&429) && statuses.contains(&422), "{statuses:?}");
    assert_eq!(location(&Browser::at(&panel.staff).sign_in("admin", PASSWORD).await), "/", "and the door is open again");
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_makes_a_new_id_whatever_the_browser_brought() {
    let (panel, database) = Panel::with_everybody();
    let browser = Browser::at(&panel.staff);
    browser.set_cookie("wirecenter-staff-session", "AAAAAAAAAAAAAAAAAAAAAA");
    browser.sign_in("admin", PASSWORD).await;
    let first = browser.cookie("session").expect("a session");
    assert_ne!(first, "AAAAAAAAAAAAAAAAAAAAAA");
    browser.sign_in("admin", PASSWORD).await;
    let second = browser.cookie("session").expect("a session");
    assert_ne!(first, second);
    assert_eq!(database.sql("SELECT COUNT(*) FROM sessions"), "1", "the first one is gone");
    // A fresh proof of identity changes the secret too.
    browser.form("/step-up", "/api/session/step-up", &[("password", PASSWORD), ("next", "/profile")]).await;
    assert_ne!(browser.cookie("session").expect("a session"), second);
    assert!(browser.is_signed_in().await);
    let stored = database.sql("SELECT HEX(id_hash), data FROM sessions");
    assert!(!stored.contains(&second), "the table does not hold the cookie's secret");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_sign_in_one_goes_on_to_the_page_one_wanted_and_nowhere_else() {
    let (panel, _database) = Panel::with_everybody();
    let go = |next: &'static str| {
        let browser = Browser::at(&panel.staff);
        async move {
            let fields = [("name", "admin"), ("password", PASSWORD), ("next", next)];
            location(&browser.form("/sign-in", "/api/session/sign-in", &fields).await)
        }
    };
    assert_eq!(go("/users?role=noc").await, "/users?role=noc");
    for elsewhere in ["//evil.example", "https://evil.example/", "/\\evil.example", "/api/users/list", "javascript:alert(1)"] {
        assert_eq!(go(elsewhere).await, "/", "{elsewhere}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_within_a_second_whoever_ends_it() {
    let (panel, _database) = Panel::with_everybody();
    let admin = Browser::signed_in(&panel.staff, "admin").await;
    let gone = async |browser: &Browser| until("the session ends", SECOND * 3, async || !browser.is_signed_in().await).await;

    let noc = Browser::signed_in(&panel.staff, "noc").await;
    assert!(panel.command(&["user", "disable", "noc"]).status.success());
    assert!(gone(&noc).await <= SECOND, "disabled by another process");

    let rates = Browser::signed_in(&panel.staff, "rates").await;
    assert!(panel.command_with(&["user", "passwd", "rates", "--password-stdin"], "granite pillow river").status.success());
    assert!(gone(&rates).await <= SECOND, "password changed by another process");

    let viewer = Browser::signed_in(&panel.staff, "viewer").await;
    let id = panel.json(&["user", "list"]).as_array().expect("a list").iter().find(|user| user["name"] == "viewer").expect("there")
        ["id"]
        .to_string();
    let response = admin.form("/users", "/api/users/role", &[("id", &id), ("role", "billing")]).await;
    assert_eq!(location(&response), format!("/users/{id}"), "{}", admin.notice());
    assert!(gone(&viewer).await <= SECOND / 4, "role changed here");

    let (one, two) = (Browser::signed_in(&panel.staff, "billing").await, Browser::signed_in(&panel.staff, "billing").await);
    one.form("/profile", "/api/session/end-others", &[]).await;
    assert!(gone(&two).await <= SECOND / 4, "ended by their owner");
    assert!(one.is_signed_in().await && admin.is_signed_in().await, "nobody else's");

    let other = Browser::signed_in(&panel.staff, "billing").await;
    let fields = [("current_password", PASSWORD), ("password", "granite pillow river")];
    one.form("/profile", "/api/profile/password", &fields).await;
    assert!(gone(&other).await <= SECOND / 4, "own password changed");
    assert!(one.is_signed_in().await, "the browser that changed it stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn idling_ends_a_session_and_only_the_persons_input_counts() {
    let (mut panel, database) = Panel::with_everybody();
    let admin = Browser::signed_in(&panel.staff, "admin").await;
    let seconds_ago = |seconds: u32| {
        database.sql(&format!("UPDATE sessions SET last_input_at = UTC_TIMESTAMP(6) - INTERVAL {seconds} SECOND"));
    };
    panel.stop();
    seconds_ago(1_790);
    let restart = |panel: &Panel| Panel::start(Setup::with(&database).state(&panel.state));
    let again = restart(&panel);
    let admin = admin.now_at(&again.staff);
    let left = async |browser: &Browser| {
        browser.read("/api/session/left", &[]).await.text().await.expect("text").parse::<u64>().unwrap_or(0)
    };
    assert!((1..=10).contains(&left(&admin).await), "ten seconds are left, and asking does not add any");
    let poll = admin.read("/api/session/own", &[]).await;
    assert_eq!(poll.status(), 200);
    assert!(left(&admin).await <= 10, "what a page does by itself is not input");
    admin.call("/api/session/input", &[]).await;
    assert!(left(&admin).await > 1_700, "a key pressed is");
    drop(again);
    seconds_ago(1_801);
    let last = restart(&panel);
    let admin = admin.now_at(&last.staff);
    assert!(!admin.is_signed_in().await, "thirty minutes are over");
    assert_eq!(database.sql("SELECT COUNT(*) FROM sessions"), "0", "and the row is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn twelve_hours_end_a_session_that_is_in_use() {
    let (mut panel, database) = Panel::with_everybody();
    let admin = Browser::signed_in(&panel.staff, "admin").await;
    panel.stop();
    // 12 hours and a second, in microseconds.
    database.sql(
        "UPDATE sessions SET data = JSON_SET(data, '$.signed_in.signed_in_at', CAST(JSON_VALUE(data, '$.signed_in.signed_in_at') AS SIGNED) - 43201000000)",
    );
    let again = Panel::start(Setup::with(&database).state(&panel.state));
    let admin = admin.now_at(&again.staff);
    assert!(!admin.is_signed_in().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_sees_and_ends_their_own_sessions_only() {
    let (panel, database) = Panel::with_everybody();
    let one = Browser::signed_in(&panel.staff, "noc").await;
    let two = Browser::signed_in(&panel.staff, "noc").await;
    let other = Browser::signed_in(&panel.staff, "rates").await;
    let list: serde_json::Value = one.read("/api/session/own", &[]).await.json().await.expect("JSON");
    let list = list.as_array().expect("a list");
    assert_eq!(list.len(), 2);
    assert_eq!(list.iter().filter(|session| session["current"] == true).count(), 1);
    let handle = list.iter().find(|session| session["current"] == false).expect("the other one")["handle"].as_str().expect("text");
    let stolen = other.form("/profile", "/api/session/end", &[("handle", handle)]).await;
    assert_eq!(location(&stolen), "/profile");
    assert!(other.notice().starts_with("There is no such session of yours"), "{}", other.notice());
    assert!(two.is_signed_in().await);
    one.form("/profile", "/api/session/end", &[("handle", handle)]).await;
    assert!(!two.is_signed_in().await && one.is_signed_in().await);
    assert_eq!(database.sql("SELECT COUNT(*) FROM audit WHERE action = 'session_end'"), "1");
    one.form("/profile", "/api/session/sign-out", &[]).await;
    assert!(!one.is_signed_in().await);
}
