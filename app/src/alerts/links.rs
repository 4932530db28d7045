//! Where an alert leads: the node on the map, the range of the chart, the calls behind it, the place of the right action.

use super::{
    alert::Alert,
    subject::{Subject, SubjectKind},
};
use crate::{
    routes::Page,
    values::{Moment, Query},
};
use std::time::Duration;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub title: String,
    pub href: String,
}

fn link(title: impl Into<String>, href: String) -> Link {
    Link { title: title.into(), href }
}

/// The most useful first.
pub fn links(alert: &Alert, now: Moment) -> Vec<Link> {
    let mut found = Vec::new();
    let kind = alert.key.split(':').next().unwrap_or_default();
    let until = alert.resolved_at.unwrap_or(now);
    let range = |query: Query| {
        let from = alert.since.minus(Duration::from_secs(3_600));
        query.with("from", minute(from)).with("to", minute(until.plus(Duration::from_secs(60))))
    };
    let volume = |subject: &Subject| match subject.kind {
        SubjectKind::Carrier | SubjectKind::Customer => {
            Query::default().with("by", subject.kind.name()).with(subject.kind.name(), subject.name.clone())
        }
        _ => Query::default().with("by", "total"),
    };
    let is_volume = ["asr.low", "ner.low", "pdd.high", "cps.low", "cps.high", "carrier.away", "carrier.failing"].contains(&kind);
    if is_volume {
        found.push(link("The chart around it", range(volume(&alert.subject)).link(&Page::Volume.path())));
        let calls = match alert.subject.kind {
            SubjectKind::Carrier | SubjectKind::Customer => {
                Query::default().with(alert.subject.kind.name(), alert.subject.name.clone())
            }
            _ => Query::default(),
        };
        found.push(link("The calls behind it", range(calls).link(&Page::Cdrs.path())));
    }
    if ["replica", "primary", "semi-sync", "connections"].contains(&kind.split('.').next().unwrap_or_default()) {
        found.push(link("Both databases side by side", Page::Databases.path()));
    }
    if kind == "cdrs.behind" {
        found.push(link("What is counted until now", range(Query::default().with("by", "total")).link(&Page::Volume.path())));
    }
    if kind.starts_with("inventory.") {
        found.push(link("All differences from the inventory", Page::Networks.path()));
    }
    if kind.starts_with("certificate.") {
        found.push(link("All certificates", Page::Networks.path()));
    }
    match alert.subject.kind {
        SubjectKind::Machine => {
            let name = &alert.subject.name;
            found.push(link(format!("{name} and what can be done with it"), Page::Machine(name.clone()).path()));
        }
        SubjectKind::Network => found.push(link("The proof of this network", Page::Network(alert.subject.name.clone()).path())),
        SubjectKind::Panel => found.push(link("The panel itself", Page::System.path())),
        SubjectKind::Host | SubjectKind::Cluster => found.push(link("On the map", Page::Map.path())),
        SubjectKind::Carrier | SubjectKind::Customer | SubjectKind::Traffic if !is_volume => {
            found.push(link("On the map", Page::Map.path()));
        }
        SubjectKind::Carrier | SubjectKind::Customer | SubjectKind::Traffic => {}
    }
    found
}

/// `2026-11-22T03:12`, as the charts' addresses have it.
fn minute(at: Moment) -> String {
    format!("{}T{}", at.date(), at.hour_and_minute())
}
