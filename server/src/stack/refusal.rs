//! Why a call is refused (the reasons of the field), and how each reason travels: from the PBX to the proxy as a Q.850 cause, from
//! the proxy to the customer as a SIP status with its words. One table, rendered into the dialplan and into Kamailio.

use serde::Serialize;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    pub reason: &'static str,
    /// What the PBX puts into its `Reason: Q.850` for the proxy. Q.850 assigns nothing from 112 to 126, so none of these can be
    /// a carrier's answer.
    pub cause: u8,
    /// The ordinary Q.850 cause that the call detail record gets.
    pub hangup_cause: u8,
    pub sip_status: u16,
    pub phrase: &'static str,
}

const fn refusal(reason: &'static str, cause: u8, hangup_cause: u8, sip_status: u16, phrase: &'static str) -> Refusal {
    Refusal { reason, cause, hangup_cause, sip_status, phrase }
}

pub const REFUSALS: [Refusal; 8] = [
    // 402 by its name; a customer's PBX says "no credit" to its user.
    refusal("insufficient_balance", 112, 21, 402, "Payment Required"),
    refusal("no_rate", 113, 3, 404, "Not Found"),
    refusal("no_route", 114, 34, 503, "Service Unavailable"),
    refusal("blocked_destination", 115, 21, 403, "Forbidden"),
    // Not 503, on which a customer's PBX would take another trunk, and not 486, which would claim that the called side is busy.
    refusal("too_many_calls", 116, 21, 480, "Temporarily Unavailable"),
    refusal("account_disabled", 117, 21, 403, "Forbidden"),
    refusal("fraud_hold", 118, 21, 403, "Forbidden"),
    refusal("authorizer_unavailable", 119, 41, 503, "Service Unavailable"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_reason_has_a_cause_of_its_own_that_q850_does_not_use() {
        let causes: BTreeSet<u8> = REFUSALS.iter().map(|refusal| refusal.cause).collect();
        assert_eq!(causes.len(), REFUSALS.len());
        assert!(causes.iter().all(|cause| (112..=126).contains(cause)));
        let reasons: BTreeSet<&str> = REFUSALS.iter().map(|refusal| refusal.reason).collect();
        assert_eq!(reasons.len(), REFUSALS.len());
    }
}
