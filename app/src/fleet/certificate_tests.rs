//! Places of certificates, and how they are told on a page.

use super::*;
use crate::{
    fleet::{sample, world::Seen},
    values::{PortError, PortErrorKind},
};

const NOW: Moment = Moment::from_seconds(1_795_317_152);

fn declared(entries: &[(&str, &str, Option<&str>)]) -> Inventory {
    let mut inventory = sample::lab();
    let entry = |(name, address, server_name): &(&str, &str, Option<&str>)| super::super::inventory::TlsEndpoint {
        name: (*name).into(),
        address: (*address).into(),
        server_name: server_name.map(Into::into),
    };
    inventory.certificates = entries.iter().map(entry).collect();
    inventory
}

#[test]
fn doors_hypervisors_and_declared_endpoints_are_looked_at() {
    let mut inventory = declared(&[
        ("web", "www.example.net:443", None),
        ("sip", "203.0.113.11:5061", Some("sip.example.net")),
        ("bare", "192.0.2.1:5061", None),
    ]);
    inventory.hosts[0].url = Some("https://10.40.40.1:8443/sdk".into());
    let found = places(&inventory, [(STAFF_DOOR, "https://noc.example.net/panel"), (PORTAL_DOOR, "http://127.0.0.1:3001")]);
    let told: Vec<String> = found
        .iter()
        .map(|place| format!("{} {} {}", place.name, place.address(), place.server_name.as_deref().unwrap_or("-")))
        .collect();
    assert_eq!(
        told,
        [
            "staff door noc.example.net:443 noc.example.net",
            "host-01 10.40.40.1:8443 10.40.40.1",
            "web www.example.net:443 www.example.net",
            "sip 203.0.113.11:5061 sip.example.net",
            "bare 192.0.2.1:5061 -",
        ]
    );
    assert_eq!(found[3].owner, Owner::Declared(Some("kamailio-01".into())));
    inventory.hosts[0].certificate = Some("ab".repeat(32));
    let host = places(&inventory, [("", ""), ("", "")]).swap_remove(0);
    assert_eq!(host.server_name, None, "a pinned certificate is believed whatever names are in it");
    assert_eq!(places(&sample::lab(), [("", ""), ("", "")]), [], "the lab has none");
}

#[test]
fn an_address_is_a_host_and_a_port() {
    for (text, expected) in [
        ("a.b-c.net:443", Some(("a.b-c.net", 443))),
        ("10.0.0.1:5061", Some(("10.0.0.1", 5061))),
        ("a", None),
        ("a:0", None),
        ("a:70000", None),
        (":443", None),
        ("https://a:443", None),
        ("a b:443", None),
    ] {
        assert_eq!(split_address(text), expected, "{text}");
    }
}

#[test]
fn a_table_has_a_row_for_each_place_and_says_what_is_not_seen() {
    let inventory = declared(&[("good", "a:1", None), ("ended", "b:1", None), ("away", "c:1", None), ("new", "d:1", None)]);
    let places = places(&inventory, [("", ""), ("", "")]);
    let facts = |valid_until| CertificateFacts {
        valid_from: NOW.minus(DAY * 90),
        valid_until,
        names: vec!["a".into()],
        issuer: "CN=test".into(),
        is_for_name: true,
    };
    let mut world = World::default();
    for (name, valid_until) in [("good", NOW.plus(DAY * 73)), ("ended", NOW.minus(DAY)), ("away", NOW.plus(DAY))] {
        let mut seen = Seen::new(3_600_000, NOW);
        seen.note(Ok(facts(valid_until)), NOW);
        if name == "away" {
            seen.note(Err(PortError::new("away c:1", "look", PortErrorKind::Refused, "nobody listens there")), NOW);
        }
        world.certificates.insert(name.into(), seen);
    }
    let rows = table(&places, &world, NOW).expect("there are places").rows;
    let states: Vec<(Option<Tone>, &str)> = rows.iter().map(|row| (row[1].tone, row[1].text.as_str())).collect();
    let since = format!("not seen since {} UTC", NOW.time_of_day());
    assert_eq!(
        states,
        [
            (Some(Tone::Good), "ends in 73 d 0 h"),
            (Some(Tone::Bad), &*format!("ended {} UTC", NOW.minus(DAY).date())),
            (Some(Tone::Idle), &*since),
            (Some(Tone::Idle), "not seen yet"),
        ]
    );
    assert!(rows[2][1].below.contains("nobody listens there"), "{:?}", rows[2][1]);
    assert_eq!(table(&[], &world, NOW), None);
}
