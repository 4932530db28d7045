//! Its life as a whole: built, repaired, killed in the middle, taken down without a trace.

use crate::harness::{UP_MAX, lab, measured, program, run_at, skipped, wait_until};
use std::{
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// The figure; measured properly by `wirecenter bench lab-down`.
const DOWN_MAX: Duration = Duration::from_secs(5);

#[test]
fn it_is_up_within_a_minute_and_every_version_is_shown() {
    let Some(lab) = lab() else { return };
    measured(&format!("the lab was up after {:.1} s", lab.built_in.as_secs_f64()));
    assert!(lab.built_in < UP_MAX, "{:?}\n{}", lab.built_in, lab.up_said);
    let status = lab.status();
    assert_eq!(status["up"], true, "{status}");
    assert_eq!(status["machines"].as_array().map(Vec::len), Some(14));
    for machine in status["machines"].as_array().expect("a list") {
        for service in machine["services"].as_array().expect("a list") {
            assert!(service["up"] == true && service["version"].is_string(), "{}: {service}", machine["name"]);
        }
        for nic in machine["nics"].as_array().expect("a list") {
            let jumbo = ["voice", "data", "sync"].contains(&nic["network"].as_str().expect("a name"));
            assert_eq!(nic["mtu"], if jumbo { 9000 } else { 1500 }, "{}: {nic}", machine["name"]);
        }
    }
}

#[test]
fn up_again_changes_nothing_and_repairs_what_died() {
    let Some(lab) = lab() else { return };
    let again = lab.json(&["up"]);
    assert_eq!((&again["built"], &again["repaired"]), (&serde_json::json!(false), &serde_json::json!(0)), "{again}");
    // Dies by itself, as it were: nobody listed it as a fault, so it is started again without being asked.
    lab.exec("monitor-01", &["pkill", "-KILL", "-f", "prometheus-node-exporter"]);
    wait_until("the exporter to be up again", Duration::from_secs(20), || lab.service_is_up("monitor-01", "node-exporter"));
}

/// A lab of its own, beside the shared one: two labs do not know of each other.
#[test]
fn killed_in_the_middle_it_is_cleaned_up_and_can_be_built() {
    let Some(shared) = lab() else { return };
    let state = tempfile::Builder::new().prefix("wcl").tempdir().expect("a folder");
    for after in [Duration::from_millis(30), Duration::from_millis(300), Duration::from_millis(1_500)] {
        let mut command = program();
        command.args(["lab", "up", "--state"]).arg(state.path());
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program runs");
        std::thread::sleep(after);
        child.kill().expect("it runs");
        child.wait().expect("it ends");
        let inside = processes_of(state.path());
        let down = run_at(state.path(), &["down"]);
        assert!(down.status.success(), "{}", String::from_utf8_lossy(&down.stderr));
        wait_until("every process to be gone", Duration::from_secs(5), || processes_of(state.path()).is_empty());
        assert!(!state.path().join("lab").exists(), "after {after:?}, with {} processes", inside.len());
    }
    assert_eq!(shared.status()["up"], true, "the other lab was not touched");
}

#[test]
fn down_is_quick_and_leaves_nothing() {
    let Some(_shared) = lab() else { return };
    let state = tempfile::Builder::new().prefix("wcl").tempdir().expect("a folder");
    let up = run_at(state.path(), &["up", "--json"]);
    assert!(up.status.success(), "{}", String::from_utf8_lossy(&up.stderr));
    assert!(processes_of(state.path()).len() > 14);
    // The one process everything hangs on: with it everything goes, and the next build does not stumble over what is left.
    let layout = server::lab::place::Layout::below(state.path());
    server::process::kill(layout.host_process().expect("it runs"));
    wait_until("everything to be gone with the host", Duration::from_secs(5), || processes_of(state.path()).is_empty());
    let status = run_at(state.path(), &["status", "--json"]);
    assert!(String::from_utf8_lossy(&status.stdout).starts_with(r#"{"up":false"#));
    let build = || {
        let up = run_at(state.path(), &["up", "--json"]);
        assert!(up.status.success(), "{}", String::from_utf8_lossy(&up.stderr));
    };
    build();
    // A lab that is no longer on record could never be found again, so it ends by itself.
    std::fs::remove_file(state.path().join("lab/record.json")).expect("it is there");
    wait_until("the lab without a record to be gone", Duration::from_secs(5), || processes_of(state.path()).is_empty());
    build();
    let began = Instant::now();
    let down = run_at(state.path(), &["down", "--json"]);
    let took = began.elapsed();
    assert!(down.status.success() && took < DOWN_MAX, "{took:?}: {}", String::from_utf8_lossy(&down.stderr));
    assert_eq!(processes_of(state.path()), Vec::<u32>::new());
    assert!(!state.path().join("lab").exists());
    let again = run_at(state.path(), &["down"]);
    assert_eq!(String::from_utf8_lossy(&again.stdout).trim(), "There was no lab.");
    let status = run_at(state.path(), &["status", "--json"]);
    assert_eq!(String::from_utf8_lossy(&status.stdout).trim(), r#"{"up":false,"machines":[],"faults":[]}"#);
    // Killed itself, it is gone too; the next build does not stumble over what it left.
    std::fs::create_dir_all(state.path().join("lab/disks")).expect("a folder");
    std::fs::write(state.path().join("lab/record.json"), "{ half a rec").expect("a file");
    assert!(run_at(state.path(), &["down"]).status.success());
    assert!(!state.path().join("lab").exists());
}

/// Processes whose command line names the folder.
fn processes_of(state: &Path) -> Vec<u32> {
    let folder = state.join("lab").display().to_string();
    let all =
        std::fs::read_dir("/proc").expect("there is /proc").flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let names =
        |pid: &u32| server::process::command_line(*pid).is_some_and(|line| line.contains(&folder) && !line.contains(" lab up "));
    all.filter(names).collect()
}

#[test]
fn without_room_it_says_so_and_leaves_nothing() {
    if let Some(why) = crate::harness::impossible() {
        return skipped(&why);
    }
    let small = tempfile::Builder::new().prefix("wcl").tempdir().expect("a folder");
    let script =
        "mount -t tmpfs -o size=40m tmpfs \"$1\" && { \"$2\" lab up --state \"$1/state\"; echo \"ended $?\"; ls \"$1/state\"; }";
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", script, "sh"]).arg(small.path()).arg(env!("CARGO_BIN_EXE_wirecenter"));
    let output = command.output().expect("unshare runs");
    let (out, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(out.contains("ended 1") && said.contains("MiB free; a lab needs 500"), "{out}{said}");
    assert_eq!(out.lines().last(), Some("lab.lock"), "nothing but the lock is left: {out}");
}

#[test]
fn without_root_it_says_so_and_changes_nothing() {
    if !server::lab::daemons::is_root() {
        return skipped("whoever runs it is not root already");
    }
    let state = tempfile::Builder::new().prefix("wcl").tempdir().expect("a folder");
    // The program lies where only root may look, so the ordinary user gets a copy.
    let copy = state.path().join("wirecenter");
    std::fs::copy(env!("CARGO_BIN_EXE_wirecenter"), &copy).expect("a copy");
    for path in [state.path(), copy.as_path()] {
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("its mode");
    }
    // Where it may write, so that it is its own doing if it does not.
    let open = state.path().join("open");
    std::fs::create_dir(&open).expect("a folder");
    std::fs::set_permissions(&open, std::os::unix::fs::PermissionsExt::from_mode(0o777)).expect("its mode");
    for words in
        [vec!["up"], vec!["down"], vec!["status"], vec!["call", "--to", "442079460123"], vec!["break", "kill"], vec!["load"]]
    {
        let mut command = Command::new(&copy);
        command.arg("lab").args(&words).arg("--state").arg(open.join("state")).uid(65_534).gid(65_534);
        let output = command.output().expect("the program runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{words:?}: {said}");
        assert!(said.contains("needs root") && said.contains("sudo wirecenter lab"), "{words:?}: {said}");
    }
    assert!(!open.join("state").exists());
}
