//! Disks and memory that will be full before somebody looks.

use crate::{
    alerts::{
        rule::{Observations, Resource, Symptom},
        subject::{Severity, Subject},
        trend::time_to_full,
    },
    values::quantity::format_span,
};
use std::time::Duration;

const BAD_WITHIN: Duration = Duration::from_secs(3_600);
const NOTICE_WITHIN: Duration = Duration::from_secs(24 * 3_600);
/// Below this much in use it goes down again by itself more often than not.
const USED_MIN: f64 = 0.5;

pub fn filling(seen: &Observations<'_>) -> Vec<Symptom> {
    let mut found = Vec::new();
    for trend in seen.trends {
        let (Some(left), Some((_, used))) = (time_to_full(&trend.points), trend.points.last()) else { continue };
        if left > NOTICE_WITHIN || *used < USED_MIN {
            continue;
        }
        let severity = if left <= BAD_WITHIN { Severity::Bad } else { Severity::Notice };
        let machine = &trend.machine;
        let (key, what, full) = match &trend.what {
            Resource::Disk(mount) => (format!("disk.filling:{mount}"), format!("The disk {mount} of {machine}"), "full"),
            Resource::Memory => ("memory.filling".to_string(), format!("The memory of {machine}"), "used up"),
        };
        let sentence = format!("{what} will be {full} in {} if it goes on like this. Make room.", format_span(left));
        let span = trend.points.last().map_or(Duration::ZERO, |last| last.0.since(trend.points[0].0));
        let line = format!("{:.1} % used, {:.1} % {} ago", used * 100.0, trend.points[0].1 * 100.0, format_span(span));
        found.push(Symptom::new(key, Subject::machine(machine), severity, sentence).evidence([line]));
    }
    found
}
