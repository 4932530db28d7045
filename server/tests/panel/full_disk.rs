//! A disk that is full, before the start and while running: a small one, mounted in a namespace of its own.

use crate::browser::Browser;
use crate::harness::{PASSWORD, program, skipped, temp_dir, until};
use server::process;
use std::{
    io::{BufRead, BufReader, Read, Write},
    path::Path,
    process::{Child, Stdio},
    time::Duration,
};

/// A panel on a private MariaDB whose disk has `size_mib`; `None` where that cannot be had.
fn start(dir: &Path, size_mib: u32) -> Option<Child> {
    if server::database::private::user_name() != "root" {
        skipped("a small disk can be mounted by root only");
        return None;
    }
    let unshare = process::find_program("unshare").expect("util-linux is essential");
    let tried = std::process::Command::new(&unshare).args(["--mount", "mount", "-t", "tmpfs", "tmpfs"]).arg(dir).output();
    let tried = tried.expect("it runs");
    if !tried.status.success() {
        skipped(&format!("root may not mount in a namespace here: {}", String::from_utf8_lossy(&tried.stderr).trim()));
        return None;
    }
    let script = format!(
        "mount -t tmpfs -o size={size_mib}m tmpfs \"$1\" && \
         exec \"$2\" serve --json --staff 127.0.0.1:0 --portal 127.0.0.1:0 --state \"$1/state\""
    );
    let ours = program();
    let mut command = std::process::Command::new(unshare);
    command.args(["--mount", "sh", "-c", &script, "sh"]).arg(dir).arg(ours.get_program());
    for (name, value) in ours.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    Some(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs"))
}

#[test]
fn a_full_disk_is_said_before_anything_is_half_made() {
    let dir = temp_dir();
    let Some(panel) = start(dir.path(), 60) else { return };
    let output = panel.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("a new database needs 300 MiB. Make room, or choose another --state."), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fills_up_is_named_and_room_on_it_heals_the_panel() {
    let dir = temp_dir();
    let Some(mut panel) = start(dir.path(), 420) else { return };
    let mut first = String::new();
    BufReader::new(panel.stdout.take().expect("piped")).read_line(&mut first).expect("a line");
    let ready: serde_json::Value = serde_json::from_str(&first).expect("it starts");
    let staff = ready["staff"].as_str().expect("an address");
    let link = ready["setup"].as_str().expect("nobody can sign in yet");
    let (browser, token) = (Browser::at(staff), link.rsplit('/').next().expect("a token"));
    browser
        .form(&format!("/setup/{token}"), "/api/setup/finish", &[("token", token), ("name", "ada"), ("password", PASSWORD)])
        .await;

    // The disk is seen through the process that has it.
    let fill = Path::new("/proc")
        .join(panel.id().to_string())
        .join("root")
        .join(dir.path().strip_prefix("/").expect("absolute"))
        .join("fill");
    let mut file = std::fs::File::create(&fill).expect("a file");
    while file.write_all(&[0; 1 << 16]).is_ok() {}
    let mut refused = String::new();
    // What MariaDB has set aside takes some rows yet.
    for i in 0..2_000 {
        let answer = browser.call("/api/users/add", &[("name", &format!("user{i}")), ("role", "noc")]).await;
        if answer.status() != 200 {
            refused = answer.text().await.expect("text");
            break;
        }
    }
    assert!(refused.contains("has no room on its disk (make room there)"), "{refused}");
    until("the System page says so", Duration::from_secs(5), async || {
        browser.page("/system").await.contains("are free on the disk")
    })
    .await;

    std::fs::remove_file(&fill).expect("there");
    drop(file);
    let add = async || browser.call("/api/users/add", &[("name", "after"), ("role", "noc")]).await.status() == 200;
    until("it goes on without a restart", Duration::from_secs(5), add).await;
    process::terminate(panel.id());
    let mut log = String::new();
    panel.stderr.take().expect("piped").read_to_string(&mut log).expect("text");
    assert!(panel.wait().expect("it ends").success(), "{log}");
    assert!(log.contains("the database's disk is full") && !log.contains("panicked"), "{log}");
}
