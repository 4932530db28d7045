//! MariaDB's global transaction ids: `domain-server-sequence`, as `0-41-703`. Within a domain the sequence only grows, whoever writes.

use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, str::FromStr};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Gtid {
    pub domain: u32,
    /// The server that wrote it first.
    pub server: u64,
    pub sequence: u64,
}

impl fmt::Display for Gtid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.domain, self.server, self.sequence)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a list of GTIDs like 0-41-703,1-42-9")]
pub struct NoGtid(String);

impl FromStr for Gtid {
    type Err = NoGtid;

    fn from_str(text: &str) -> Result<Self, NoGtid> {
        let wrong = || NoGtid(text.chars().take(60).collect());
        // Digits only: `parse` would take a plus sign too.
        let number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse::<u64>().ok()).flatten();
        let parts: Vec<u64> = text.trim().split('-').map(number).collect::<Option<_>>().ok_or_else(wrong)?;
        let [domain, server, sequence] = parts[..] else { return Err(wrong()) };
        let (domain, server) = (u32::try_from(domain).map_err(|_| wrong())?, server);
        Ok(Self { domain, server, sequence })
    }
}

fn list(text: &str) -> Result<Vec<Gtid>, NoGtid> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::parse).collect()
}

/// How far a server is: the newest transaction of each domain (`gtid_binlog_pos`, `gtid_slave_pos`, `Gtid_IO_Pos`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Position(BTreeMap<u32, Gtid>);

impl FromStr for Position {
    type Err = NoGtid;

    fn from_str(text: &str) -> Result<Self, NoGtid> {
        let mut position = Self::default();
        for gtid in list(text)? {
            if position.0.insert(gtid.domain, gtid).is_some() {
                return Err(NoGtid(text.chars().take(60).collect()));
            }
        }
        Ok(position)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return write!(f, "the beginning");
        }
        let each: Vec<String> = self.0.values().map(Gtid::to_string).collect();
        write!(f, "{}", each.join(","))
    }
}

impl Position {
    /// The farther of both, in each domain.
    pub fn farther(mut self, other: &Self) -> Self {
        for (domain, gtid) in &other.0 {
            let at = self.0.entry(*domain).or_insert(*gtid);
            if gtid.sequence > at.sequence {
                *at = *gtid;
            }
        }
        self
    }

    /// How many transactions of `other` this one does not have. Sequences have no holes where `gtid_strict_mode` is on; where it is
    /// off this is the most there can be.
    pub fn lacks(&self, other: &Self) -> u64 {
        let sequence = |domain| self.0.get(domain).map_or(0, |gtid| gtid.sequence);
        let each = other.0.iter().map(|(domain, gtid)| gtid.sequence.saturating_sub(sequence(domain)));
        each.fold(0, u64::saturating_add)
    }
}

/// The newest transaction of each server in each domain that stands in a binary log (`gtid_binlog_state`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Writers(BTreeMap<(u32, u64), u64>);

impl FromStr for Writers {
    type Err = NoGtid;

    fn from_str(text: &str) -> Result<Self, NoGtid> {
        let mut writers = Self::default();
        writers.note(list(text)?);
        Ok(writers)
    }
}

impl Writers {
    fn note(&mut self, gtids: impl IntoIterator<Item = Gtid>) {
        for gtid in gtids {
            let newest = self.0.entry((gtid.domain, gtid.server)).or_default();
            *newest = gtid.sequence.max(*newest);
        }
    }

    /// With what was replicated before the log began: a server made from a backup has it, and not in its log.
    pub fn and(mut self, position: &Position) -> Self {
        self.note(position.0.values().copied());
        self
    }

    /// The newest here of whoever wrote this transaction; 0 where there is none of it.
    pub fn newest_of(&self, gtid: Gtid) -> Gtid {
        Gtid { sequence: self.0.get(&(gtid.domain, gtid.server)).copied().unwrap_or_default(), ..gtid }
    }

    /// What stands here and not there: the newest of each server's.
    pub fn beyond(&self, there: &Self) -> Vec<Gtid> {
        let newer = self.0.iter().filter(|(writer, sequence)| there.0.get(writer).is_none_or(|known| known < sequence));
        newer.map(|((domain, server), sequence)| Gtid { domain: *domain, server: *server, sequence: *sequence }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(text: &str) -> Position {
        text.parse().expect(text)
    }

    fn writers(text: &str) -> Writers {
        text.parse().expect(text)
    }

    #[test]
    fn garbage_is_no_position() {
        for wrong in [
            "x",
            "0-41",
            "0-41-703-9",
            "0-41--703",
            "-1-41-703",
            "+0-41-703",
            "0-41-99999999999999999999",
            "4294967296-1-1",
            "0-41-1,0-42-2",
            "0-41-7;1-1-1",
            "0–41–703",
        ] {
            assert!(wrong.parse::<Position>().is_err(), "{wrong}");
        }
        assert_eq!(
            "gtid".parse::<Writers>().expect_err("garbage").to_string(),
            "\"gtid\" is not a list of GTIDs like 0-41-703,1-42-9"
        );
    }

    #[test]
    fn a_position_knows_what_it_lacks_in_each_domain() {
        for (own, other, lacks) in [
            ("0-41-703", "0-41-703", 0),
            ("0-41-700", "0-41-703", 3),
            ("0-42-900", "0-41-703", 0),
            ("", "0-41-5", 5),
            ("", "", 0),
            ("0-41-10,1-41-7", "0-41-12, 1-42-9,", 4),
            ("0-41-10", "0-41-10,5-9-2", 2),
            ("0-1-0", "0-1-18446744073709551615,1-1-18446744073709551615", u64::MAX),
        ] {
            assert_eq!(position(own).lacks(&position(other)), lacks, "{own} of {other}");
        }
        assert_eq!(position("0-41-9,1-1-1").farther(&position("0-42-12,2-2-2")).to_string(), "0-42-12,1-1-1,2-2-2");
        assert_eq!(position("").to_string(), "the beginning");
    }

    #[test]
    fn what_only_one_log_has_is_found_by_its_writer() {
        let primary = writers("0-42-3,0-41-703");
        assert_eq!(writers("0-41-700,0-42-3").beyond(&primary), []);
        let found = writers("0-41-703,0-42-704").beyond(&primary);
        assert_eq!(found.iter().map(Gtid::to_string).collect::<Vec<_>>(), ["0-42-704"]);
        assert_eq!(writers("0-40-12").beyond(&writers("0-41-13").and(&position("0-40-12"))), []);
    }
}
