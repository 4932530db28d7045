//! Measures of calls that are not what they are at this hour of this weekday.

use crate::alerts::{
    band::{Band, band},
    rule::{Observations, Symptom, VolumeFigures, VolumeSight},
    subject::{Severity, Subject, SubjectKind},
};

/// Fewer attempts in the window, and three calls to a wrong number are a trend.
pub const ATTEMPTS_MIN: u64 = 50;
/// How far a measure always may move.
const RATIO_SPREAD_MIN: f64 = 8.0;
const PDD_SPREAD_MIN_MS: f64 = 500.0;
/// Of the median.
const CPS_SPREAD_MIN: f64 = 0.4;
/// Answered calls in a hundred this far below the usual hurt at once.
const RATIO_BAD_BELOW: f64 = 30.0;

/// How far chance alone moves a figure of so many calls: standard deviations, as wide as the band itself.
const CHANCE_WIDTH: f64 = 4.0;

/// By chance, `percent` of so many attempts lies within this of the truth.
fn chance_percent(percent: f64, attempts: f64) -> f64 {
    let share = (percent / 100.0).clamp(0.0, 1.0);
    CHANCE_WIDTH * 100.0 * (share * (1.0 - share) / attempts.max(1.0)).sqrt()
}

type Read = fn(&VolumeFigures) -> Option<f64>;

pub fn out_of_band(seen: &Observations<'_>) -> Vec<Symptom> {
    seen.volume.iter().flat_map(|sight| measures(seen, sight)).collect()
}

fn measures(seen: &Observations<'_>, sight: &VolumeSight) -> Vec<Symptom> {
    let usual =
        |read: Read| -> Vec<f64> { sight.usual.iter().filter(|week| week.attempts >= ATTEMPTS_MIN).filter_map(read).collect() };
    let mut found = Vec::new();
    let whose = match sight.subject.kind {
        SubjectKind::Traffic => "all traffic".to_string(),
        _ => sight.subject.name.clone(),
    };
    let mut tell = |key: &str, severity: Severity, name: &str, value: f64, unit: &str, band: Band| {
        let way = if value < band.median { "below" } else { "above" };
        let sentence = format!(
            "{name} of {whose} is {value:.1}{unit}, {way} the {:.1}{unit} that are usual at this hour of this weekday.",
            band.median
        );
        let lines = [
            format!(
                "usual: {:.1} to {:.1}{unit}, median {:.1} of {} weeks",
                band.low.max(0.0),
                band.high,
                band.median,
                sight.usual.len()
            ),
            format!(
                "{} attempts from {} to {} UTC",
                sight.now.attempts,
                sight.from.hour_and_minute(),
                sight.until.hour_and_minute()
            ),
        ];
        found.push(Symptom::new(key, sight.subject.clone(), severity, sentence).evidence(lines).because(on_the_way(seen)));
    };
    if sight.now.attempts >= ATTEMPTS_MIN {
        let ratios: [(&str, &str, Read); 2] =
            [("asr.low", "ASR", |figures| figures.asr_percent), ("ner.low", "NER", |figures| figures.ner_percent)];
        for (key, name, read) in ratios {
            let weeks = usual(read);
            let by_chance = band(&weeks, 0.0).map_or(0.0, |band| chance_percent(band.median, as_f64(sight.now.attempts)));
            let (Some(value), Some(band)) = (read(&sight.now), band(&weeks, RATIO_SPREAD_MIN.max(by_chance))) else { continue };
            if value < band.low {
                let severity = if band.median - value >= RATIO_BAD_BELOW { Severity::Bad } else { Severity::Notice };
                tell(key, severity, name, value, " %", band);
            }
        }
        if let (Some(value), Some(band)) = (sight.now.pdd_ms, band(&usual(|figures| figures.pdd_ms), PDD_SPREAD_MIN_MS))
            && value > band.high
        {
            tell("pdd.high", Severity::Notice, "PDD", value, " ms", band);
        }
    }
    // Silence has no attempts, so it is measured by what should be there.
    let rates = usual(|figures| figures.cps);
    let expected: Vec<f64> =
        sight.usual.iter().filter(|week| week.attempts >= ATTEMPTS_MIN).map(|week| as_f64(week.attempts)).collect();
    let by_chance = band(&expected, 0.0).map_or(0.0, |band| CHANCE_WIDTH / band.median.max(1.0).sqrt());
    let spread = band(&rates, 0.0).map_or(0.0, |band| band.median * CPS_SPREAD_MIN.max(by_chance));
    if let (Some(value), Some(band)) = (sight.now.cps, band(&rates, spread)) {
        if value < band.low {
            let severity = if value <= band.median / 10.0 { Severity::Bad } else { Severity::Notice };
            tell("cps.low", severity, "CPS", value, "", band);
        } else if value > band.high && value > band.median * 2.0 {
            tell("cps.high", Severity::Notice, "CPS", value, "", band);
        }
    }
    found
}

/// Every machine a call passes.
fn on_the_way(seen: &Observations<'_>) -> impl Iterator<Item = Subject> {
    use crate::fleet::inventory::Role;
    let passes = |role: Role| matches!(role, Role::Kamailio | Role::Asterisk | Role::Billing);
    seen.inventory.machines.iter().filter(move |machine| passes(machine.role)).map(|machine| Subject::machine(&machine.name))
}

#[expect(clippy::cast_precision_loss, reason = "counts of calls are far below 2^53")]
const fn as_f64(count: u64) -> f64 {
    count as f64
}
