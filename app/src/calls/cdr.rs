//! A call that is over: its record, the tries at carriers behind it, and how a person looks for it.

use crate::{
    calls::outcome::Outcome,
    values::{Moment, Query, RatePerMinute},
};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr, time::Duration};

/// Where a record stands in the list, newest first: when the call began, and a number that tells two of the same microsecond apart.
/// Written `1795317127123456.42`, in an address as anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CdrKey {
    pub started_at: Moment,
    pub id: u64,
}

impl FromStr for CdrKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = || {
            let (micros, id) = text.split_once('.')?;
            Some(Self { started_at: Moment::from_micros(micros.parse().ok()?), id: id.parse().ok()? })
        };
        read().ok_or_else(|| format!("{text:?} is no place in the list of CDRs"))
    }
}

impl TryFrom<String> for CdrKey {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<CdrKey> for String {
    fn from(key: CdrKey) -> Self {
        key.to_string()
    }
}

impl fmt::Display for CdrKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.started_at.micros(), self.id)
    }
}

/// What is left of a call. An empty text of the source is `None` here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cdr {
    /// `key.started_at` is when the PBX heard of the call.
    pub key: CdrKey,
    /// The customer's Call-ID. A call that was tried at two PBXs has two records.
    pub reference: String,
    /// The PBX's own name of its channel.
    pub uniqueid: String,
    pub sip_call_id: Option<String>,
    /// Call-ID towards the carrier: what a carrier asks for when it disputes.
    pub carrier_call_id: Option<String>,
    pub caller: String,
    pub called: String,
    /// The name of what was called: a country, for now.
    pub destination: String,
    pub customer: Option<String>,
    /// Who carried it; `None` when nobody answered. Who was asked stands in the attempts.
    pub carrier: Option<String>,
    /// The prefix of the carrier's list, and the rate it costs us by.
    pub prefix: Option<String>,
    pub rate: Option<RatePerMinute>,
    pub pbx: String,
    pub proxy: Option<String>,
    /// The first 180, 183 or 200 of the called side; `None` where there was none or the PBX does not tell.
    pub ringing_at: Option<Moment>,
    pub answered_at: Option<Moment>,
    pub ended_at: Option<Moment>,
    /// Whole seconds from answer to end, as the PBX counts.
    pub billsec: u32,
    /// The PBX's word: `ANSWERED`, `BUSY`, `NO ANSWER`, `CANCEL`, `FAILED`, `CONGESTION`.
    pub disposition: String,
    pub outcome: Outcome,
    /// Q.850; in words: [`cause_words`](crate::calls::outcome::cause_words).
    pub hangup_cause: Option<u16>,
    /// What the called side answered, where it did.
    pub sip_status: Option<u16>,
    /// Why we refused it: `insufficient_balance`, `no_rate`, …
    pub refusal: Option<String>,
    pub customer_codec: Option<String>,
    pub carrier_codec: Option<String>,
    /// Which tries at carriers there were, in order; empty in lists, which do not read them.
    pub attempts: Vec<Attempt>,
}

impl Cdr {
    pub const fn started_at(&self) -> Moment {
        self.key.started_at
    }

    /// Post-dial delay: from the PBX's first sight of the call to the first 180, 183 or 200.
    pub fn pdd(&self) -> Option<Duration> {
        self.ringing_at.map(|at| at.since(self.key.started_at))
    }

    /// From answer to end, to the microsecond.
    pub fn talk(&self) -> Duration {
        match (self.answered_at, self.ended_at) {
            (Some(answered), Some(ended)) => ended.since(answered),
            _ => Duration::ZERO,
        }
    }

    /// Both legs' codecs are known and differ: somebody had to translate.
    pub fn transcodes(&self) -> bool {
        matches!((&self.customer_codec, &self.carrier_codec), (Some(customer), Some(carrier)) if customer != carrier)
    }
}

/// One try at one carrier, as the proxy saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    pub started_at: Moment,
    pub reference: String,
    pub proxy: String,
    pub carrier: String,
    pub prefix: String,
    pub rate: RatePerMinute,
    pub called: String,
    /// The carrier's final answer; 408 when it said nothing, 487 when the caller gave up.
    pub sip_status: u16,
    /// From the INVITE to the final answer.
    pub took_ms: u32,
    /// From the INVITE to the first 180, 183 or 200, where there was one and the proxy tells: the carrier's post-dial delay.
    pub ringing_ms: Option<u32>,
}

impl Attempt {
    pub const fn outcome(&self) -> Outcome {
        Outcome::of_attempt(self.sip_status, self.ringing_ms.is_some())
    }
}

/// What a person looks for. All of it must be so; what is `None` may be anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CdrFilter {
    /// The first digits of the caller or of the called number; blanks, dashes, a leading `+` or `00` are taken off.
    pub number: Option<String>,
    pub reference: Option<String>,
    pub customer: Option<String>,
    pub carrier: Option<String>,
    pub destination: Option<String>,
    pub pbx: Option<String>,
    /// Q.850.
    pub cause: Option<u16>,
    /// SIP.
    pub status: Option<u16>,
    pub refusal: Option<String>,
    pub outcome: Option<Outcome>,
    /// Began at this moment or after it.
    pub from: Option<Moment>,
    /// Began before this moment.
    pub to: Option<Moment>,
}

/// The keys of the filter in an address.
const KEYS: [&str; 12] =
    ["number", "reference", "customer", "carrier", "destination", "pbx", "cause", "status", "refusal", "outcome", "from", "to"];

impl CdrFilter {
    pub fn from_query(query: &Query) -> Self {
        let text = |key: &str| query.get(key).map(str::to_string);
        Self {
            number: query.get("number").map(digits).filter(|digits| !digits.is_empty()),
            reference: text("reference"),
            customer: text("customer"),
            carrier: text("carrier"),
            destination: text("destination"),
            pbx: text("pbx"),
            cause: query.get("cause").and_then(|cause| cause.parse().ok()),
            status: query.get("status").and_then(|status| status.parse().ok()),
            refusal: text("refusal"),
            outcome: query.get("outcome").and_then(Outcome::parse),
            from: query.get("from").and_then(Moment::parse),
            to: query.get("to").and_then(Moment::parse),
        }
    }

    /// `query` with this filter in it and no other; what else the query holds (columns, sort) stays.
    pub fn to_query(&self, query: &Query) -> Query {
        let number = |number: Option<u16>| number.map(|number| number.to_string());
        let values = [
            self.number.clone(),
            self.reference.clone(),
            self.customer.clone(),
            self.carrier.clone(),
            self.destination.clone(),
            self.pbx.clone(),
            number(self.cause),
            number(self.status),
            self.refusal.clone(),
            self.outcome.map(|outcome| outcome.name().to_string()),
            self.from.map(Moment::rfc3339),
            self.to.map(Moment::rfc3339),
        ];
        KEYS.into_iter().zip(values).fold(query.clone(), |query, (key, value)| match value {
            Some(value) => query.with(key, value),
            None => query.without(key),
        })
    }

    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A number as it stands in a record: digits alone, without the marks of an international call.
fn digits(text: &str) -> String {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    match digits.strip_prefix("00") {
        Some(rest) if !text.trim_start().starts_with('+') => rest.into(),
        _ => digits,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_as_people_write_it() {
        let number = |text: &str| CdrFilter::from_query(&Query::default().with("number", text)).number;
        assert_eq!(number("+44 20 7946-0123").as_deref(), Some("442079460123"));
        assert_eq!(number("0044 20").as_deref(), Some("4420"));
        assert_eq!(number("(212) 555").as_deref(), Some("212555"));
        assert_eq!(number("no digits"), None);
    }

    #[test]
    fn a_filter_survives_the_address_and_leaves_the_rest_of_it_alone() {
        let query = Query::parse("number=4420&customer=acme&cause=17&outcome=busy&from=2026-11-22&col=caller&status=x");
        let filter = CdrFilter::from_query(&query);
        assert_eq!((filter.cause, filter.status, filter.outcome), (Some(17), None, Some(Outcome::Busy)));
        let again = filter.to_query(&query);
        assert_eq!(again.get("col"), Some("caller"));
        assert_eq!(again.get("status"), None, "what could not be read is not handed on");
        assert_eq!(CdrFilter::from_query(&again), filter);
        assert_eq!(CdrFilter::default().to_query(&again).link("/cdrs"), "/cdrs?col=caller");
        assert!(CdrFilter::default().is_empty() && !filter.is_empty());
    }

    #[test]
    fn a_key_is_written_and_read() {
        let key = CdrKey { started_at: Moment::from_micros(1_795_317_127_123_456), id: u64::MAX };
        assert_eq!(key.to_string().parse(), Ok(key));
        for wrong in ["", "1", "1.", ".1", "1.2.3", "x.y", "1.-1"] {
            assert!(wrong.parse::<CdrKey>().is_err(), "{wrong}");
        }
    }
}
