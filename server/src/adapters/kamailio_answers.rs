//! Kamailio's answers, understood. Pure: text in, facts out.

use super::http::{Failure, refusal};
use app::{
    fleet::facts::{DispatcherSet, DispatcherTarget, DmqPeer, RouteTree, TargetState},
    values::{Moment, PortErrorKind},
};
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};

/// The result of one JSON-RPC answer.
///
/// A method's error is "nothing there": Kamailio answers 500 for a module that is not loaded (later versions -32601), but also for a
/// dispatcher without sets and an mtree without trees. Only `core.version`, which every Kamailio knows, must succeed; its caller sees to that.
pub fn result(method: &str, status: u16, body: &[u8]) -> Result<Option<Value>, Failure> {
    let answer: Value = match serde_json::from_slice(body) {
        Ok(answer) => answer,
        Err(error) => {
            // Who says no in HTTP need not say it in JSON.
            return Err(refusal(status).unwrap_or_else(|| {
                let what = if error.is_eof() && !body.is_empty() { "JSON that ends in the middle" } else { "no JSON" };
                (PortErrorKind::Garbage, format!("the answer is {what}: {:?}", beginning(body)))
            }));
        }
    };
    if answer["jsonrpc"] != "2.0" {
        return Err(refusal(status)
            .unwrap_or_else(|| (PortErrorKind::Garbage, format!("the answer is no JSON-RPC: {:?}", beginning(body)))));
    }
    if let Some(error) = answer.get("error") {
        let code = error["code"].as_i64().unwrap_or_default();
        let message = error["message"].as_str().unwrap_or_default();
        return match matches!(code, 401 | 403) {
            true => Err((PortErrorKind::Denied, format!("it answered {code} {message}"))),
            false => Ok(None),
        };
    }
    match (answer["id"] == method, answer.get("result")) {
        (true, Some(result)) => Ok(Some(result.clone())),
        (false, Some(_)) => Err((PortErrorKind::Garbage, format!("it answered request {} instead of ours", answer["id"]))),
        (_, None) => Err((PortErrorKind::Garbage, "the answer has neither a result nor an error".into())),
    }
}

fn beginning(body: &[u8]) -> String {
    String::from_utf8_lossy(body).chars().take(60).collect()
}

/// `kamailio 5.6.3 (x86_64/linux) ` without the blank.
pub fn version(result: Option<&Value>) -> Result<String, Failure> {
    let said = result.and_then(Value::as_str).map(str::trim);
    match said {
        Some(version) if version.to_ascii_lowercase().starts_with("kamailio") => Ok(version.into()),
        Some(other) => {
            let other: String = other.chars().take(60).collect();
            Err((PortErrorKind::WrongVersion, format!("it says it is {other:?}, not Kamailio")))
        }
        None => Err((PortErrorKind::WrongVersion, "it speaks JSON-RPC but does not know core.version: it is not Kamailio".into())),
    }
}

pub fn major(version: &str) -> Option<u32> {
    version.split_whitespace().nth(1)?.split('.').next()?.parse().ok()
}

/// Numbers come as such or, from some modules, as text.
fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())
}

fn list(value: &Value) -> Result<&[Value], String> {
    value.as_array().map(Vec::as_slice).ok_or_else(|| "the answer is not a list".into())
}

fn text(value: &Value) -> Result<String, String> {
    value.as_str().map(Into::into).ok_or_else(|| "a name is missing in the answer".into())
}

pub fn uptime(result: &Value) -> Result<u64, String> {
    number(&result["uptime"]).ok_or_else(|| "the answer has no uptime".into())
}

/// The dispatcher sets in the order of their numbers, targets in that of their addresses: Kamailio's own order changes at a reload.
pub fn sets(result: &Value) -> Result<Vec<DispatcherSet>, String> {
    let mut sets = Vec::new();
    for record in list(&result["RECORDS"]).map_err(|_| "the answer has no RECORDS")? {
        let set = &record["SET"];
        let id = number(&set["ID"]).and_then(|id| u32::try_from(id).ok()).ok_or("a set has no ID")?;
        let mut targets = Vec::new();
        for target in list(&set["TARGETS"]).map_err(|_| format!("set {id} has no TARGETS"))? {
            targets.push(target_of(&target["DEST"]).map_err(|said| format!("set {id}: {said}"))?);
        }
        targets.sort_by(|one, other| one.uri.cmp(&other.uri));
        sets.push(DispatcherSet { id, targets });
    }
    sets.sort_by_key(|set| set.id);
    Ok(sets)
}

fn target_of(dest: &Value) -> Result<DispatcherTarget, String> {
    let flags = dest["FLAGS"].as_str().unwrap_or_default();
    // The second letter says whether it is probed (P or X); the first is the state.
    let state = match flags.chars().next() {
        Some('A') => TargetState::Active,
        Some('I') => TargetState::Inactive,
        Some('D') => TargetState::Disabled,
        Some('T') => TargetState::Trying,
        _ => return Err(format!("a target's FLAGS are {flags:?}")),
    };
    let priority = dest["PRIORITY"].as_i64().and_then(|priority| i32::try_from(priority).ok()).unwrap_or(0);
    Ok(DispatcherTarget { uri: text(&dest["URI"])?, state, priority, round_trip_ms: round_trip(&dest["LATENCY"], state) })
}

/// There only with `ds_ping_latency_stats`. Kamailio counts whole milliseconds, so zero is a near neighbour, or one that has not
/// answered yet; which of the two, its state says from the first probes on.
#[expect(clippy::cast_possible_truncation, reason = "a round trip in milliseconds needs no more digits")]
fn round_trip(latency: &Value, state: TargetState) -> Option<f32> {
    let average = latency["AVG"].as_f64().or_else(|| latency["AVG"].as_str()?.parse().ok())?;
    (average > 0.0 || state == TargetState::Active).then_some(average as f32)
}

/// Each table's entries. What stands in `htable.listTables` is the number of slots, which says nothing.
pub fn hash_tables(result: &Value) -> Result<BTreeMap<String, u64>, String> {
    list(result)?.iter().map(|table| Ok((text(&table["name"])?, number(&table["all"]).unwrap_or(0)))).collect()
}

pub fn dmq_peers(result: &Value) -> Result<Vec<DmqPeer>, String> {
    let peer = |node: &Value| {
        let (host, port) =
            (text(&node["host"])?, node["port"].as_str().map(Into::into).unwrap_or_else(|| node["port"].to_string()));
        let is_self = number(&node["local"]) == Some(1);
        Ok(DmqPeer { uri: format!("sip:{host}:{port}"), active: node["status"] == "active", is_self })
    };
    let mut peers: Vec<DmqPeer> = list(result)?.iter().map(peer).collect::<Result<_, String>>()?;
    peers.sort_by(|one, other| one.uri.cmp(&other.uri));
    Ok(peers)
}

pub fn trees(result: &Value) -> Result<Vec<RouteTree>, String> {
    let tree = |entry: &Value| {
        let item = &entry["item"];
        let reloaded_at = number(&item["reload_time"]).filter(|at| *at > 0).and_then(|at| i64::try_from(at).ok());
        Ok(RouteTree {
            name: text(&entry["table"])?,
            rows: number(&item["nritems"]).ok_or("a tree has no nritems")?,
            memory_bytes: number(&item["memsize"]).unwrap_or(0),
            reloaded_at: reloaded_at.map(Moment::from_seconds),
        })
    };
    list(result)?.iter().map(tree).collect()
}

/// `core:rcv_requests = 3012` becomes `core.rcv_requests`.
pub fn statistics(result: &Value) -> Result<BTreeMap<String, u64>, String> {
    let line = |line: &Value| {
        let (name, value) = line.as_str()?.split_once('=')?;
        Some((name.trim().replacen(':', ".", 1), value.trim().parse().ok()?))
    };
    Ok(list(result)?.iter().filter_map(line).collect())
}

/// Used and total bytes.
pub fn memory_of_statistics(counters: &BTreeMap<String, u64>) -> (u64, u64) {
    let of = |name: &str| counters.get(name).copied().unwrap_or(0);
    (of("shmem.real_used_size"), of("shmem.total_size"))
}

pub fn memory(result: &Value) -> (u64, u64) {
    let of = |name: &str| number(&result[name]).unwrap_or(0);
    (of("real_used"), of("total"))
}

/// Calls that run through this proxy. `dlg.stats_active` also counts those it only knows by DMQ from the other proxy, so that the
/// sum over both would be twice the truth; the statistics count a proxy's own.
pub fn own_dialogs(counters: &BTreeMap<String, u64>) -> Option<u64> {
    // Kamailio counts one down too often when a dialog ends in two ways at once, and below zero it goes on from the largest number.
    let of = |name: &str| counters.get(name).map(|count| i64::try_from(*count).map_or(0, i64::unsigned_abs));
    Some(of("dialog.active_dialogs")?.saturating_add(of("dialog.early_dialogs")?))
}

pub fn dialogs(result: &Value) -> u64 {
    number(&result["all"]).unwrap_or(0)
}

pub fn transactions(result: &Value) -> u64 {
    number(&result["current"]).unwrap_or(0)
}

/// Adds the counters that our own configuration keeps, by Prometheus' notation without the program's name:
/// `attempts_total{carrier="carrier-a",status="503"}`. The page repeats all statistics, with `_` for `.`; those are left out.
pub fn add_own_counters(counters: &mut BTreeMap<String, u64>, page: &str) {
    let known: HashSet<String> = counters.keys().map(|name| name.replace('.', "_")).collect();
    for line in page.lines().filter(|line| !line.starts_with('#')) {
        let Some(metric) = line.strip_prefix("kamailio_") else { continue };
        let (name, rest) = match metric.split_once('}') {
            Some((name, rest)) => (format!("{}}}", name.replace(", ", ",")), rest),
            None => metric.split_once(' ').map(|(name, rest)| (name.into(), rest)).unwrap_or_default(),
        };
        let value = rest.split_whitespace().next().and_then(|value| value.parse().ok());
        if let Some(value) = value.filter(|_| !known.contains(&name)) {
            counters.insert(name, value);
        }
    }
}
