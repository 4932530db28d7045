//! Operations in a browser without a script: seen, confirmed at their level, started, followed and cancelled; by whom, with which
//! rows in the audit log, and with the database away. The proxies are stand-ins; the real ones are in the lab's tests.

use crate::{
    browser::{Browser, location},
    cable::{Cable, Proxy},
    harness::{Database, PASSWORD, Panel, Setup, temp_dir, until},
    operations::Proxies,
};
use reqwest::StatusCode;
use serde_json::Value;
use std::{
    path::Path,
    time::{Duration, Instant},
};

const QUICK: Duration = Duration::from_secs(15);
const CONFIRM: &str = "/operations/new?kind=disable_carrier&subject=carrier-a";
const START: &str = "/api/operations/start";

fn start(setup: Setup, state: &Path) -> Panel {
    let panel = Panel::start(setup.state(state));
    // No lab runs here.
    for line in ["host-01", "management network"] {
        panel.announce(line);
    }
    panel
}

fn add(panel: &Panel, names: &[&str]) {
    for name in names {
        let done = panel.command_with(&["user", "add", name, "--role", name, "--password-stdin"], PASSWORD);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
}

/// The page once the machines have answered.
async fn confirm_page(browser: &Browser, path: &str) -> String {
    let (give_up, mut path) = (Instant::now() + QUICK, path.to_string());
    loop {
        let response = browser.get(&path).await;
        // The browser is told to look again, and where.
        let again = response.headers().get("refresh").and_then(|value| value.to_str().ok()?.split_once("url="));
        path = again.map_or(path, |(_, path)| path.to_string());
        let page = response.text().await.expect("text");
        if page.contains("name=\"fingerprint\"") {
            return page;
        }
        assert!(Instant::now() < give_up, "no plan: {page}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn fingerprint(page: &str) -> String {
    let field = page.split("name=\"fingerprint\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
    field.unwrap_or_else(|| panic!("a fingerprint in {page}")).to_string()
}

async fn send(browser: &Browser, fingerprint: &str, typed: &str) -> String {
    let fields = [("kind", "disable_carrier"), ("subject", "carrier-a"), ("fingerprint", fingerprint), ("typed", typed)];
    location(&browser.form(CONFIRM, START, &fields).await)
}

fn audited(database: &Database, action: &str) -> Vec<String> {
    let select =
        format!("SELECT CONCAT_WS(' ', actor, subject, after_value, outcome) FROM audit WHERE action = '{action}' ORDER BY seq");
    database.sql(&select).lines().map(ToString::to_string).collect()
}

async fn until_carrier_is(proxies: &Proxies, flags: &str) {
    until("the proxies to be told", QUICK, async || proxies.of_carrier_a() == [flags, flags]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_confirms_starts_follows_and_cancels_and_the_audit_log_has_each_once() {
    let (dir, proxies, database) = (temp_dir(), Proxies::start().await, Database::new());
    let state = dir.path().join("state");
    proxies.write_inventory(&state);
    let panel = start(Setup::with(&database), &state);
    add(&panel, &["noc", "viewer"]);
    let noc = Browser::signed_in(&panel.staff, "noc").await;
    assert!(noc.page("/operations").await.contains("No operation was ever started here."));
    let chooser = noc.page("/operations/new?subject=carrier-a").await;
    assert!(chooser.contains("kind=disable_carrier&amp;subject=carrier-a") && !chooser.contains("subject=carrier-b"), "{chooser}");

    let page = confirm_page(&noc, CONFIRM).await;
    for part in ["dispatcher.set_state dx 101 sip:203.0.113.101:5060", "Undo: ", "pass", "Type carrier-a to confirm", "Without"] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
    let seen = fingerprint(&page);
    assert_eq!(send(&noc, &seen, "carrier-b").await, CONFIRM);
    assert!(noc.notice().contains("type carrier-a"), "{}", noc.notice());
    let stale = "0".repeat(64);
    assert_eq!(send(&noc, &stale, "carrier-a").await, CONFIRM);
    assert!(noc.notice().contains("The plan changed since you looked"), "{}", noc.notice());
    assert_eq!((panel.json(&["operation", "list"]).to_string().as_str(), audited(&database, "operation_start").len()), ("[]", 0));
    assert_eq!(proxies.of_carrier_a(), ["ap", "ap"]);

    assert_eq!(send(&noc, &seen, "carrier-a").await, "/operations/1");
    assert!(noc.notice().contains("Disable carrier-a has begun."), "{}", noc.notice());
    assert_eq!(audited(&database, "operation_start"), ["noc disable_carrier carrier-a operation 1 done"]);
    until_carrier_is(&proxies, "dx").await;
    let page = noc.page("/operations/1").await;
    for part in ["Disable carrier-a", "running", "Log", "started by noc", "Cancel and undo…", "data-fresh=\"operation-step-2\""] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
    until("the frame to say so", QUICK, async || noc.page("/profile").await.contains("1 runs")).await;
    assert!(noc.page("/operations?state=active&kind=disable_carrier").await.contains("/operations/1"));
    assert!(noc.page("/operations?state=stuck").await.contains("No operation passes the filter."));
    assert_eq!(send(&noc, &seen, "carrier-a").await, CONFIRM);
    assert!(noc.notice().contains("is held by operation 1"), "{}", noc.notice());

    let viewer = Browser::signed_in(&panel.staff, "viewer").await;
    assert!(viewer.page("/operations/1").await.contains("Your role sees operations"));
    for function in ["start", "cancel", "pause", "continue", "resolve"] {
        let path = format!("/api/operations/{function}");
        assert_eq!(viewer.call(&path, &[("id", "1")]).await.status(), StatusCode::FORBIDDEN, "{function}");
    }

    assert!(noc.page("/operations/1?do=cancel").await.contains("Cancel: Disable carrier-a"));
    let cancelled = noc.form("/operations/1?do=cancel", "/api/operations/cancel", &[("id", "1")]).await;
    assert_eq!(location(&cancelled), "/operations/1", "{}", noc.notice());
    until_carrier_is(&proxies, "ap").await;
    until("its end", QUICK, async || noc.page("/operations/1").await.contains("It is over: cancelled")).await;
    assert_eq!(audited(&database, "operation_cancel"), ["noc operation 1 asked done"]);
    noc.form("/operations/1", "/api/operations/pause", &[("id", "1")]).await;
    assert!(noc.notice().contains("is over: it was cancelled"), "{}", noc.notice());
    assert_eq!(audited(&database, "operation_pause"), Vec::<String>::new());
    let no_words = noc.call("/api/operations/resolve", &[("id", "1"), ("how", "try_again"), ("words", " ")]).await;
    assert_eq!(no_words.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(noc.get("/operations/9").await.status(), StatusCode::NOT_FOUND);
    until("the frame to be empty again", QUICK, async || !noc.page("/profile").await.contains("1 runs")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_changed_is_shown_with_what_changed_and_a_blocked_one_with_its_evidence() {
    let (dir, proxies, database) = (temp_dir(), Proxies::start().await, Database::new());
    let state = dir.path().join("state");
    proxies.write_inventory(&state);
    let panel = start(Setup::with(&database), &state);
    add(&panel, &["noc"]);
    let noc = Browser::signed_in(&panel.staff, "noc").await;
    let seen = fingerprint(&confirm_page(&noc, CONFIRM).await);
    // Meanwhile the other carrier is taken out: carrier-a is the last way.
    proxies.set(102, "dx");
    assert_eq!(send(&noc, &seen, "carrier-a").await, CONFIRM);
    assert!(noc.notice().contains("The plan changed since you looked"), "{}", noc.notice());
    let page = confirm_page(&noc, CONFIRM).await;
    assert!(page.contains("What changed since you looked") && page.contains("other_way was pass and is block now"), "{page}");
    assert!(page.contains("It must not start as things are"), "{page}");
    assert_eq!(send(&noc, &fingerprint(&page), "carrier-a").await, CONFIRM);
    assert!(noc.notice().contains("It must not start as things are"), "{}", noc.notice());
    // The page it was sent from says so once.
    assert!(confirm_page(&noc, CONFIRM).await.contains("It must not start as things are"));
    // A setting takes it on.
    let accepted = format!("{CONFIRM}&accept_no_route=yes");
    let page = confirm_page(&noc, &accepted).await;
    assert!(page.contains("warn") && !page.contains("It must not start as things are"), "{page}");
    let wrong = noc.page(&format!("{CONFIRM}&without=kamailio-09")).await;
    assert!(wrong.contains("There is no plan for this") && wrong.contains("kamailio-01, kamailio-02"), "{wrong}");
    assert_eq!(noc.get("/operations/new?kind=explode&subject=x").await.status(), StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_database_away_operations_start_and_the_audit_log_has_it_once_when_it_is_back() {
    let (dir, proxies, database) = (temp_dir(), Proxies::start().await, Database::new());
    let (state, cable) = (dir.path().join("state"), Proxy::before(&database.socket));
    proxies.write_inventory(&state);
    let panel = start(Setup { database_url: Some(database.url_by(&cable.socket)), ..Setup::private() }, &state);
    panel.announce("the database does not answer");
    add(&panel, &["noc"]);
    let noc = Browser::signed_in(&panel.staff, "noc").await;
    cable.set(Cable::Cut);
    until("it to be seen", QUICK, async || Browser::at(&panel.staff).get("/readyz").await.status() == 503).await;
    for path in ["/operations", CONFIRM, "/databases", "/operations/new"] {
        let began = Instant::now();
        assert_eq!(noc.get(path).await.status(), StatusCode::OK, "{path}");
        assert!(began.elapsed() < Duration::from_secs(1), "{path} took {:?}", began.elapsed());
    }
    let stranger = Browser::at(&panel.staff);
    stranger.sign_in("noc", PASSWORD).await;
    assert!(stranger.cookie("session").is_none(), "nobody new can sign in");

    let seen = fingerprint(&confirm_page(&noc, CONFIRM).await);
    assert_eq!(send(&noc, &seen, "carrier-a").await, "/operations/1");
    assert!(noc.notice().contains("The audit log gets it when the database is back."), "{}", noc.notice());
    until("its end", QUICK, async || noc.page("/operations/1").await.contains("It is over: done")).await;
    assert_eq!(proxies.of_carrier_a(), ["dx", "dx"]);
    assert_eq!(audited(&database, "operation_start"), Vec::<String>::new());
    cable.set(Cable::Whole);
    until("the row to be written", QUICK, async || !audited(&database, "operation_start").is_empty()).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(audited(&database, "operation_start"), ["noc disable_carrier carrier-a operation 1 done"]);
    assert_eq!(panel.json(&["audit", "verify"])["ok"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_lose_data_asks_for_a_fresh_proof_also_while_the_database_is_away() {
    let (dir, proxies, database) = (temp_dir(), Proxies::start().await, Database::new());
    let (state, cable) = (dir.path().join("state"), Proxy::before(&database.socket));
    proxies.write_inventory(&state);
    let setup = || Setup { database_url: Some(database.url_by(&cable.socket)), ..Setup::private() };
    let mut panel = start(setup(), &state);
    add(&panel, &["noc"]);
    let noc = Browser::signed_in(&panel.staff, "noc").await;
    panel.stop();
    // The sign-in, and with it the last proof, was six minutes ago.
    database.sql(
        "UPDATE sessions SET data = JSON_SET(data, '$.signed_in.proved_at', CAST(JSON_VALUE(data, '$.signed_in.proved_at') AS SIGNED) - 360000000)",
    );
    let panel = start(setup(), &state);
    panel.announce("the database does not answer");
    let noc = noc.now_at(&panel.staff);
    assert_eq!(noc.get("/operations").await.status(), StatusCode::OK);
    let fields = [("kind", "fail_over_database"), ("subject", "databases"), ("fingerprint", "0"), ("typed", "databases")];
    let fail_over = async || noc.call(START, &fields).await;
    let without_name: Value = noc.call(START, &fields[..3]).await.json().await.expect("JSON");
    assert!(without_name.to_string().contains("type databases"), "{without_name}");
    assert_eq!(fail_over().await.status(), StatusCode::UNAUTHORIZED);
    // What proves who is signed in is read every ten seconds.
    tokio::time::sleep(Duration::from_secs(11)).await;
    cable.set(Cable::Cut);
    until("it to be seen", QUICK, async || Browser::at(&panel.staff).get("/readyz").await.status() == 503).await;
    assert_eq!(noc.get("/step-up").await.status(), StatusCode::OK);
    noc.form("/step-up", "/api/session/step-up", &[("password", "a wrong password"), ("next", CONFIRM)]).await;
    assert!(noc.notice().contains("The password is wrong"), "{}", noc.notice());
    assert_eq!(fail_over().await.status(), StatusCode::UNAUTHORIZED);
    let proved = noc.form("/step-up", "/api/session/step-up", &[("password", PASSWORD), ("next", CONFIRM)]).await;
    assert_eq!(location(&proved), CONFIRM);
    // It is refused for what it is now (there is no such cluster), not for who asks.
    let refused = fail_over().await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text().await.unwrap_or_default());
    cable.set(Cable::Whole);
    until("both rows to be written", QUICK, async || audited(&database, "step_up").len() == 2).await;
    let outcomes: Vec<String> = audited(&database, "step_up");
    assert!(outcomes[0].ends_with("refused") && outcomes[1].ends_with("done"), "{outcomes:?}");
}
