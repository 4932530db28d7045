//! Sources of call records that were not read for too long.

use crate::{
    alerts::{
        rule::{Observations, Symptom},
        subject::{Severity, Subject, SubjectKind},
    },
    calls::sources::{ALERT_AFTER, Behind, RecordSource, SourceKind},
};

pub const KEY: &str = "cdrs.behind";

pub fn behind(seen: &Observations<'_>) -> Vec<Symptom> {
    seen.sources.iter().filter_map(|source| source.behind(ALERT_AFTER, seen.now)).map(|behind| symptom(seen, &behind)).collect()
}

fn symptom(seen: &Observations<'_>, behind: &Behind) -> Symptom {
    // Without its tables nothing new is known of any call; a PBX's own file is for what these did not get.
    let (severity, todo) = match behind.kind {
        SourceKind::Cluster => (Severity::Bad, "Look whether one of its nodes answers."),
        SourceKind::Pbx => (Severity::Notice, "Look whether a shell on it is to be had."),
    };
    let members = seen.inventory.clusters.get(&behind.name).filter(|_| behind.kind == SourceKind::Cluster);
    let because = members.into_iter().flat_map(|cluster| &cluster.members).map(Subject::machine);
    let mut symptom =
        Symptom::new(KEY, subject(seen, behind.kind, &behind.name), severity, format!("{} {todo}", behind.sentence()));
    symptom.since = Some(behind.since);
    symptom.evidence([behind.why.clone()]).because(because)
}

fn subject(seen: &Observations<'_>, kind: SourceKind, name: &str) -> Subject {
    match kind {
        SourceKind::Cluster if seen.inventory.clusters.contains_key(name) => Subject::new(SubjectKind::Cluster, name),
        // Databases that no cluster is declared of go by the inventory's own name.
        SourceKind::Cluster => Subject::panel(),
        SourceKind::Pbx => Subject::machine(name),
    }
}

/// Whether such an alert may end: the source was read since the panel began to look, or is none any more. Before that it may be as
/// far behind as ever.
pub(super) fn can_judge(seen: &Observations<'_>, about: &Subject) -> bool {
    let is_it = |source: &&RecordSource| subject(seen, source.kind, &source.name) == *about;
    match seen.sources.iter().find(is_it) {
        Some(source) => source.read_at.is_some(),
        None => !seen.sources.is_empty(),
    }
}
