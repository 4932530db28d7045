//! The price of a minute: exact, six decimals, never a float.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

const DECIMALS: usize = 6;

/// In millionths of the currency's unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RatePerMinute {
    micros: u64,
}

impl RatePerMinute {
    pub const fn from_micros(micros: u64) -> Self {
        Self { micros }
    }

    pub const fn micros(self) -> u64 {
        self.micros
    }
}

impl FromStr for RatePerMinute {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not a rate: digits, a point, and at most six decimals");
        let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(decimals) || decimals.len() > DECIMALS {
            return Err(wrong());
        }
        let whole: u64 = whole.parse().map_err(|_| wrong())?;
        let decimals: u64 = format!("{decimals:0<DECIMALS$}").parse().map_err(|_| wrong())?;
        let micros = whole.checked_mul(1_000_000).and_then(|micros| micros.checked_add(decimals)).ok_or_else(wrong)?;
        Ok(Self { micros })
    }
}

impl TryFrom<String> for RatePerMinute {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<RatePerMinute> for String {
    fn from(rate: RatePerMinute) -> Self {
        rate.to_string()
    }
}

impl fmt::Display for RatePerMinute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}", self.micros / 1_000_000, self.micros % 1_000_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_keeps_every_decimal_and_refuses_what_it_cannot_keep() {
        let rate = |text: &str| text.parse::<RatePerMinute>();
        assert_eq!(rate("0.0042"), Ok(RatePerMinute::from_micros(4_200)));
        assert_eq!(rate("12").map(|rate| rate.to_string()), Ok("12.000000".into()));
        assert_eq!(rate("0.000001").map(RatePerMinute::micros), Ok(1));
        for wrong in ["", ".5", "1.", "0.0000001", "-1", "1e3", "1,5", "99999999999999999999"] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
    }

    proptest::proptest! {
        #[test]
        fn written_and_read_again_it_is_the_same(micros in 0..u64::MAX) {
            let rate = RatePerMinute::from_micros(micros);
            proptest::prop_assert_eq!(rate.to_string().parse::<RatePerMinute>(), Ok(rate));
        }
    }
}
