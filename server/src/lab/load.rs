//! `lab load`: many real calls, bounded in number and time. A day's traffic has a shape: destinations of different weight, people who
//! talk for seconds or minutes, are busy, do not answer, and carriers that fail now and then.

use super::{
    call::proxies,
    destinations::{DESTINATIONS, Destination},
    phone::{
        Codec,
        control::{Answer, Behavior, CallResult, EndReason, Expectation, Load, LoadCall, LoadCalls, Outcome, Request},
    },
    phone_line::{PhoneLine, tell},
    place::Layout,
    shipped::shipped_inventory,
};
use app::fleet::inventory::{Inventory, Role};
use serde::Serialize;
use std::{
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

pub const CPS_MAX: f64 = 500.0;
pub const SECONDS_MAX: u64 = 7 * 24 * 60 * 60;
/// What a carrier is told to expect is forgotten after two minutes.
const SEGMENT: Duration = Duration::from_secs(30);
/// No call of ours lasts longer than its ringing and this.
const TALK_MS_MAX: u64 = 180_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Profile {
    /// A day's mix; the rate follows a day's curve, squeezed into the time given, and `cps` is its peak
    Day,
    /// Every call is answered after 100 ms and lasts one second, at an even rate: what a measurement wants
    Steady,
}

/// The stable interface of `lab load --json`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LoadReport {
    pub attempted: u64,
    pub answered: u64,
    /// 5xx, 408, or nothing at all.
    pub failed: u64,
    /// The called side said no, was busy, or did not answer.
    pub refused: u64,
    /// answered / attempted × 100.
    pub asr_percent: f64,
    /// INVITE to 200, of the answered ones.
    pub setup_ms_p50: Option<f64>,
    pub setup_ms_p95: Option<f64>,
    /// INVITE to the first 180, 183 or 200.
    pub pdd_ms_p50: Option<f64>,
    pub pdd_ms_p95: Option<f64>,
}

/// One person's call and what becomes of it.
struct Planned {
    call: LoadCall,
    /// What the carriers do with it, each in the order of the inventory.
    answers: Vec<Behavior>,
}

/// Runs until the time is over or `stop` is set; then the calls still running are ended.
pub fn run(lab: &Layout, cps: f64, seconds: u64, profile: Profile, stop: &AtomicBool) -> Result<LoadReport, String> {
    if !(cps > 0.0 && cps <= CPS_MAX) {
        return Err(format!("{cps} calls a second cannot be had: more than 0, at most {CPS_MAX}."));
    }
    if seconds == 0 || seconds > SECONDS_MAX {
        return Err(format!("{seconds} seconds cannot be had: at least 1, at most {SECONDS_MAX}."));
    }
    let inventory = shipped_inventory()?;
    let customer = inventory.of_role(Role::Customer).next().ok_or("The inventory has no customer.")?.name.clone();
    // Fails at once where there is no lab.
    PhoneLine::open(lab, &customer)?;
    let (tell_result, results) = mpsc::channel();
    let began = Instant::now();
    let whole = Duration::from_secs(seconds);
    let mut at = Duration::ZERO;
    std::thread::scope(|scope| {
        let mut running = Vec::new();
        while at < whole && !stop.load(Ordering::Relaxed) {
            let length = SEGMENT.min(whole - at);
            let rate = match profile {
                Profile::Steady => cps,
                Profile::Day => cps * share_of_peak(at.as_secs_f64() / whole.as_secs_f64()),
            };
            let count = whole_number(rate * length.as_secs_f64()).max(1);
            let planned: Vec<Planned> = (0..count).map(|_| plan(profile, inventory.carriers.len())).collect();
            let (inventory, customer, results) = (&inventory, &customer, tell_result.clone());
            running.push(scope.spawn(move || segment(lab, inventory, customer, rate, planned, &results, stop)));
            at += length;
            while began.elapsed() < at && !stop.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(20));
            }
            // One segment that cannot be placed ends the load, with its reason.
            if running.iter().any(std::thread::ScopedJoinHandle::is_finished) {
                let (done, still): (Vec<_>, Vec<_>) = running.into_iter().partition(std::thread::ScopedJoinHandle::is_finished);
                running = still;
                for thread in done {
                    thread.join().map_err(|_| "A part of the load ended by an error of ours.".to_string())??;
                }
            }
        }
        for thread in running {
            thread.join().map_err(|_| "A part of the load ended by an error of ours.".to_string())??;
        }
        Ok::<(), String>(())
    })?;
    drop(tell_result);
    Ok(sum(results.into_iter()))
}

/// Who calls when, over a day: little at four in the morning, most before noon and in the afternoon.
fn share_of_peak(day: f64) -> f64 {
    const BY_HOUR: [f64; 24] = [
        0.22, 0.17, 0.14, 0.12, 0.12, 0.15, 0.24, 0.42, 0.68, 0.88, 0.97, 1.0, 0.9, 0.92, 0.99, 0.97, 0.9, 0.8, 0.7, 0.62, 0.54,
        0.45, 0.36, 0.28,
    ];
    BY_HOUR.iter().copied().nth(usize::try_from(whole_number((day * 24.0).floor())).unwrap_or(23)).unwrap_or(BY_HOUR[23])
}

fn plan(profile: Profile, carriers: usize) -> Planned {
    let to = number(pick());
    let from = format!("+1212555{:04}", rand::random_range(0..10_000));
    if profile == Profile::Steady {
        return Planned {
            call: LoadCall { from, to, talk_ms: 1_000, ring_ms_max: 30_000 },
            answers: vec![Behavior::default(); carriers],
        };
    }
    let ring = rand::random_range(1_500..9_000);
    let talk = talk_ms();
    let answered = Behavior::Ring { after_ms: 20, answer_ms: ring, talk_ms: None };
    let fate = rand::random_range(0..1_000);
    let mut answers = vec![answered; carriers];
    let mut ring_ms_max = 30_000;
    match fate {
        0..120 => answers.fill(Behavior::Reject { status: 486, after_ms: rand::random_range(50..800) }),
        120..270 => {
            answers.fill(Behavior::RingForever { after_ms: 20 });
            ring_ms_max = rand::random_range(12_000..25_000);
        }
        270..300 => answers.fill(Behavior::Reject { status: 404, after_ms: 30 }),
        // One carrier has no capacity; the next one has.
        300..350 => answers[0] = Behavior::Reject { status: 503, after_ms: 5 },
        350..355 => answers.fill(Behavior::Reject { status: 503, after_ms: 5 }),
        _ => {}
    }
    Planned { call: LoadCall { from, to, talk_ms: talk, ring_ms_max }, answers }
}

#[expect(clippy::cast_sign_loss, reason = "what is below zero becomes zero, which is what a count wants")]
fn whole_number(number: f64) -> u64 {
    number.round() as u64
}

/// Most calls are short and a few are long: the logarithm of a talk time is about normal, here around 40 s.
fn talk_ms() -> u64 {
    let normal: f64 = (0..12).map(|_| rand::random::<f64>()).sum::<f64>() - 6.0;
    whole_number((3.7 + 0.8 * normal).exp() * 1_000.0).clamp(1_000, TALK_MS_MAX)
}

fn pick() -> &'static Destination {
    let all: u32 = DESTINATIONS.iter().map(|destination| destination.weight).sum();
    let mut at = rand::random_range(0..all);
    for destination in DESTINATIONS {
        match at.checked_sub(destination.weight) {
            Some(rest) => at = rest,
            None => return destination,
        }
    }
    &DESTINATIONS[0]
}

fn number(destination: &Destination) -> String {
    let mut number = String::from(destination.prefix);
    while number.len() < destination.digits {
        number.push(char::from(b'0' + rand::random_range(0..10_u8)));
    }
    number
}

fn segment(
    lab: &Layout,
    inventory: &Inventory,
    customer: &str,
    cps: f64,
    planned: Vec<Planned>,
    results: &mpsc::Sender<CallResult>,
    stop: &AtomicBool,
) -> Result<(), String> {
    for (place, carrier) in inventory.carriers.iter().enumerate() {
        let expectation =
            |planned: &Planned| Some(Expectation { called: planned.call.to.clone(), answer: planned.answers.get(place)?.clone() });
        let expect = planned.iter().filter_map(expectation).filter(|expected| expected.answer != Behavior::default()).collect();
        // A carrier that is switched off is part of what a load is for.
        let _ = tell(lab, &carrier.name, &Request::Expect { expect });
    }
    let calls = LoadCalls::Each(planned.into_iter().map(|planned| planned.call).collect());
    let mut line = PhoneLine::open(lab, customer)?;
    line.set_patience(Some(Duration::from_millis(500)))?;
    let codecs = vec![Codec::Pcmu, Codec::Pcma];
    line.ask(&Request::Load {
        load: Load { cps, calls, proxy: proxies(inventory), media: false, codecs, proxy_timeout_ms: 2_000, headers: Vec::new() },
    })?;
    let silence_max = Duration::from_secs(300);
    let mut heard = Instant::now();
    loop {
        match line.try_hear()? {
            Some(Answer::Ended(result)) => {
                heard = Instant::now();
                // Whoever counts may have gone.
                let _ = results.send(*result);
            }
            Some(Answer::Finished(_)) => return Ok(()),
            Some(_) => {}
            // Closing the line ends the calls.
            None if stop.load(Ordering::Relaxed) => return Ok(()),
            None if heard.elapsed() > silence_max => {
                return Err(format!("{customer} has not said anything of its calls for five minutes."));
            }
            None => {}
        }
    }
}

fn sum(results: impl Iterator<Item = CallResult>) -> LoadReport {
    let mut report = LoadReport::default();
    let (mut setup, mut pdd) = (Vec::new(), Vec::new());
    for result in results {
        if result.reason == Some(EndReason::ControlClosed) {
            continue;
        }
        report.attempted += 1;
        match result.outcome {
            Outcome::Answered => report.answered += 1,
            Outcome::Refused => report.refused += 1,
            Outcome::Failed if result.reason == Some(EndReason::NoAnswer) => report.refused += 1,
            Outcome::Failed => report.failed += 1,
        }
        setup.extend(result.setup_ms);
        pdd.extend(result.pdd_ms);
    }
    if report.attempted > 0 {
        report.asr_percent = (report.answered as f64 / report.attempted as f64 * 1_000.0).round() / 10.0;
    }
    (report.setup_ms_p50, report.setup_ms_p95) = (percentile(&mut setup, 0.5), percentile(&mut setup, 0.95));
    (report.pdd_ms_p50, report.pdd_ms_p95) = (percentile(&mut pdd, 0.5), percentile(&mut pdd, 0.95));
    report
}

/// The value below which this share lies.
fn percentile(values: &mut [f64], share: f64) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let at = whole_number((values.len() as f64 * share).ceil()).saturating_sub(1);
    values.get(usize::try_from(at).ok()?).map(|value| (value * 10.0).round() / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_a_night_and_numbers_are_whole() {
        assert!(share_of_peak(0.15) < 0.2 && share_of_peak(0.48) > 0.95);
        for _ in 0..500 {
            let planned = plan(Profile::Day, 2);
            assert!(planned.call.to.len() >= 10 && planned.call.talk_ms <= TALK_MS_MAX && planned.answers.len() == 2);
        }
    }

    #[test]
    fn a_percentile_is_one_of_the_values() {
        assert_eq!(percentile(&mut [3.0, 1.0, 2.0], 0.5), Some(2.0));
        assert_eq!(percentile(&mut [5.0], 0.95), Some(5.0));
        assert_eq!(percentile(&mut [], 0.5), None);
    }
}
