//! The panel's own MariaDB: started, watched, started again, stopped, and recovered after any kill.

use crate::browser::{Browser, location};
use crate::harness::{PASSWORD, Panel, Setup, skipped, temp_dir, until};
use server::process;
use std::{path::Path, time::Duration};

const LONG: Duration = Duration::from_secs(20);

fn mariadb(state: &Path) -> u32 {
    let text = std::fs::read_to_string(state.join("mariadb/pid")).expect("its pid file");
    text.trim().parse().expect("a number")
}

fn start(state: &Path) -> Panel {
    Panel::start(Setup::private().state(state))
}

#[tokio::test(flavor = "multi_thread")]
async fn it_starts_from_nothing_keeps_everything_below_the_state_and_stops_cleanly() {
    let dir = temp_dir();
    let state = dir.path().join("s");
    let mut panel = start(&state);
    let server = mariadb(&state);
    let line = process::command_line(server).expect("it runs");
    assert!(line.contains("--skip-networking") && line.contains(&state.display().to_string()), "{line}");
    assert!(panel.command_with(&["user", "add", "admin", "--role", "admin", "--password-stdin"], PASSWORD).status.success());
    assert_eq!(location(&Browser::at(&panel.staff).sign_in("admin", PASSWORD).await), "/");
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(&state).expect("there").permissions().mode();
    assert_eq!(mode & 0o077, 0, "the state is for its owner's eyes only");
    let took = panel.stop();
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert!(!process::is_alive(server), "nothing is left running");

    // Commands work with the panel stopped, and stop what they started.
    let list = panel.json(&["user", "list"]);
    assert_eq!(list[0]["name"], "admin");
    assert!(!state.join("mariadb/pid").exists() || !process::is_alive(mariadb(&state)));
    let started = std::time::Instant::now();
    let again = start(&state);
    assert!(started.elapsed() < Duration::from_secs(8), "restart to ready took {:?}", started.elapsed());
    assert_eq!(location(&Browser::at(&again.staff).sign_in("admin", PASSWORD).await), "/");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_mariadb_comes_back_by_itself_and_nobody_is_signed_out() {
    let dir = temp_dir();
    let panel = start(dir.path());
    panel.announce("the private MariaDB ended");
    panel.announce("the database does not answer");
    panel.command_with(&["user", "add", "admin", "--role", "admin", "--password-stdin"], PASSWORD);
    let admin = Browser::signed_in(&panel.staff, "admin").await;
    let before = mariadb(dir.path());
    process::kill(before);
    until("another process", LONG, async || {
        let after = std::fs::read_to_string(dir.path().join("mariadb/pid")).unwrap_or_default();
        after.trim().parse::<u32>().is_ok_and(|after| after != before && process::is_alive(after))
    })
    .await;
    until("it answers", LONG, async || admin.get("/users").await.status() == 200).await;
    assert!(admin.is_signed_in().await);
    let page = admin.page("/system").await;
    assert!(page.contains("The private MariaDB ended (signal: 9 (SIGKILL))"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_panel_leaves_no_mariadb_behind_and_the_next_start_recovers() {
    let dir = temp_dir();
    let mut panel = start(dir.path());
    panel.command_with(&["user", "add", "admin", "--role", "admin", "--password-stdin"], PASSWORD);
    let server = mariadb(dir.path());
    panel.kill();
    assert!(process::wait_until_gone(server, LONG), "the kernel tells MariaDB that its panel is gone");
    let mut again = start(dir.path());
    assert_eq!(location(&Browser::at(&again.staff).sign_in("admin", PASSWORD).await), "/");
    // Both at once, as when the machine loses power.
    process::kill(mariadb(dir.path()));
    again.kill();
    again.announce("the private MariaDB ended");
    let third = start(dir.path());
    assert_eq!(location(&Browser::at(&third.staff).sign_in("admin", PASSWORD).await), "/");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leftover_mariadb_is_ended_by_its_record() {
    let dir = temp_dir();
    let mut panel = start(dir.path());
    panel.stop();
    // As if the kernel had not told it: the same server, started by nobody.
    let data = dir.path().join("mariadb/data");
    let arg = |name: &str, path: &Path| format!("--{name}={}", path.display());
    let mut leftover = std::process::Command::new(process::find_program("mariadbd").expect("there"))
        .args(["--no-defaults", "--skip-networking", "--innodb-log-file-size=64M"])
        .arg(format!("--user={}", server::database::private::user_name()))
        .args([
            arg("datadir", &data),
            arg("socket", &dir.path().join("mariadb/socket")),
            arg("pid-file", &dir.path().join("mariadb/pid")),
        ])
        .arg(arg("log-error", &dir.path().join("mariadb/leftover.log")))
        .spawn()
        .expect("it starts");
    until("it writes its record", LONG, async || dir.path().join("mariadb/pid").exists()).await;
    let again = tokio::task::spawn_blocking({
        let dir = dir.path().to_path_buf();
        move || start(&dir)
    });
    let again = again.await.expect("it starts");
    leftover.wait().expect("it was ended");
    assert_eq!(Browser::at(&again.staff).get("/readyz").await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_state_directory_has_one_panel() {
    let dir = temp_dir();
    let _panel = start(dir.path());
    let said = Setup::private().state(dir.path()).fails();
    assert!(said.contains("Another wirecenter (process") && said.contains("choose another --state"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_half_made_data_directory_is_made_anew() {
    let dir = temp_dir();
    std::fs::create_dir_all(dir.path().join("mariadb/data.new/mysql")).expect("a folder");
    std::fs::write(dir.path().join("mariadb/data.new/ibdata1"), "half").expect("a file");
    let panel = start(dir.path());
    assert_eq!(Browser::at(&panel.staff).get("/readyz").await.status(), 200);
}

#[test]
fn an_ordinary_user_can_run_it_too() {
    if server::database::private::user_name() != "root" {
        skipped("the tests run as an ordinary user, so every test here shows it");
        return;
    }
    let Some(setpriv) = process::find_program("setpriv") else {
        skipped("setpriv is not here, so another user cannot be taken");
        return;
    };
    // Somewhere that user may write, and a program they may run.
    let dir = temp_dir();
    let program = dir.path().join("wirecenter");
    std::fs::copy(env!("CARGO_BIN_EXE_wirecenter"), &program).expect("a copy");
    let copied = std::process::Command::new("cp").arg("-rL").arg(crate::harness::site()).arg(dir.path().join("site")).status();
    assert!(copied.expect("cp runs").success());
    let opened = std::process::Command::new("sh")
        .args(["-c", "chmod 755 \"$1\" && chmod -R a+rX \"$1\" && mkdir \"$1/home\" && chown nobody \"$1/home\"", "sh"])
        .arg(dir.path())
        .status();
    assert!(opened.expect("sh runs").success());
    let mut command = std::process::Command::new(setpriv);
    command.args(["--reuid", "nobody", "--regid", "nogroup", "--clear-groups", "--"]).arg(program);
    command.args(["user", "list", "--json", "--state"]).arg(dir.path().join("home/state"));
    command.env_remove("DATABASE_URL").env("HOME", dir.path().join("home"));
    let output = command.output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "[]\n");
}
