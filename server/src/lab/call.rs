//! `lab call`: one real call from a customer's PBX to a carrier, and its ladder. What the customer saw comes from its phone, what the
//! proxies tried from their own log.

use super::{
    phone::control::{Answer, Behavior, CallEvent, CallResult, Direction, Expectation, Outcome, PlaceCall, Request},
    phone_line::{PhoneLine, tell},
    place::Layout,
    shipped::shipped_inventory,
};
use app::fleet::inventory::{Inventory, Role};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs::File,
    io::{Read, Seek, SeekFrom},
    net::SocketAddr,
    time::{Duration, Instant},
};

/// The proxies write an attempt down when it is decided; the line is there a moment after the call's end.
const LOG_PATIENCE: Duration = Duration::from_millis(1_500);
const KAMAILIO_LOG: &str = "/var/log/kamailio.log";

/// What is wanted of the call.
pub struct Wish {
    pub from: String,
    pub to: String,
    pub caller: String,
    pub answer_after: Option<Duration>,
    pub talk: Duration,
    pub ring_max: Duration,
    /// What each carrier named here does with this call.
    pub carriers: BTreeMap<String, Behavior>,
}

/// The stable interface of `lab call --json`, and what else is known.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub outcome: Outcome,
    pub sip_status: Option<u16>,
    /// Why it was refused or failed: a word of the routing rules where the carrier's own systems said no, else what the far end said.
    pub reason: Option<String>,
    pub attempts: Vec<Attempt>,
    /// Who answered.
    pub carrier: Option<String>,
    pub pbx: Option<String>,
    /// INVITE to 200.
    pub setup_ms: Option<f64>,
    pub talk_s: Option<f64>,
    /// INVITE to the first 180, 183 or 200.
    pub pdd_ms: Option<f64>,
    pub codec: Option<String>,
    pub rtp_sent: u64,
    pub rtp_received: u64,
    pub reference: String,
    /// When the caller heard of the answer, in microseconds since 1970.
    pub answered_at_us: Option<u64>,
    #[serde(skip)]
    pub ladder: Vec<CallEvent>,
}

/// One try at one carrier, as a proxy saw it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Attempt {
    pub carrier: String,
    pub sip_status: u16,
    /// When that status was known, since the customer's INVITE.
    pub at_ms: f64,
    /// How long the carrier took.
    pub took_ms: f64,
    pub rate: String,
    pub prefix: String,
    pub proxy: String,
}

/// As the proxies write it.
#[derive(Deserialize)]
struct LoggedAttempt {
    reference: String,
    carrier: String,
    prefix: String,
    rate: String,
    sip_status: u16,
    started_us: u64,
    ms: u64,
}

pub fn place(lab: &Layout, wish: &Wish) -> Result<Report, String> {
    let inventory = shipped_inventory()?;
    check(&inventory, wish)?;
    let carriers: Vec<&str> = inventory.of_role(Role::Carrier).map(|machine| machine.name.as_str()).collect();
    let mut asked = Vec::new();
    for carrier in carriers {
        let wanted = wish.carriers.get(carrier).cloned();
        let by_time = wish.answer_after.map(|after| Behavior::Ring { after_ms: 10, answer_ms: millis(after), talk_ms: None });
        let Some(answer) = wanted.or(by_time) else { continue };
        asked.push(carrier.to_string());
        tell(lab, carrier, &Request::Expect { expect: vec![Expectation { called: wish.to.clone(), answer }] })?;
    }
    let log = ProxyLog::from_now_on(lab, &inventory);
    let rung = ring(lab, &inventory, wish);
    for carrier in asked {
        // Who was not asked after all must not do it to somebody else's call.
        let _ = tell(lab, &carrier, &Request::Forget { called: wish.to.clone() });
    }
    let (result, ladder) = rung?;
    let attempts = log.attempts(&result);
    Ok(report(&inventory, result, attempts, ladder))
}

fn check(inventory: &Inventory, wish: &Wish) -> Result<(), String> {
    let customers: Vec<&str> = inventory.of_role(Role::Customer).map(|machine| machine.name.as_str()).collect();
    if !customers.contains(&wish.from.as_str()) {
        return Err(format!("{:?} is not a customer of the lab; these are: {}.", wish.from, customers.join(", ")));
    }
    let digits = wish.to.trim_start_matches('+');
    if digits.is_empty() || digits.len() > 15 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("{:?} is not a number: up to 15 digits, with or without a plus, like 442079460123.", wish.to));
    }
    Ok(())
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Where customers send their calls: both proxies, each by the address it keeps.
pub fn proxies(inventory: &Inventory) -> Vec<SocketAddr> {
    let cluster = inventory.cluster_of(Role::Kamailio);
    let addresses = cluster.map(|cluster| cluster.virtual_addresses.as_slice()).unwrap_or_default();
    addresses.iter().map(|one| SocketAddr::from((one.address, super::roles::SIP_PORT))).collect()
}

fn ring(lab: &Layout, inventory: &Inventory, wish: &Wish) -> Result<(CallResult, Vec<CallEvent>), String> {
    let mut line = PhoneLine::open(lab, &wish.from)?;
    let call = PlaceCall {
        from: wish.caller.clone(),
        to: wish.to.clone(),
        proxy: proxies(inventory),
        codecs: vec![super::phone::Codec::Pcmu, super::phone::Codec::Pcma],
        ring_ms_max: millis(wish.ring_max),
        talk_ms: millis(wish.talk),
        media: true,
        proxy_timeout_ms: 2_000,
        headers: Vec::new(),
    };
    // Past everything the call may take, something is wrong with the phone itself.
    line.set_patience(Some(wish.ring_max + wish.talk + Duration::from_secs(60)))?;
    line.ask(&Request::Place { call })?;
    let mut ladder = Vec::new();
    loop {
        match line.hear()? {
            Answer::Event(event) => ladder.push(event),
            Answer::Ended(result) => return Ok((*result, ladder)),
            _ => {}
        }
    }
}

/// The logs of the proxies, from a moment on.
struct ProxyLog {
    files: Vec<(String, File)>,
}

impl ProxyLog {
    fn from_now_on(lab: &Layout, inventory: &Inventory) -> Self {
        let open = |name: &str| {
            let mut file = File::open(lab.inside(name, KAMAILIO_LOG)?).ok()?;
            file.seek(SeekFrom::End(0)).ok()?;
            Some((name.to_string(), file))
        };
        // One that is switched off has tried nothing.
        Self { files: inventory.of_role(Role::Kamailio).filter_map(|machine| open(&machine.name)).collect() }
    }

    /// What they tried for this call, in order. Waits a little for the line of the carrier that answered.
    fn attempts(self, result: &CallResult) -> Vec<Attempt> {
        let give_up = Instant::now() + LOG_PATIENCE;
        let mut text: Vec<(String, File, String)> =
            self.files.into_iter().map(|(name, file)| (name, file, String::new())).collect();
        loop {
            let mut found: Vec<Attempt> = Vec::new();
            for (proxy, file, text) in &mut text {
                let mut bytes = Vec::new();
                // A proxy that was switched off meanwhile has no more to say.
                let _ = file.read_to_end(&mut bytes);
                text.push_str(&String::from_utf8_lossy(&bytes));
                found.extend(text.lines().filter_map(|line| attempt(line, proxy, result)));
            }
            found.sort_by(|a, b| a.at_ms.total_cmp(&b.at_ms));
            let complete = result.outcome != Outcome::Answered || found.iter().any(|attempt| attempt.sip_status == 200);
            if (complete && !found.is_empty()) || Instant::now() > give_up {
                return found;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

fn attempt(line: &str, proxy: &str, result: &CallResult) -> Option<Attempt> {
    let (_, json) = line.split_once("attempt {")?;
    let logged: LoggedAttempt = serde_json::from_str(&format!("{{{}", json.trim_end())).ok()?;
    if logged.reference != result.call_id {
        return None;
    }
    let began = logged.started_us.saturating_sub(result.started_at_us);
    Some(Attempt {
        carrier: logged.carrier,
        sip_status: logged.sip_status,
        at_ms: tenths(began as f64 / 1_000.0 + logged.ms as f64),
        took_ms: logged.ms as f64,
        rate: logged.rate,
        prefix: logged.prefix,
        proxy: proxy.into(),
    })
}

/// Whole microseconds of a time that is never negative.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a conversion from a double saturates")]
fn micros(ms: f64) -> u64 {
    (ms * 1_000.0).round() as u64
}

fn tenths(ms: f64) -> f64 {
    (ms * 10.0).round() / 10.0
}

fn report(inventory: &Inventory, result: CallResult, attempts: Vec<Attempt>, ladder: Vec<CallEvent>) -> Report {
    let answered = result.outcome == Outcome::Answered;
    let carrier = attempts.iter().rfind(|attempt| answered && attempt.sip_status == 200).map(|attempt| attempt.carrier.clone());
    let by_address = |address: &str| {
        let has = |machine: &&app::fleet::inventory::Machine| {
            inventory.nics(machine).iter().any(|nic| nic.address.to_string() == address)
        };
        inventory.machines.iter().find(has).map(|machine| machine.name.clone())
    };
    let own_word =
        result.reason.map(|reason| serde_json::to_value(reason).ok().and_then(|value| Some(value.as_str()?.to_string())));
    // A header without words is only a cause's number.
    let spoken = || result.reason_header.clone().filter(|text| !text.contains(';'));
    let reason = if answered { None } else { own_word.flatten().or_else(spoken).or_else(|| result.sip_reason.clone()) };
    Report {
        outcome: result.outcome,
        sip_status: result.sip_status,
        reason,
        attempts,
        carrier,
        pbx: result.remote_contact.as_deref().and_then(by_address),
        setup_ms: result.setup_ms.map(tenths),
        talk_s: result.talk_ms.map(|ms| tenths(ms / 1_000.0)),
        pdd_ms: result.pdd_ms.map(tenths),
        codec: result.codec.map(|codec| codec.name().to_string()),
        rtp_sent: result.rtp_sent,
        rtp_received: result.rtp_received,
        answered_at_us: result.setup_ms.filter(|_| answered).map(|ms| result.started_at_us + micros(ms)),
        reference: result.call_id,
        ladder,
    }
}

impl Report {
    /// The ladder, a line for each step, and the end of it in a sentence.
    pub fn lines(&self, from: &str) -> Vec<String> {
        let event = |event: &CallEvent| {
            let arrow = if event.direction == Direction::Sent { "──▶" } else { "◀──" };
            let again = if event.repeated { " (again)" } else { "" };
            (event.at_ms, format!("{from:<12} {arrow} {:<21} {}{again}", event.peer, event.what))
        };
        let tried = |attempt: &Attempt| {
            let Attempt { proxy, carrier, sip_status, took_ms, rate, prefix, .. } = attempt;
            (
                attempt.at_ms,
                format!("{proxy:<12} ◀── {carrier:<21} {sip_status} after {took_ms:.0} ms (prefix {prefix}, {rate} a minute)"),
            )
        };
        let mut steps: Vec<(f64, String)> = self.ladder.iter().map(event).chain(self.attempts.iter().map(tried)).collect();
        steps.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut lines: Vec<String> = steps.into_iter().map(|(at, text)| format!("{at:>10.1} ms  {text}")).collect();
        lines.push(self.sentence());
        lines
    }

    fn sentence(&self) -> String {
        let name = |part: &Option<String>| part.clone().unwrap_or_else(|| "somebody unknown".into());
        let number = |part: Option<f64>| part.unwrap_or_default();
        match self.outcome {
            Outcome::Answered => format!(
                "Answered by {} through {}: rang after {:.0} ms, set up in {:.0} ms, talked {:.1} s, {} packets of {} sent and {} came back.",
                name(&self.carrier),
                name(&self.pbx),
                number(self.pdd_ms),
                number(self.setup_ms),
                number(self.talk_s),
                self.rtp_sent,
                self.codec.as_deref().unwrap_or("sound"),
                self.rtp_received
            ),
            Outcome::Refused => format!("Refused with {}: {}.", self.sip_status.unwrap_or_default(), name(&self.reason)),
            Outcome::Failed => format!(
                "Failed with {}: {}.",
                self.sip_status.map_or("no answer at all".into(), |status| status.to_string()),
                name(&self.reason)
            ),
        }
    }
}
