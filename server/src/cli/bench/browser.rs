//! What a person waits for, measured in Chromium by `end2end/bench/measure.mjs`.

use super::{
    Failure,
    figure::{Figure, Goal},
    subject::Subject,
};
use serde::Deserialize;
use std::{path::Path, process::Stdio};
use tokio::process::Command;

const SCRIPT: &str = "end2end/bench/measure.mjs";

pub const PAINT: Goal = Goal {
    name: "largest-paint",
    what: "largest contentful paint of the System page, cold cache, median of nine",
    unit: "ms",
    at_most: 400.0,
    ratio_at_most: None,
};
pub const TASK: Goal = Goal {
    name: "longest-task",
    what: "longest task of the browser's main thread while the System page loads, median of nine; below 50 ms reads as 0",
    unit: "ms",
    at_most: 50.0,
    ratio_at_most: None,
};
pub const SHIFT: Goal = Goal {
    name: "layout-shift",
    what: "cumulative layout shift of the System page over its first five seconds, worst of nine",
    unit: "",
    at_most: 0.01,
    ratio_at_most: None,
};
pub const TABS: Goal = Goal {
    name: "tab-stops",
    what: "Tab stops from a fresh page to the first action of its content, worst of all pages of the menu",
    unit: "stops",
    at_most: 3.0,
    ratio_at_most: None,
};
pub const EVENT: Goal = Goal {
    name: "event-to-pixel",
    what: "from a change by another process to its words on an open page, 95th percentile of forty",
    unit: "ms",
    at_most: 1_000.0,
    ratio_at_most: None,
};

#[derive(Deserialize)]
struct Measured {
    value: f64,
}

pub async fn measure(goal: Goal) -> Result<Figure, Failure> {
    let mut subject = Subject::start().await?;
    let value = look(&goal, &subject, None).await?;
    subject.stop().await?;
    Ok(goal.judge(value, None))
}

/// What the script measures on this panel; `world` is where it can tell simulated machines what to be.
pub async fn look(goal: &Goal, subject: &Subject, world: Option<&str>) -> Result<f64, Failure> {
    if !Path::new(SCRIPT).exists() {
        return Err(Failure::new(format!(
            "{} is measured in a browser by {SCRIPT}. Run this at the top of a checkout, after make setup.",
            goal.name
        )));
    }
    let cookie = subject.sign_in().await?;
    let program = std::env::current_exe().map_err(Failure::new)?;
    let mut script = Command::new("node");
    script.args([SCRIPT, goal.name, &subject.staff]).arg(subject.state());
    // The session is a secret, so it goes where other users of this machine cannot read it.
    script.env("BENCH_COOKIE", cookie).env("BENCH_PROGRAM", program).envs(world.map(|world| ("BENCH_WORLD", world)));
    script.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit()).kill_on_drop(true);
    let running = script.spawn().map_err(|error| Failure::new(format!("node could not run {SCRIPT}: {error}.")))?;
    let output =
        running.wait_with_output().await.map_err(|error| Failure::new(format!("node could not run {SCRIPT}: {error}.")))?;
    let measured: Measured = serde_json::from_slice(&output.stdout)
        .map_err(|_| Failure::new(format!("{SCRIPT} measured nothing ({}); its own lines above say why.", output.status)))?;
    Ok(measured.value)
}
