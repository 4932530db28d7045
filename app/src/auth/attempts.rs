//! Who may try a password now. Counted per name *and* block of addresses, so that nobody locks another person out: wrong tries
//! from elsewhere never stop the owner, and wrong tries for one name never stop a colleague behind the same address. A second,
//! wider count per block stops spraying one password over many names.

use crate::{limits, values::Moment};
use std::{
    collections::{HashMap, VecDeque},
    net::IpAddr,
    time::Duration,
};

/// The network a try came from: /24 of IPv4, /56 of IPv6 (what one household or office is usually given).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Block([u8; 7]);

impl From<IpAddr> for Block {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => {
                let [a, b, c, _] = v4.octets();
                Self([a, b, c, 0, 0, 0, 4])
            }
            IpAddr::V6(v6) => {
                let o = v6.octets();
                Self([o[0], o[1], o[2], o[3], o[4], o[5], o[6]])
            }
        }
    }
}

#[derive(Debug, Default)]
pub struct Attempts {
    pairs: Window<(String, Block)>,
    blocks: Window<Block>,
}

impl Attempts {
    /// Says whether a try may go ahead, and counts it as wrong until [`Attempts::succeeded`] says otherwise: tries sent at once
    /// must not all pass because none has failed yet.
    pub fn start(&mut self, name: &str, block: Block, now: Moment) -> Result<(), Duration> {
        // A name is cut so that a flood of long names cannot fill the memory.
        let pair = (name.chars().take(64).collect::<String>(), block);
        self.pairs.check(&pair, limits::SIGN_IN_TRIES_MAX, now)?;
        self.blocks.check(&block, limits::SIGN_IN_TRIES_PER_BLOCK_MAX, now)?;
        self.pairs.count(pair, now);
        self.blocks.count(block, now);
        Ok(())
    }

    /// The person proved who they are: their earlier slips are forgotten, and this try does not count against the block.
    pub fn succeeded(&mut self, name: &str, block: Block) {
        self.pairs.forget(&(name.chars().take(64).collect(), block));
        self.blocks.uncount(&block);
    }
}

/// A sliding window of instants per key, bounded in keys and in instants per key.
#[derive(Debug)]
struct Window<K> {
    tries: HashMap<K, VecDeque<Moment>>,
}

impl<K> Default for Window<K> {
    fn default() -> Self {
        Self { tries: HashMap::new() }
    }
}

impl<K: Clone + Eq + std::hash::Hash> Window<K> {
    fn check(&mut self, key: &K, tries_max: usize, now: Moment) -> Result<(), Duration> {
        let Some(tries) = self.tries.get_mut(key) else { return Ok(()) };
        while tries.front().is_some_and(|at| now.since(*at) >= limits::SIGN_IN_WINDOW) {
            tries.pop_front();
        }
        match tries.front() {
            Some(first) if tries.len() >= tries_max => Err(limits::SIGN_IN_WINDOW.saturating_sub(now.since(*first))),
            _ => Ok(()),
        }
    }

    fn count(&mut self, key: K, now: Moment) {
        if self.tries.len() >= limits::SIGN_IN_PAIRS_MAX && !self.tries.contains_key(&key) {
            self.tries.retain(|_, tries| tries.back().is_some_and(|at| now.since(*at) < limits::SIGN_IN_WINDOW));
            if self.tries.len() >= limits::SIGN_IN_PAIRS_MAX {
                // Under a flood the pair that was quiet longest goes: the flood itself pushes out its own keys first.
                if let Some(oldest) = self.tries.iter().min_by_key(|(_, tries)| tries.back().copied()).map(|(key, _)| key.clone()) {
                    self.tries.remove(&oldest);
                }
            }
        }
        self.tries.entry(key).or_default().push_back(now);
    }

    fn uncount(&mut self, key: &K) {
        if let Some(tries) = self.tries.get_mut(key) {
            tries.pop_back();
        }
    }

    fn forget(&mut self, key: &K) {
        self.tries.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(text: &str) -> Block {
        text.parse::<IpAddr>().expect("an address").into()
    }

    #[test]
    fn the_eleventh_wrong_try_waits_and_the_window_slides() {
        let mut attempts = Attempts::default();
        let home = block("203.0.113.7");
        for second in 0..10 {
            assert_eq!(attempts.start("ada", home, Moment::from_seconds(second)), Ok(()), "try {second}");
        }
        assert_eq!(attempts.start("ada", home, Moment::from_seconds(10)), Err(Duration::from_secs(890)));
        assert_eq!(attempts.start("ada", home, Moment::from_seconds(900)), Ok(()), "the first try is 15 minutes old");
    }

    #[test]
    fn nobody_is_locked_out_by_another() {
        let mut attempts = Attempts::default();
        let now = Moment::from_seconds(0);
        while attempts.start("ada", block("198.51.100.9"), now).is_ok() {}
        assert_eq!(attempts.start("ada", block("203.0.113.7"), now), Ok(()), "the owner, from her own network");
        assert_eq!(attempts.start("bob", block("198.51.100.9"), now), Ok(()), "a colleague behind the attacker's address");
    }

    #[test]
    fn one_password_over_many_names_is_stopped_per_block() {
        let mut attempts = Attempts::default();
        let (now, there) = (Moment::from_seconds(0), block("2001:db8::1"));
        let tried = (0..1_000).take_while(|i| attempts.start(&format!("user{i}"), there, now).is_ok()).count();
        assert_eq!(tried, limits::SIGN_IN_TRIES_PER_BLOCK_MAX);
        assert!(attempts.start("x", block("2001:db8:0:ff::1"), now).is_err(), "the same /56");
        assert!(attempts.start("x", block("2001:db8:0:100::1"), now).is_ok(), "another /56");
    }

    #[test]
    fn a_right_password_clears_the_slips_and_does_not_count() {
        let mut attempts = Attempts::default();
        let (now, home) = (Moment::from_seconds(0), block("203.0.113.7"));
        for _ in 0..500 {
            assert_eq!(attempts.start("ada", home, now), Ok(()));
            attempts.succeeded("ada", home);
        }
    }

    #[test]
    fn memory_is_bounded_under_a_flood_of_names_and_addresses() {
        let mut window = Window::default();
        for i in 0..limits::SIGN_IN_PAIRS_MAX + 50 {
            window.count(i, Moment::from_micros(i64::try_from(i).expect("small")));
        }
        assert_eq!(window.tries.len(), limits::SIGN_IN_PAIRS_MAX);
        assert!(!window.tries.contains_key(&0), "the oldest went first");
    }
}
