//! What flows now, as far as it was measured: taken from counters and live calls by whoever has them, shown on the map and weighed
//! in a blast radius. What nobody measured is absent, never zero.

use crate::values::Moment;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Flows {
    /// Calls begun a second, by carrier.
    pub carrier_cps: BTreeMap<String, f64>,
    /// Calls begun a second, by customer.
    pub customer_cps: BTreeMap<String, f64>,
    /// Calls begun a second, by machine (proxies, PBXs) or authorizations a second (billing).
    pub machine_cps: BTreeMap<String, f64>,
    /// Calls that are up, by the machine they go through.
    pub machine_calls: BTreeMap<String, u64>,
    /// Calls that are up, by carrier.
    pub carrier_calls: BTreeMap<String, u64>,
    /// Transactions committed a second, by database node.
    pub machine_tps: BTreeMap<String, f64>,
    /// What each carrier last did with the calls it was sent; only carriers that were tried since somebody counts.
    pub carrier_tries: BTreeMap<String, Tries>,
}

/// So many refusals in a row are the carrier's, not the numbers'.
pub const REFUSED_MIN: u64 = 10;

/// Tries at a carrier since the last one that it took.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tries {
    /// When the first refusal of the run was seen.
    pub refused_since: Option<Moment>,
    /// How often, by SIP status.
    pub refused: BTreeMap<u16, u64>,
}

impl Tries {
    /// One more look at the counters: what came since the last, by status.
    pub fn note(&mut self, new: &BTreeMap<u16, u64>, at: Moment) {
        if new.keys().any(|status| says_of(*status) == Says::Takes) {
            *self = Self::default();
            // In which order they came nobody knows; the next look tells.
            return;
        }
        for (status, times) in new.iter().filter(|(status, _)| says_of(**status) == Says::Refuses) {
            self.refused_since.get_or_insert(at);
            *self.refused.entry(*status).or_default() += times;
        }
    }

    /// Since when and how often it refused everything, where that is no chance any more.
    pub fn failing(&self) -> Option<(Moment, u64)> {
        let times = self.refused.values().sum();
        self.refused_since.filter(|_| times >= REFUSED_MIN).map(|since| (since, times))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    /// It did its part, whatever the called side then did.
    Takes,
    /// It does not serve us now: not allowed, no room, broken.
    Refuses,
    /// Nobody came, or the caller gave up: of the carrier that says nothing.
    Nothing,
}

const fn says_of(sip_status: u16) -> Says {
    match sip_status {
        401 | 402 | 403 | 407 | 500..=599 => Says::Refuses,
        408 | 487 => Says::Nothing,
        _ => Says::Takes,
    }
}

/// `0.4`, `8.2`, `38`, `1204`: a rate with as many digits as one reads.
pub fn format_rate(per_s: f64) -> String {
    if per_s < 10.0 { format!("{:.1}", per_s.max(0.0)) } else { format!("{per_s:.0}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(looks: &[&[(u16, u64)]]) -> Tries {
        let mut tries = Tries::default();
        for (second, look) in looks.iter().enumerate() {
            let second = i64::try_from(second).expect("few");
            tries.note(&look.iter().copied().collect(), Moment::from_seconds(second));
        }
        tries
    }

    #[test]
    fn a_carrier_fails_when_it_refuses_ten_calls_in_a_row() {
        let since = |second| Some(Moment::from_seconds(second));
        for (looks, expected) in [
            (&[&[(503, 9)][..]][..], None),
            (&[&[(200, 5)], &[(503, 4)], &[], &[(503, 3), (403, 3)]], Some((since(1), 10))),
            // One that it took ends the run, also when somebody is busy or the number is wrong.
            (&[&[(503, 30)], &[(486, 1)], &[(503, 9)]], None),
            (&[&[(503, 30)], &[(404, 1)]], None),
            // Nobody came: that says nothing of the carrier.
            (&[&[(503, 9)], &[(487, 4), (408, 3)], &[(500, 1)]], Some((since(0), 10))),
            (&[&[(408, 40)]], None),
        ] {
            assert_eq!(noted(looks).failing().map(|(at, times)| (Some(at), times)), expected, "{looks:?}");
        }
    }
}
