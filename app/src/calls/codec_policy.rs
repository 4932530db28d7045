//! Which codec a call may carry, and what of a call breaks that: G.711 µ-law towards North America, A-law towards the rest of the
//! world, and the same codec on both external legs, so that nobody has to translate.

/// What the policy allows on the leg to the carrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    MuLaw,
    ALaw,
}

impl Codec {
    /// As the PBX writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Codec::MuLaw => "ulaw",
            Codec::ALaw => "alaw",
        }
    }

    /// For the screen.
    pub const fn word(self) -> &'static str {
        match self {
            Codec::MuLaw => "G.711 µ-law",
            Codec::ALaw => "G.711 A-law",
        }
    }

    /// PBXs write `ulaw`, SIP writes `PCMU`; both mean the same.
    pub fn parse(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "ulaw" | "pcmu" => Some(Codec::MuLaw),
            "alaw" | "pcma" => Some(Codec::ALaw),
            _ => None,
        }
    }

    /// By the called number in E.164 digits: country code 1 is North America.
    pub fn towards(called: &str) -> Self {
        if called.trim_start_matches('+').starts_with('1') { Codec::MuLaw } else { Codec::ALaw }
    }
}

/// What of a call is against the policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Breach {
    /// The legs carry different codecs: the PBX translates each packet.
    Transcodes { customer: String, carrier: String },
    /// The carrier's leg carries another codec than its destination asks for.
    WrongCodec { carrier: String, expected: Codec },
}

impl Breach {
    pub fn sentence(&self) -> String {
        match self {
            Breach::Transcodes { customer, carrier } => {
                format!(
                    "Transcoded: {customer} from the customer, {carrier} to the carrier. External legs must carry the same codec."
                )
            }
            Breach::WrongCodec { carrier, expected } => {
                format!("The carrier’s leg carries {carrier}; this destination asks for {} ({}).", expected.word(), expected.name())
            }
        }
    }
}

/// All that is wrong with a call's codecs. A leg whose codec is not known breaks nothing: a call that was never set up has none.
pub fn breaches(called: &str, customer_codec: Option<&str>, carrier_codec: Option<&str>) -> Vec<Breach> {
    let mut found = Vec::new();
    let same = |a: &str, b: &str| match (Codec::parse(a), Codec::parse(b)) {
        (Some(a), Some(b)) => a == b,
        _ => a.eq_ignore_ascii_case(b),
    };
    if let (Some(customer), Some(carrier)) = (customer_codec, carrier_codec)
        && !same(customer, carrier)
    {
        found.push(Breach::Transcodes { customer: customer.into(), carrier: carrier.into() });
    }
    let expected = Codec::towards(called);
    if let Some(carrier) = carrier_codec.filter(|carrier| Codec::parse(carrier) != Some(expected)) {
        found.push(Breach::WrongCodec { carrier: carrier.into(), expected });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_is_a_table() {
        let wrong = |carrier: &str, expected| Breach::WrongCodec { carrier: carrier.into(), expected };
        let transcodes = |customer: &str, carrier: &str| Breach::Transcodes { customer: customer.into(), carrier: carrier.into() };
        let table = [
            ("12125550123", Some("ulaw"), Some("ulaw"), vec![]),
            ("+12125550123", Some("PCMU"), Some("ulaw"), vec![]),
            ("442079460123", Some("alaw"), Some("alaw"), vec![]),
            ("442079460123", Some("ulaw"), Some("ulaw"), vec![wrong("ulaw", Codec::ALaw)]),
            ("12125550123", Some("alaw"), Some("alaw"), vec![wrong("alaw", Codec::MuLaw)]),
            ("442079460123", Some("ulaw"), Some("alaw"), vec![transcodes("ulaw", "alaw")]),
            ("442079460123", Some("g722"), Some("g722"), vec![wrong("g722", Codec::ALaw)]),
            ("12125550123", Some("ulaw"), Some("g729"), vec![transcodes("ulaw", "g729"), wrong("g729", Codec::MuLaw)]),
            ("442079460123", Some("ulaw"), None, vec![]),
            ("442079460123", None, None, vec![]),
        ];
        for (called, customer, carrier, expected) in table {
            assert_eq!(breaches(called, customer, carrier), expected, "{called} {customer:?} {carrier:?}");
        }
    }

    #[test]
    fn a_breach_names_both_codecs() {
        let said = breaches("12125550123", Some("ulaw"), Some("g729")).iter().map(Breach::sentence).collect::<String>();
        assert!(said.contains("ulaw from the customer, g729 to the carrier") && said.contains("asks for G.711 µ-law"), "{said}");
    }
}
