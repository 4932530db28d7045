//! `wirecenter stack render`: the files the lab runs, for whoever deploys them.

use crate::harness::{lab, program};

#[test]
fn what_is_printed_has_no_secret_in_it() {
    let Some(lab) = lab() else { return };
    let secrets: Vec<String> = std::fs::read_dir(lab.state.join("lab/secrets"))
        .expect("the lab has secrets")
        .map(|entry| entry.expect("a file").path())
        .filter(|path| path.extension().is_none_or(|ending| ending != "pub"))
        .map(|path| std::fs::read_to_string(path).expect("root reads it"))
        .collect();
    assert_eq!(secrets.len(), 7);
    for machine in ["kamailio-01", "asterisk-02", "mariadb-01", "mariadb-02", "billing-01", "monitor-01"] {
        let inventory = lab.state.join("lab/inventory.toml");
        let output =
            program().args(["stack", "render", "--machine", machine, "--inventory"]).arg(&inventory).output().expect("it runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && text.contains("# ===== /etc/"), "{machine}");
        assert!(secrets.iter().all(|secret| !text.contains(secret.trim())), "{machine}");
    }
}

#[test]
fn what_is_written_is_what_the_machine_runs() {
    let Some(lab) = lab() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let inventory = lab.state.join("lab/inventory.toml");
    for machine in ["kamailio-02", "asterisk-01", "mariadb-01"] {
        let to = folder.path().join(machine);
        let mut command = program();
        command.args(["stack", "render", "--json", "--machine", machine, "--inventory"]).arg(&inventory).arg("--to").arg(&to);
        let output = command.output().expect("it runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let listed: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        for file in listed.as_array().expect("a list") {
            let path = file["path"].as_str().expect("a path");
            let written = std::fs::read_to_string(to.join(path.trim_start_matches('/'))).expect("it was written");
            assert_eq!(lab.exec(machine, &["cat", path]), written.trim(), "{machine}: {path}");
        }
    }
}

#[test]
fn an_unknown_machine_and_a_missing_secret_are_named() {
    let said = |words: &[&str]| {
        let output = program().args(["stack", "render"]).args(words).output().expect("it runs");
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(said(&["--machine", "kamailio-1"]).contains("kamailio-01"));
    assert!(said(&["--machine", "carrier-a"]).contains("not ours"));
    assert!(said(&["--machine", "kamailio-01", "--to", "/tmp/x"]).contains("--inventory"));
    assert!(said(&["--machine", "kamailio-01", "--inventory", "/no/such/file"]).contains("/no/such/file"));
}
