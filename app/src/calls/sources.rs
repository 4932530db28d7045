//! Where call records come from, and up to when each source was read: figures of a later time are not whole.
//!
//! Not here: what is missing. It comes when the source is back, into the minutes it belongs to.

use crate::values::Moment;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Duration};

/// A page says so after three rounds of the slowest source.
pub const SHOWN_AFTER: Duration = Duration::from_secs(15);
/// Then somebody should look why.
pub const ALERT_AFTER: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    /// The tables of a database cluster.
    Cluster,
    /// A PBX's own file, for what the tables never got.
    Pbx,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordSource {
    pub kind: SourceKind,
    /// Of the cluster or the PBX.
    pub name: String,
    pub read_at: Option<Moment>,
    /// Since when it cannot be read, and why.
    pub failing: Option<(Moment, String)>,
    pub watched_since: Moment,
}

/// A source that was not read for too long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Behind {
    pub kind: SourceKind,
    pub name: String,
    /// Absent where it was not read since the panel began to look.
    pub read_until: Option<Moment>,
    pub since: Moment,
    pub why: String,
}

impl RecordSource {
    pub fn behind(&self, after: Duration, now: Moment) -> Option<Behind> {
        let known = self.read_at.unwrap_or(self.watched_since);
        let (since, why) = self.failing.clone().unwrap_or((known, "nobody reads it".into()));
        let behind = Behind { kind: self.kind, name: self.name.clone(), read_until: self.read_at, since, why };
        (now.since(known) > after).then_some(behind)
    }
}

impl Behind {
    /// What is not whole, since when and why.
    pub fn sentence(&self) -> String {
        let (name, since) = (&self.name, self.since);
        let read = match self.read_until {
            Some(until) => format!("are read up to {until} UTC"),
            None => "were not read since the panel began to look".into(),
        };
        match self.kind {
            SourceKind::Cluster => {
                format!(
                    "CDRs in the databases of {name} {read}; they cannot be read since {since} UTC. Later figures are incomplete."
                )
            }
            SourceKind::Pbx => format!(
                "CDRs of {name} {read}; its own file cannot be read since {since} UTC. Later figures lack what its database did not get."
            ),
        }
    }

    /// Whether figures up to this moment lack anything.
    pub fn concerns(&self, until: Option<Moment>) -> bool {
        match (until, self.read_until) {
            (Some(until), Some(read)) => until > read,
            (None, _) | (_, None) => true,
        }
    }
}

/// All sources of the inventory in force.
#[derive(Clone, Debug, Default)]
pub struct RecordSources {
    by_name: BTreeMap<(SourceKind, String), RecordSource>,
}

impl RecordSources {
    /// It will be read from now on.
    pub fn expect(&mut self, kind: SourceKind, name: &str, now: Moment) {
        let fresh = || RecordSource { kind, name: name.into(), read_at: None, failing: None, watched_since: now };
        self.by_name.entry((kind, name.into())).or_insert_with(fresh);
    }

    /// Notes one reading. Of a source that nobody expects it is forgotten: a reader that is just being ended may still tell. Gives
    /// whether it begins to fail, or ends to.
    pub fn note(&mut self, kind: SourceKind, name: &str, result: Result<(), &str>, now: Moment) -> bool {
        let Some(source) = self.by_name.get_mut(&(kind, name.to_string())) else { return false };
        match result {
            Ok(()) => {
                source.read_at = Some(now);
                source.failing.take().is_some()
            }
            Err(why) => {
                let newly = source.failing.is_none();
                let since = source.failing.take().map_or(now, |(since, _)| since);
                source.failing = Some((since, why.into()));
                newly
            }
        }
    }

    pub fn list(&self) -> Vec<RecordSource> {
        self.by_name.values().cloned().collect()
    }

    pub fn behind(&self, after: Duration, now: Moment) -> Vec<Behind> {
        self.by_name.values().filter_map(|source| source.behind(after, now)).collect()
    }

    /// Another inventory is in force.
    pub fn forget(&mut self) {
        self.by_name.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Moment {
        Moment::from_seconds(1_780_000_000 + second)
    }

    fn sources() -> RecordSources {
        let mut sources = RecordSources::default();
        sources.expect(SourceKind::Cluster, "database", at(0));
        sources.expect(SourceKind::Pbx, "asterisk-02", at(0));
        sources
    }

    #[test]
    fn a_source_is_behind_when_it_was_not_read_for_a_while_and_says_up_to_when_it_was() {
        let mut sources = sources();
        assert!(!sources.note(SourceKind::Cluster, "database", Ok(()), at(10)));
        assert!(!sources.note(SourceKind::Pbx, "asterisk-02", Ok(()), at(10)));
        assert!(sources.note(SourceKind::Pbx, "asterisk-02", Err("no answer"), at(15)), "it begins to fail");
        assert!(!sources.note(SourceKind::Pbx, "asterisk-02", Err("refused"), at(20)));
        sources.note(SourceKind::Cluster, "database", Ok(()), at(25));
        assert_eq!(sources.behind(SHOWN_AFTER, at(25)), []);
        let behind = sources.behind(SHOWN_AFTER, at(26));
        let told: Vec<(&str, Option<Moment>, Moment, &str)> =
            behind.iter().map(|one| (one.name.as_str(), one.read_until, one.since, one.why.as_str())).collect();
        assert_eq!(told, [("asterisk-02", Some(at(10)), at(15), "refused")]);
        let sentence = behind[0].sentence();
        let expected =
            format!("CDRs of asterisk-02 are read up to {} UTC; its own file cannot be read since {} UTC.", at(10), at(15));
        assert!(sentence.starts_with(&expected), "{sentence}");
        assert_eq!(sources.behind(ALERT_AFTER, at(70)).len(), 0);
        assert_eq!(sources.behind(ALERT_AFTER, at(71)).len(), 1);
        assert!(sources.note(SourceKind::Pbx, "asterisk-02", Ok(()), at(72)), "it is back");
        assert_eq!(sources.behind(ALERT_AFTER, at(72)), []);
    }

    #[test]
    fn one_that_was_never_read_is_behind_too() {
        let mut sources = sources();
        sources.note(SourceKind::Cluster, "database", Err("no node of database answers"), at(1));
        let behind = sources.behind(ALERT_AFTER, at(100));
        assert_eq!(behind.len(), 2);
        assert!(behind[0].sentence().contains("databases of database were not read since the panel began to look"), "{behind:?}");
        assert_eq!((behind[1].why.as_str(), behind[1].since), ("nobody reads it", at(0)));
    }

    #[test]
    fn figures_of_an_earlier_time_are_whole() {
        let mut sources = sources();
        sources.note(SourceKind::Cluster, "database", Ok(()), at(10));
        let behind = sources.behind(SHOWN_AFTER, at(100));
        for (until, expected) in [(Some(at(5)), false), (Some(at(10)), false), (Some(at(11)), true), (None, true)] {
            assert_eq!(behind[0].concerns(until), expected, "{until:?}");
        }
        assert!(behind[1].concerns(Some(at(5))), "nobody knows what of it is there");
    }

    #[test]
    fn a_reader_that_is_being_ended_brings_nothing_back() {
        let mut sources = sources();
        sources.forget();
        assert!(!sources.note(SourceKind::Pbx, "asterisk-02", Err("no answer"), at(5)));
        assert_eq!(sources.list(), []);
    }
}
