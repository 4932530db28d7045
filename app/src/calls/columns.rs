//! The columns of a list of call records: the same for the page and for its export, which is exactly the view.

use crate::{calls::cdr::Cdr, ui::Column, values::Moment};

pub const COLUMNS: &[Column] = &[
    Column::text("at", "When").unsorted(),
    Column::text("caller", "Caller").unsorted(),
    Column::text("called", "Called").unsorted(),
    Column::text("destination", "Destination").unsorted(),
    Column::text("customer", "Customer").unsorted(),
    Column::text("carrier", "Carrier").unsorted(),
    Column::text("outcome", "Outcome").unsorted(),
    Column::number("cause", "Cause").unsorted(),
    Column::number("status", "SIP").unsorted(),
    Column::text("refusal", "Refusal").unsorted(),
    Column::number("billsec", "Seconds").unsorted(),
    Column::number("pdd", "PDD ms").unsorted(),
    Column::text("pbx", "PBX").unsorted(),
    Column::text("reference", "Reference").unsorted().hidden(),
    Column::text("proxy", "Proxy").unsorted().hidden(),
    Column::text("prefix", "Prefix").unsorted().hidden(),
    Column::number("rate", "Rate a minute").unsorted().hidden(),
    Column::text("answered", "Answered at").unsorted().hidden(),
    Column::text("ended", "Ended at").unsorted().hidden(),
    Column::text("customer_codec", "Codec, customer").unsorted().hidden(),
    Column::text("carrier_codec", "Codec, carrier").unsorted().hidden(),
    Column::text("sip_call_id", "Call-ID, customer").unsorted().hidden(),
    Column::text("carrier_call_id", "Call-ID, carrier").unsorted().hidden(),
];

/// What a cell says, as text for a machine: times as RFC 3339, figures without their units, nothing where nothing is known.
pub fn cell(cdr: &Cdr, column: &str) -> String {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let number = |number: Option<u16>| number.map(|number| number.to_string()).unwrap_or_default();
    let at = |at: Option<Moment>| at.map(Moment::rfc3339).unwrap_or_default();
    match column {
        "at" => cdr.started_at().rfc3339(),
        "caller" => cdr.caller.clone(),
        "called" => cdr.called.clone(),
        "destination" => cdr.destination.clone(),
        "customer" => text(&cdr.customer),
        "carrier" => text(&cdr.carrier),
        "outcome" => cdr.outcome.word().into(),
        "cause" => number(cdr.hangup_cause),
        "status" => number(cdr.sip_status),
        "refusal" => text(&cdr.refusal),
        "billsec" => cdr.billsec.to_string(),
        "pdd" => cdr.pdd().map(|pdd| pdd.as_millis().to_string()).unwrap_or_default(),
        "pbx" => cdr.pbx.clone(),
        "reference" => cdr.reference.clone(),
        "proxy" => text(&cdr.proxy),
        "prefix" => text(&cdr.prefix),
        "rate" => cdr.rate.map(|rate| rate.to_string()).unwrap_or_default(),
        "answered" => at(cdr.answered_at),
        "ended" => at(cdr.ended_at),
        "customer_codec" => text(&cdr.customer_codec),
        "carrier_codec" => text(&cdr.carrier_codec),
        "sip_call_id" => text(&cdr.sip_call_id),
        "carrier_call_id" => text(&cdr.carrier_call_id),
        _ => String::new(),
    }
}
