//! What presses on a machine, over time: one look at a processor says nothing, and a disk at its limit must not come and go with
//! every file. What is once full is full until it is clearly less so.

use super::facts::ShellFacts;
use crate::values::Moment;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

pub const CPU_WINDOW: Duration = Duration::from_secs(300);
const CPU_FULL_PERCENT: f32 = 95.0;
const CPU_CALM_PERCENT: f32 = 85.0;
/// The window is kept in pieces, for it is copied with each look at the machine.
const PIECE: Duration = Duration::from_secs(30);

pub const MEMORY_FREE_NOTICE_PERCENT: u64 = 8;
const MEMORY_FREE_CALM_PERCENT: u64 = 12;
pub const DISK_NOTICE_PERCENT: u8 = 90;
pub const DISK_BAD_PERCENT: u8 = 97;
/// So much below the limit it counts as over.
const DISK_CALM_PERCENT: u8 = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum DiskLevel {
    Free,
    Notice,
    Bad,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Pressure {
    /// The newest look that is in it.
    at: Option<Moment>,
    /// Since when looks follow each other.
    watched_since: Option<Moment>,
    pieces: VecDeque<Piece>,
    cpu_full: bool,
    memory_short: bool,
    disks: BTreeMap<String, DiskLevel>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Piece {
    began: Moment,
    sum: f32,
    looks: f32,
}

impl Pressure {
    /// Takes one look in; the same one twice counts once.
    pub fn note(&mut self, shell: &ShellFacts, at: Moment) {
        if self.at.is_some_and(|known| known >= at) {
            return;
        }
        // After a gap it begins anew: nobody knows what was meanwhile.
        if self.at.is_some_and(|known| at.since(known) > PIECE) {
            *self = Self::default();
        }
        self.at = Some(at);
        self.watched_since.get_or_insert(at);
        self.memory_short = self.is_memory_short(shell);
        self.disks = shell.disks.iter().map(|disk| (disk.mount.clone(), self.disk(&disk.mount, disk.used_percent()))).collect();
        let Some(percent) = shell.cpu_percent else { return };
        match self.pieces.back_mut().filter(|piece| at.since(piece.began) < PIECE) {
            Some(piece) => (piece.sum, piece.looks) = (piece.sum + percent, piece.looks + 1.0),
            None => self.pieces.push_back(Piece { began: at, sum: percent, looks: 1.0 }),
        }
        self.pieces.retain(|piece| at.since(piece.began) < CPU_WINDOW);
        let average = self.cpu_average();
        let whole = self.watched_since.is_some_and(|since| at.since(since) >= CPU_WINDOW);
        self.cpu_full = if self.cpu_full { average >= CPU_CALM_PERCENT } else { whole && average >= CPU_FULL_PERCENT };
    }

    fn cpu_average(&self) -> f32 {
        let looks: f32 = self.pieces.iter().map(|piece| piece.looks).sum();
        self.pieces.iter().map(|piece| piece.sum).sum::<f32>() / looks.max(1.0)
    }

    /// How busy the processors were over the window, where that is too much.
    pub fn cpu_full(&self) -> Option<f32> {
        self.cpu_full.then(|| self.cpu_average())
    }

    pub fn is_memory_short(&self, shell: &ShellFacts) -> bool {
        let free_percent = shell.memory_available_bytes.saturating_mul(100) / shell.memory_total_bytes.max(1);
        let limit = if self.memory_short { MEMORY_FREE_CALM_PERCENT } else { MEMORY_FREE_NOTICE_PERCENT };
        shell.memory_total_bytes > 0 && free_percent < limit
    }

    pub fn disk(&self, mount: &str, used_percent: u8) -> DiskLevel {
        let before = self.disks.get(mount).copied().unwrap_or(DiskLevel::Free);
        let reaches = |level: DiskLevel, limit: u8| used_percent >= if before >= level { limit - DISK_CALM_PERCENT } else { limit };
        if reaches(DiskLevel::Bad, DISK_BAD_PERCENT) {
            DiskLevel::Bad
        } else if reaches(DiskLevel::Notice, DISK_NOTICE_PERCENT) {
            DiskLevel::Notice
        } else {
            DiskLevel::Free
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::facts::DiskUse;

    /// A look every three seconds; gives from when to when the processors counted as full.
    fn full(seconds: u32, percent: impl Fn(u32) -> f32) -> Vec<(u32, bool)> {
        let (mut pressure, mut told) = (Pressure::default(), Vec::new());
        for second in (0..seconds).step_by(3) {
            let shell = ShellFacts { cpu_percent: Some(percent(second)), ..ShellFacts::default() };
            pressure.note(&shell, Moment::from_seconds(1_780_000_000 + i64::from(second)));
            let full = pressure.cpu_full().is_some();
            if told.last().map_or(full, |(_, last)| *last != full) {
                told.push((second, full));
            }
        }
        told
    }

    #[test]
    fn processors_are_full_when_they_were_for_five_minutes_and_until_they_clearly_are_not() {
        assert_eq!(full(1_800, |_| 99.0), [(300, true)]);
        assert_eq!(full(1_800, |second| if second % 60 < 45 { 100.0 } else { 20.0 }), [], "it comes and goes");
        assert_eq!(full(1_800, |second| if second < 270 { 100.0 } else { 5.0 }), [], "a dump that ends");
        let told = full(1_800, |second| match second {
            0..600 => 100.0,
            // Between the two limits nothing changes.
            600..1_200 => {
                if second % 6 == 0 {
                    88.0
                } else {
                    98.0
                }
            }
            _ => 10.0,
        });
        assert_eq!(told.iter().map(|(_, full)| *full).collect::<Vec<_>>(), [true, false], "{told:?}");
        assert!(told[1].0 > 1_200, "{told:?}");
        assert_eq!(full(299, |_| 100.0), [], "the window is not whole yet");
    }

    #[test]
    fn disks_and_memory_at_their_limit_do_not_come_and_go() {
        let mut pressure = Pressure::default();
        for (i, (used, free, disk, short)) in [
            (89, 9, DiskLevel::Free, false),
            (90, 7, DiskLevel::Notice, true),
            (89, 9, DiskLevel::Notice, true),
            (88, 11, DiskLevel::Notice, true),
            (97, 7, DiskLevel::Bad, true),
            (96, 9, DiskLevel::Bad, true),
            (94, 12, DiskLevel::Notice, false),
            (96, 9, DiskLevel::Notice, false),
            (87, 9, DiskLevel::Free, false),
            (89, 7, DiskLevel::Free, true),
        ]
        .into_iter()
        .enumerate()
        {
            let use_of = DiskUse { mount: "/".into(), size_bytes: 100, free_bytes: 100 - used };
            let mut shell = ShellFacts { disks: vec![use_of], ..ShellFacts::default() };
            (shell.memory_total_bytes, shell.memory_available_bytes) = (100, free);
            pressure.note(&shell, Moment::from_seconds(1_780_000_000 + 3 * i64::try_from(i).expect("ten")));
            assert_eq!((pressure.disks["/"], pressure.memory_short), (disk, short), "look {i}");
        }
    }
}
