//! The history of verdicts: a row whenever a network's verdict or its set of violations changes. The newest rows stay in memory,
//! so that they can be read with the database down, and wait there to be written.

use super::isolation::{NetworkVerdict, Verdict, Violation};
use crate::{system::ring::Ring, values::Moment};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

/// Rows of a network kept in memory.
pub const TAIL_ROWS_MAX: usize = 50;
/// Rows that wait for the database. Past it the oldest is lost: a network that flaps for days is told by its newest rows.
pub const UNWRITTEN_ROWS_MAX: usize = 1_000;
/// Shorter than this *unknown* makes no row: the observers begin, or the inventory was read anew.
const UNKNOWN_LASTS: Duration = Duration::from_secs(60);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryRow {
    pub network: String,
    /// Since when it was so.
    pub at: Moment,
    pub verdict: Verdict,
    pub violations: Vec<Violation>,
}

impl HistoryRow {
    /// Whether both say the same: evidence may differ in words while nothing changed.
    fn says_what(&self, other: &HistoryRow) -> bool {
        fn set(row: &HistoryRow) -> BTreeSet<(&str, &str)> {
            row.violations.iter().map(|violation| (violation.key.as_str(), violation.subject.as_str())).collect()
        }
        self.verdict == other.verdict && set(self) == set(other)
    }
}

#[derive(Debug, Default)]
pub struct History {
    tails: BTreeMap<String, Ring<HistoryRow>>,
    unwritten: VecDeque<HistoryRow>,
    /// Since when a network is unknown that was not before.
    unknown_since: BTreeMap<String, Moment>,
    resumed: bool,
}

impl History {
    /// Compares with the newest row of each network, and gives the rows that are new.
    pub fn note(&mut self, verdicts: &[NetworkVerdict], now: Moment) -> Vec<HistoryRow> {
        let mut new = Vec::new();
        for verdict in verdicts {
            let at = match verdict.verdict {
                Verdict::Unknown => *self.unknown_since.entry(verdict.network.clone()).or_insert(now),
                Verdict::Proved | Verdict::Violated => {
                    self.unknown_since.remove(&verdict.network);
                    now
                }
            };
            let row = HistoryRow {
                network: verdict.network.clone(),
                at,
                verdict: verdict.verdict,
                violations: verdict.violations.clone(),
            };
            let tail = self.tails.entry(row.network.clone()).or_insert_with(|| Ring::new(TAIL_ROWS_MAX));
            let settling = row.verdict == Verdict::Unknown && now.since(at) < UNKNOWN_LASTS;
            let same = tail.last().is_some_and(|last| last.says_what(&row));
            if same || settling {
                continue;
            }
            tail.push(row.clone());
            self.wait(row.clone());
            new.push(row);
        }
        new
    }

    fn wait(&mut self, row: HistoryRow) {
        if self.unwritten.len() == UNWRITTEN_ROWS_MAX {
            self.unwritten.pop_front();
        }
        self.unwritten.push_back(row);
    }

    /// Whether the stored rows were taken in since the start.
    pub fn is_resumed(&self) -> bool {
        self.resumed
    }

    /// Takes in the newest stored rows (oldest first), once. A first row of this run that only repeats them is not written.
    pub fn resume(&mut self, stored: Vec<HistoryRow>) {
        if std::mem::replace(&mut self.resumed, true) {
            return;
        }
        let mut by_network: BTreeMap<String, Vec<HistoryRow>> = BTreeMap::new();
        for row in stored {
            by_network.entry(row.network.clone()).or_default().push(row);
        }
        for (network, mut rows) in by_network {
            let own: Vec<HistoryRow> = self.tails.get(&network).map(|tail| tail.iter().cloned().collect()).unwrap_or_default();
            let repeats = matches!((rows.last(), own.first()), (Some(last), Some(first)) if last.says_what(first));
            if repeats {
                self.unwritten.retain(|row| !own.first().is_some_and(|first| first == row));
            }
            rows.extend(own.into_iter().skip(usize::from(repeats)));
            let mut tail = Ring::new(TAIL_ROWS_MAX);
            rows.into_iter().for_each(|row| tail.push(row));
            self.tails.insert(network, tail);
        }
    }

    /// Newest first.
    pub fn of(&self, network: &str) -> Vec<HistoryRow> {
        self.tails.get(network).map(|tail| tail.iter().rev().cloned().collect()).unwrap_or_default()
    }

    pub fn unwritten(&self) -> Vec<HistoryRow> {
        self.unwritten.iter().cloned().collect()
    }

    /// These rows are in the database now.
    pub fn written(&mut self, rows: &[HistoryRow]) {
        self.unwritten.retain(|row| !rows.contains(row));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: i64) -> Moment {
        Moment::from_seconds(1_000 + s)
    }

    fn verdict(verdict: Verdict, subjects: &[&str], evidence: &str) -> NetworkVerdict {
        let violation = |subject: &&str| Violation {
            key: "mtu.low".into(),
            subject: (*subject).into(),
            sentence: "Raise it.".into(),
            evidence: evidence.into(),
            because: vec![],
        };
        let violations = subjects.iter().map(violation).collect();
        NetworkVerdict { network: "data".into(), verdict, evidence: vec![], violations, missing: vec![], at: at(0) }
    }

    #[test]
    fn a_row_is_made_only_when_the_verdict_or_the_set_of_violations_changes() {
        let mut history = History::default();
        let rows = |history: &mut History, s, verdict| history.note(&[verdict], at(s)).len();
        assert_eq!(rows(&mut history, 0, verdict(Verdict::Proved, &[], "")), 1);
        assert_eq!(rows(&mut history, 5, verdict(Verdict::Proved, &[], "")), 0);
        assert_eq!(rows(&mut history, 10, verdict(Verdict::Violated, &["a"], "first")), 1);
        assert_eq!(rows(&mut history, 15, verdict(Verdict::Violated, &["a"], "other words")), 0);
        assert_eq!(rows(&mut history, 20, verdict(Verdict::Violated, &["a", "b"], "")), 1);
        assert_eq!(rows(&mut history, 90, verdict(Verdict::Unknown, &[], "")), 0);
        assert_eq!(rows(&mut history, 150, verdict(Verdict::Unknown, &[], "")), 1, "since 90");
        assert_eq!(history.of("data").iter().map(|row| row.at).collect::<Vec<_>>(), [at(90), at(20), at(10), at(0)]);
        assert_eq!(history.of("voice"), []);
    }

    #[test]
    fn unknown_for_less_than_a_minute_makes_no_row() {
        let mut history = History::default();
        let rows = |history: &mut History, s, is| history.note(&[verdict(is, &[], "")], at(s)).len();
        assert_eq!(rows(&mut history, 0, Verdict::Unknown), 0, "the observers begin");
        assert_eq!(rows(&mut history, 9, Verdict::Proved), 1);
        assert_eq!(rows(&mut history, 50, Verdict::Unknown), 0, "the inventory was read anew");
        assert_eq!(rows(&mut history, 70, Verdict::Proved), 0);
        assert_eq!(rows(&mut history, 100, Verdict::Unknown), 0);
        assert_eq!(rows(&mut history, 160, Verdict::Unknown), 1);
        assert_eq!(history.of("data")[0].at, at(100), "since when it was so");
        assert_eq!(rows(&mut history, 170, Verdict::Unknown), 0);
    }

    #[test]
    fn rows_wait_until_they_are_written_and_the_oldest_make_room() {
        let mut history = History::default();
        for s in 0..1_200 {
            let is = if s % 2 == 0 { Verdict::Proved } else { Verdict::Violated };
            history.note(&[verdict(is, &[], "")], at(s));
        }
        assert_eq!((history.unwritten().len(), history.of("data").len()), (UNWRITTEN_ROWS_MAX, TAIL_ROWS_MAX));
        let some = history.unwritten()[..400].to_vec();
        history.written(&some);
        assert_eq!((history.unwritten().len(), history.unwritten()[0].at), (600, at(600)));
    }

    #[test]
    fn after_a_restart_the_stored_rows_come_before_ours_and_are_not_repeated() {
        let stored = HistoryRow { network: "data".into(), at: at(-500), verdict: Verdict::Proved, violations: vec![] };
        let mut history = History::default();
        history.note(&[verdict(Verdict::Proved, &[], "")], at(0));
        history.note(&[verdict(Verdict::Violated, &["a"], "")], at(5));
        history.resume(vec![stored.clone()]);
        assert_eq!(history.of("data").iter().map(|row| row.at).collect::<Vec<_>>(), [at(5), at(-500)]);
        assert_eq!(history.unwritten().iter().map(|row| row.at).collect::<Vec<_>>(), [at(5)]);
        history.resume(vec![stored.clone(), stored]);
        assert_eq!(history.of("data").len(), 2, "once is enough");
    }
}
