//! `wirecenter bench`: measures the panel against its goals. Every measure starts panels of its own; none touches yours.

mod assets;
mod browser;
mod cdr;
mod failover;
mod figure;
mod fleet;
mod lab;
mod load;
mod simulated;
mod start;
mod subject;

use super::{Failure, say, say_json, warn};
use clap::ValueEnum;
use figure::Figure;

#[derive(Clone, Debug, clap::Args)]
pub struct BenchArgs {
    /// Which measure; without a name all of them, as a list
    name: Option<Measure>,
    /// Print one JSON document on stdout and nothing else
    #[arg(long)]
    json: bool,
    /// Of failover: what happens to the primary; without it a mix of all but the planned, by the seed
    #[arg(long)]
    kind: Option<failover::Kind>,
    /// Of failover: how often
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    runs: u32,
    /// Of failover: the same seed breaks the same things in the same order
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Measure {
    /// The System page under load
    PageTtfb,
    /// The browser's part, as it crosses the wire
    WasmSize,
    /// The rest of a first load
    ScriptAndStyleSize,
    /// When the System page is painted
    LargestPaint,
    /// How long the browser is busy at a stretch
    LongestTask,
    /// How far things jump while loading
    LayoutShift,
    /// How far the first action is by keyboard
    TabStops,
    /// Memory of the panel at rest
    MemoryAtRest,
    /// What 50 open System pages cost
    LiveCpu,
    /// How old a change is when it is seen
    EventToPixel,
    /// From start to ready on a MariaDB that runs
    Restart,
    /// The same with a private MariaDB
    RestartPrivate,
    /// From nothing to a whole carrier
    LabUp,
    /// From a whole carrier to nothing
    LabDown,
    /// What the carrier takes at rest
    LabMemory,
    /// What the carrier does at rest
    LabIdleCpu,
    /// From a carrier's 503 to ringing at the next
    LabFailover,
    /// How long a silent carrier holds a call up
    LabSilentCarrier,
    /// 60 calls a second through everything
    LabLoad60,
    /// 300 calls a second through the proxies, each failing over
    LabLoad300,
    /// What watching the ten machines costs the panel
    FleetRounds,
    /// What watching two hundred costs it
    #[value(name = "fleet-rounds-200")]
    FleetRounds200,
    /// The map under load
    MapTtfb,
    /// Two hundred machines that change at once, in the browser
    MapUpdate,
    /// From a machine's end to red on the map
    MachineRed,
    /// From a machine's end to the notice
    AlertTold,
    /// From a call that is up to its line on the screen
    CallSeen,
    /// From a call that is over to the charts
    CallCharted,
    /// A number on a day among thirty million calls
    CdrSearchNumber,
    /// A customer on a day among thirty million calls
    CdrSearchCustomer,
    /// A month's chart with its shadow
    #[value(name = "cdr-chart-30d")]
    CdrChart30d,
    /// How fast call records are collected
    CdrCollection,
    /// How long nobody can write during a switchover
    SwitchoverGap,
    /// From the click to a new primary that takes writes
    FailoverWritable,
    /// Each run of switchovers and failovers, as a document of its own: --kind, --runs, --seed
    Failover,
}

pub async fn run(args: BenchArgs) -> Result<(), Failure> {
    if args.name == Some(Measure::Failover) {
        say_json(&failover::document(args.kind, args.runs, args.seed).await?);
        return Ok(());
    }
    if let Some(name) = args.name {
        let figure = measure(name).await?;
        if args.json {
            say_json(&figure);
        } else {
            say(line(&figure));
        }
        return Ok(());
    }
    let mut figures = Vec::new();
    // Its runs are behind the figures before it.
    for name in Measure::value_variants().iter().filter(|name| **name != Measure::Failover) {
        let figure = measure(*name).await?;
        // The document comes last; until then a person sees how far it is.
        if args.json {
            warn(line(&figure));
        } else {
            say(line(&figure));
        }
        figures.push(figure);
    }
    if args.json {
        say_json(&figures);
    }
    Ok(())
}

async fn measure(name: Measure) -> Result<Figure, Failure> {
    match name {
        Measure::PageTtfb => load::page_ttfb().await,
        Measure::WasmSize => assets::wasm_size(),
        Measure::ScriptAndStyleSize => assets::script_and_style_size(),
        Measure::LargestPaint => browser::measure(browser::PAINT).await,
        Measure::LongestTask => browser::measure(browser::TASK).await,
        Measure::LayoutShift => browser::measure(browser::SHIFT).await,
        Measure::TabStops => browser::measure(browser::TABS).await,
        Measure::MemoryAtRest => load::memory_at_rest().await,
        Measure::LiveCpu => load::live_cpu().await,
        Measure::EventToPixel => browser::measure(browser::EVENT).await,
        Measure::Restart => start::restart().await,
        Measure::RestartPrivate => start::restart_private().await,
        Measure::LabUp => lab::measure(lab::UP, lab::up_s).await,
        Measure::LabDown => lab::measure(lab::DOWN, lab::down_s).await,
        Measure::LabMemory => lab::measure(lab::MEMORY, lab::memory).await,
        Measure::LabIdleCpu => lab::measure(lab::IDLE, lab::idle_cpu).await,
        Measure::LabFailover => lab::measure(lab::FAILOVER, lab::failover).await,
        Measure::LabSilentCarrier => lab::measure(lab::SILENT, lab::silent_carrier).await,
        Measure::LabLoad60 => lab::measure(lab::WHOLE_CHAIN, lab::whole_chain).await,
        Measure::LabLoad300 => lab::measure(lab::PROXIES_ALONE, lab::proxies_alone).await,
        Measure::FleetRounds => fleet::rounds().await,
        Measure::FleetRounds200 => fleet::rounds_200().await,
        Measure::MapTtfb => fleet::map_ttfb().await,
        Measure::MapUpdate => fleet::map_update().await,
        Measure::MachineRed => fleet::machine_red().await,
        Measure::AlertTold => fleet::alert_told().await,
        Measure::CallSeen => fleet::call_seen().await,
        Measure::CallCharted => fleet::call_charted().await,
        Measure::CdrSearchNumber => cdr::search_number().await,
        Measure::CdrSearchCustomer => cdr::search_customer().await,
        Measure::CdrChart30d => cdr::chart_month().await,
        Measure::CdrCollection => cdr::collection().await,
        Measure::SwitchoverGap => failover::switchover().await,
        Measure::FailoverWritable | Measure::Failover => failover::failover().await,
    }
}

fn line(figure: &Figure) -> String {
    let Figure { name, value, unit, goal, goal_ratio, .. } = figure;
    let mark = if figure.ok { "ok    " } else { "MISSED" };
    let baseline = match (figure.baseline, figure.ratio, goal_ratio) {
        (Some(baseline), Some(ratio), Some(most)) => format!(", {ratio} × the baseline {baseline} {unit} (goal ≤ {most} ×)"),
        (Some(baseline), ..) => format!(", baseline {baseline} {unit}"),
        _ => String::new(),
    };
    format!("{mark} {name:<22} {value} {unit} (goal ≤ {goal}{baseline}) — {}", figure.what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measure_is_called_on_the_command_line_what_its_figure_is_called() {
        let named = |measure: &Measure| measure.to_possible_value().map(|value| value.get_name().to_string());
        let mut names: Vec<_> = Measure::value_variants().iter().filter_map(named).filter(|name| name != "failover").collect();
        let in_browser = [browser::PAINT, browser::TASK, browser::SHIFT, browser::TABS, browser::EVENT];
        let outside = [load::PAGE, load::LIVE, load::MEMORY, start::GIVEN, start::PRIVATE, assets::WASM, assets::REST];
        let mut goals: Vec<_> = in_browser
            .iter()
            .chain(&outside)
            .chain(&lab::GOALS)
            .chain(&fleet::GOALS)
            .chain(&cdr::GOALS)
            .chain(&failover::GOALS)
            .map(|goal| goal.name.to_string())
            .collect();
        names.sort();
        goals.sort();
        assert_eq!(names, goals);
    }
}
