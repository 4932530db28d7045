//! Which inventory is in force, and where its machines are reached from. The file is looked at every second; a change is in force
//! without a restart, and a file with a mistake changes nothing.

use super::{hang_up::HangUps, place::Outpost, place::Place, watch};
use crate::{inventory, lab::place::Layout, lab::place::Record};
use app::{
    context::{self, Panel},
    fleet::{
        inventory::{Inventory, Machine, Role},
        state::InventoryFile,
    },
    values::Tone,
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

/// The file beside the panel's other files.
const BESIDE: &str = "inventory.toml";

/// The file in force, and everything that makes it another one.
#[derive(Clone, Debug, PartialEq)]
struct Source {
    file: PathBuf,
    written_at: Option<SystemTime>,
    size_bytes: u64,
    /// The lab it describes, while that runs.
    lab: Option<Record>,
}

pub struct InventoryWatch {
    state: PathBuf,
    /// From the configuration; it goes before every other.
    given: Option<PathBuf>,
    panel: Arc<Panel>,
    main: tokio::runtime::Handle,
    source: Option<Source>,
    outpost: Option<Outpost>,
    hang_ups: Arc<HangUps>,
}

impl InventoryWatch {
    pub fn new(state: &Path, given: Option<PathBuf>, panel: Arc<Panel>, main: tokio::runtime::Handle) -> Self {
        let hang_ups = Arc::new(HangUps::default());
        panel.calls.set_pbx_control(hang_ups.control());
        Self { state: state.into(), given, panel, main, source: None, outpost: None, hang_ups }
    }

    /// The configured file, else the one in the state folder, else that of the lab which runs there.
    fn find(&self) -> Option<Source> {
        let lab = Layout::below(&self.state);
        let beside = self.state.join(BESIDE);
        let (file, lab) = match &self.given {
            Some(file) => (file.clone(), None),
            None if beside.exists() => (beside, None),
            None => {
                let running = lab.running()?;
                // While it is being built half of it does not answer, and nobody needs to be told.
                let is_built = self.source.is_some() || lab.lock(Duration::ZERO).is_ok();
                (lab.inventory(), Some(is_built.then_some(running)?))
            }
        };
        let about = std::fs::metadata(&file).ok();
        let written_at = about.as_ref().and_then(|about| about.modified().ok());
        Some(Source { file, written_at, size_bytes: about.map_or(0, |about| about.len()), lab })
    }

    /// Looks whether something changed, and makes it so.
    pub fn look(&mut self) {
        let found = self.find();
        let ended = self.outpost.as_ref().is_some_and(Outpost::is_over);
        if found == self.source && !ended {
            return;
        }
        let fleet = Arc::clone(&self.panel.fleet);
        let Some(source) = found else {
            self.outpost = None;
            self.source = None;
            self.forget_calls(None);
            fleet.set_inventory(None);
            return;
        };
        match inventory::load(&source.file) {
            Ok(read) => {
                let place = self.place(&source);
                // The old observers first: two of them would ask everything twice.
                self.outpost = None;
                let read = Arc::new(read);
                self.forget_calls(Some(&read));
                fleet.set_inventory(Some(Arc::clone(&read)));
                fleet.set_inventory_file(InventoryFile { path: source.file.display().to_string(), problems: Vec::new() });
                self.tell(
                    Tone::Good,
                    format!("The inventory {} is in force: {} machines.", source.file.display(), read.machines.len()),
                );
                let post = watch::Post {
                    panel: Arc::clone(&self.panel),
                    inventory: read,
                    file: source.file.clone(),
                    state: self.state.clone(),
                    hang_ups: Arc::clone(&self.hang_ups),
                    main: self.main.clone(),
                };
                match Outpost::start(place, "observers", move |stop| watch::run(post, stop)) {
                    Ok(outpost) => self.outpost = Some(outpost),
                    Err(why) => self.tell(Tone::Bad, format!("Nobody looks at the machines: {why}")),
                }
            }
            Err(problems) => {
                let lines = problems.iter().map(|problem| match problem.line {
                    0 => problem.message.clone(),
                    line => format!("line {line}, {}: {}", problem.key, problem.message),
                });
                let lines: Vec<String> = lines.collect();
                let first = lines.first().cloned().unwrap_or_default();
                let kept = if fleet.inventory().is_some() { "The one before stays in force." } else { "There is none in force." };
                self.tell(
                    Tone::Bad,
                    format!("The inventory {} has {} mistake(s), the first: {first} {kept}", source.file.display(), lines.len()),
                );
                fleet.set_inventory_file(InventoryFile { path: source.file.display().to_string(), problems: lines });
            }
        }
        self.source = Some(source);
    }

    /// Calls of a PBX that is no longer declared are nobody's; its observers have ended by now, so nothing tells of them again.
    fn forget_calls(&self, new: Option<&Inventory>) {
        self.panel.calls.forget_sources();
        let Some(old) = self.panel.fleet.inventory() else { return };
        let stays = |machine: &&Machine| new.is_some_and(|new| new.of_role(Role::Asterisk).any(|pbx| pbx.name == machine.name));
        old.of_role(Role::Asterisk).filter(|pbx| !stays(pbx)).for_each(|pbx| self.panel.calls.forget(&pbx.name));
    }

    fn place(&self, source: &Source) -> Place {
        let host = source.lab.as_ref().and_then(|_| Layout::below(&self.state).host_process());
        host.map_or(Place::Here, Place::of_process)
    }

    fn tell(&self, tone: Tone, text: String) {
        if tone == Tone::Bad {
            tracing::warn!("{text}");
        } else {
            tracing::info!("{text}");
        }
        self.panel.system.tell(context::now(), tone, text);
    }
}
