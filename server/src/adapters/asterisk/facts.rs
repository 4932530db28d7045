//! A PBX as it answers questions: version, since when, trunks and phones with their reachability, codecs in use.

use super::{Door, calls::Calls, calls::VARIABLES, session::Session, wire::Packet};
use app::{
    fleet::facts::{PbxEndpoint, PbxFacts},
    values::{Moment, PortError, PortErrorKind},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// Of so many places that phones and trunks are reached at is asked how they are in one round; a PBX of ours has two.
const PLACES_ASKED_MAX: usize = 64;

pub async fn read(session: &mut Session, door: &Door, now: Moment) -> Result<PbxFacts, PortError> {
    let settings = session.ask("CoreSettings", &[]).await?;
    let version = settings.first().and_then(|packet| packet.get("AsteriskVersion"));
    let garbage = |doing: &str, said: &str| door.error(doing, PortErrorKind::Garbage, said);
    let version = version.ok_or_else(|| garbage("ask CoreSettings", "the answer has no AsteriskVersion"))?.to_string();
    let status = session.ask("CoreStatus", &[]).await?;
    let status = status.first().filter(|packet| packet.get("CoreStartupDate").is_some());
    let status = status.ok_or_else(|| garbage("ask CoreStatus", "the answer has no CoreStartupDate"))?;
    let channels = session.ask("Status", &[("Variables", VARIABLES)]).await?;
    let mut calls = Calls::new(&door.name);
    for channel in &channels {
        calls.hear(channel, now);
    }
    let all = calls.all();
    let mut facts = PbxFacts {
        version,
        channels: channels.len() as u64,
        calls: all.len() as u64,
        codecs: codecs(&channels),
        transcoding: all.iter().filter(|call| call.transcodes()).count() as u64,
        endpoints: endpoints(session).await?,
        ..PbxFacts::default()
    };
    (facts.started_at, facts.reloaded_at) = (moment(status, "Startup"), moment(status, "Reload"));
    Ok(facts)
}

/// `CoreStartupDate` and `CoreStartupTime`, in the PBX's zone: UTC, as `server/stack` has it.
fn moment(status: &Packet, what: &str) -> Option<Moment> {
    let [date, time] = ["Date", "Time"].map(|part| status.get(&format!("Core{what}{part}")));
    Moment::parse(&format!("{}T{}", date?, time?))
}

fn codecs(channels: &[Packet]) -> BTreeMap<String, u64> {
    let mut codecs = BTreeMap::new();
    for codec in channels.iter().filter_map(|channel| super::calls::codec(channel.get("Nativeformats")?)) {
        *codecs.entry(codec).or_default() += 1;
    }
    codecs
}

async fn endpoints(session: &mut Session) -> Result<Vec<PbxEndpoint>, PortError> {
    let list = match session.ask("PJSIPShowEndpoints", &[]).await {
        Ok(list) => list,
        // A PBX without any says so by an error.
        Err(error) if error.kind == PortErrorKind::Failed => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let list: Vec<&Packet> = list.iter().filter(|packet| packet.event() == Some("EndpointList")).collect();
    // Several endpoints share one place; each place is asked about once.
    let mut contacts: BTreeMap<String, Packet> = BTreeMap::new();
    let mut asked = BTreeSet::new();
    for (name, place) in list.iter().filter_map(|packet| Some((packet.get("ObjectName")?, packet.get("Aor")?))) {
        if asked.len() == PLACES_ASKED_MAX || !asked.insert(place) {
            continue;
        }
        match session.ask("PJSIPShowEndpoint", &[("Endpoint", name)]).await {
            Ok(detail) => {
                let contact = detail.into_iter().find(|packet| packet.event() == Some("ContactStatusDetail"));
                contacts.extend(contact.map(|contact| (place.to_string(), contact)));
            }
            // Removed by a reload since it was listed.
            Err(error) if error.kind == PortErrorKind::Failed => {}
            Err(error) => return Err(error),
        }
    }
    Ok(list.into_iter().filter_map(|packet| endpoint(packet, &contacts)).collect())
}

fn endpoint(packet: &Packet, contacts: &BTreeMap<String, Packet>) -> Option<PbxEndpoint> {
    let contact = packet.get("Aor").and_then(|place| contacts.get(place));
    let reachable = match contact.and_then(|contact| contact.get("Status")) {
        Some("Reachable") => Some(true),
        Some("Unreachable") => Some(false),
        // Not asked, or not yet.
        _ => None,
    };
    let round_trip = contact.and_then(|contact| contact.number::<u64>("RoundtripUsec")).filter(|_| reachable == Some(true));
    Some(PbxEndpoint {
        name: packet.get("ObjectName")?.into(),
        reachable,
        contact: contact.and_then(|contact| contact.get("URI")).map(Into::into),
        round_trip_ms: round_trip.map(|micros| Duration::from_micros(micros).as_secs_f32() * 1_000.0),
        channels: packet.number("ActiveChannels").unwrap_or(0),
    })
}
