//! What the commands of this machine ask a running panel: its view of the world, over a Unix socket in its state folder. Who may
//! open the folder may ask; nothing can be changed here, and no database is needed.

use app::{
    calls::{board::BoardCall, live::CallState, sources::Behind},
    context::{self, Panel},
    fleet::{
        difference::{Difference, differences},
        isolation::NetworkVerdict,
        judge::{Finding, Judgement, judge_all},
    },
    values::Moment,
};
use axum::{Json, Router, extract::State, routing::get};
use serde::{Deserialize, Serialize};
use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::net::UnixListener;
use tokio_util::sync::CancellationToken;

pub fn socket(state: &Path) -> PathBuf {
    state.join("panel.sock")
}

/// A machine in `wirecenter fleet --json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FleetLine {
    pub name: String,
    /// `good`, `busy`, `notice`, `bad` or `unknown`.
    pub state: String,
    pub observed_at: Option<String>,
    pub problems: Vec<FleetProblem>,
    /// Where its hypervisor shows something else than the inventory says.
    #[serde(default)]
    pub differences: Vec<FleetProblem>,
    /// Whether the inventory has it.
    pub declared: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FleetProblem {
    pub key: String,
    pub severity: String,
    pub message: String,
    pub evidence: String,
    pub since: Option<String>,
}

impl From<Finding> for FleetProblem {
    fn from(finding: Finding) -> Self {
        Self {
            key: finding.key,
            severity: finding.severity.word().into(),
            message: finding.message,
            evidence: finding.evidence,
            since: finding.since.map(Moment::rfc3339),
        }
    }
}

fn told(differences: &[Difference], name: &str) -> Vec<FleetProblem> {
    differences.iter().filter(|one| one.is_of_machine(name)).map(|one| one.told().into()).collect()
}

fn declared(judged: Judgement, differences: &[Difference]) -> FleetLine {
    FleetLine {
        differences: told(differences, &judged.name),
        name: judged.name,
        state: judged.state.word().into(),
        observed_at: judged.observed_at.map(Moment::rfc3339),
        problems: judged.findings.into_iter().map(FleetProblem::from).collect(),
        declared: true,
    }
}

fn undeclared(difference: &Difference, all: &[Difference]) -> Option<FleetLine> {
    let name = difference.undeclared()?;
    Some(FleetLine {
        name: name.into(),
        state: difference.finding.severity.word().into(),
        observed_at: None,
        problems: Vec::new(),
        differences: told(all, name),
        declared: false,
    })
}

/// What the panel says of the fleet; `None` where it has no inventory.
type Fleet = Option<Vec<FleetLine>>;

async fn fleet(State(panel): State<Arc<Panel>>) -> Json<Fleet> {
    let now = context::now();
    let lines = panel.fleet.inventory().map(|inventory| {
        panel.fleet.with_world(|world| {
            let found = differences(&inventory, world, now);
            let ours = judge_all(&inventory, world, now).into_iter().map(|judged| declared(judged, &found));
            ours.chain(found.iter().filter_map(|one| undeclared(one, &found))).collect()
        })
    });
    Json(lines)
}

/// A network in `wirecenter isolation --json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct IsolationLine {
    pub network: String,
    /// `proved`, `violated` or `unknown`.
    pub verdict: String,
    pub evidence: Vec<String>,
    pub at: String,
}

async fn isolation(State(panel): State<Arc<Panel>>) -> Json<Option<Vec<IsolationLine>>> {
    let line = |verdict: &NetworkVerdict| IsolationLine {
        network: verdict.network.clone(),
        verdict: verdict.verdict.word().into(),
        evidence: verdict.evidence.clone(),
        at: verdict.at.rfc3339(),
    };
    let known = panel.fleet.inventory().is_some();
    Json(known.then(|| panel.fleet.verdicts(context::now()).iter().map(line).collect()))
}

/// A call in `wirecenter calls --live --json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CallLine {
    pub reference: String,
    pub caller: String,
    pub called: String,
    pub customer: Option<String>,
    pub carrier: Option<String>,
    pub pbx: String,
    /// `dialing`, `ringing` or `up`.
    pub state: CallState,
    pub started_at: String,
    pub answered_at: Option<String>,
    /// Since the first message; of talk where it was answered.
    pub seconds: u64,
    pub customer_codec: Option<String>,
    pub carrier_codec: Option<String>,
    /// Since its PBX does not answer.
    pub unknown_since: Option<String>,
}

async fn calls(State(panel): State<Arc<Panel>>) -> Json<Vec<CallLine>> {
    let now = context::now();
    let line = |known: BoardCall| {
        let BoardCall { call, unknown_since } = known;
        CallLine {
            seconds: now.since(call.answered_at.unwrap_or(call.started_at)).as_secs(),
            reference: call.reference,
            caller: call.caller,
            called: call.called,
            customer: call.customer,
            carrier: call.carrier,
            pbx: call.pbx,
            state: call.state,
            started_at: call.started_at.rfc3339(),
            answered_at: call.answered_at.map(Moment::rfc3339),
            customer_codec: call.customer_codec,
            carrier_codec: call.carrier_codec,
            unknown_since: unknown_since.map(Moment::rfc3339),
        }
    };
    Json(panel.calls.all(now).into_iter().map(line).collect())
}

/// Sources of call records that lag behind, for `wirecenter volume`.
async fn behind(State(panel): State<Arc<Panel>>) -> Json<Vec<Behind>> {
    Json(panel.calls.behind(None, context::now()))
}

/// Answers until the panel stops.
pub fn start(state: &Path, panel: Arc<Panel>, stop: CancellationToken) -> io::Result<()> {
    let path = socket(state);
    // What a panel that was killed left; a running one would hold the state folder's database.
    let _ = fs::remove_file(&path);
    let listener = UnixListener::bind(&path)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    let routes = Router::new()
        .route("/fleet", get(fleet))
        .route("/isolation", get(isolation))
        .route("/calls", get(calls))
        .route("/behind", get(behind))
        .with_state(panel);
    tokio::spawn(async move {
        let served = axum::serve(listener, routes).with_graceful_shutdown(async move { stop.cancelled().await }).await;
        if let Err(error) = served {
            tracing::error!(%error, "commands of this machine are no longer answered");
        }
        let _ = fs::remove_file(path);
    });
    Ok(())
}
