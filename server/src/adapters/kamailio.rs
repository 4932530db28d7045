//! Kamailio, asked by JSON-RPC over HTTP, and for our own counters by its page of metrics.
//!
//! Kamailio answers an array of requests with an empty result (5.6), so a look is several requests at the same time over kept
//! connections. All share one deadline: a frozen proxy costs one deadline, not one for each request.

use super::{http, kamailio_answers as answers};
use app::{
    fleet::facts::{DispatcherSet, ProxyFacts, TargetState},
    ports::SipProxy,
    values::{PortError, PortErrorKind},
};
use reqwest::{Client, Url, header::CONTENT_TYPE};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// The largest answer is the list of dispatcher sets, some 500 bytes a target.
const BODY_MAX_BYTES: usize = 4 * 1024 * 1024;
/// Before 5.0 lists are shaped differently.
const MAJOR_MIN: u32 = 5;

pub struct Kamailio {
    /// With its address: `kamailio-01 JSON-RPC 10.40.40.11:8060`.
    system: String,
    rpc: Url,
    metrics: Url,
    deadline: Duration,
    client: Client,
}

impl Kamailio {
    /// `url` is where JSON-RPC answers, `http://10.40.40.11:8060/RPC`; the page of metrics is `/metrics` beside it.
    pub fn new(name: &str, url: &str, deadline: Duration) -> Result<Self, PortError> {
        let wrong =
            |said: String| PortError::new(format!("{name} JSON-RPC"), "read its address", PortErrorKind::NotConfigured, said);
        let rpc = Url::parse(url)
            .map_err(|error| wrong(format!("{url:?} is not an address like http://10.40.40.11:8060/RPC: {error}")))?;
        let metrics = rpc.join("/metrics").map_err(|error| wrong(error.to_string()))?;
        let place = format!("{}:{}", rpc.host_str().unwrap_or_default(), rpc.port_or_known_default().unwrap_or_default());
        let client = http::plain_client().map_err(|(_, said)| wrong(said))?;
        Ok(Self { system: format!("{name} JSON-RPC {place}"), rpc, metrics, deadline, client })
    }

    fn error(&self, doing: &str, (kind, said): http::Failure) -> PortError {
        PortError::new(&self.system, doing, kind, said)
    }

    /// The result of a method, or nothing where this Kamailio does not know it or has nothing to say.
    async fn ask(&self, method: &str, parameters: Value, until: Instant) -> Result<Option<Value>, PortError> {
        let doing = format!("read {method}");
        let request = json!({"jsonrpc": "2.0", "method": method, "params": parameters, "id": method});
        let asked = async {
            let post = self.client.post(self.rpc.clone()).header(CONTENT_TYPE, "application/json").body(request.to_string());
            let response = post.send().await.map_err(|error| http::failure(&error))?;
            let status = response.status().as_u16();
            let body = http::body(response, BODY_MAX_BYTES).await?;
            answers::result(method, status, &body)
        };
        self.within(until, asked).await.map_err(|failure| self.error(&doing, failure))
    }

    /// Only 5.5 and later have such a page, and only where it is set up; without it there are no counters of our own.
    async fn page_of_metrics(&self, until: Instant) -> Result<Option<String>, PortError> {
        let asked = async {
            let response = self.client.get(self.metrics.clone()).send().await.map_err(|error| http::failure(&error))?;
            if !response.status().is_success() {
                return Ok(None);
            }
            let body = http::body(response, BODY_MAX_BYTES).await?;
            Ok(Some(String::from_utf8_lossy(&body).into_owned()))
        };
        self.within(until, asked).await.map_err(|failure| self.error("read the metrics", failure))
    }

    async fn within<T>(&self, until: Instant, asked: impl Future<Output = Result<T, http::Failure>>) -> Result<T, http::Failure> {
        let late = || (PortErrorKind::TimedOut, format!("no answer within {} ms", self.deadline.as_millis()));
        timeout_at(until, asked).await.unwrap_or_else(|_| Err(late()))
    }
}

impl SipProxy for Kamailio {
    async fn observe(&self) -> Result<ProxyFacts, PortError> {
        let until = Instant::now() + self.deadline;
        let ask = |method: &'static str| self.ask(method, json!([]), until);
        let (version, uptime, sets, tables, peers, trees, statistics, page) = tokio::join!(
            ask("core.version"),
            ask("core.uptime"),
            ask("dispatcher.list"),
            ask("htable.stats"),
            ask("dmq.list_nodes"),
            ask("mtree.summary"),
            self.ask("stats.get_statistics", json!(["all"]), until),
            self.page_of_metrics(until),
        );
        let garbage = |doing: &'static str| move |said: String| self.error(doing, (PortErrorKind::Garbage, said));
        // Who answers is decided first: what another program says to the rest is of no interest.
        let version = answers::version(version?.as_ref()).map_err(|failure| self.error("read core.version", failure))?;
        if answers::major(&version).is_some_and(|major| major < MAJOR_MIN) {
            let said = format!("it is {version}; {MAJOR_MIN}.0 and later are understood");
            return Err(self.error("read core.version", (PortErrorKind::WrongVersion, said)));
        }
        let mut counters =
            statistics?.as_ref().map(answers::statistics).transpose().map_err(garbage("read stats.get_statistics"))?;
        // A proxy without the module counters says the two most wanted elsewhere.
        let memory = match &counters {
            Some(counters) => answers::memory_of_statistics(counters),
            None => self.ask("core.shmmem", json!([]), until).await?.as_ref().map(answers::memory).unwrap_or_default(),
        };
        let dialogs = match counters.as_ref().and_then(answers::own_dialogs) {
            Some(dialogs) => dialogs,
            None => self.ask("dlg.stats_active", json!([]), until).await?.as_ref().map_or(0, answers::dialogs),
        };
        let transactions = match counters.as_ref().and_then(|counters| counters.get("tmx.inuse_transactions").copied()) {
            Some(transactions) => transactions,
            None => self.ask("tm.stats", json!([]), until).await?.as_ref().map_or(0, answers::transactions),
        };
        if let (Some(counters), Some(page)) = (&mut counters, page?) {
            answers::add_own_counters(counters, &page);
        }
        Ok(ProxyFacts {
            version,
            uptime_s: uptime?.as_ref().map(answers::uptime).transpose().map_err(garbage("read core.uptime"))?.unwrap_or(0),
            sets: sets?.as_ref().map(answers::sets).transpose().map_err(garbage("read dispatcher.list"))?.unwrap_or_default(),
            dialogs,
            transactions,
            shared_memory_used_bytes: memory.0,
            shared_memory_total_bytes: memory.1,
            trees: trees?.as_ref().map(answers::trees).transpose().map_err(garbage("read mtree.summary"))?.unwrap_or_default(),
            hash_tables: tables?
                .as_ref()
                .map(answers::hash_tables)
                .transpose()
                .map_err(garbage("read htable.stats"))?
                .unwrap_or_default(),
            dmq_peers: peers?
                .as_ref()
                .map(answers::dmq_peers)
                .transpose()
                .map_err(garbage("read dmq.list_nodes"))?
                .unwrap_or_default(),
            counters: counters.unwrap_or_default(),
        })
    }

    async fn dispatcher_sets(&self) -> Result<Vec<DispatcherSet>, PortError> {
        let doing = "read dispatcher.list";
        let until = Instant::now() + self.deadline;
        let Some(list) = self.ask("dispatcher.list", json!([]), until).await? else {
            return Err(self.error(doing, (PortErrorKind::Failed, "it has no dispatcher sets".into())));
        };
        answers::sets(&list).map_err(|said| self.error(doing, (PortErrorKind::Garbage, said)))
    }

    async fn set_target_state(&self, set: u32, uri: &str, state: TargetState) -> Result<(), PortError> {
        let until = Instant::now() + self.deadline;
        match self.ask("dispatcher.set_state", json!([state.flags(), set, uri]), until).await? {
            Some(_) => Ok(()),
            None => {
                let said = format!("it refuses; it may not have {uri} in set {set}");
                Err(self.error(&format!("set {uri} to {}", state.name()), (PortErrorKind::Failed, said)))
            }
        }
    }
}
