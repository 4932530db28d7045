//! Which ids of a source are asked for next. A row with a smaller id may appear after one with a larger, because a writer takes its
//! id first and commits later. So ids that are missing below the highest one read are remembered and asked for again, until they
//! are so old that whoever took them is gone: the cluster ends a silent transaction after 60 s (`idle_transaction_timeout`), and
//! most missing ids were never used at all (an ignored duplicate takes one too).

use app::{calls::store::collection::Position, values::Moment};
use std::{
    collections::{BTreeSet, VecDeque},
    time::Duration,
};

/// Twice the time after which the cluster ends a transaction in which nothing happens.
const SETTLED_AFTER: Duration = Duration::from_secs(120);
/// More missing ids than this are forgotten, oldest first: then it was a gap in the numbering, not a crowd of slow writers.
const MISSING_MAX: usize = 5_000;
/// A mark of how far reading was, this often.
const MARK_EVERY: Duration = Duration::from_secs(1);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// Everything up to here was read, but for what is missing.
    read: u64,
    settled: u64,
    missing: BTreeSet<u64>,
    /// When reading was how far; oldest first.
    marks: VecDeque<(Moment, u64)>,
}

impl Window {
    /// Of a process that begins: what the one before knew to be missing is not known, so all that is not settled is read again.
    pub fn starting(position: Position) -> Self {
        Self { read: position.settled, settled: position.settled, ..Self::default() }
    }

    pub const fn read_after(&self) -> u64 {
        self.read
    }

    pub fn missing(&self) -> Vec<u64> {
        self.missing.iter().copied().collect()
    }

    pub const fn position(&self) -> Position {
        Position { position: self.read, settled: self.settled }
    }

    /// These ids have come, ascending, in answer to what was asked for.
    pub fn note(&mut self, ids: &[u64], now: Moment) {
        for id in ids {
            if *id <= self.read {
                self.missing.remove(id);
                continue;
            }
            let first = (self.read + 1).max(id.saturating_sub(MISSING_MAX as u64));
            self.missing.extend(first..*id);
            self.read = *id;
        }
        while self.missing.len() > MISSING_MAX {
            self.missing.pop_first();
        }
        if self.marks.back().is_none_or(|(at, _)| now.since(*at) >= MARK_EVERY) {
            self.marks.push_back((now, self.read));
        }
        while let Some((_, read)) = self.marks.front().copied().filter(|(at, _)| now.since(*at) >= SETTLED_AFTER) {
            self.settled = self.settled.max(read);
            self.marks.pop_front();
        }
        self.missing = self.missing.split_off(&(self.settled + 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Moment {
        Moment::from_seconds(1_000 + seconds)
    }

    #[test]
    fn an_id_that_is_committed_late_is_asked_for_until_it_comes() {
        let mut window = Window::default();
        window.note(&[1, 2, 4, 7], at(0));
        assert_eq!((window.read_after(), window.missing()), (7, vec![3, 5, 6]));
        window.note(&[5, 8], at(1));
        assert_eq!((window.read_after(), window.missing()), (8, vec![3, 6]));
    }

    #[test]
    fn what_nobody_can_write_any_more_is_settled_and_no_longer_asked_for() {
        let mut window = Window::default();
        window.note(&[1, 3], at(0));
        window.note(&[4], at(60));
        assert_eq!(window.position(), Position { position: 4, settled: 0 });
        window.note(&[], at(120));
        assert_eq!((window.position().settled, window.missing()), (3, vec![]));
        window.note(&[], at(181));
        assert_eq!(window.position().settled, 4);
    }

    #[test]
    fn after_a_start_all_that_is_not_settled_is_read_again() {
        let window = Window::starting(Position { position: 900, settled: 500 });
        assert_eq!(window.read_after(), 500);
    }

    #[test]
    fn a_jump_in_the_numbering_is_no_crowd_of_writers() {
        let mut window = Window::default();
        window.note(&[10_000_000_000], at(0));
        assert_eq!(window.missing().len(), MISSING_MAX);
        window.note(&[20_000_000_000], at(0));
        assert_eq!(window.missing().len(), MISSING_MAX);
    }
}
