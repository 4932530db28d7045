//! How a call ended, as the measures count it, and Q.850's causes in words.

use crate::values::Tone;
use serde::{Deserialize, Serialize};

/// What became of a call or of one try at a carrier. The first four count as effective in NER (ITU-T E.425): the network did its
/// part, and what then happened was up to the called side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Answered,
    /// The called side is busy.
    Busy,
    /// It rang, or could have, and nobody came; a caller who gave up while it rang too.
    NoAnswer,
    /// The called side said no.
    Rejected,
    /// The caller gave up before anything rang.
    Abandoned,
    /// The network's failure: no circuit, no such number, no answer of a carrier.
    Failed,
    /// Ours: no balance, no rate, no route, …
    Refused,
}

impl Outcome {
    pub const ALL: [Outcome; 7] = [
        Outcome::Answered,
        Outcome::Busy,
        Outcome::NoAnswer,
        Outcome::Rejected,
        Outcome::Abandoned,
        Outcome::Failed,
        Outcome::Refused,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Outcome::Answered => "answered",
            Outcome::Busy => "busy",
            Outcome::NoAnswer => "no_answer",
            Outcome::Rejected => "rejected",
            Outcome::Abandoned => "abandoned",
            Outcome::Failed => "failed",
            Outcome::Refused => "refused",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.name() == name)
    }

    /// For the screen: `no answer`.
    pub const fn word(self) -> &'static str {
        match self {
            Outcome::NoAnswer => "no answer",
            other => other.name(),
        }
    }

    pub const fn tone(self) -> Tone {
        match self {
            Outcome::Answered => Tone::Good,
            Outcome::Busy | Outcome::NoAnswer | Outcome::Rejected | Outcome::Abandoned => Tone::Idle,
            Outcome::Refused => Tone::Notice,
            Outcome::Failed => Tone::Bad,
        }
    }

    /// Whether NER counts it.
    pub const fn is_effective(self) -> bool {
        matches!(self, Outcome::Answered | Outcome::Busy | Outcome::NoAnswer | Outcome::Rejected)
    }

    /// What a record says. A refusal of ours has an ordinary cause too (21 for most), so it is looked at first; a carrier's SIP
    /// status is more exact than the cause the PBX made of it (403 and 603 both became 21).
    pub const fn of_call(answered: bool, refused: bool, rang: bool, cause: Option<u16>, sip_status: Option<u16>) -> Self {
        if answered {
            return Outcome::Answered;
        }
        if refused {
            return Outcome::Refused;
        }
        if let Some(status) = sip_status
            && status >= 400
        {
            return Self::of_attempt(status, rang);
        }
        match cause {
            Some(17) => Outcome::Busy,
            // 16 and 31 without an answer are a caller who gave up.
            Some(16 | 31) if rang => Outcome::NoAnswer,
            Some(16 | 31) => Outcome::Abandoned,
            Some(18..=20) => Outcome::NoAnswer,
            Some(21) => Outcome::Rejected,
            _ => Outcome::Failed,
        }
    }

    /// What a carrier's final answer says; `rang` when it sent a 180 or 183 before.
    pub const fn of_attempt(sip_status: u16, rang: bool) -> Self {
        match sip_status {
            200..=299 => Outcome::Answered,
            486 | 600 => Outcome::Busy,
            480 => Outcome::NoAnswer,
            // Silence before any ringing is the carrier's, after it the called side's.
            408 if rang => Outcome::NoAnswer,
            487 if rang => Outcome::NoAnswer,
            487 => Outcome::Abandoned,
            // 603 decline; 433 no anonymous callers; 607 unwanted; 608 rejected by the called side's filter.
            603 | 433 | 607 | 608 => Outcome::Rejected,
            _ => Outcome::Failed,
        }
    }
}

/// Q.850's words for a cause.
pub const fn cause_words(cause: u16) -> &'static str {
    match cause {
        0 => "no cause given",
        1 => "unallocated number",
        2 => "no route to the transit network",
        3 => "no route to the destination",
        6 => "channel unacceptable",
        7 => "call awarded in an established channel",
        8 => "preemption",
        14 => "query: the number was ported",
        16 => "normal call clearing",
        17 => "user busy",
        18 => "no user responding",
        19 => "no answer from the user",
        20 => "subscriber absent",
        21 => "call rejected",
        22 => "number changed",
        23 => "redirected to a new destination",
        25 => "exchange routing error",
        26 => "non-selected user clearing",
        27 => "destination out of order",
        28 => "invalid number format",
        29 => "facility rejected",
        30 => "response to a status enquiry",
        31 => "normal, unspecified",
        34 => "no circuit available",
        38 => "network out of order",
        41 => "temporary failure",
        42 => "switching equipment congestion",
        43 => "access information discarded",
        44 => "requested circuit not available",
        47 => "resource unavailable",
        50 => "requested facility not subscribed",
        52 => "outgoing calls barred",
        54 => "incoming calls barred",
        55 => "incoming calls barred within the closed user group",
        57 => "bearer capability not authorized",
        58 => "bearer capability not available",
        65 => "bearer capability not implemented",
        66 => "channel type not implemented",
        69 => "requested facility not implemented",
        79 => "service not implemented",
        81 => "invalid call reference",
        87 => "user not a member of the closed user group",
        88 => "incompatible destination",
        95 => "invalid message",
        96 => "mandatory information element missing",
        97 => "message type not implemented",
        98 => "message not compatible with the call state",
        99 => "information element not implemented",
        100 => "invalid information element",
        101 => "message not compatible with the call state",
        102 => "recovery on timer expiry",
        103 => "parameter not implemented",
        111 => "protocol error",
        127 => "interworking, unspecified",
        _ => "a cause Q.850 does not name",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_cause(cause: u16) -> Outcome {
        Outcome::of_call(false, false, false, Some(cause), None)
    }

    #[test]
    fn ner_counts_what_was_up_to_the_called_side() {
        let effective: Vec<u16> = (0..128).filter(|cause| by_cause(*cause).is_effective()).collect();
        assert_eq!(effective, [17, 18, 19, 20, 21]);
        let table =
            [(17, Outcome::Busy), (19, Outcome::NoAnswer), (21, Outcome::Rejected), (1, Outcome::Failed), (34, Outcome::Failed)];
        for (cause, outcome) in table {
            assert_eq!(by_cause(cause), outcome, "{cause}");
        }
    }

    #[test]
    fn a_caller_who_gives_up_counts_as_no_answer_only_when_it_rang() {
        assert_eq!(Outcome::of_call(false, false, true, Some(16), None), Outcome::NoAnswer);
        assert_eq!(Outcome::of_call(false, false, false, Some(16), None), Outcome::Abandoned);
    }

    #[test]
    fn our_refusal_is_not_the_called_sides_though_the_cause_is_the_same() {
        assert_eq!(Outcome::of_call(false, true, false, Some(21), None), Outcome::Refused);
        assert!(!Outcome::Refused.is_effective());
    }

    #[test]
    fn the_sip_status_tells_a_carriers_403_from_the_called_sides_603() {
        assert_eq!(Outcome::of_call(false, false, true, Some(21), Some(403)), Outcome::Failed);
        assert_eq!(Outcome::of_call(false, false, true, Some(21), Some(603)), Outcome::Rejected);
        assert_eq!(Outcome::of_call(true, false, true, Some(16), Some(200)), Outcome::Answered);
    }

    #[test]
    fn a_silent_carrier_failed_and_a_ringing_one_was_not_answered() {
        assert_eq!(Outcome::of_attempt(408, false), Outcome::Failed);
        assert_eq!(Outcome::of_attempt(408, true), Outcome::NoAnswer);
        assert_eq!(Outcome::of_attempt(503, true), Outcome::Failed);
        assert_eq!(Outcome::of_attempt(486, true), Outcome::Busy);
    }

    #[test]
    fn every_outcome_is_found_by_its_name() {
        for outcome in Outcome::ALL {
            assert_eq!(Outcome::parse(outcome.name()), Some(outcome));
        }
        assert_eq!(cause_words(17), "user busy");
    }
}
