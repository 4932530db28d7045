//! Certificates that end soon.

use crate::{
    alerts::{
        rule::{Observations, Symptom},
        subject::Severity,
    },
    values::quantity::format_span,
};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);
/// Whoever renews by itself does so a month before.
const NOTICE_DAYS: u32 = 21;
const BAD_DAYS: u32 = 7;

pub fn ending(seen: &Observations<'_>) -> Vec<Symptom> {
    let mut found = Vec::new();
    for certificate in seen.certificates {
        let (until, place) = (certificate.valid_until, &certificate.place);
        let left = until.since(seen.now);
        if left > DAY * NOTICE_DAYS {
            continue;
        }
        let severity = if left <= DAY * BAD_DAYS { Severity::Bad } else { Severity::Notice };
        let sentence = match left {
            Duration::ZERO => format!("The certificate of {place} has ended: who checks it refuses. Renew it."),
            left => format!("The certificate of {place} ends in {}. Renew it.", format_span(left)),
        };
        let symptom = Symptom::new(format!("certificate.ending:{place}"), certificate.subject.clone(), severity, sentence);
        found.push(symptom.evidence([format!("valid until {until} UTC")]));
    }
    found
}
