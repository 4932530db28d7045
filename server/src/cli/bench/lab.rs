//! The lab's figures, each on a lab of its own that is taken down again.

use super::{
    Failure,
    figure::{Figure, Goal, percentile},
};
use crate::{
    lab::{
        call::{self, Wish},
        down::down,
        enter, faults,
        load::{self, Profile},
        phone::{
            Codec,
            control::{Answer, Behavior, Load, LoadCall, LoadCalls, Outcome, Request},
        },
        phone_line::PhoneLine,
        place::Layout,
        roles,
        shipped::shipped_inventory,
        up,
    },
    process::{self, Processes},
};
use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    path::Path,
    process::Stdio,
    sync::atomic::AtomicBool,
    time::{Duration, Instant},
};

pub const UP: Goal =
    Goal::at_most("lab-up", "from nothing to fourteen whole machines, packages being there, median of three", "s", 60.0);
pub const DOWN: Goal = Goal::at_most("lab-down", "from a whole carrier to nothing, median of three", "s", 5.0);
pub const MEMORY: Goal =
    Goal::at_most("lab-memory", "all processes of the lab at rest, shared pages counted once (PSS)", "MiB", 3_072.0);
pub const IDLE: Goal = Goal::at_most("lab-idle-cpu", "all processes of the lab at rest, over twenty seconds", "% of a core", 15.0);
pub const FAILOVER: Goal =
    Goal::at_most("lab-failover", "from a carrier's 503 to ringing at the caller, p95 of twenty calls", "ms", 100.0);
pub const SILENT: Goal =
    Goal::at_most("lab-silent-carrier", "from INVITE to ringing when the first carrier says nothing, worst of five", "ms", 2_500.0);
pub const WHOLE_CHAIN: Goal =
    Goal::at_most("lab-load60", "calls not answered of 1,800 at 60 a second through everything", "calls", 0.0);
pub const PROXIES_ALONE: Goal = Goal::at_most(
    "lab-load300",
    "calls not answered of 3,000 at 300 a second through the proxies, every one after a 503",
    "calls",
    0.0,
);
#[cfg(test)]
pub const GOALS: [Goal; 8] = [UP, DOWN, MEMORY, IDLE, FAILOVER, SILENT, WHOLE_CHAIN, PROXIES_ALONE];

/// A London number: the first carrier is the cheaper one there.
const NUMBER: &str = "442079460123";
/// Start-up's own work must not count as rest.
const SETTLE: Duration = Duration::from_secs(12);

struct Bench {
    lab: Layout,
    _dir: tempfile::TempDir,
    built_s: f64,
}

impl Bench {
    fn build() -> Result<Self, Failure> {
        let dir = tempfile::Builder::new().prefix("wc-bench").tempdir().map_err(Failure::new)?;
        let lab = Layout::below(dir.path());
        let began = Instant::now();
        up::up(&lab, &|_| {}).map_err(Failure::new)?;
        Ok(Self { lab, _dir: dir, built_s: began.elapsed().as_secs_f64() })
    }

    fn end(&self) -> Result<f64, Failure> {
        let began = Instant::now();
        down(&self.lab).map_err(Failure::new)?;
        Ok(began.elapsed().as_secs_f64())
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        // Also when a measure failed half-way; where it is down already this finds nothing.
        let _ = down(&self.lab);
    }
}

/// What was measured, and the baseline where there is one.
type Measured = Result<(f64, Option<f64>), Failure>;

pub async fn measure(goal: Goal, look: fn() -> Measured) -> Result<Figure, Failure> {
    let done = tokio::task::spawn_blocking(look).await;
    let (value, baseline) = done.map_err(Failure::new)??;
    Ok(goal.judge(value, baseline))
}

pub fn up_s() -> Measured {
    median_of_three(|bench| Ok(bench.built_s))
}

pub fn down_s() -> Measured {
    median_of_three(Bench::end)
}

fn median_of_three(look: fn(&Bench) -> Result<f64, Failure>) -> Measured {
    let mut took = Vec::new();
    for _ in 0..3 {
        took.push(look(&Bench::build()?)?);
    }
    Ok((percentile(&mut took, 50), None))
}

pub fn memory() -> Measured {
    at_rest(pss_mib)
}

pub fn idle_cpu() -> Measured {
    at_rest(cpu_percent)
}

fn at_rest(look: fn(&[u32]) -> f64) -> Measured {
    let bench = Bench::build()?;
    std::thread::sleep(SETTLE);
    let record = bench.lab.running().ok_or_else(|| Failure::new("The lab is gone."))?;
    Ok((look(&Processes::look().descendants(record.process)), None))
}

fn pss_mib(processes: &[u32]) -> f64 {
    let of = |pid: &u32| {
        let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
        text.lines().find_map(|line| line.strip_prefix("Pss:"))?.split_whitespace().next()?.parse::<f64>().ok()
    };
    processes.iter().filter_map(of).sum::<f64>() / 1_024.0
}

fn cpu_percent(processes: &[u32]) -> f64 {
    let used = || processes.iter().filter_map(|pid| process::usage(*pid)).map(|usage| usage.cpu.as_secs_f64()).sum::<f64>();
    let (began, before) = (Instant::now(), used());
    std::thread::sleep(Duration::from_secs(20));
    (used() - before) / began.elapsed().as_secs_f64() * 100.0
}

fn place(bench: &Bench, first: Option<Behavior>) -> Result<call::Report, Failure> {
    let wish = Wish {
        from: "customer-01".into(),
        to: NUMBER.into(),
        caller: "+12125550100".into(),
        answer_after: None,
        talk: Duration::from_millis(100),
        ring_max: Duration::from_secs(20),
        carriers: first.map(|behavior| BTreeMap::from([("carrier-a".to_string(), behavior)])).unwrap_or_default(),
    };
    let report = call::place(&bench.lab, &wish).map_err(Failure::new)?;
    match report.outcome {
        Outcome::Answered => Ok(report),
        _ => Err(Failure::new(format!("A call was not answered: {:?} {:?}", report.sip_status, report.reason))),
    }
}

/// The baseline is how long it takes to ring when no carrier fails.
pub fn failover() -> Measured {
    let bench = Bench::build()?;
    let (mut took, mut direct) = (Vec::new(), Vec::new());
    for _ in 0..20 {
        direct.extend(place(&bench, None)?.pdd_ms);
        let report = place(&bench, Some(Behavior::Reject { status: 503, after_ms: 0 }))?;
        let refused = report.attempts.iter().find(|attempt| attempt.sip_status == 503).map(|attempt| attempt.at_ms);
        let refused = refused.ok_or_else(|| Failure::new("The first carrier was not asked."))?;
        took.extend(report.pdd_ms.map(|rang| rang - refused));
    }
    Ok((percentile(&mut took, 95), Some(percentile(&mut direct, 95))))
}

pub fn silent_carrier() -> Measured {
    let bench = Bench::build()?;
    let mut took = Vec::new();
    for _ in 0..5 {
        let report = place(&bench, Some(Behavior::Silent {}))?;
        took.extend(report.pdd_ms);
        // The proxies would leave it out for half a minute, which is not what is measured.
        for proxy in ["kamailio-01", "kamailio-02"] {
            let mut command = enter::in_machine(&bench.lab, proxy).map_err(Failure::new)?;
            enter::run(&mut command, &roles::kamcmd(&["htable.flush", "silent"])).map_err(Failure::new)?;
        }
    }
    Ok((percentile(&mut took, 100), None))
}

pub fn whole_chain() -> Measured {
    let bench = Bench::build()?;
    std::thread::sleep(SETTLE);
    let report = load::run(&bench.lab, 60.0, 30, Profile::Steady, &AtomicBool::new(false)).map_err(Failure::new)?;
    Ok(((report.attempted - report.answered) as f64, None))
}

/// A phone takes the place of a PBX and sends straight to the proxies.
pub fn proxies_alone() -> Measured {
    const PBX: &str = "asterisk-03";
    let bench = Bench::build()?;
    std::thread::sleep(SETTLE);
    faults::make(&bench.lab, "kill", Some("asterisk-03/asterisk")).map_err(Failure::new)?;
    faults::make(&bench.lab, "carrier_503", Some("carrier-a")).map_err(Failure::new)?;
    let inventory = shipped_inventory().map_err(Failure::new)?;
    let address = |name: &str| inventory.machine(name).and_then(|machine| inventory.address(machine, "voice"));
    let at = |name: &str| address(name).map(|address| SocketAddr::from((address, 5060))).ok_or_else(|| Failure::new("no address"));
    let control = bench.lab.dir().join("bench-phone.sock");
    let mut command = enter::in_network(&bench.lab, PBX).map_err(Failure::new)?;
    command
        .arg(bench.lab.program())
        .args(["lab", "phone", "--name", "pbx", "--listen", &at(PBX)?.to_string(), "--control"])
        .arg(&control);
    let mut phone = command.stdin(Stdio::null()).spawn().map_err(Failure::new)?;
    let answered = three_hundred(&control, vec![at("kamailio-01")?, at("kamailio-02")?]);
    process::terminate(phone.id());
    phone.wait().map_err(Failure::new)?;
    let (attempted, answered) = answered.map_err(Failure::new)?;
    Ok((attempted - answered, None))
}

fn three_hundred(control: &Path, proxy: Vec<SocketAddr>) -> Result<(f64, f64), String> {
    let until = Instant::now() + Duration::from_secs(5);
    while !control.exists() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(50));
    }
    let mut line = PhoneLine::at(control, "the bench")?;
    line.set_patience(Some(Duration::from_secs(60)))?;
    let call = LoadCall { from: "+12125550100".into(), to: NUMBER.into(), talk_ms: 200, ring_ms_max: 20_000 };
    let headers = [("X-Reference", "bench"), ("X-Authorization-Id", "bench"), ("X-Origin", "customer-01")];
    let load = Load {
        cps: 300.0,
        calls: LoadCalls::Cycle { cycle: vec![call], count: 3_000 },
        proxy,
        media: false,
        codecs: vec![Codec::Pcma],
        proxy_timeout_ms: 2_000,
        headers: headers.map(|(name, value)| (name.into(), value.into())).to_vec(),
    };
    line.ask(&Request::Load { load })?;
    let (mut attempted, mut answered) = (0.0, 0.0);
    loop {
        match line.hear()? {
            Answer::Ended(result) => {
                attempted += 1.0;
                answered += f64::from(u8::from(result.outcome == Outcome::Answered));
            }
            Answer::Finished(_) => return Ok((attempted, answered)),
            _ => {}
        }
    }
}
