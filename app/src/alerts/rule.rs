//! Rules: pure functions from what was observed to what is wrong.

use super::{
    rules,
    subject::{Severity, Subject},
};
use crate::{
    calls::sources::RecordSource,
    fleet::{certificate::Place, flows::Tries, inventory::Inventory, isolation::Violation, judge::Judgement, world::World},
    values::Moment,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Everything the rules look at. Where the panel has nothing to tell, a list is empty: then its rules neither raise nor end anything.
pub struct Observations<'a> {
    pub inventory: &'a Inventory,
    pub world: &'a World,
    pub judgements: &'a [Judgement],
    /// Since when the panel reaches almost nobody.
    pub blind_since: Option<Moment>,
    pub isolation: &'a [NetworkSight],
    pub volume: &'a [VolumeSight],
    /// Where certificates are looked at; what was seen there is in the world.
    pub certificates: &'a [Place],
    pub trends: &'a [Trend],
    /// By carrier, as the proxies count them.
    pub tries: &'a BTreeMap<String, Tries>,
    /// Of call records; none while they cannot be kept.
    pub sources: &'a [RecordSource],
    pub now: Moment,
}

/// One network's isolation, as its proof gives it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkSight {
    pub network: String,
    /// `false` while not enough was seen to say anything.
    pub known: bool,
    pub violations: Vec<Violation>,
}

/// The measures of one subject's calls over the newest window, and of the same weekday and hour in past weeks.
#[derive(Clone, Debug, PartialEq)]
pub struct VolumeSight {
    /// A carrier, a customer, or all traffic.
    pub subject: Subject,
    pub now: VolumeFigures,
    pub usual: Vec<VolumeFigures>,
    /// Of the window, for the link to the chart.
    pub from: Moment,
    pub until: Moment,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct VolumeFigures {
    pub attempts: u64,
    pub asr_percent: Option<f64>,
    pub ner_percent: Option<f64>,
    pub pdd_ms: Option<f64>,
    pub cps: Option<f64>,
}

/// How full something was over the last hours.
#[derive(Clone, Debug, PartialEq)]
pub struct Trend {
    pub machine: String,
    pub what: Resource,
    /// Oldest first; used of the whole, 0 to 1.
    pub points: Vec<(Moment, f64)>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    /// By its mount point.
    Disk(String),
    Memory,
}

/// What a rule sees now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Symptom {
    pub key: String,
    pub subject: Subject,
    pub severity: Severity,
    /// What happened, to which thing, what to do.
    pub sentence: String,
    pub evidence: Vec<String>,
    /// When it began, where that is known.
    pub since: Option<Moment>,
    /// Whoever would explain it, if something worse is wrong with them.
    pub because: Vec<Subject>,
}

/// The same key on the same subject is the same alert.
pub fn identity(key: &str, subject: &Subject) -> String {
    format!("{key}@{subject}")
}

impl Symptom {
    pub fn new(key: impl Into<String>, subject: Subject, severity: Severity, sentence: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            subject,
            severity,
            sentence: sentence.into(),
            evidence: Vec::new(),
            since: None,
            because: Vec::new(),
        }
    }

    pub fn evidence(mut self, lines: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.evidence.extend(lines.into_iter().map(Into::into).filter(|line| !line.is_empty()));
        self
    }

    pub fn because(mut self, subjects: impl IntoIterator<Item = Subject>) -> Self {
        self.because.extend(subjects);
        self.because.sort();
        self.because.dedup();
        self
    }

    pub fn identity(&self) -> String {
        identity(&self.key, &self.subject)
    }
}

/// Every rule over the same observations. Two rules that see the same thing are one symptom: the worse one.
pub fn symptoms(seen: &Observations<'_>) -> Vec<Symptom> {
    if let Some(blind) = rules::panel::blind(seen) {
        return vec![blind];
    }
    let all = [
        rules::findings::judged(seen),
        rules::reach::hosts(seen),
        rules::reach::targets(seen),
        rules::reach::refusing(seen),
        rules::reach::virtual_addresses(seen),
        rules::isolation::violations(seen),
        rules::inventory::differing(seen),
        rules::volume::out_of_band(seen),
        rules::resources::filling(seen),
        rules::certificate::wrong(seen),
        rules::records::behind(seen),
    ];
    let mut by_identity: BTreeMap<String, Symptom> = BTreeMap::new();
    for symptom in all.into_iter().flatten() {
        match by_identity.get_mut(&symptom.identity()) {
            Some(known) if known.severity >= symptom.severity => known.because.extend(symptom.because),
            Some(known) => *known = symptom,
            None => {
                by_identity.insert(symptom.identity(), symptom);
            }
        }
    }
    by_identity.into_values().collect()
}
