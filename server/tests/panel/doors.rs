//! What every request meets before it reaches a page: origin, headers, limits, ids.

use crate::browser::{Browser, location};
use crate::harness::{Database, PASSWORD, Panel, Setup};
use reqwest::header::ACCEPT;

#[tokio::test(flavor = "multi_thread")]
async fn a_request_from_another_site_changes_nothing() {
    let (panel, database) = Panel::with_everybody();
    let admin = Browser::signed_in(&panel.staff, "admin").await;
    let attack = |headers: &'static [(&'static str, &'static str)]| {
        let admin = admin.clone();
        async move {
            let send = |client: &reqwest::Client, base: &str| {
                let request = client.post(format!("{base}/api/users/add")).body("name=mallory&role=viewer");
                let request = request.header("content-type", "application/x-www-form-urlencoded").header(ACCEPT, "text/html");
                headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
            };
            admin.raw(send).await
        }
    };
    let forged: [&[(&str, &str)]; 6] = [
        &[],
        &[("origin", "http://evil.example")],
        &[("origin", "null")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site"), ("origin", "http://127.0.0.1")],
        &[("sec-fetch-site", "none")],
    ];
    for headers in forged {
        let response = attack(headers).await;
        assert_eq!(response.status(), 403, "{headers:?}");
        assert!(response.text().await.expect("text").contains("did not come from a page of this panel"));
    }
    assert_eq!(database.sql("SELECT COUNT(*) FROM users WHERE name = 'mallory'"), "0");
    let ours = admin.form("/users/new", "/api/users/add", &[("name", "bob"), ("role", "viewer")]).await;
    assert_eq!(ours.status(), 303);
    assert_eq!(database.sql("SELECT COUNT(*) FROM users WHERE name = 'bob'"), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_carry_the_security_headers_and_a_fresh_nonce() {
    let (panel, _database) = Panel::with_everybody();
    let admin = Browser::signed_in(&panel.staff, "admin").await;
    let mut nonces = Vec::new();
    for _ in 0..2 {
        let response = admin.get("/system").await;
        let header =
            |name: &str| response.headers().get(name).map(|value| value.to_str().expect("text").to_string()).unwrap_or_default();
        let policy = header("content-security-policy");
        assert!(
            !policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'") && policy.contains("'wasm-unsafe-eval'"),
            "{policy}"
        );
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("default-src 'none'"), "{policy}");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("cross-origin-opener-policy"), "same-origin");
        assert_eq!(header("referrer-policy"), "same-origin");
        assert_eq!(header("cache-control"), "no-store");
        assert_eq!(header("strict-transport-security"), "", "nothing is promised over plain HTTP");
        let nonce = policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).expect("a nonce").to_string();
        let page = response.text().await.expect("text");
        assert!(page.contains(&format!("nonce=\"{nonce}\"")));
        let scripts = page.matches("<script").count() + page.matches("modulepreload").count();
        assert!(scripts >= 2, "there is a script to begin with");
        assert_eq!(scripts, page.matches("nonce=\"").count(), "whatever loads a script carries the nonce");
        nonces.push(nonce);
    }
    assert_ne!(nonces[0], nonces[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_tls_cookies_are_host_bound_and_https_is_promised() {
    let database = Database::new();
    let config = "[staff]\npublic_url = \"https://panel.example.net\"\n";
    let panel = Panel::start(Setup::with(&database).config(config));
    panel.command_with(&["user", "add", "admin", "--role", "admin", "--password-stdin"], PASSWORD);
    let browser = Browser::at(&panel.staff);
    let response = browser.sign_in("admin", PASSWORD).await;
    let cookie = response
        .headers()
        .get_all("set-cookie")
        .iter()
        .map(|line| line.to_str().expect("text"))
        .find(|line| line.contains("session"));
    let cookie = cookie.expect("a session").to_lowercase();
    assert!(cookie.starts_with("__host-wirecenter-staff-session="), "{cookie}");
    for attribute in ["; secure", "; httponly", "; samesite=strict", "; path=/"] {
        assert!(cookie.contains(attribute), "{attribute} in {cookie}");
    }
    assert!(!cookie.contains("domain="), "{cookie}");
    assert!(response.headers().contains_key("strict-transport-security"));
    assert!(panel.setup.as_deref().is_some_and(|link| link.starts_with("https://panel.example.net/setup/")));
    let portal = Browser::at(&panel.portal).get("/sign-in").await;
    assert!(!portal.headers().contains_key("strict-transport-security"), "each door has its own address");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_or_malformed_gets_a_sentence_and_no_panic() {
    let (panel, _database) = Panel::with_everybody();
    let admin = Browser::signed_in(&panel.staff, "admin").await;
    let large = "x".repeat(70 * 1024);
    let response = admin.call("/api/users/add", &[("name", &large), ("role", "noc")]).await;
    assert_eq!(response.status(), 413);
    assert!(response.text().await.expect("text").contains("larger than"));
    // Without a length, the limit is found while reading.
    let send = |client: &reqwest::Client, base: &str| {
        let part = vec![b'x'; 32 * 1024];
        let parts = futures::stream::iter((0..8).map(move |_| Ok::<_, std::io::Error>(part.clone())));
        client.post(format!("{base}/api/users/add")).header("origin", base).body(reqwest::Body::wrap_stream(parts))
    };
    assert_eq!(admin.raw(send).await.status(), 413);
    let bodies: [(&str, &'static [u8]); 5] = [
        ("application/x-www-form-urlencoded", b"name"),
        ("application/x-www-form-urlencoded", b"role=king&name=bob"),
        ("application/x-www-form-urlencoded", b"\xff\xfe%%%&&&=="),
        ("multipart/form-data", b"--no boundary"),
        ("application/json", b"{\"name\": 7"),
    ];
    for (kind, body) in bodies {
        let send = |client: &reqwest::Client, base: &str| {
            let request = client.post(format!("{base}/api/users/add")).header("origin", base).header("content-type", kind);
            request.body(body)
        };
        let response = admin.raw(send).await;
        let (status, text) = (response.status(), response.text().await.expect("text"));
        assert_eq!(status, 400, "{kind}: {text}");
        assert!(text.contains("Malformed"), "{text}");
    }
    let odd = admin.raw(|client, base| client.delete(format!("{base}/users")).header("origin", base)).await;
    assert_eq!(odd.status(), 405);
    assert_eq!(admin.get("/users/99999999999999999999999").await.status(), 404);
    assert_eq!(admin.get("/users/12345").await.status(), 404);
    assert_eq!(admin.get("/users?page=%00%ff&rows=-1&sort=;drop&q=%27%22%3Cscript%3E").await.status(), 200);
    assert!(!admin.page("/users?q=%3Cscript%3Ealert(1)%3C/script%3E").await.contains("<script>alert"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_has_one_id_in_the_header_on_the_problem_page_and_in_the_log_of_deeds() {
    let (panel, database) = Panel::with_everybody();
    let admin = Browser::signed_in(&panel.staff, "admin").await;
    let id = |response: &reqwest::Response| response.headers()["x-request-id"].to_str().expect("text").to_string();
    let response = admin.get("/nowhere").await;
    let (shown, status) = (id(&response), response.status());
    assert_eq!(status, 404);
    let page = response.text().await.expect("text");
    assert!(page.contains(&shown) && page.contains("There is no page /nowhere"), "{page}");
    let response = admin.form("/users/new", "/api/users/add", &[("name", "bob"), ("role", "viewer")]).await;
    assert_eq!(database.sql(&format!("SELECT action FROM audit WHERE request = '{}'", id(&response))), "user_add");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_form_comes_back_with_what_was_typed_but_no_secret() {
    let (panel, _database) = Panel::with_everybody();
    let admin = Browser::signed_in(&panel.staff, "admin").await;
    let response = admin.form("/users/new", "/api/users/add", &[("name", "no blanks please"), ("role", "rates")]).await;
    assert_eq!(location(&response), "/users/new");
    let page = admin.page("/users/new").await;
    assert!(page.contains("value=\"no blanks please\"") && page.contains("Expected: 2 to 64 letters"), "{page}");
    assert!(page.contains("<option value=\"rates\" selected"), "the choice is kept too");
    assert!(!admin.page("/users/new").await.contains("no blanks please"), "a notice is shown once");
    let fields = [("current_password", "wrong wrong wrong"), ("password", "s3cret s3cret s3cret")];
    admin.form("/profile", "/api/profile/password", &fields).await;
    let cookie = admin.cookie("notice").expect("a notice");
    let notice = app::context::read_notice(&cookie).expect("our own");
    assert!(notice.typed.is_empty() && !admin.page("/profile").await.contains("s3cret"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_exactly_the_view() {
    let (panel, _database) = Panel::with_everybody();
    let admin = Browser::signed_in(&panel.staff, "admin").await;
    let csv = admin.page("/users.csv?sort=name&desc=1&col=name&col=role&q=i").await;
    assert_eq!(csv, "Name,Role\r\nviewer,viewer\r\nbilling,billing\r\nadmin,admin\r\n");
    let response = admin.get("/audit.csv?action=user_add&col=actor&col=subject").await;
    assert!(response.headers()["content-disposition"].to_str().expect("text").contains("audit.csv"));
    let user = server::database::private::user_name();
    assert_eq!(response.text().await.expect("text"), format!("Who,To what\r\ncommand line ({user}),admin\r\n"));
    let page = admin.page("/users?sort=name&desc=1&q=i").await;
    let at = |name: &str| page.find(&format!(">{name}</a>")).unwrap_or_else(|| panic!("{name} is listed"));
    assert!(at("viewer") < at("billing") && at("billing") < at("admin"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_of_calls_that_cannot_be_read_shows_and_exports_nothing() {
    let (panel, _database) = Panel::with_everybody();
    let admin = Browser::signed_in(&panel.staff, "admin").await;
    for (query, says) in [
        ("number=00", "Expected: up to 18 digits"),
        ("status=fine", "a SIP status from 100 to 699"),
        ("outcome=soon", "one of the outcomes"),
        ("below=x", "a place in the list"),
        ("from=2026-11-22&to=2026-11-21", "a moment after"),
    ] {
        let page = admin.page(&format!("/cdrs?{query}")).await;
        assert!(page.contains("Nothing was searched.") && page.contains(says), "{query}");
        assert_eq!(admin.get(&format!("/cdrs.csv?{query}")).await.status(), 422, "{query}");
    }
    assert_eq!(admin.get("/cdrs.csv?number=0044").await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn machines_can_ask_how_it_is() {
    let (panel, _database) = Panel::with_everybody();
    let browser = Browser::at(&panel.staff);
    assert_eq!(browser.page("/healthz").await, "{\"ok\":true}");
    assert_eq!(browser.get("/readyz").await.status(), 200);
    let measures = browser.page("/metrics").await;
    for name in [
        "wirecenter_database_up 1",
        "wirecenter_http_requests_total{",
        "wirecenter_http_request_seconds_bucket{",
        "wirecenter_sessions{",
    ] {
        assert!(measures.contains(name), "{name} in {measures}");
    }
    let from_elsewhere = Browser::at(&panel.staff).header("x-forwarded-for", "203.0.113.7");
    assert_eq!(from_elsewhere.get("/metrics").await.status(), 403);
}
