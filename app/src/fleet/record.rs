//! What the panel remembers of the fleet besides the last look: changes, measures, verdicts. Everything works from memory; what the
//! database has not got yet waits here, within bounds.

use super::{
    change::Change,
    history::{History, HistoryRow},
    isolation::NetworkVerdict,
    measure::{MeasureLog, MinuteRow, sample},
    world::{MachineSeen, World},
};
use crate::{system::ring::Ring, values::Moment};
use std::collections::{BTreeMap, VecDeque};

/// Changes of the whole fleet kept in memory.
pub const CHANGES_KEPT: usize = 200;
/// Changes that wait for the database; past it the oldest are lost.
const CHANGES_WAIT_MAX: usize = 2_000;

#[derive(Debug)]
pub struct Record {
    changes: Ring<Change>,
    unwritten: VecDeque<Change>,
    pub history: History,
    pub measures: MeasureLog,
    /// The databases as they were at the sample before: rates are taken from their counters.
    previous: BTreeMap<String, MachineSeen>,
}

impl Default for Record {
    fn default() -> Self {
        let (history, measures) = (History::default(), MeasureLog::default());
        Self { changes: Ring::new(CHANGES_KEPT), unwritten: VecDeque::new(), history, measures, previous: BTreeMap::new() }
    }
}

/// What is to be written now, in one transaction.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pending {
    pub minutes: Vec<MinuteRow>,
    pub changes: Vec<Change>,
    pub verdicts: Vec<HistoryRow>,
}

impl Pending {
    pub fn is_empty(&self) -> bool {
        self.minutes.is_empty() && self.changes.is_empty() && self.verdicts.is_empty()
    }
}

impl Record {
    pub fn note_changes(&mut self, changes: Vec<Change>) {
        for change in changes {
            if self.unwritten.len() == CHANGES_WAIT_MAX {
                self.unwritten.pop_front();
            }
            self.unwritten.push_back(change.clone());
            self.changes.push(change);
        }
    }

    /// One sample of everything.
    pub fn sample(&mut self, world: &World, verdicts: &[NetworkVerdict], now: Moment) {
        for (name, seen) in &world.machines {
            self.measures.note(name, &sample(seen, self.previous.get(name), now), now);
            let kept = MachineSeen { database: seen.database.clone(), ..MachineSeen::default() };
            self.previous.insert(name.clone(), kept);
        }
        self.previous.retain(|name, _| world.machines.contains_key(name));
        self.measures.close_minutes(now);
        self.history.note(verdicts, now);
    }

    /// Newest first.
    pub fn changes(&self) -> Vec<Change> {
        self.changes.iter().rev().cloned().collect()
    }

    pub fn changes_of(&self, machine: &str) -> Vec<Change> {
        self.changes.iter().rev().filter(|change| change.machine == machine).cloned().collect()
    }

    /// Takes in what an earlier run stored, oldest first; once.
    pub fn resume(&mut self, changes: Vec<Change>, verdicts: Vec<HistoryRow>) {
        if self.history.is_resumed() {
            return;
        }
        let own: Vec<Change> = self.changes.iter().cloned().collect();
        let mut ring = Ring::new(CHANGES_KEPT);
        changes.into_iter().filter(|change| !own.contains(change)).chain(own.iter().cloned()).for_each(|change| ring.push(change));
        self.changes = ring;
        self.history.resume(verdicts);
    }

    pub fn pending(&self) -> Pending {
        Pending {
            minutes: self.measures.unwritten(),
            changes: self.unwritten.iter().cloned().collect(),
            verdicts: self.history.unwritten(),
        }
    }

    pub fn written(&mut self, pending: &Pending) {
        self.measures.written(&pending.minutes);
        self.unwritten.retain(|change| !pending.changes.contains(change));
        self.history.written(&pending.verdicts);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::Tone;

    fn change(s: i64, machine: &str) -> Change {
        Change { at: Moment::from_seconds(s), machine: machine.into(), tone: Tone::Notice, text: format!("change {s}") }
    }

    #[test]
    fn changes_are_read_newest_first_and_the_oldest_make_room() {
        let mut record = Record::default();
        record.note_changes((0..3_000).map(|s| change(s, if s % 2 == 0 { "a" } else { "b" })).collect());
        assert_eq!((record.changes().len(), record.pending().changes.len()), (CHANGES_KEPT, CHANGES_WAIT_MAX));
        assert_eq!(record.changes()[0], change(2_999, "b"));
        assert_eq!(record.changes_of("a")[0], change(2_998, "a"));
        assert!(record.changes_of("c").is_empty());
    }

    #[test]
    fn what_comes_while_the_database_writes_is_not_lost() {
        let mut record = Record::default();
        record.note_changes(vec![change(1, "a")]);
        let pending = record.pending();
        record.note_changes(vec![change(2, "a")]);
        record.written(&pending);
        assert_eq!(record.pending().changes, [change(2, "a")]);
        assert_eq!(record.changes().len(), 2, "written ones can still be read");
    }

    #[test]
    fn after_a_restart_the_stored_changes_come_before_ours() {
        let mut record = Record::default();
        record.note_changes(vec![change(9, "a")]);
        record.resume(vec![change(1, "a"), change(9, "a")], vec![]);
        assert_eq!(record.changes(), [change(9, "a"), change(1, "a")]);
        record.resume(vec![change(3, "a")], vec![]);
        assert_eq!(record.changes().len(), 2, "once is enough");
    }
}
