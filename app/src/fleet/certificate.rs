//! Certificates: at which places they are looked at, and how each is.
//!
//! Places are hypervisors with an https url, the panel's own doors where they are reached by https, and the TLS endpoints that the
//! inventory declares. A place that was not seen lately has no state: its certificate may have been renewed, or not.

use super::{
    facts::CertificateFacts,
    inventory::Inventory,
    judge::{Finding, MachineState},
    sheet::{Cell, Head, SheetTable},
    world::World,
};
use crate::values::{Moment, Tone, quantity::format_span};
use std::{net::Ipv4Addr, time::Duration};

const DAY: Duration = Duration::from_secs(86_400);
/// Whoever renews by itself does so a month before.
const NOTICE_DAYS: u32 = 21;
const BAD_DAYS: u32 = 7;
pub const STAFF_DOOR: &str = "staff door";
pub const PORTAL_DOOR: &str = "portal door";

/// Where a certificate is presented.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// `staff door`, the name of a host, or that of the inventory's entry.
    pub name: String,
    pub owner: Owner,
    pub host: String,
    pub port: u16,
    /// What users call it; the certificate has to be for this name. Absent where nobody checks a name.
    pub server_name: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A door of the panel.
    Panel,
    /// The hypervisor of this name.
    Host(String),
    /// Declared in the inventory; the machine that has the address, where one has.
    Declared(Option<String>),
}

impl Place {
    pub fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// As it stands in a sentence.
    fn title(&self) -> String {
        format!("{} ({})", self.name, self.address())
    }
}

/// Every place at which a certificate is looked at; `doors` are the names and the urls of the panel's own.
pub fn places(inventory: &Inventory, doors: [(&str, &str); 2]) -> Vec<Place> {
    let doors = doors.into_iter().filter_map(|(name, url)| {
        let (host, port) = https(url)?;
        Some(Place { name: name.into(), owner: Owner::Panel, server_name: Some(host.clone()), host, port })
    });
    let hosts = inventory.hosts.iter().filter_map(|known| {
        let (host, port) = https(known.url.as_deref()?)?;
        // Pinned, it is believed whatever names are in it.
        let server_name = known.certificate.is_none().then(|| host.clone());
        Some(Place { name: known.name.clone(), owner: Owner::Host(known.name.clone()), host, port, server_name })
    });
    let declared = inventory.certificates.iter().filter_map(|declared| {
        let (host, port) = split_address(&declared.address)?;
        let by_number = host.parse::<Ipv4Addr>().ok();
        let machine = by_number.and_then(|at| {
            let has = |machine: &&super::inventory::Machine| inventory.nics(machine).iter().any(|nic| nic.address == at);
            inventory.machines.iter().find(has).map(|machine| machine.name.clone())
        });
        // An address is not what users of names ask for.
        let server_name = declared.server_name.clone().or_else(|| by_number.is_none().then(|| host.to_string()));
        Some(Place { name: declared.name.clone(), owner: Owner::Declared(machine), host: host.into(), port, server_name })
    });
    doors.chain(hosts).chain(declared).collect()
}

/// `portal.example.net:443`, `10.10.10.21:5061`
pub fn split_address(address: &str) -> Option<(&str, u16)> {
    let (host, port) = address.split_once(':')?;
    let port = port.parse().ok().filter(|port| *port != 0)?;
    let is_host = !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    is_host.then_some((host, port))
}

/// Host and port of a url with TLS.
fn https(url: &str) -> Option<(String, u16)> {
    let authority = url.strip_prefix("https://")?.split(['/', '?', '#']).next()?;
    let authority = authority.rsplit('@').next()?;
    let (host, port) = match authority.contains(':') {
        true => split_address(authority)?,
        false => (authority, 443),
    };
    (!host.is_empty()).then(|| (host.into(), port))
}

/// What is wrong with the certificate, the worst first.
pub fn findings(place: &Place, facts: &CertificateFacts, now: Moment) -> Vec<Finding> {
    let title = place.title();
    let finding = |key: &str, severity, message: String, evidence: String| Finding {
        key: format!("certificate.{key}:{}", place.name),
        severity,
        message,
        evidence,
        since: None,
    };
    let valid = format!("valid from {} to {} UTC, issued by {}", facts.valid_from, facts.valid_until, facts.issuer);
    let mut found = Vec::new();
    let left = facts.valid_until.since(now);
    if left.is_zero() {
        let message = format!("The certificate of {title} has ended: who checks it refuses. Renew it.");
        found.push(finding("ending", MachineState::Bad, message, valid.clone()));
    } else if left <= DAY * NOTICE_DAYS {
        let severity = if left <= DAY * BAD_DAYS { MachineState::Bad } else { MachineState::Notice };
        let message = format!("The certificate of {title} ends in {}. Renew it.", format_span(left));
        found.push(finding("ending", severity, message, valid.clone()));
    }
    if facts.valid_from > now {
        let message = format!(
            "The certificate of {title} is not valid before {} UTC: who checks it refuses. Check the clocks, or present another.",
            facts.valid_from
        );
        found.push(finding("early", MachineState::Bad, message, valid));
    }
    if let Some(asked) = place.server_name.as_deref().filter(|_| !facts.is_for_name) {
        let message = format!("The certificate of {title} is not for {asked}: who checks it refuses. Present one with this name.");
        found.push(finding("name", MachineState::Bad, message, format!("it is for {}", names(facts))));
    }
    found.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    found
}

fn names(facts: &CertificateFacts) -> String {
    if facts.names.is_empty() { "no name".into() } else { facts.names.join(", ") }
}

/// The certificate as it was seen at a place, unless that was too long ago or fails now.
pub fn seen_at<'a>(world: &'a World, place: &Place, now: Moment) -> Option<&'a CertificateFacts> {
    world.certificates.get(&place.name).filter(|seen| seen.failing.is_none())?.fresh(now)
}

/// How it is, in a few words: `ends in 73 d 4 h`.
pub fn state(world: &World, place: &Place, now: Moment) -> (Tone, String) {
    let Some(facts) = seen_at(world, place, now) else {
        let failing = world.certificates.get(&place.name).and_then(|seen| seen.failing.as_ref());
        return match failing {
            Some(failing) => (Tone::Idle, format!("not seen since {} UTC", failing.since.time_of_day())),
            None => (Tone::Idle, "not seen yet".into()),
        };
    };
    let worst = findings(place, facts, now).into_iter().next();
    let tone = worst.as_ref().map_or(Tone::Good, |finding| finding.severity.tone());
    let word = match worst.as_ref().and_then(|finding| finding.key.split(':').next()) {
        Some("certificate.early") => format!("not valid before {} UTC", facts.valid_from.date()),
        Some("certificate.name") => format!("not for {}", place.server_name.as_deref().unwrap_or_default()),
        _ if facts.valid_until <= now => format!("ended {} UTC", facts.valid_until.date()),
        _ => format!("ends in {}", format_span(facts.valid_until.since(now))),
    };
    (tone, word)
}

/// All places; nothing where there is none.
pub fn table(places: &[Place], world: &World, now: Moment) -> Option<SheetTable> {
    let row = |place: &Place| {
        let seen = world.certificates.get(&place.name);
        let facts = seen.and_then(super::world::Seen::value);
        let (tone, word) = state(world, place, now);
        let said = seen.and_then(|seen| seen.failing.as_ref()).map_or_else(String::new, |failing| failing.why.clone());
        let valid = |facts: &CertificateFacts| {
            Cell::text(format!("{} to {}", facts.valid_from.date(), facts.valid_until.date())).below(facts.issuer.clone())
        };
        vec![
            Cell::text(&place.name).below(place.address()),
            Cell::state(tone, word).below(said).at(seen.and_then(super::world::Seen::observed_at)),
            facts.map_or_else(Cell::unknown, valid),
            facts.map_or_else(Cell::unknown, |facts| Cell::text(names(facts))),
        ]
    };
    (!places.is_empty()).then(|| SheetTable {
        title: "Certificates".into(),
        note: "as TLS endpoints present them, looked at every hour".into(),
        class: "networks".into(),
        columns: ["Where", "State", "Valid, UTC", "For"].map(Head::text).into(),
        rows: places.iter().map(row).collect(),
    })
}

#[cfg(test)]
#[path = "certificate_tests.rs"]
mod tests;
