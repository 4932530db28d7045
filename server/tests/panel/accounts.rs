//! Set-up links, managing users, and the command line for both.

use crate::browser::{Browser, location};
use crate::harness::{Database, PASSWORD, Panel, Setup, program};
use serde_json::Value;

fn path_of(link: &str) -> String {
    link[link.find("/setup/").expect("a set-up link")..].to_string()
}

async fn finish(browser: &Browser, link: &str, name: &str, password: &str) -> String {
    let path = path_of(link);
    let token = path.trim_start_matches("/setup/").to_string();
    location(&browser.form(&path, "/api/setup/finish", &[("token", &token), ("name", name), ("password", password)]).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_administrator_is_made_by_a_link_that_works_once() {
    let database = Database::new();
    let panel = Panel::start(Setup::with(&database));
    let link = panel.setup.clone().expect("nobody can sign in yet");
    assert_eq!(database.sql("SELECT COUNT(*) FROM users"), "0", "there is no default account");
    let browser = Browser::at(&panel.staff);
    assert!(browser.page(&path_of(&link)).await.contains("Make the first administrator"));
    assert_eq!(finish(&browser, &link, "Ada", "password1234").await, path_of(&link));
    assert!(browser.page(&path_of(&link)).await.contains("commonly used"), "a common password is refused");
    assert_eq!(finish(&browser, &link, "Ada", PASSWORD).await, "/", "{:?}", browser.cookie("notice").map(|_| browser.notice()));
    assert_eq!(location(&browser.get("/").await), "/map");
    assert_eq!(browser.get("/system").await.status(), 200);
    let again = Browser::at(&panel.staff);
    let page = again.get(&path_of(&link)).await;
    assert_eq!(page.status(), 422);
    assert!(page.text().await.expect("text").contains("This set-up link was used at"));
    assert_eq!(finish(&again, &link, "eve", PASSWORD).await, path_of(&link));
    assert_eq!(database.sql("SELECT GROUP_CONCAT(name) FROM users"), "ada");
    let log = panel.log();
    let token = path_of(&link).trim_start_matches("/setup/").to_string();
    assert!(!log.contains(&token) && !log.contains(PASSWORD), "no secret in the log");
}

#[tokio::test(flavor = "multi_thread")]
async fn expired_replaced_and_invented_links_say_so_and_what_to_do() {
    let database = Database::new();
    let panel = Panel::start(Setup::with(&database));
    let first = panel.setup.clone().expect("a link");
    let browser = Browser::at(&panel.staff);
    database.sql("UPDATE setup_links SET expires_at = UTC_TIMESTAMP(6) - INTERVAL 1 SECOND");
    let page = browser.page(&path_of(&first)).await;
    assert!(page.contains("This set-up link expired at") && page.contains("wirecenter user link NAME"), "{page}");
    assert_eq!(finish(&browser, &first, "eve", PASSWORD).await, path_of(&first));
    assert_eq!(database.sql("SELECT COUNT(*) FROM users"), "0");
    assert!(browser.page("/setup/invented").await.contains("This set-up link is not valid"));
    // A restart makes a new link and ends the older one.
    let second = Panel::start(Setup::with(&database));
    let browser = Browser::at(&second.staff);
    assert!(browser.page(&path_of(&first)).await.contains("not valid"));
    assert_eq!(finish(&browser, &second.setup.clone().expect("a link"), "ada", PASSWORD).await, "/");
    drop(second);
    assert_eq!(Panel::start(Setup::with(&database)).setup, None, "once there is an administrator there is no link");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_with_one_link_make_one_administrator() {
    let database = Database::new();
    let panel = Panel::start(Setup::with(&database));
    let link = panel.setup.clone().expect("a link");
    let tries = ["ada", "eve"].map(|name| {
        let (browser, link) = (Browser::at(&panel.staff), link.clone());
        async move { finish(&browser, &link, name, PASSWORD).await }
    });
    let went: Vec<String> = futures::future::join_all(tries).await;
    assert_eq!(went.iter().filter(|to| *to == "/").count(), 1, "{went:?}");
    assert_eq!(database.sql("SELECT COUNT(*) FROM users"), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_adds_changes_disables_and_enables_people() {
    let (panel, database) = Panel::with_everybody();
    let admin = Browser::signed_in(&panel.staff, "admin").await;
    let response = admin.form("/users/new", "/api/users/add", &[("name", "Grace"), ("role", "noc")]).await;
    let page = location(&response);
    let id = page.trim_start_matches("/users/").to_string();
    let link = admin.notice().split_whitespace().last().expect("words").to_string();
    assert!(link.starts_with(&panel.staff), "{link}");
    let grace = Browser::at(&panel.staff);
    assert!(grace.page(&path_of(&link)).await.contains("Welcome, grace"));
    assert_eq!(finish(&grace, &link, "", "granite pillow river").await, "/");
    assert!(grace.is_signed_in().await);

    let taken = admin.form("/users/new", "/api/users/add", &[("name", "GRACE"), ("role", "noc")]).await;
    assert_eq!(location(&taken), "/users/new");
    assert!(admin.page("/users/new").await.contains("There is already a user named grace"));

    // L2: the name must be typed, exactly.
    let dialog = format!("{page}?do=disable");
    assert_eq!(location(&admin.form(&dialog, "/api/users/disable", &[("id", &id), ("typed", "grac")]).await), dialog);
    assert!(grace.is_signed_in().await, "nothing was changed");
    assert_eq!(location(&admin.form(&dialog, "/api/users/disable", &[("id", &id), ("typed", "grace")]).await), page);
    assert!(!grace.is_signed_in().await);
    assert_eq!(location(&grace.sign_in("grace", "granite pillow river").await), "/sign-in");
    // A disabled person's new link opens nothing.
    admin.form(&page, "/api/users/link", &[("id", &id), ("typed", "grace")]).await;
    let link = admin.notice().split_whitespace().last().expect("words").to_string();
    assert!(grace.page(&path_of(&link)).await.contains("This account is disabled"));
    admin.form(&page, "/api/users/enable", &[("id", &id)]).await;
    assert_eq!(location(&grace.sign_in("grace", "granite pillow river").await), "/");

    assert_eq!(
        database.sql("SELECT GROUP_CONCAT(action ORDER BY seq) FROM audit WHERE subject = 'grace' AND action LIKE 'user%'"),
        "user_add,user_disable,user_link,user_enable"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_locks_the_last_door_from_inside() {
    let (panel, database) = Panel::with_everybody();
    let admin = Browser::signed_in(&panel.staff, "admin").await;
    let own = database.sql("SELECT id FROM users WHERE name = 'admin'");
    let refused = async |function: &str, fields: &[(&str, &str)]| {
        admin.form("/users", function, fields).await;
        admin.notice()
    };
    let disable = [("id", own.as_str()), ("typed", "admin")];
    assert!(refused("/api/users/disable", &disable).await.starts_with("This is your own account"));
    assert!(refused("/api/users/role", &[("id", &own), ("role", "noc")]).await.starts_with("This is your own account"));
    let output = panel.command(&["user", "disable", "admin"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("admin is the last active administrator"));
    // The button says the same before anybody presses it.
    assert!(admin.page(&format!("/users/{own}")).await.contains("This is your own account: another administrator must do this"));
}

#[tokio::test(flavor = "multi_thread")]
async fn making_an_administrator_asks_for_a_fresh_proof() {
    let (panel, database) = Panel::with_everybody();
    let mut stale = panel;
    let admin = Browser::signed_in(&stale.staff, "admin").await;
    let id = database.sql("SELECT id FROM users WHERE name = 'noc'");
    stale.stop();
    database.sql("UPDATE sessions SET data = JSON_SET(data, '$.signed_in.proved_at', CAST(JSON_VALUE(data, '$.signed_in.proved_at') AS SIGNED) - 301000000)");
    let panel = Panel::start(Setup::with(&database).state(&stale.state));
    let admin = admin.now_at(&panel.staff);
    let dialog = format!("/users/{id}?do=role&to=admin");
    assert!(admin.page(&dialog).await.contains("Prove it is you"));
    let fields = [("id", id.as_str()), ("role", "admin"), ("typed", "noc")];
    let sent = location(&admin.form(&dialog, "/api/users/role", &fields).await);
    assert!(sent.starts_with("/step-up?next="), "{sent}");
    admin.form("/step-up", "/api/session/step-up", &[("password", "a wrong password"), ("next", &dialog)]).await;
    assert!(
        location(&admin.form(&dialog, "/api/users/role", &fields).await).starts_with("/step-up"),
        "a wrong password proves nothing"
    );
    let back = location(&admin.form("/step-up", "/api/session/step-up", &[("password", PASSWORD), ("next", &dialog)]).await);
    assert_eq!(back, dialog);
    assert_eq!(location(&admin.form(&dialog, "/api/users/role", &fields).await), format!("/users/{id}"));
    assert_eq!(database.sql("SELECT role FROM users WHERE name = 'noc'"), "admin");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_keeps_its_contract() {
    let (panel, _database) = Panel::with_everybody();
    let added = panel.json(&["user", "add", "bot", "--role", "viewer"]);
    assert!(added["link"].as_str().is_some_and(|link| link.contains("/setup/")) && added["role"] == "viewer", "{added}");
    let list = panel.json(&["user", "list"]);
    let bot = list.as_array().expect("a list").iter().find(|user| user["name"] == "bot").expect("listed").clone();
    assert_eq!((&bot["state"], &bot["totp"], &bot["sessions"]), (&Value::from("invited"), &Value::from(false), &Value::from(0)));
    assert_eq!(panel.json(&["user", "disable", "bot"])["state"], "disabled");
    let proof = panel.json(&["audit", "verify"]);
    assert_eq!((&proof["ok"], &proof["rows"]), (&true.into(), &3.into()), "{proof}");
    assert_eq!(proof["head"].as_str().map(str::len), Some(64), "the last hash");
    let code = |arguments: &[&str], input: &str| {
        let output = panel.command_with(arguments, input);
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (status, said) = code(&["user", "add", "weak", "--role", "noc", "--password-stdin"], "password1234\n");
    assert!(status == Some(1) && said.contains("commonly used") && !said.contains("password1234"), "{said}");
    let (status, said) = code(&["user", "disable", "nobody"], "");
    assert!(status == Some(1) && said.contains("There is no user named nobody"), "{said}");
    assert_eq!(code(&["user", "add", "x1", "--role", "king"], "").0, Some(2));
    assert_eq!(code(&["nonsense"], "").0, Some(2));
}

#[test]
fn version_help_and_completions_are_there() {
    let said = |arguments: &[&str]| {
        let output = program().args(arguments).output().expect("it runs");
        assert!(output.status.success(), "{arguments:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert_eq!(said(&["--version"]), format!("wirecenter {}\n", server::wiring::VERSION));
    for command in
        [&["serve"][..], &["user", "add"], &["user", "passwd"], &["audit", "verify"], &["doctor"], &["bench"], &["completions"]]
    {
        let help = said(&[command, &["--help"]].concat());
        assert!(help.contains("Example"), "{command:?} has no example: {help}");
    }
    for shell in ["bash", "zsh", "fish"] {
        assert!(said(&["completions", shell]).contains("wirecenter"), "{shell}");
    }
}
