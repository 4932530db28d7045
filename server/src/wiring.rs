//! Puts the panel together: what outlives a request, and the tasks that keep it true.

use crate::{
    config::ConfigFile,
    database::{Place, watch::Watch},
    observe::inventory::InventoryWatch,
    operations::desk::ServerDesk,
    process,
    site::Site,
    tasks::{
        Round, Tasks, alerts::AlertsTask, clock::ClockWatch, measure::Measure, measures::FleetMeasures, versions::VersionWatch,
    },
};
use app::{
    auth::{attempts::Attempts, hashing::HashGate, sessions::Sessions, store::kept::KeptAudit},
    calls::state::CallsState,
    context::{self, Panel, Secure},
    database::Database,
    error::AppError,
    fleet::state::FleetState,
    live::Hub,
    operations::state::OperationsState,
    system::state::SystemState,
    values::RequestId,
};
use std::{path::Path, path::PathBuf, sync::Arc, sync::Mutex, time::Duration};
use tokio::sync::Mutex as AsyncMutex;
use tokio_util::sync::CancellationToken;

/// What one sees with `--version`, in the log and on the System page.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Below the state folder: rows of the audit log that wait for the database.
pub const KEPT_AUDIT_DIR: &str = "audit";

pub struct Wiring {
    pub panel: Arc<Panel>,
    pub desk: Arc<ServerDesk>,
    pub watch: Arc<Watch>,
    pub place: Arc<Place>,
    pub tasks: Tasks,
    pub stop: CancellationToken,
    pub config: ConfigFile,
}

/// The addresses the doors really have, after the system chose the ports left open.
#[derive(Clone, Debug)]
pub struct Addresses {
    pub staff: String,
    pub portal: String,
}

pub fn new_id() -> RequestId {
    RequestId(format!("{:016x}", rand::random::<u64>()))
}

/// The System page's memory exists before anything else, so that the start of the database is told on it too.
pub fn system_state(hub: &Arc<Hub>) -> Arc<SystemState> {
    Arc::new(SystemState::new(Arc::clone(hub), VERSION.into(), process::hostname(), context::now()))
}

/// Names this panel among those on one database; the same after a restart.
fn holder(state_dir: &Path) -> String {
    format!("{} {}", process::hostname(), state_dir.display())
}

pub fn wire(
    config: ConfigFile,
    place: Place,
    hub: Arc<Hub>,
    system: Arc<SystemState>,
    site: &Site,
    addresses: &Addresses,
    state_dir: &Path,
) -> Wiring {
    let place = Arc::new(place);
    system.set_database_place(place.describe());
    let database = Arc::new(Database::new(place.pool(), Arc::clone(&hub), context::now()));
    let sessions = Arc::new(Sessions::new(Arc::clone(&database), Arc::clone(&hub)));
    let url = |section: &crate::config::DoorSection, address: &str| {
        section.public_url.clone().map_or_else(|| address.to_string(), |url| url.trim_end_matches('/').to_string())
    };
    let (staff_url, portal_url) = (url(&config.staff, &addresses.staff), url(&config.portal, &addresses.portal));
    let secure = Secure { staff: staff_url.starts_with("https://"), portal: portal_url.starts_with("https://") };
    let fleet = Arc::new(FleetState::new(Arc::clone(&hub)));
    let holder = holder(state_dir);
    let alerts = crate::notices::state(&config.notices, &staff_url, &holder);
    let desk = Arc::new(ServerDesk::new(state_dir, config.fleet.inventory.clone()));
    let panel = Arc::new(Panel {
        operations: Arc::new(OperationsState::new(Arc::clone(&desk) as _, Arc::clone(&hub))),
        fleet,
        calls: Arc::new(CallsState::new(Arc::clone(&hub))),
        alerts,
        database: Arc::clone(&database),
        sessions,
        kept_audit: KeptAudit::new(&state_dir.join(KEPT_AUDIT_DIR)),
        hub,
        gate: HashGate::new(),
        attempts: Mutex::new(Attempts::default()),
        system: Arc::clone(&system),
        secure,
        staff_url,
        portal_url,
        development: config.server.development,
        package: site.package.clone(),
    });
    let stop = CancellationToken::new();
    let watch = Arc::new(Watch { place: Arc::clone(&place), database, system: Arc::clone(&system), answered: Mutex::default() });
    Wiring { panel, desk, watch, place, tasks: Tasks::new(system, stop.clone()), stop, config }
}

impl Wiring {
    /// Looks for the inventory every second; what is in force is watched from a thread of its own.
    fn start_observers(&self, state_dir: &Path) {
        let given = self.config.fleet.inventory.clone();
        let watch = InventoryWatch::new(state_dir, given, Arc::clone(&self.panel), tokio::runtime::Handle::current());
        let watch = Arc::new(Mutex::new(watch));
        let second = Duration::from_secs(1);
        let round = Round { name: "inventory", does: "reads the inventory when it changes", every: second, deadline: 20 * second };
        self.tasks.spawn(round, move || {
            let watch = Arc::clone(&watch);
            async move {
                // Ending the observers of an old inventory waits for their thread.
                let look = move || watch.lock().unwrap_or_else(std::sync::PoisonError::into_inner).look();
                tokio::task::spawn_blocking(look).await.map_err(|error| error.to_string())
            }
        });
    }

    pub fn start_tasks(&self, state_dir: PathBuf) {
        self.start_observers(&state_dir);
        let holder = holder(&state_dir);
        let given = self.config.fleet.inventory.clone();
        if self.config.operations.automatic_failover {
            crate::tasks::automatic_failover::start(&self.tasks, &state_dir, given.clone(), &self.panel.fleet);
        }
        if self.config.operations.rehearse_monthly {
            crate::tasks::rehearsals::start(&self.tasks, &state_dir, given.clone());
        }
        crate::tasks::operations::start(&self.tasks, &state_dir, given, &self.panel.database, &holder);
        crate::tasks::operations::follow(&self.tasks, &self.desk, &self.panel.operations);
        let second = Duration::from_secs(1);
        let round = |name, does, every, deadline| Round { name, does, every, deadline };
        let watch = Arc::clone(&self.watch);
        self.tasks.spawn(round("database watch", "asks the database how it is", second, 70 * second), move || {
            let watch = Arc::clone(&watch);
            async move {
                watch.look().await;
                Ok(())
            }
        });
        let panel = &self.panel;
        let versions = VersionWatch {
            database: Arc::clone(&panel.database),
            sessions: Arc::clone(&panel.sessions),
            hub: Arc::clone(&panel.hub),
            seen: None,
        };
        let versions = Arc::new(AsyncMutex::new(versions));
        self.tasks.spawn(round("changes", "hears what other processes changed", second / 2, 5 * second), move || {
            let versions = Arc::clone(&versions);
            async move { versions.lock().await.look().await }
        });
        self.start_kept_audit();
        let sessions_panel = Arc::clone(panel);
        self.tasks.spawn(round("sessions", "writes input times, removes ended sessions", 10 * second, 10 * second), move || {
            let panel = Arc::clone(&sessions_panel);
            async move {
                match panel.database.state().is_up() {
                    true => panel.sessions.flush(context::now()).await.map_err(|error| error.to_string()),
                    false => Ok(()),
                }
            }
        });
        self.start_alerts();
        let measure = Arc::new(Mutex::new(Measure::new(state_dir)));
        let system = Arc::clone(&panel.system);
        let every = Duration::from_millis(u64::from(app::system::snapshot::SAMPLE_EVERY_MS));
        self.tasks.spawn(round("measure", "measures the panel's own process and disk", every, second), move || {
            let (measure, system) = (Arc::clone(&measure), Arc::clone(&system));
            async move { measure.lock().unwrap_or_else(std::sync::PoisonError::into_inner).look(&system) }
        });
        let fleet = Arc::new(AsyncMutex::new(FleetMeasures::new(Arc::clone(&panel.fleet), Arc::clone(&panel.database), &holder)));
        let every = app::fleet::measure::SAMPLE_EVERY;
        self.tasks.spawn(round("fleet measures", "keeps what was observed of the fleet", every, 30 * second), move || {
            let fleet = Arc::clone(&fleet);
            async move { fleet.lock().await.look().await }
        });
        let clock = Arc::new(Mutex::new(ClockWatch::new()));
        let system = Arc::clone(&panel.system);
        self.tasks.spawn(round("clock", "notices when the clock is moved", 2 * second, second), move || {
            let (clock, system) = (Arc::clone(&clock), Arc::clone(&system));
            async move {
                clock.lock().unwrap_or_else(std::sync::PoisonError::into_inner).look(&system);
                Ok(())
            }
        });
    }

    /// Rows of the audit log that were kept in files go into the database as soon as it is there.
    fn start_kept_audit(&self) {
        let (second, panel) = (Duration::from_secs(1), Arc::clone(&self.panel));
        if let Err(error) = panel.kept_audit.adopt() {
            tracing::warn!(%error, "what a panel that was killed kept of the audit log cannot be taken over");
        }
        let does = "writes what was kept of the audit log while the database was away";
        let round = Round { name: "kept audit", does, every: second, deadline: 20 * second };
        self.tasks.spawn(round, move || {
            let panel = Arc::clone(&panel);
            async move {
                if !panel.database.state().is_up() {
                    return Ok(());
                }
                match panel.kept_audit.write(&panel.database).await {
                    Ok(0) => Ok(()),
                    Ok(rows) => {
                        tracing::info!(rows, "rows of the audit log that were kept here are in the database now");
                        Ok(())
                    }
                    // The database's own watch tells that it is away; the rows wait.
                    Err(AppError::Away { .. }) => Ok(()),
                    Err(error) => Err(error.to_string()),
                }
            }
        });
    }

    /// The rules' look, and a queue of its own for each receiver of notices.
    fn start_alerts(&self) {
        let second = Duration::from_secs(1);
        let round = |name, does, every, deadline| Round { name, does, every, deadline };
        let task = Arc::new(AsyncMutex::new(AlertsTask::new(Arc::clone(&self.panel))));
        self.tasks.spawn(round("alerts", "holds what is seen against the rules", second, 10 * second), move || {
            let task = Arc::clone(&task);
            async move { task.lock().await.look().await }
        });
        crate::tasks::notices::start(&self.tasks, &self.panel, &self.config.notices);
    }
}
