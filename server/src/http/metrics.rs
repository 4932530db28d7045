//! What Prometheus reads at `/metrics`.

use app::{auth::role::Door, context, context::Panel, system::snapshot::SystemSnapshot, values::Moment};
use axum::http::Method;
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};
use std::{sync::Arc, sync::atomic::AtomicU64, time::Duration};

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabels {
    door: &'static str,
    method: String,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct DoorLabel {
    door: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct TaskLabel {
    task: String,
}

type Float = Gauge<f64, AtomicU64>;

/// One answered request.
pub struct Hit<'a> {
    pub door: Door,
    pub method: &'a Method,
    pub route: &'a str,
    pub status: u16,
    pub took: Duration,
}

pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    took: Family<DoorLabel, Histogram>,
    database_up: Gauge,
    round_trip: Float,
    pool_open: Gauge,
    sessions: Family<DoorLabel, Gauge>,
    live: Gauge,
    rss: Gauge,
    disk_free: Gauge,
    task_failing: Family<TaskLabel, Gauge>,
}

/// Seconds; a page is a few milliseconds, a sign-in some tens.
const BUCKETS: [f64; 11] = [0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5];

impl Metrics {
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("wirecenter");
        let metrics = Self {
            requests: Family::default(),
            took: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            database_up: Gauge::default(),
            round_trip: Float::default(),
            pool_open: Gauge::default(),
            sessions: Family::default(),
            live: Gauge::default(),
            rss: Gauge::default(),
            disk_free: Gauge::default(),
            task_failing: Family::default(),
            registry: Registry::default(),
        };
        registry.register("http_requests", "Requests answered", metrics.requests.clone());
        registry.register("http_request_seconds", "Time from request to the head of its answer, in seconds", metrics.took.clone());
        registry.register("database_up", "1 while the panel's database answers and can be used", metrics.database_up.clone());
        registry.register("database_round_trip_seconds", "The last round trip to the database", metrics.round_trip.clone());
        registry.register("database_connections", "Open connections to the database", metrics.pool_open.clone());
        registry.register("sessions", "Signed-in sessions", metrics.sessions.clone());
        registry.register("live_browsers", "Browsers that hear wake-ups", metrics.live.clone());
        registry.register("resident_memory_bytes", "Memory of the panel's process, without its MariaDB", metrics.rss.clone());
        registry.register("disk_free_bytes", "Free bytes where the panel's state lies", metrics.disk_free.clone());
        registry.register("task_failing", "1 while the last run of a background task failed", metrics.task_failing.clone());
        Self { registry, ..metrics }
    }

    pub fn hit(&self, hit: Hit<'_>) {
        let door = hit.door.name();
        // Methods are cut to those there are: a stranger must not fill the memory with made-up ones.
        let known = [Method::GET, Method::POST, Method::HEAD, Method::OPTIONS, Method::PUT, Method::DELETE, Method::PATCH];
        let method = if known.contains(hit.method) { hit.method.as_str() } else { "other" }.to_string();
        let labels = RequestLabels { door, method, route: hit.route.into(), status: hit.status };
        self.requests.get_or_create(&labels).inc();
        self.took.get_or_create(&DoorLabel { door }).observe(hit.took.as_secs_f64());
    }

    /// The text Prometheus reads, as of now.
    pub fn text(&self, panel: &Arc<Panel>) -> String {
        let now = context::now();
        let system = panel.system.snapshot(&panel.database, panel.sessions.counts(now), Moment::EPOCH, now);
        self.set(&system);
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("writing to a string cannot fail");
        text
    }

    fn set(&self, system: &SystemSnapshot) {
        let whole = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        self.database_up.set(i64::from(system.database.state.is_up()));
        self.round_trip.set(system.database.round_trip_ms.map_or(f64::NAN, |ms| f64::from(ms) / 1_000.0));
        self.pool_open.set(i64::from(system.database.pool_open));
        self.sessions.get_or_create(&DoorLabel { door: Door::Staff.name() }).set(whole(system.sessions.staff));
        self.sessions.get_or_create(&DoorLabel { door: Door::Portal.name() }).set(whole(system.sessions.customers));
        self.live.set(whole(system.live_browsers));
        self.rss.set(system.samples.last().map_or(0, |sample| whole(sample.rss_bytes)));
        self.disk_free.set(system.disk.as_ref().map_or(0, |disk| whole(disk.free_bytes)));
        for task in &system.tasks {
            let failing = i64::from(task.failing_since.is_some());
            self.task_failing.get_or_create(&TaskLabel { task: task.name.clone() }).set(failing);
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}
