//! What a machine's service tells, by its role.

use super::{Fact, Section, count};
use crate::{
    fleet::{
        facts::{DatabaseFacts, PbxFacts, ProxyFacts, TargetState},
        inventory::Machine,
        map::{Sight, lag},
        world::{MachineSeen, Seen},
    },
    values::{
        Moment, Tone,
        quantity::{format_age, format_bytes, format_count, format_span},
    },
};
use std::time::Duration;

pub(super) fn sections(sight: &Sight<'_>, machine: &Machine, seen: &MachineSeen) -> Vec<Section> {
    let mut sections = Vec::new();
    if let Some(answer) = seen.sip.as_ref().and_then(Seen::value) {
        let tone = if answer.status < 300 { Tone::Good } else { Tone::Notice };
        let mut facts =
            vec![Fact::toned("answer to OPTIONS", format!("{} after {:.1} ms", answer.status, answer.round_trip_ms), tone)];
        facts.extend(answer.server.as_ref().map(|server| Fact::new("says it is", &**server)));
        sections.push(Section { title: "SIP".into(), facts });
    }
    if let Some(proxy) = seen.proxy.as_ref().and_then(Seen::value) {
        sections.extend(proxy_sections(sight, seen, proxy));
    }
    if let Some(pbx) = seen.pbx.as_ref().and_then(Seen::value) {
        sections.extend(pbx_sections(pbx, seen, sight.now));
    }
    if let Some(database) = seen.database.as_ref().and_then(Seen::value) {
        sections.push(database_section(machine, database));
    }
    sections
}

/// Of a destination, by the proxy's own clock, which counts whole milliseconds.
fn latency(ms: f32) -> String {
    if ms < 1.0 { "under 1 ms".into() } else { format!("{ms:.1} ms") }
}

fn proxy_sections(sight: &Sight<'_>, seen: &MachineSeen, proxy: &ProxyFacts) -> Vec<Section> {
    let (used, all) = (format_bytes(proxy.shared_memory_used_bytes), format_bytes(proxy.shared_memory_total_bytes));
    let mut service = vec![
        Fact::new("version", &*proxy.version),
        Fact::new("running for", format_span(Duration::from_secs(proxy.uptime_s))),
        Fact::new("dialogs", format_count(proxy.dialogs)),
        Fact::new("transactions", format_count(proxy.transactions)),
        Fact::new("shared memory", format!("{used} of {all}")),
    ];
    for peer in proxy.dmq_peers.iter().filter(|peer| !peer.is_self) {
        let (tone, word) = if peer.active { (Tone::Good, "active") } else { (Tone::Notice, "lost") };
        service.push(Fact::toned("DMQ peer", format!("{} · {word}", peer.uri), tone));
    }
    service.extend(
        proxy.hash_tables.iter().map(|(name, rows)| Fact::new(format!("hash table {name}"), count(*rows, "entry", "entries"))),
    );
    let mut targets = Vec::new();
    for set in &proxy.sets {
        let carrier = sight.inventory.carriers.iter().find(|carrier| u32::from(carrier.set) == set.id);
        let whose = match carrier {
            Some(carrier) => carrier.name.clone(),
            None if set.id == 1 => "PBX pool".into(),
            None => format!("set {}", set.id),
        };
        for target in &set.targets {
            let (tone, word) = match target.state {
                TargetState::Active => (Tone::Good, "active"),
                TargetState::Trying => (Tone::Notice, "trying"),
                TargetState::Inactive => (Tone::Bad, "inactive"),
                TargetState::Disabled => (Tone::Idle, "disabled"),
            };
            let round_trip = target.round_trip_ms.map_or_else(String::new, |ms| format!(" · {}", latency(ms)));
            targets.push(Fact::toned(&*whose, format!("{} · {word}{round_trip}", target.uri), tone));
        }
    }
    let trees = proxy.trees.iter().map(|tree| {
        let ago = |at| format_age(sight.now.since(seen.by_our_clock(at, sight.now)));
        let age = tree.reloaded_at.map_or_else(|| "reload unknown".into(), |at| format!("read {}", ago(at)));
        let tone = if tree.rows == 0 { Tone::Bad } else { Tone::Good };
        Fact::toned(&*tree.name, format!("{} · {} · {age}", count(tree.rows, "row", "rows"), format_bytes(tree.memory_bytes)), tone)
    });
    vec![
        Section { title: "Kamailio".into(), facts: service },
        Section { title: "Dispatcher".into(), facts: targets },
        Section { title: "Route tables".into(), facts: trees.collect() },
    ]
}

fn pbx_sections(pbx: &PbxFacts, seen: &MachineSeen, now: Moment) -> Vec<Section> {
    let mut service = vec![
        Fact::new("version", &*pbx.version),
        Fact::new("calls", format_count(pbx.calls)),
        Fact::new("channels", format_count(pbx.channels)),
    ];
    if let Some(at) = pbx.started_at {
        service.push(Fact::new("running for", format_span(Duration::from_secs(now.since(seen.by_our_clock(at, now)).as_secs()))));
    }
    let tone = if pbx.transcoding > 0 { Tone::Notice } else { Tone::Good };
    service.push(Fact::toned("transcoded", count(pbx.transcoding, "call", "calls"), tone));
    service.extend(pbx.codecs.iter().map(|(codec, channels)| Fact::new(codec, count(*channels, "channel", "channels"))));
    let endpoint = |endpoint: &crate::fleet::facts::PbxEndpoint| {
        let (tone, word) = match endpoint.reachable {
            Some(true) => (Tone::Good, "reached"),
            Some(false) => (Tone::Bad, "not reached"),
            None => (Tone::Idle, "not asked"),
        };
        let round_trip = endpoint.round_trip_ms.map_or_else(String::new, |ms| format!(" · {ms:.1} ms"));
        let text = format!("{word}{round_trip} · {}", count(endpoint.channels, "channel", "channels"));
        Fact::toned(&*endpoint.name, text, tone)
    };
    let endpoints = pbx.endpoints.iter().map(endpoint).collect();
    vec![Section { title: "Asterisk".into(), facts: service }, Section { title: "Trunks".into(), facts: endpoints }]
}

fn database_section(machine: &Machine, database: &DatabaseFacts) -> Section {
    let mut facts = vec![
        Fact::new("version", &*database.version),
        Fact::new("running for", format_span(Duration::from_secs(database.uptime_s))),
        Fact::new("read_only", if database.read_only { "on" } else { "off" }),
        Fact::new("GTID", &*database.gtid_current),
        Fact::new("connections", format!("{} of {}", format_count(database.connections), format_count(database.connections_max))),
    ];
    if let Some(replication) = &database.replication {
        let runs = replication.io_running && replication.sql_running;
        let word = if runs { "receives and applies" } else { "stands still" };
        let tone = if runs { Tone::Good } else { Tone::Bad };
        facts.push(Fact::toned("replication", format!("{word} · from {}", replication.source_host), tone));
        let errors = [&replication.io_error, &replication.sql_error].into_iter().flatten();
        facts.extend(errors.map(|error| Fact::toned("error", &**error, Tone::Bad)));
        let behind = lag(database);
        let tone = if behind.is_some_and(|behind| behind < Duration::from_secs(2)) { Tone::Good } else { Tone::Notice };
        facts.push(Fact::toned("behind", behind.map_or_else(|| "unknown".into(), format_span), tone));
    } else if database.semi_sync.primary_enabled {
        let (tone, word) =
            if database.semi_sync.primary_active { (Tone::Good, "commits wait") } else { (Tone::Notice, "commits do not wait") };
        facts.push(Fact::toned(
            "semi-sync",
            format!("{word} · {}", count(database.semi_sync.replicas, "replica", "replicas")),
            tone,
        ));
    }
    Section { title: format!("MariaDB on {}", machine.name), facts }
}
