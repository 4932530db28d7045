//! Kamailio as recorded, and everything else that may answer at its address.

use super::{
    kamailio::Kamailio,
    kamailio_answers as answers,
    standin::{Answer, StandIn, http_answer},
};
use app::{
    fleet::facts::{ProxyFacts, TargetState},
    ports::SipProxy,
    values::{Moment, PortError, PortErrorKind},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    time::{Duration, Instant},
};

const DEADLINE: Duration = Duration::from_millis(800);

/// As Kamailio 5.6.3 of the lab answered, shortened to two sets.
fn recorded(method: &str) -> Value {
    let target = |uri: &str, flags: &str| json!({"DEST": {"URI": uri, "FLAGS": flags, "PRIORITY": 0, "ATTRS": {"BODY": "name=x"}}});
    let latency = json!({"DEST": {"URI": "sip:203.0.113.101:5060", "FLAGS": "TP", "PRIORITY": 99, "LATENCY": {"AVG": 1.25, "STD": 0.1, "EST": 1.2, "MAX": 4, "TIMEOUT": 0}}});
    let never_answered = json!({"DEST": {"URI": "sip:203.0.113.102:5060", "FLAGS": "IP", "PRIORITY": 0, "LATENCY": {"AVG": 0.0, "STD": 0.0, "EST": 0.0, "MAX": 0, "TIMEOUT": 9}}});
    let near = json!({"DEST": {"URI": "sip:203.0.113.103:5060", "FLAGS": "AP", "PRIORITY": 0, "LATENCY": {"AVG": 0.0, "STD": 0.0, "EST": 0.0, "MAX": 0, "TIMEOUT": 0}}});
    match method {
        "core.version" => json!("kamailio 5.6.3 (x86_64/linux) "),
        "core.uptime" => json!({"now": "Sun Nov 22 18:54:30 2026", "up_since": "Sun Nov 22 18:47:15 2026", "uptime": 435}),
        "dispatcher.list" => json!({"NRSETS": 2, "RECORDS": [
            {"SET": {"ID": 101, "TARGETS": [latency, never_answered, near]}},
            {"SET": {"ID": 1, "TARGETS": [target("sip:10.10.10.22:5060", "IP"), target("sip:10.10.10.21:5060", "AP"), target("sip:10.10.10.23:5060", "DX")]}},
        ]}),
        "htable.stats" => {
            json!([{"name": "fraud", "slots": 4096, "all": 133, "min": 0, "max": 3}, {"name": "block", "slots": 1024, "all": 0, "min": 0, "max": 0}])
        }
        "dmq.list_nodes" => json!([
            {"host": "10.30.30.12", "port": "5090", "proto": "*", "status": "disabled", "local": 0},
            {"host": "10.30.30.11", "port": "5090", "proto": "*", "status": "active", "local": 1},
        ]),
        "mtree.summary" => {
            json!([{"table": "lcr", "item": {"ttype": 0, "memsize": 13123, "nrnodes": 46, "nritems": 63, "reload_count": 1, "reload_time": 1_795_373_235}}])
        }
        "stats.get_statistics" => json!([
            "core:rcv_requests_invite = 198",
            "dialog:active_dialogs = 14",
            "dialog:early_dialogs = 4",
            "shmem:real_used_size = 3877232",
            "shmem:total_size = 268435456",
            "tmx:inuse_transactions = 35"
        ]),
        "core.shmmem" => {
            json!({"total": 268_435_456, "free": 264_558_224, "used": 3_508_752, "real_used": 3_877_232, "max_used": 4_115_032, "fragments": 48})
        }
        "dlg.stats_active" => json!({"starting": 0, "connecting": 6, "answering": 0, "ongoing": 22, "all": 28}),
        "tm.stats" => json!({"current": 35, "waiting": 33, "total": 2504}),
        other => panic!("{other} is not asked"),
    }
}

const METRICS: &str = "# User defined metrics\n\
    kamailio_attempts_total{carrier=\"carrier-a\", status=\"503\"} 3 1795373671111\n\
    kamailio_refused_total{reason=\"no_route\"} 2 1795373671111\n\n\
    # Kamailio whole internal statistics\nkamailio_core_rcv_requests_invite 198 1795373671111\n";

fn method_of(request: &str) -> String {
    let body: Value = serde_json::from_str(request.split_once("\r\n\r\n").expect("a body").1).expect("JSON");
    body["method"].as_str().expect("a method").into()
}

/// A Kamailio that does not know the methods named.
fn kamailio_without(unknown: &'static [&'static str]) -> impl Fn(&str) -> Answer + Send + Sync + 'static {
    move |request| {
        if request.starts_with("GET /metrics ") {
            let known = !unknown.contains(&"/metrics");
            return Answer::Bytes(if known { http_answer(200, METRICS) } else { http_answer(404, "/RPC or nothing\n") });
        }
        let method = method_of(request);
        let answer = match unknown.contains(&method.as_str()) {
            true => json!({"jsonrpc": "2.0", "error": {"code": 500, "message": "Method Not Found"}, "id": method}),
            false => json!({"jsonrpc": "2.0", "result": recorded(&method), "id": method}),
        };
        Answer::Bytes(http_answer(200, &answer.to_string()))
    }
}

async fn look(address: SocketAddr) -> Result<ProxyFacts, PortError> {
    Kamailio::new("kamailio-01", &format!("http://{address}/RPC"), DEADLINE)?.observe().await
}

async fn refused_by(answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> PortError {
    let stand_in = StandIn::http(answer).await;
    let began = Instant::now();
    let error = look(stand_in.address).await.expect_err("it is not Kamailio");
    assert!(began.elapsed() < 2 * DEADLINE, "{error} took {:?}", began.elapsed());
    assert!(error.system.contains("kamailio-01") && error.system.contains(&stand_in.address.to_string()), "{error}");
    error
}

#[test]
fn a_count_of_dialogs_below_zero_is_none() {
    let counters = |active: u64, early: u64| {
        BTreeMap::from([("dialog.active_dialogs".to_string(), active), ("dialog.early_dialogs".to_string(), early)])
    };
    for (active, early, expected) in [(4, 2, 6), (u64::MAX, 3, 3), (7, u64::MAX - 1, 7), (u64::MAX, u64::MAX, 0)] {
        assert_eq!(answers::own_dialogs(&counters(active, early)), Some(expected), "{active} {early}");
    }
    assert_eq!(answers::own_dialogs(&BTreeMap::new()), None, "a Kamailio without the module");
}

#[tokio::test]
async fn everything_kamailio_tells_is_read() {
    let stand_in = StandIn::http(kamailio_without(&[])).await;
    let facts = look(stand_in.address).await.expect("it answers");
    assert_eq!((facts.version.as_str(), facts.uptime_s), ("kamailio 5.6.3 (x86_64/linux)", 435));
    let states = |set: usize| facts.sets[set].targets.iter().map(|target| target.state).collect::<Vec<_>>();
    assert_eq!((facts.sets[0].id, states(0)), (1, vec![TargetState::Active, TargetState::Inactive, TargetState::Disabled]));
    assert_eq!(
        (facts.sets[1].id, states(1), facts.sets[1].targets[0].priority),
        (101, vec![TargetState::Trying, TargetState::Inactive, TargetState::Active], 99)
    );
    let round_trips = |set: usize| facts.sets[set].targets.iter().map(|target| target.round_trip_ms).collect::<Vec<_>>();
    assert_eq!(round_trips(0), [None, None, None], "a proxy that keeps no latencies");
    assert_eq!(
        round_trips(1),
        [Some(1.25), None, Some(0.0)],
        "zero is a near neighbour where it answers, and nothing where it does not"
    );
    assert_eq!((facts.dialogs, facts.transactions), (18, 35), "its own dialogs, not those known by DMQ");
    assert_eq!((facts.shared_memory_used_bytes, facts.shared_memory_total_bytes), (3_877_232, 268_435_456));
    let tree = &facts.trees[0];
    assert_eq!((tree.name.as_str(), tree.rows, tree.memory_bytes), ("lcr", 63, 13_123));
    assert_eq!(tree.reloaded_at, Some(Moment::from_seconds(1_795_373_235)));
    assert_eq!((facts.hash_tables["fraud"], facts.hash_tables["block"]), (133, 0));
    let peers: Vec<_> = facts.dmq_peers.iter().map(|peer| (peer.uri.as_str(), peer.active, peer.is_self)).collect();
    assert_eq!(peers, [("sip:10.30.30.11:5090", true, true), ("sip:10.30.30.12:5090", false, false)]);
    assert_eq!(facts.counters["core.rcv_requests_invite"], 198);
    assert_eq!(facts.counters["attempts_total{carrier=\"carrier-a\",status=\"503\"}"], 3);
    assert!(!facts.counters.contains_key("core_rcv_requests_invite"), "nothing is counted under two names");
}

#[tokio::test]
async fn a_method_it_does_not_know_leaves_its_value_empty() {
    let unknown = &["mtree.summary", "htable.stats", "dmq.list_nodes", "dispatcher.list", "stats.get_statistics", "/metrics"];
    let stand_in = StandIn::http(kamailio_without(unknown)).await;
    let facts = look(stand_in.address).await.expect("it answers");
    assert!(facts.trees.is_empty() && facts.hash_tables.is_empty() && facts.dmq_peers.is_empty() && facts.sets.is_empty());
    assert!(facts.counters.is_empty());
    // What the statistics would have told is asked one by one.
    assert_eq!((facts.dialogs, facts.transactions, facts.shared_memory_total_bytes), (28, 35, 268_435_456));
}

#[tokio::test]
async fn nobody_there_is_refused() {
    let error = look(StandIn::nobody().await).await.expect_err("nobody listens");
    assert_eq!(error.kind, PortErrorKind::Refused, "{error}");
}

#[tokio::test]
async fn silence_and_dripping_end_at_the_deadline() {
    let error = refused_by(|_| Answer::Silence).await;
    assert_eq!((error.kind, error.said.as_str()), (PortErrorKind::TimedOut, "no answer within 800 ms"), "{error}");
    let drip = |_: &str| Answer::Drip(http_answer(200, &"x".repeat(500)), Duration::from_millis(20));
    assert_eq!(refused_by(drip).await.kind, PortErrorKind::TimedOut);
}

#[tokio::test]
async fn what_is_not_json_rpc_is_garbage() {
    for (what, body) in [("a page", "<html>It works!</html>"), ("nothing", ""), ("other JSON", "{\"a\": 1}"), ("a list", "[]")] {
        let error = refused_by(move |_| Answer::Bytes(http_answer(200, body))).await;
        assert_eq!(error.kind, PortErrorKind::Garbage, "{what}: {error}");
    }
    let error = refused_by(|_| Answer::Bytes(http_answer(200, "{\"jsonrpc\": \"2.0\", \"result\": {\"RECORDS\": [{\"SET"))).await;
    assert!(error.kind == PortErrorKind::Garbage && error.said.contains("ends in the middle"), "{error}");
    let error = refused_by(|_| Answer::Last(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec())).await;
    assert_eq!(error.kind, PortErrorKind::Garbage, "{error}");
    // A result of the right method in a shape we do not know.
    let shape = |request: &str| match request.contains("dispatcher.list") {
        true => {
            Answer::Bytes(http_answer(200, "{\"jsonrpc\": \"2.0\", \"result\": {\"RECORDS\": 7}, \"id\": \"dispatcher.list\"}"))
        }
        false => kamailio_without(&[])(request),
    };
    let error = refused_by(shape).await;
    assert_eq!((error.kind, error.doing.as_str()), (PortErrorKind::Garbage, "read dispatcher.list"), "{error}");
}

#[tokio::test]
async fn an_answer_cut_off_is_broken() {
    let cut = |_: &str| Answer::Last(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{\"jsonrpc\"".to_vec());
    assert_eq!(refused_by(cut).await.kind, PortErrorKind::Broken);
    assert_eq!(refused_by(|_| Answer::Last(Vec::new())).await.kind, PortErrorKind::Broken);
}

#[tokio::test]
async fn another_program_or_an_old_kamailio_is_the_wrong_version() {
    let version = |said: &'static str| {
        move |request: &str| match request.contains("core.version") {
            true => Answer::Bytes(http_answer(200, &json!({"jsonrpc": "2.0", "result": said, "id": "core.version"}).to_string())),
            false => kamailio_without(&[])(request),
        }
    };
    assert_eq!(refused_by(version("kamailio 4.4.7 (x86_64/linux)")).await.kind, PortErrorKind::WrongVersion);
    let error = refused_by(version("bitcoind 27")).await;
    assert!(error.kind == PortErrorKind::WrongVersion && error.said.contains("bitcoind"), "{error}");
    assert_eq!(refused_by(kamailio_without(&["core.version"])).await.kind, PortErrorKind::WrongVersion);
    assert_eq!(refused_by(|_| Answer::Bytes(http_answer(404, "no such page"))).await.kind, PortErrorKind::WrongVersion);
}

#[tokio::test]
async fn a_closed_door_is_denied() {
    for status in [401, 403] {
        let error = refused_by(move |_| Answer::Bytes(http_answer(status, "Management only\n"))).await;
        assert_eq!(error.kind, PortErrorKind::Denied, "{error}");
    }
    assert_eq!(refused_by(|_| Answer::Bytes(http_answer(500, "oops"))).await.kind, PortErrorKind::Failed);
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_the_end() {
    let endless = "x".repeat(5 * 1024 * 1024);
    let error = refused_by(move |_| Answer::Bytes(http_answer(200, &endless))).await;
    assert!(error.kind == PortErrorKind::Garbage && error.said.contains("larger than"), "{error}");
}

#[test]
fn an_address_that_is_none_is_ours_to_mend() {
    let error = Kamailio::new("kamailio-01", "10.40.40.11:8060", DEADLINE).err().expect("it is no URL");
    assert_eq!(error.kind, PortErrorKind::NotConfigured, "{error}");
}

#[tokio::test]
async fn a_destination_is_put_into_a_state_by_the_words_kamailio_knows() {
    let stand_in = StandIn::http(|request| {
        let body: Value = serde_json::from_str(request.split_once("\r\n\r\n").expect("a body").1).expect("JSON");
        let method = method_of(request);
        let known = match method.as_str() {
            "dispatcher.set_state" => body["params"] == json!(["dx", 101, "sip:203.0.113.101:5060"]),
            "dispatcher.list" => {
                let answer = json!({"jsonrpc": "2.0", "result": recorded("dispatcher.list"), "id": method});
                return Answer::Bytes(http_answer(200, &answer.to_string()));
            }
            _ => false,
        };
        let answer = match known {
            true => json!({"jsonrpc": "2.0", "result": [], "id": method}),
            false => json!({"jsonrpc": "2.0", "error": {"code": 500, "message": "State Update Failed"}, "id": method}),
        };
        Answer::Bytes(http_answer(200, &answer.to_string()))
    })
    .await;
    let proxy = Kamailio::new("kamailio-01", &format!("http://{}/RPC", stand_in.address), DEADLINE).expect("an address");
    proxy.set_target_state(101, "sip:203.0.113.101:5060", TargetState::Disabled).await.expect("it takes it");
    let refused = proxy.set_target_state(101, "sip:203.0.113.199:5060", TargetState::Disabled).await.expect_err("it has none");
    assert_eq!(refused.kind, PortErrorKind::Failed);
    assert!(refused.to_string().contains("may not have sip:203.0.113.199:5060 in set 101"), "{refused}");
    assert_eq!(proxy.dispatcher_sets().await.expect("the sets").len(), 2);
    let flags = [TargetState::Active, TargetState::Inactive, TargetState::Disabled, TargetState::Trying].map(TargetState::flags);
    assert_eq!(flags, ["ap", "ip", "dx", "tp"]);
}
