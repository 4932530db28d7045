//! The statements of `app/src/auth/store/`, on a real MariaDB, a database each: what only the database decides (order, wildcards,
//! uniqueness, locks, what a second call does).

use crate::harness::Database;
use app::{
    auth::{
        role::{Door, Role},
        session::{SignedIn, Stage},
        sessions::SessionData,
        store::{
            self,
            users::{UserOrder, UserPage, list_users},
        },
        user::{UserFilter, UserState},
    },
    values::{Moment, UserId},
};
use proptest::prelude::*;
use sqlx::{Connection, MySqlConnection, MySqlPool};
use std::time::Duration;

const NOW: Moment = Moment::from_seconds(1_780_000_000);
const ANY: UserFilter = UserFilter { q: None, role: None, state: None };

async fn migrated() -> (Database, MySqlConnection) {
    let database = Database::new();
    let pool = MySqlPool::connect(&database.url()).await.expect("it answers");
    server::database::migrate::migrate(&pool).await.expect("an empty database can be migrated");
    pool.close().await;
    let connection = MySqlConnection::connect(&database.url()).await.expect("it answers");
    (database, connection)
}

async fn add(conn: &mut MySqlConnection, name: &str, role: Role) -> UserId {
    store::users::insert_user(conn, name, role, Some("hash"), NOW).await.expect("it answers").expect("a new name")
}

async fn names(
    conn: &mut MySqlConnection,
    filter: &UserFilter,
    order: UserOrder,
    descending: bool,
    page: (u32, u32),
) -> Vec<String> {
    let page = UserPage { filter, order, descending, offset: page.0, rows_max: page.1 };
    list_users(conn, &page).await.expect("it answers").into_iter().map(|user| user.name).collect()
}

#[tokio::test]
async fn a_list_is_filtered_sorted_and_paged_by_the_database() {
    let (_database, mut conn) = migrated().await;
    for (name, role) in [("carl", Role::Noc), ("ada", Role::Admin), ("bob", Role::Noc), ("dora", Role::Billing)] {
        add(&mut conn, name, role).await;
    }
    let conn = &mut conn;
    store::users::insert_user(conn, "eve", Role::Viewer, None, NOW).await.expect("it answers");
    let dora = store::users::find_id(conn, "dora").await.expect("it answers").expect("there");
    store::users::update_disabled(conn, dora, Some(NOW)).await.expect("it answers");

    assert_eq!(names(conn, &ANY, UserOrder::Name, false, (0, 3)).await, ["ada", "bob", "carl"]);
    assert_eq!(names(conn, &ANY, UserOrder::Name, false, (3, 3)).await, ["dora", "eve"]);
    assert_eq!(names(conn, &ANY, UserOrder::Name, true, (0, 2)).await, ["eve", "dora"]);
    // Equals keep the order in which they were added, so that a page never shows one twice and another not at all.
    assert_eq!(names(conn, &ANY, UserOrder::Role, false, (0, 9)).await, ["ada", "dora", "carl", "bob", "eve"]);
    assert_eq!(names(conn, &ANY, UserOrder::State, false, (0, 9)).await, ["carl", "ada", "bob", "dora", "eve"]);

    let noc = UserFilter { role: Some(Role::Noc), ..ANY };
    assert_eq!(names(conn, &noc, UserOrder::Name, false, (0, 9)).await, ["bob", "carl"]);
    let invited = UserFilter { state: Some(UserState::Invited), ..ANY };
    assert_eq!(names(conn, &invited, UserOrder::Name, false, (0, 9)).await, ["eve"]);
    for filter in [&ANY, &noc, &invited] {
        let listed = names(conn, filter, UserOrder::Name, false, (0, 99)).await.len() as u64;
        assert_eq!(store::users::count_users(conn, filter).await.expect("it answers"), listed, "{filter:?}");
    }
}

#[tokio::test]
async fn what_is_searched_for_is_text_and_no_pattern() {
    let (_database, mut conn) = migrated().await;
    for name in ["a_b", "axb", "a%b", "a\\b"] {
        add(&mut conn, name, Role::Noc).await;
    }
    for name in ["a_b", "axb", "a%b", "a\\b"] {
        let filter = UserFilter { q: Some(name.into()), ..ANY };
        assert_eq!(names(&mut conn, &filter, UserOrder::Name, false, (0, 9)).await, [name]);
    }
}

#[tokio::test]
async fn a_name_belongs_to_one_user() {
    let (_database, mut conn) = migrated().await;
    let ada = add(&mut conn, "ada", Role::Admin).await;
    assert_eq!(store::users::insert_user(&mut conn, "ada", Role::Noc, None, NOW).await.expect("no error"), None);
    assert_eq!(store::users::find_id(&mut conn, "ada").await.expect("it answers"), Some(ada));
}

#[tokio::test]
async fn codes_are_used_up_by_whoever_comes_first() {
    let (database, mut conn) = migrated().await;
    let ada = add(&mut conn, "ada", Role::Admin).await;
    let hashes = [[1; 32], [2; 32]];
    store::users::replace_recovery_codes(&mut conn, ada, &hashes).await.expect("it answers");
    let mut other = MySqlConnection::connect(&database.url()).await.expect("it answers");
    let (first, second) = tokio::join!(
        store::users::use_recovery_code(&mut conn, ada, &hashes[0], NOW),
        store::users::use_recovery_code(&mut other, ada, &hashes[0], NOW)
    );
    assert_ne!(first.expect("it answers"), second.expect("it answers"), "one of two");
    assert_eq!(store::users::count_recovery_codes(&mut conn, ada).await.expect("it answers"), 1);
    store::users::replace_recovery_codes(&mut conn, ada, &[[3; 32]]).await.expect("it answers");
    assert!(!store::users::use_recovery_code(&mut conn, ada, &hashes[1], NOW).await.expect("it answers"), "replaced");

    let mut step = async |step| store::users::use_totp_step(&mut conn, ada, step).await.expect("it answers");
    assert!(step(10).await && !step(10).await && !step(9).await && step(11).await, "steps only go forward");
}

#[tokio::test]
async fn only_the_last_link_of_a_user_works() {
    let (_database, mut conn) = migrated().await;
    let ada = add(&mut conn, "ada", Role::Admin).await;
    let until = NOW.plus(Duration::from_secs(60));
    for (token, user) in [([1; 32], Some(ada)), ([2; 32], Some(ada)), ([3; 32], None), ([4; 32], None)] {
        store::users::insert_setup_link(&mut conn, &token, user, NOW, until).await.expect("it answers");
    }
    let mut found = Vec::new();
    for token in 1..=4 {
        let link = store::users::find_setup_link(&mut conn, &[token; 32]).await.expect("it answers");
        found.push(link.map(|link| (link.user, link.name, link.role, link.expires_at)));
    }
    assert_eq!(found[1], Some((Some(ada), Some("ada".into()), Role::Admin, until)));
    assert_eq!(found[3], Some((None, None, Role::Admin, until)), "the first administrator has no name yet");
    assert_eq!((&found[0], &found[2]), (&None, &None));
}

fn session(user: UserId, at: Moment) -> SessionData {
    let signed_in = SignedIn::new(user, "ada".into(), Role::Admin, Stage::Full, at);
    SessionData { signed_in, door: Door::Staff, address: "127.0.0.1".into(), agent: "a browser".into() }
}

#[tokio::test]
async fn sessions_end_by_age_by_owner_and_one_by_one() {
    let (_database, mut conn) = migrated().await;
    let (ada, bob) = (add(&mut conn, "ada", Role::Admin).await, add(&mut conn, "bob", Role::Noc).await);
    let conn = &mut conn;
    let minute = |n: u64| NOW.plus(Duration::from_secs(60 * n));
    for (id, user, at) in [(1, ada, 0), (2, ada, 10), (3, ada, 20), (4, bob, 20)] {
        let data = session(user, minute(at));
        let json = serde_json::to_string(&data).expect("plain data");
        store::sessions::save(conn, &[id; 32], &data, &json, minute(at), minute(at + 60)).await.expect("it answers");
    }
    let ids = async |conn: &mut MySqlConnection| {
        let mut ids: Vec<u8> =
            store::sessions::list_ids(conn).await.expect("it answers").into_iter().map(|(id, _)| id[0]).collect();
        ids.sort_unstable();
        ids
    };
    // Input is never taken back: a panel that writes late cannot age a session.
    store::sessions::update_input(conn, &[1; 32], minute(30)).await.expect("it answers");
    store::sessions::update_input(conn, &[1; 32], minute(5)).await.expect("it answers");
    let (_, input_at) = store::sessions::find(conn, &[1; 32]).await.expect("it answers").expect("there");
    assert_eq!(input_at, minute(30));

    assert_eq!(store::sessions::delete_ended(conn, minute(40), minute(10)).await.expect("it answers"), 0, "idle to the minute");
    assert_eq!(store::sessions::delete_ended(conn, minute(40), minute(11)).await.expect("it answers"), 1);
    assert_eq!(ids(conn).await, [1, 3, 4], "the second was idle");
    assert_eq!(store::sessions::delete_ended(conn, minute(61), minute(0)).await.expect("it answers"), 1);
    assert_eq!(ids(conn).await, [3, 4], "the first was too old, for all its input");
    assert_eq!(store::sessions::delete_of_user(conn, ada, Some(&[3; 32])).await.expect("it answers"), 0);
    assert_eq!(store::sessions::delete_of_user(conn, ada, None).await.expect("it answers"), 1);
    assert_eq!(store::sessions::delete(conn, &[9; 32]).await.expect("it answers"), 0);
    assert_eq!(ids(conn).await, [4], "of another user none");
}

#[test]
fn whatever_a_name_holds_is_found_again_by_any_part_of_it() {
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    let (_database, conn) = runtime.block_on(migrated());
    let conn = tokio::sync::Mutex::new(conn);
    let config = ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(name in "[a-z0-9._%\\\\'\"-]{1,20}", from in 0usize..20, len in 1usize..20)| {
        let part: String = name.chars().skip(from % name.len()).take(len).collect();
        let found = runtime.block_on(async {
            let mut conn = conn.lock().await;
            sqlx::query("DELETE FROM users").execute(&mut *conn).await.expect("it answers");
            add(&mut conn, &name, Role::Viewer).await;
            names(&mut conn, &UserFilter { q: Some(part.clone()), ..ANY }, UserOrder::Name, false, (0, 9)).await
        });
        prop_assert_eq!(found, [name], "by {}", part);
    });
}
