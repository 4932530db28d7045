//! A call's record as a PBX writes it, wherever it is read: the row of its table and the line of its own file have the same columns,
//! and give the same call with the same key.

use app::{
    calls::{
        cdr::{Cdr, CdrKey},
        destination::destination,
        outcome::Outcome,
    },
    values::Moment,
};
use sha2::{Digest, Sha256};

/// The columns of one record, by name.
pub trait Record {
    type Error;

    fn text(&self, column: &str) -> Result<Option<String>, Self::Error>;
    /// Of a column of microseconds since 1970.
    fn at(&self, column: &str) -> Result<Option<Moment>, Self::Error>;
    fn code(&self, column: &str) -> Result<Option<u16>, Self::Error>;
    fn seconds(&self, column: &str) -> Result<u32, Self::Error>;
}

pub fn call<R: Record>(record: &R) -> Result<Cdr, R::Error> {
    let text = |column: &str| record.text(column).map(|text| text.filter(|text| !text.is_empty()));
    let plain = |column: &str| text(column).map(Option::unwrap_or_default);
    let (reference, uniqueid) = (plain("reference")?, plain("uniqueid")?);
    let (ringing_at, answered_at, ended_at) = (record.at("ringing_us")?, record.at("answered_us")?, record.at("ended_us")?);
    // A record without its beginning is a defect of the dialplan, but still a call: it is put where its other times say.
    let started_at =
        record.at("started_us")?.or(answered_at).or(ended_at).or_else(|| in_uniqueid(&uniqueid)).unwrap_or(Moment::EPOCH);
    let (hangup_cause, sip_status) = (record.code("hangup_cause")?, record.code("sip_status")?);
    let (called, refusal) = (plain("called")?, text("refusal")?);
    let outcome = Outcome::of_call(answered_at.is_some(), refusal.is_some(), ringing_at.is_some(), hangup_cause, sip_status);
    Ok(Cdr {
        key: CdrKey { started_at, id: number(&[&reference, &uniqueid]) },
        destination: destination(&called).into(),
        reference,
        uniqueid,
        sip_call_id: text("sip_call_id")?,
        carrier_call_id: text("carrier_call_id")?,
        caller: plain("caller")?,
        called,
        customer: text("customer")?,
        carrier: text("carrier")?,
        prefix: text("called_prefix")?,
        rate: text("rate")?.and_then(|rate| rate.parse().ok()),
        pbx: plain("pbx")?,
        proxy: text("proxy")?,
        ringing_at,
        answered_at,
        ended_at,
        billsec: record.seconds("billsec")?,
        disposition: plain("disposition")?,
        outcome,
        hangup_cause,
        sip_status,
        refusal,
        customer_codec: text("customer_codec")?,
        carrier_codec: text("carrier_codec")?,
        attempts: Vec::new(),
    })
}

/// Asterisk's unique id ends in the second it was made in and a counter: `asterisk-01-1795317127.42`.
fn in_uniqueid(uniqueid: &str) -> Option<Moment> {
    let seconds = uniqueid.rsplit('-').next()?.split('.').next()?.parse().ok()?;
    Some(Moment::from_seconds(seconds))
}

/// Sixty-four bits of a hash of a record's names. Together with the microsecond it began in, two calls share it in no lifetime.
pub fn number(names: &[&str]) -> u64 {
    let mut hash = Sha256::new();
    for name in names {
        hash.update(name.as_bytes());
        hash.update([0]);
    }
    let bytes = hash.finalize();
    u64::from_be_bytes(std::array::from_fn(|i| bytes[i]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_depends_on_every_name_and_on_where_one_ends() {
        assert_eq!(number(&["a", "b"]), number(&["a", "b"]));
        assert_ne!(number(&["ab", ""]), number(&["a", "b"]));
    }

    #[test]
    fn the_second_is_read_from_the_unique_id() {
        assert_eq!(in_uniqueid("asterisk-01-1795317127.42"), Some(Moment::from_seconds(1_795_317_127)));
        assert_eq!(in_uniqueid("1795317127.42"), Some(Moment::from_seconds(1_795_317_127)));
        assert_eq!(in_uniqueid("odd"), None);
    }
}
