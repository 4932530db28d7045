//! The second step: set up, required, used once, recovered, never bypassed.

use crate::browser::{Browser, location};
use crate::harness::{Database, PASSWORD, Panel};
use totp_rs::{Builder, Secret};

/// The code an authenticator with this secret shows, some steps from now.
fn code(secret: &str, steps_from_now: i64) -> String {
    let secret = Secret::try_from_base32(secret).expect("base 32");
    let totp = Builder::new().with_secret(secret).with_account_name("x").build().expect("a good secret");
    let now = app::context::now().seconds() + 30 * steps_from_now;
    totp.generate(now.try_into().expect("after 1970")).to_string()
}

/// The secret and the recovery codes the page shows.
fn read_page(page: &str) -> (String, Vec<String>) {
    let between = |text: &str, from: &str, to: &str| {
        text.split(from).nth(1).and_then(|rest| rest.split(to).next()).unwrap_or_default().to_string()
    };
    let secret = between(page, "<code class=\"copy\">", "</code>").replace(' ', "");
    let list = between(page, "<ul class=\"codes\">", "</ul>");
    let codes = list.split("<code>").skip(1).map(|part| part.split("</code>").next().unwrap_or_default().to_string()).collect();
    (secret, codes)
}

async fn switch_on(browser: &Browser) -> (String, Vec<String>) {
    browser.form("/profile", "/api/totp/begin", &[]).await;
    let page = browser.page("/profile/second-step").await;
    assert!(page.contains("<svg class=\"qr\""), "a QR code to scan");
    let (secret, codes) = read_page(&page);
    assert_eq!(codes.len(), 10, "{page}");
    // The step before, so that the present one is still good for signing in.
    let done = browser.form("/profile/second-step", "/api/totp/confirm", &[("code", &code(&secret, -1))]).await;
    assert_eq!(location(&done), "/profile", "{}", browser.notice());
    (secret, codes)
}

async fn with_code(browser: &Browser, code: &str) -> String {
    location(&browser.form("/sign-in/code", "/api/session/code", &[("code", code)]).await)
}

fn storage(database: &Database) -> String {
    database.sql("SELECT CONCAT(COALESCE(HEX(totp_secret), ''), password_hash) FROM users")
        + &database.sql("SELECT HEX(code_hash) FROM recovery_codes")
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_second_step_the_password_alone_opens_nothing() {
    let (panel, database) = Panel::with_everybody();
    let noc = Browser::signed_in(&panel.staff, "noc").await;
    let (secret, codes) = switch_on(&noc).await;
    assert!(codes.iter().all(|code| !storage(&database).contains(&code.replace('-', ""))), "recovery codes are stored as hashes");

    let browser = Browser::at(&panel.staff);
    assert!(location(&browser.sign_in("noc", PASSWORD).await).starts_with("/sign-in/code"));
    assert!(location(&browser.get("/system").await).starts_with("/sign-in/code"));
    assert_eq!(browser.read("/api/system/get", &[("newer_than", "0")]).await.status(), 401);
    assert_eq!(with_code(&browser, "000000").await, "/sign-in/code");
    assert!(browser.notice().starts_with("This code is not right"));
    let right = code(&secret, 0);
    let before = browser.cookie("session").expect("half a session");
    assert_eq!(with_code(&browser, &right).await, "/");
    assert_ne!(browser.cookie("session").expect("a session"), before, "a new id once the person is known");
    assert_eq!(browser.get("/system").await.status(), 200);

    // The same code, a minute old or brand new, counts once.
    let second = Browser::at(&panel.staff);
    second.sign_in("noc", PASSWORD).await;
    assert_eq!(with_code(&second, &right).await, "/sign-in/code");
    assert_eq!(with_code(&second, &code(&secret, -1)).await, "/sign-in/code", "nor an older one");
    assert_eq!(with_code(&second, &code(&secret, 1)).await, "/", "the next one does");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recovery_code_signs_in_once() {
    let (panel, database) = Panel::with_everybody();
    let noc = Browser::signed_in(&panel.staff, "noc").await;
    let (_, codes) = switch_on(&noc).await;
    let browser = Browser::at(&panel.staff);
    browser.sign_in("noc", PASSWORD).await;
    assert_eq!(with_code(&browser, &codes[3].to_lowercase()).await, "/");
    let again = Browser::at(&panel.staff);
    again.sign_in("noc", PASSWORD).await;
    assert_eq!(with_code(&again, &codes[3]).await, "/sign-in/code");
    assert_eq!(database.sql("SELECT COUNT(*) FROM recovery_codes WHERE used_at IS NULL"), "9");
    assert_eq!(
        database.sql("SELECT before_value FROM audit WHERE action = 'sign_in_code' AND outcome = 'done'"),
        "by a recovery code"
    );
    // New codes replace the old ones.
    noc.form("/profile", "/api/totp/codes", &[]).await;
    let (_, fresh) = read_page(&noc.page("/profile/recovery-codes").await);
    assert_eq!(fresh.len(), 10);
    assert_eq!(with_code(&again, &codes[4]).await, "/sign-in/code");
    assert_eq!(with_code(&again, &fresh[0]).await, "/");
    noc.form("/profile/recovery-codes", "/api/totp/codes-kept", &[]).await;
    assert!(noc.page("/profile/recovery-codes").await.contains("There are no codes to show"));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_code_sent_by_two_browsers_at_once_opens_for_one() {
    let (panel, _database) = Panel::with_everybody();
    let (secret, _) = switch_on(&Browser::signed_in(&panel.staff, "noc").await).await;
    let browsers: Vec<Browser> = (0..4).map(|_| Browser::at(&panel.staff)).collect();
    for browser in &browsers {
        browser.sign_in("noc", PASSWORD).await;
    }
    let right = code(&secret, 0);
    let went = futures::future::join_all(browsers.iter().map(|browser| with_code(browser, &right))).await;
    assert_eq!(went.iter().filter(|to| *to == "/").count(), 1, "{went:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_codes_is_stopped_after_ten() {
    let (panel, _database) = Panel::with_everybody();
    let (secret, _) = switch_on(&Browser::signed_in(&panel.staff, "noc").await).await;
    let browser = Browser::at(&panel.staff);
    browser.sign_in("noc", PASSWORD).await;
    for guess in 0..10 {
        with_code(&browser, &format!("{guess:06}")).await;
    }
    with_code(&browser, &code(&secret, 0)).await;
    assert!(browser.notice().starts_with("Too many wrong tries"), "{}", browser.notice());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_does_not_switch_the_second_step_off() {
    let (panel, database) = Panel::with_everybody();
    switch_on(&Browser::signed_in(&panel.staff, "noc").await).await;
    // By the command line …
    assert!(panel.command_with(&["user", "passwd", "noc", "--password-stdin"], "granite pillow river").status.success());
    let browser = Browser::at(&panel.staff);
    assert!(location(&browser.sign_in("noc", "granite pillow river").await).starts_with("/sign-in/code"));
    // … and by a link.
    let link = panel.json(&["user", "link", "noc"])["link"].as_str().expect("a link").to_string();
    let token = link.rsplit('/').next().expect("a token").to_string();
    let fields = [("token", token.as_str()), ("password", "walnut harbor seven")];
    let to = location(&browser.form("/setup/x", "/api/setup/finish", &fields).await);
    assert!(to.starts_with("/sign-in/code"), "{to}");
    assert!(location(&browser.get("/system").await).starts_with("/sign-in/code"));
    assert_eq!(database.sql("SELECT totp_secret IS NOT NULL FROM users WHERE name = 'noc'"), "1");
    // Only somebody else's hand does, and it is written down.
    assert!(panel.command(&["user", "totp-off", "noc"]).status.success());
    assert_eq!(location(&browser.sign_in("noc", "walnut harbor seven").await), "/");
    assert_eq!(database.sql("SELECT COUNT(*) FROM audit WHERE action = 'totp_off' AND subject = 'noc'"), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_can_be_made_to_use_a_second_step() {
    let (panel, _database) = Panel::with_everybody();
    let admin = Browser::signed_in(&panel.staff, "admin").await;
    admin.form("/roles", "/api/roles/require-totp", &[("role", "noc"), ("required", "true")]).await;
    let noc = Browser::at(&panel.staff);
    assert!(location(&noc.sign_in("noc", PASSWORD).await).starts_with("/profile/second-step"));
    assert!(location(&noc.get("/system").await).starts_with("/profile/second-step"), "nothing else opens");
    assert_eq!(noc.read("/api/system/get", &[("newer_than", "0")]).await.status(), 401);
    noc.form("/profile/second-step", "/api/totp/begin", &[]).await;
    let (secret, _) = read_page(&noc.page("/profile/second-step").await);
    let done = noc.form("/profile/second-step", "/api/totp/confirm", &[("code", &code(&secret, 0)), ("next", "/system")]).await;
    assert_eq!(location(&done), "/system");
    assert_eq!(noc.get("/system").await.status(), 200);
    noc.form("/profile", "/api/totp/off", &[]).await;
    assert!(noc.notice().contains("must use a second step, so it stays on"), "{}", noc.notice());
    assert_eq!(location(&Browser::at(&panel.staff).sign_in("rates", PASSWORD).await), "/", "other roles as before");
}
