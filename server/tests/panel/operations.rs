//! Operations through the real program: planned, started, watched, cut off and gone on with, by commands alone and beside a panel
//! that runs. The proxies are stand-ins that keep the states of their destinations; the real ones are in the lab's tests.

use crate::harness::{Database, Panel, Setup, program, temp_dir};
use axum::{Json, Router, extract::State, routing::post};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::{Output, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::net::TcpListener;

const PROXIES: [&str; 2] = ["127.0.78.11", "127.0.78.12"];

/// `FLAGS` by proxy, set and destination.
type Flags = BTreeMap<(usize, u32, String), String>;

/// Two proxies with two carriers.
#[derive(Clone)]
pub struct Proxies {
    port: u16,
    flags: Arc<Mutex<Flags>>,
}

#[derive(Clone)]
struct OneProxy {
    number: usize,
    all: Proxies,
}

async fn rpc(State(proxy): State<OneProxy>, body: String) -> Json<Value> {
    let request: Value = serde_json::from_str(&body).expect("JSON");
    let method = request["method"].as_str().expect("a method").to_string();
    let mut flags = proxy.all.flags.lock().expect("no panic");
    let result = match method.as_str() {
        "core.version" => Some(json!("kamailio 5.6.3 (x86_64/linux)")),
        "core.uptime" => Some(json!({"uptime": 5})),
        "dispatcher.list" => {
            let mut sets: BTreeMap<u32, Vec<Value>> = BTreeMap::new();
            for ((number, set, uri), flags) in flags.iter() {
                if *number == proxy.number {
                    let flags = flags.to_uppercase();
                    sets.entry(*set).or_default().push(json!({"DEST": {"URI": uri, "FLAGS": flags, "PRIORITY": 0}}));
                }
            }
            let records = sets.into_iter().map(|(id, targets)| json!({"SET": {"ID": id, "TARGETS": targets}}));
            Some(json!({"NRSETS": 2, "RECORDS": records.collect::<Vec<_>>()}))
        }
        "dispatcher.set_state" => {
            let text = |i: usize| request["params"][i].as_str().unwrap_or_default().to_string();
            let set = request["params"][1].as_u64().and_then(|set| u32::try_from(set).ok()).expect("a set");
            flags.get_mut(&(proxy.number, set, text(2))).map(|is| {
                // Whoever is probed answers at once.
                *is = if text(0) == "ip" { "ap".into() } else { text(0) };
                json!([])
            })
        }
        _ => None,
    };
    Json(match result {
        Some(result) => json!({"jsonrpc": "2.0", "result": result, "id": method}),
        None => json!({"jsonrpc": "2.0", "error": {"code": 500, "message": "no"}, "id": method}),
    })
}

impl Proxies {
    pub async fn start() -> Self {
        let first = TcpListener::bind((PROXIES[0], 0)).await.expect("loopback");
        let port = first.local_addr().expect("it is bound").port();
        let second = TcpListener::bind((PROXIES[1], port)).await.expect("loopback");
        let mut flags = BTreeMap::new();
        for number in 0..2 {
            flags.insert((number, 101, "sip:203.0.113.101:5060".to_string()), "ap".to_string());
            flags.insert((number, 102, "sip:203.0.113.102:5060".to_string()), "ap".to_string());
        }
        let all = Self { port, flags: Arc::new(Mutex::new(flags)) };
        for (number, listener) in [first, second].into_iter().enumerate() {
            let routes = Router::new().route("/RPC", post(rpc)).with_state(OneProxy { number, all: all.clone() });
            tokio::spawn(async move { axum::serve(listener, routes).await });
        }
        all
    }

    /// A state folder with an inventory of the two.
    pub fn write_inventory(&self, state: &Path) {
        let machine = |number: u32| {
            format!(
                "[[machines]]\nname = \"kamailio-0{number}\"\nrole = \"kamailio\"\nhost = \"host-01\"\nnumber = 1{number}\nnetworks = [\"management\"]\n"
            )
        };
        let carrier = |name: &str, set: u32| {
            format!("[[carriers]]\nname = \"{name}\"\nset = {set}\npriority = 1\ntrunks = [\"203.0.113.{set}:5060\"]\n")
        };
        let text = format!(
            "name = \"test\"\n[networks.management]\nsubnet = \"127.0.78.0/24\"\nmtu = 1500\nuplink = \"expected\"\n\
             [[hosts]]\nname = \"host-01\"\nkind = \"lab\"\nmanagement = \"127.0.78.1\"\n{}{}\
             [endpoints.kamailio]\njsonrpc = {{ network = \"management\", port = {}, path = \"/RPC\" }}\n{}{}",
            machine(1),
            machine(2),
            self.port,
            carrier("carrier-a", 101),
            carrier("carrier-b", 102)
        );
        fs::create_dir_all(state).expect("a folder");
        fs::write(state.join("inventory.toml"), text).expect("written");
    }

    pub fn set(&self, set: u32, to: &str) {
        let mut flags = self.flags.lock().expect("no panic");
        flags.iter_mut().filter(|((_, of, _), _)| *of == set).for_each(|(_, flags)| *flags = to.into());
    }

    pub fn of_carrier_a(&self) -> Vec<String> {
        let flags = self.flags.lock().expect("no panic");
        flags.iter().filter(|((_, set, _), _)| *set == 101).map(|(_, flags)| flags.clone()).collect()
    }
}

fn operation(state: &Path, words: &[&str]) -> Output {
    program().arg("operation").args(words).arg("--state").arg(state).output().expect("the program runs")
}

fn json_of(output: &Output) -> Value {
    let said = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"))
}

fn fingerprint(state: &Path, kind: &str) -> String {
    let plan = json_of(&operation(state, &["plan", kind, "carrier-a", "--json"]));
    plan["fingerprint"].as_str().unwrap_or_else(|| panic!("a fingerprint in {plan}")).to_string()
}

fn watched(output: &Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(|line| serde_json::from_str(line).expect("a document a line")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_carrier_is_disabled_and_enabled_by_commands_alone_with_no_database_anywhere() {
    let (dir, proxies) = (temp_dir(), Proxies::start().await);
    let state = dir.path().join("state");
    proxies.write_inventory(&state);
    let plan = json_of(&operation(&state, &["plan", "disable_carrier", "carrier-a", "--json"]));
    let keys = ["kind", "subject", "fingerprint", "level", "steps", "preflights", "point_of_no_return"];
    assert!(keys.iter().all(|key| plan.get(key).is_some()), "{plan}");
    assert_eq!((&plan["kind"], &plan["level"]), (&json!("disable_carrier"), &json!("L2")));
    assert!(plan["preflights"].as_array().is_some_and(|all| all.iter().all(|one| one["verdict"] == "pass")), "{plan}");

    let stale = operation(&state, &["start", "disable_carrier", "carrier-a", "--fingerprint", "0000", "--json"]);
    assert_eq!(stale.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&stale.stderr).contains("The plan changed since you looked"), "{stale:?}");
    assert_eq!(proxies.of_carrier_a(), ["ap", "ap"], "nothing was begun");

    let seen = fingerprint(&state, "disable_carrier");
    let started = operation(&state, &["start", "disable_carrier", "carrier-a", "--fingerprint", &seen, "--json"]);
    assert!(started.status.success(), "{}", String::from_utf8_lossy(&started.stderr));
    assert_eq!((json_of(&started), proxies.of_carrier_a()), (json!({"id": 1}), vec!["dx".into(), "dx".into()]));

    let watch = operation(&state, &["watch", "1", "--json"]);
    let lines = watched(&watch);
    assert!(watch.status.success());
    let (first, last) = (lines.first().expect("the plan"), lines.last().expect("the end"));
    assert_eq!((&first["event"], &first["number"]), (&json!("started"), &json!(0)));
    assert!(first["by"].as_str().is_some_and(|by| by.starts_with("command line (")), "{first}");
    assert_eq!(last["state"], "done");
    assert!(last["seconds"].as_f64().is_some_and(|seconds| (4.0..30.0).contains(&seconds)), "{last}");
    assert_eq!(last["facts"]["before"]["kamailio-01"]["sip:203.0.113.101:5060"], "active", "{last}");

    let seen = fingerprint(&state, "enable_carrier");
    let started = operation(&state, &["start", "enable_carrier", "carrier-a", "--fingerprint", &seen]);
    assert!(started.status.success(), "{}", String::from_utf8_lossy(&started.stderr));
    assert_eq!(proxies.of_carrier_a(), ["ap", "ap"]);
    let list = json_of(&operation(&state, &["list", "--json"]));
    let ids: Vec<_> = list.as_array().expect("a list").iter().map(|one| (one["id"].clone(), one["state"].clone())).collect();
    assert_eq!(ids, [(json!(2), json!("done")), (json!(1), json!("done"))]);
    let show = json_of(&operation(&state, &["show", "1", "--json"]));
    assert_eq!((&show["plan"]["subject"], &show["steps"][1]["phase"]), (&json!("carrier-a"), &json!("done")));
    for (words, code) in [(vec!["cancel", "1"], 1), (vec!["show", "9"], 1), (vec!["plan", "explode", "x"], 1)] {
        assert_eq!(operation(&state, &words).status.code(), Some(code), "{words:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_was_killed_is_gone_on_with_and_what_was_done_is_undone_when_it_is_cancelled() {
    let (dir, proxies) = (temp_dir(), Proxies::start().await);
    let state = dir.path().join("state");
    proxies.write_inventory(&state);
    for (number, then, expected, flags) in [("1", "resume", "done", "dx"), ("2", "cancel", "cancelled", "ap")] {
        proxies.flags.lock().expect("no panic").values_mut().for_each(|flags| *flags = "ap".into());
        let seen = fingerprint(&state, "disable_carrier");
        let mut command = program();
        command.args(["operation", "start", "disable_carrier", "carrier-a", "--fingerprint", &seen, "--state"]).arg(&state);
        let mut running = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program runs");
        let give_up = Instant::now() + Duration::from_secs(20);
        while proxies.of_carrier_a() != ["dx", "dx"] {
            assert!(Instant::now() < give_up, "it does not begin");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // It waits for the proxies' probes now: some seconds.
        running.kill().expect("it runs");
        running.wait().expect("it ends");
        let again = operation(&state, &["start", "disable_carrier", "carrier-a", "--fingerprint", &seen]);
        let said = String::from_utf8_lossy(&again.stderr).into_owned();
        assert!(said.contains(&format!("is held by operation {number} (Disable carrier-a)")), "{said}");
        let ended = operation(&state, &[then, number, "--json"]);
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
        assert_eq!((&json_of(&ended)["state"], proxies.of_carrier_a()), (&json!(expected), vec![flags.into(), flags.into()]));
        let code = operation(&state, &["watch", number]).status.code();
        assert_eq!(code, Some(if expected == "done" { 0 } else { 4 }));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panel_runs_what_a_command_starts_and_goes_on_after_it_was_killed() {
    let (dir, proxies, database) = (temp_dir(), Proxies::start().await, Database::new());
    let state = dir.path().join("state");
    proxies.write_inventory(&state);
    let start = || {
        let panel = Panel::start(Setup::with(&database).state(&state));
        // No lab runs here.
        panel.announce("host-01");
        panel.announce("management network");
        panel
    };
    let mut panel = start();
    let seen = fingerprint(&state, "disable_carrier");
    let began = Instant::now();
    let started = panel.json(&["operation", "start", "disable_carrier", "carrier-a", "--fingerprint", &seen]);
    assert_eq!(started, json!({"id": 1}));
    assert!(began.elapsed() < Duration::from_secs(4), "the command does not wait for the end");
    let give_up = Instant::now() + Duration::from_secs(20);
    while proxies.of_carrier_a() != ["dx", "dx"] {
        assert!(Instant::now() < give_up, "the panel does not take it up");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panel.kill();
    drop(panel);
    let panel = start();
    let watch = panel.command(&["operation", "watch", "1", "--json"]);
    let lines = watched(&watch);
    assert_eq!((watch.status.code(), &lines.last().expect("the end")["state"]), (Some(0), &json!("done")));
    let attempts = lines.iter().filter(|line| line["event"] == "step_began" && line["step"] == 2).count();
    assert!(attempts >= 2, "the step that was cut off was run again: {lines:#?}");
    let rows = || database.sql("SELECT COUNT(*) FROM operation_entries WHERE operation = 1");
    let give_up = Instant::now() + Duration::from_secs(10);
    while rows() != (lines.len() - 1).to_string() {
        assert!(Instant::now() < give_up, "the database has {} of {} entries", rows(), lines.len() - 1);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let refused = database.try_sql("DELETE FROM operation_entries").expect_err("a trigger says no");
    assert!(refused.contains("append-only"), "{refused}");
}
