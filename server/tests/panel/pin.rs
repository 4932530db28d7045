//! Confirming host keys on the command line, against a real sshd: what is not confirmed is not pinned, a changed key needs its own
//! word, and the audit log has it all as soon as a panel runs.

use crate::harness::{Database, Panel, Setup, program, skipped, temp_dir, until};
use serde_json::Value;
use std::{
    fs,
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

const QUICK: Duration = Duration::from_secs(10);

/// A real sshd with keys of its own, which lets nobody in.
struct Sshd {
    process: Child,
    fingerprints: Vec<String>,
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Sshd {
    /// With new keys of these kinds.
    fn start(dir: &Path, port: u16, kinds: &[&str]) -> Self {
        let root = server::lab::daemons::is_root();
        fs::create_dir_all(dir).expect("a folder");
        fs::set_permissions(dir, fs::Permissions::from_mode(0o755)).expect("ours");
        let mut config = format!("ListenAddress 127.0.0.1\nPort {port}\nPidFile none\nUsePAM no\nStrictModes no\n");
        let fingerprints = kinds.iter().map(|kind| {
            let file = dir.join(kind);
            let _ = fs::remove_file(&file);
            let made = Command::new("ssh-keygen").args(["-q", "-N", "", "-t", kind, "-f"]).arg(&file).status().expect("it runs");
            assert!(made.success());
            fs::set_permissions(&file, fs::Permissions::from_mode(if root { 0o644 } else { 0o600 })).expect("ours");
            config += &format!("HostKey {}\n", file.display());
            let said = Command::new("ssh-keygen").arg("-lf").arg(file.with_extension("pub")).output().expect("it runs");
            String::from_utf8_lossy(&said.stdout).split_whitespace().nth(1).expect("a fingerprint").to_string()
        });
        let fingerprints = fingerprints.collect();
        let file = dir.join("config");
        fs::write(&file, config).expect("written");
        let sshd = server::process::find_program("sshd").expect("it was looked for");
        // As root it wants a folder in /run; as somebody who may do nothing it shows its keys all the same.
        let mut command = Command::new(if root { Path::new("setpriv") } else { &sshd });
        if root {
            command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&sshd);
        }
        command.args(["-D", "-f"]).arg(&file).stdin(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().expect("it starts");
        let give_up = Instant::now() + QUICK;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < give_up, "sshd does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { process, fingerprints }
    }
}

struct Place {
    dir: tempfile::TempDir,
    state: PathBuf,
    port: u16,
}

impl Place {
    /// Nothing where there is no sshd.
    fn new() -> Option<Self> {
        if ["sshd", "ssh-keygen", "ssh-keyscan"].iter().any(|name| server::process::find_program(name).is_none()) {
            skipped("OpenSSH's server is not installed");
            return None;
        }
        let dir = temp_dir();
        // Somebody who may do nothing is to reach the keys of the sshd.
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).expect("ours");
        let state = dir.path().join("state");
        let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("it is bound").port();
        let text = format!(
            "name = \"test\"\n[networks.management]\nsubnet = \"127.0.0.0/24\"\nmtu = 1500\nuplink = \"expected\"\n\
             [[hosts]]\nname = \"host-01\"\nkind = \"libvirt\"\nmanagement = \"127.0.0.3\"\nurl = \"test:///default\"\n\
             [[machines]]\nname = \"monitor-01\"\nrole = \"monitor\"\nhost = \"host-01\"\nnumber = 1\nnetworks = [\"management\"]\n\
             [[machines]]\nname = \"monitor-02\"\nrole = \"monitor\"\nhost = \"host-01\"\nnumber = 2\nnetworks = [\"management\"]\n\
             jump = \"monitor-01\"\n\
             [endpoints.monitor.ssh]\nnetwork = \"management\"\nport = {port}\nuser = \"root\"\ncredential = \"ssh\"\n\
             [credentials]\nssh = \"file:key\"\n"
        );
        fs::create_dir_all(&state).expect("a folder");
        fs::write(state.join("inventory.toml"), text).expect("written");
        Some(Self { dir, state, port })
    }

    fn sshd(&self, kinds: &[&str]) -> Sshd {
        Sshd::start(&self.dir.path().join("sshd"), self.port, kinds)
    }

    fn pin(&self, words: &[&str]) -> Output {
        let mut command = program();
        command.args(["inventory", "pin"]).args(words).arg("--state").arg(&self.state);
        command.output().expect("the program runs")
    }

    /// It is refused with these words, and what is pinned stays as it was.
    fn refuses(&self, words: &[&str], said: &str) {
        let before = self.pinned();
        let output = self.pin(words);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{words:?}: {stderr}");
        assert!(stderr.contains(said), "{words:?}: {stderr}");
        assert_eq!(self.pinned(), before, "{words:?}");
    }

    fn does(&self, words: &[&str]) -> Value {
        let output = self.pin(&[words, &["--json"]].concat());
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("one JSON document")
    }

    /// Machine and fingerprint of every key.
    fn pinned(&self) -> Vec<(String, String)> {
        let all = self.does(&["--list"]);
        let text = |value: &Value| value.as_str().expect("text").to_string();
        all.as_array().expect("a list").iter().map(|key| (text(&key["machine"]), text(&key["fingerprint"]))).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_key_is_pinned_when_a_person_confirmed_it_and_not_before() {
    let Some(place) = Place::new() else { return };
    place.refuses(&["monitor-01"], "nobody offered a host key there");
    place.refuses(&["monitor-1"], "the nearest is \"monitor-01\"");
    let sshd = place.sshd(&["ed25519", "rsa"]);
    let fingerprints = sshd.fingerprints.clone();
    let (ed25519, rsa) = (fingerprints[0].as_str(), fingerprints[1].as_str());

    // Looking pins nothing, and says what to do.
    let looked = place.pin(&["monitor-01"]);
    let (out, said) = (String::from_utf8_lossy(&looked.stdout).into_owned(), String::from_utf8_lossy(&looked.stderr).into_owned());
    assert!(out.contains(ed25519) && out.contains(rsa) && out.matches("not pinned").count() == 2, "{out}");
    assert!(looked.status.code() == Some(1) && said.contains(&format!("--fingerprint {ed25519}")), "{said}");
    let elsewhere = format!("SHA256:{}", "A".repeat(43));
    place.refuses(&["monitor-01", "--fingerprint", &elsewhere], "offers no key");
    assert_eq!(place.pin(&["monitor-01", "--fingerprint", "12:34"]).status.code(), Some(2));

    assert_eq!(place.does(&["monitor-01", "--fingerprint", ed25519])["changed"], true);
    assert_eq!(place.pinned(), [("monitor-01".into(), ed25519.into())], "only what was confirmed");
    assert_eq!(place.does(&["monitor-01"])["changed"], false, "known, and nothing to do");
    assert_eq!(place.does(&["monitor-01", "--fingerprint", rsa])["changed"], true);
    assert_eq!(place.pinned().len(), 2, "a further kind beside it");

    // Behind another machine it cannot be asked from here; and a clone of a known one is not believed.
    place.refuses(&["monitor-02", "--yes-first-use"], "through monitor-01 only");
    let file = place.dir.path().join("sshd/ed25519.pub");
    let file = file.to_str().expect("a path");
    place.refuses(&["monitor-02", "--key", file], "is that of monitor-01");

    // Made anew.
    drop(sshd);
    let anew = place.sshd(&["ed25519"]);
    let new = anew.fingerprints[0].as_str();
    place.refuses(&["monitor-01"], "has CHANGED");
    place.refuses(&["monitor-01", "--yes-first-use"], "for machines that have none");
    place.refuses(&["monitor-01", "--fingerprint", new], "--replace");
    assert_eq!(place.does(&["monitor-01", "--replace", "--fingerprint", new])["changed"], true);
    assert_eq!(place.pinned(), [("monitor-01".into(), new.into())]);
    place.does(&["monitor-01", "--remove"]);
    place.refuses(&["monitor-01", "--remove"], "has no pinned key");

    // The panel names the remedy, and writes down what was done before it ran.
    let database = Database::new();
    let panel = Panel::start(Setup::with(&database).state(&place.state));
    for line in ["monitor-01", "monitor-02", "host-01", "management network"] {
        panel.announce(line);
    }
    let remedy = "wirecenter inventory pin monitor-01";
    until("the remedy to be told", QUICK, async || panel.json(&["fleet"]).to_string().contains(remedy)).await;
    let rows = || {
        database.sql("SELECT CONCAT(action, ' ', subject, ' ', after_value) FROM audit WHERE action LIKE 'host_key%' ORDER BY seq")
    };
    let expected = [
        format!("host_key_pin monitor-01 {ed25519}"),
        format!("host_key_pin monitor-01 {ed25519}, {rsa}"),
        format!("host_key_pin monitor-01 {new}"),
        "host_key_remove monitor-01 none".to_string(),
    ];
    until("the rows to be written", QUICK, async || rows().lines().count() >= expected.len()).await;
    assert_eq!(rows().lines().collect::<Vec<_>>(), expected);
    // While it runs, it writes at once.
    assert_eq!(place.does(&["monitor-01", "--yes-first-use"])["changed"], true);
    until("the row to be written", QUICK, async || rows().lines().count() == expected.len() + 1).await;
    assert_eq!(panel.json(&["audit", "verify"])["ok"], true);
}
