//! The guard table, exercised cell by cell over HTTP: every function × everybody, at both doors.

use crate::browser::Browser;
use crate::harness::Panel;
use app::auth::{
    guards::{Access, GUARDS, Guard},
    role::{Door, Role},
};
use leptos::server_fn::axum::server_fn_paths;
use reqwest::{Response, StatusCode};

/// The method a function is registered with.
fn is_get(path: &str) -> bool {
    server_fn_paths().any(|(known, method)| known == path && method == axum::http::Method::GET)
}

#[test]
fn every_server_function_has_a_line_and_every_line_a_function() {
    let registered: Vec<&str> = server_fn_paths().map(|(path, _)| path).collect();
    assert!(registered.len() > 20, "the registry is filled at link time: {registered:?}");
    let unguarded: Vec<&&str> = registered.iter().filter(|path| Guard::find(path).is_none()).collect();
    assert!(unguarded.is_empty(), "no line in the guard table: {unguarded:?}");
    let unknown: Vec<&str> = GUARDS.iter().map(|guard| guard.path).filter(|path| !registered.contains(path)).collect();
    assert!(unknown.is_empty(), "no function for these lines: {unknown:?}");
}

/// Calls a function with nothing in it: whoever is let in gets another complaint, or an answer.
async fn knock(browser: &Browser, path: &str) -> Response {
    if is_get(path) { browser.read(path, &[]).await } else { browser.call(path, &[]).await }
}

fn expected(guard: &Guard, door: Door, role: Option<Role>) -> Option<StatusCode> {
    if !guard.opens_at(door) {
        return Some(StatusCode::NOT_FOUND);
    }
    match (guard.access, role) {
        (Access::Anyone, _) | (Access::AnyStage | Access::SignedIn, Some(_)) => None,
        (_, None) => Some(StatusCode::UNAUTHORIZED),
        (Access::Needs(permission), Some(role)) if role.may(permission) => None,
        (Access::Needs(_), Some(_)) => Some(StatusCode::FORBIDDEN),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_cell_of_the_guard_table_holds() {
    let (panel, _database) = Panel::with_everybody();
    let mut cells = 0;
    for (door, base) in [(Door::Staff, &panel.staff), (Door::Portal, &panel.portal)] {
        let roles = Role::ALL.into_iter().filter(|role| role.door() == door).map(Some);
        for role in roles.chain([None]) {
            let browser = match role {
                Some(role) => Browser::signed_in(base, role.name()).await,
                None => Browser::at(base),
            };
            // Signing out is the last thing one can do with a session.
            let (last, first): (Vec<&Guard>, Vec<&Guard>) = GUARDS.iter().partition(|guard| guard.path.ends_with("/sign-out"));
            for guard in first.into_iter().chain(last) {
                let status = knock(&browser, guard.path).await.status();
                let who = role.map_or("nobody", Role::name);
                match expected(guard, door, role) {
                    Some(expected) => assert_eq!(status, expected, "{who} at the {} door, {}", door.name(), guard.path),
                    None => {
                        let refused = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN, StatusCode::NOT_FOUND].contains(&status);
                        assert!(
                            !refused && !status.is_server_error(),
                            "{who} at the {} door, {}: {status}",
                            door.name(),
                            guard.path
                        );
                    }
                }
                cells += 1;
            }
        }
    }
    assert_eq!(cells, GUARDS.len() * (Role::ALL.len() + 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_staff_function_or_page_does_not_exist_at_the_portal() {
    let (panel, _database) = Panel::with_everybody();
    let customer = Browser::signed_in(&panel.portal, "customer").await;
    for path in ["/api/users/list", "/api/system/get", "/api/audit/list"] {
        assert_eq!(knock(&customer, path).await.status(), 404, "{path}");
    }
    for path in ["/system", "/users", "/audit", "/users.csv", "/audit.csv", "/metrics", "/gallery"] {
        assert_eq!(customer.get(path).await.status(), 404, "{path}");
    }
    assert_eq!(customer.get("/profile").await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_of_one_door_is_worth_nothing_at_the_other() {
    let (panel, _database) = Panel::with_everybody();
    let admin = Browser::signed_in(&panel.staff, "admin").await;
    let stolen = admin.cookie("session").expect("a session");
    let thief = Browser::at(&panel.portal);
    thief.set_cookie("wirecenter-portal-session", &stolen);
    thief.set_cookie("wirecenter-staff-session", &stolen);
    assert_eq!(thief.read("/api/profile/get", &[]).await.status(), 401);
    let customer = Browser::at(&panel.staff);
    customer.sign_in("customer", crate::harness::PASSWORD).await;
    assert!(customer.notice().starts_with("Name or password is wrong."), "a customer cannot sign in at the staff door");
    assert!(customer.cookie("session").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_send_strangers_to_sign_in_and_refuse_other_roles() {
    let (panel, _database) = Panel::with_everybody();
    let stranger = Browser::at(&panel.staff);
    let response = stranger.get("/users?role=noc").await;
    assert_eq!(
        (response.status().as_u16(), crate::browser::location(&response)),
        (303, "/sign-in?next=%2Fusers%3Frole%3Dnoc".into())
    );
    let viewer = Browser::signed_in(&panel.staff, "viewer").await;
    for path in ["/users", "/users/1", "/users/new", "/roles", "/audit", "/users.csv", "/audit.csv"] {
        let response = viewer.get(path).await;
        assert_eq!(response.status(), 403, "{path}");
        assert!(response.text().await.expect("text").contains("Your role does not allow you to"), "{path}");
    }
    let menu = viewer.page("/system").await;
    assert!(menu.contains("href=\"/system\"") && !menu.contains("href=\"/users\""), "the menu shows what can be opened");
}
