//! A MariaDB node, as its own SQL interface tells.

use crate::values::Moment;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DatabaseFacts {
    pub version: String,
    pub server_id: u64,
    pub hostname: String,
    pub uptime_s: u64,
    pub read_only: bool,
    pub log_bin: bool,
    pub log_slave_updates: bool,
    pub gtid_strict: bool,
    pub gtid_domain: u32,
    /// `gtid_binlog_pos`, `gtid_current_pos`, `gtid_slave_pos`: `0-1-4521`, several divided by commas.
    pub gtid_binlog: String,
    pub gtid_current: String,
    pub gtid_slave: String,
    /// `gtid_binlog_state`: the newest sequence of each server that ever wrote here. Errant transactions are found by it.
    pub gtid_binlog_state: String,
    /// Absent on a node that replicates from nobody.
    pub replication: Option<Replication>,
    pub semi_sync: SemiSync,
    /// Age of the newest heartbeat row this node has, by the writer's clock; absent where there is none.
    pub heartbeat_age_ms: Option<u64>,
    pub connections: u64,
    pub connections_max: u64,
    pub threads_running: u64,
    /// Statements since the start.
    pub queries: u64,
    /// Transactions committed since the start.
    pub commits: u64,
    /// Users connected now with SUPER or READ_ONLY ADMIN, besides the panel and replication.
    pub privileged: Vec<String>,
    pub longest_transaction_s: Option<u64>,
    pub observed_at: Moment,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Replication {
    pub source_host: String,
    pub io_running: bool,
    pub sql_running: bool,
    pub io_error: Option<String>,
    pub sql_error: Option<String>,
    pub seconds_behind: Option<u64>,
    /// Applied on purpose this much later.
    pub delay_s: u64,
    pub gtid_io: String,
    pub using_gtid: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SemiSync {
    pub primary_enabled: bool,
    /// Whether a commit really waits for a replica now.
    pub primary_active: bool,
    pub replicas: u64,
    pub replica_enabled: bool,
    pub replica_active: bool,
    pub wait_point: String,
    pub timeout_ms: u64,
    /// Commits that did not wait since the start.
    pub unacknowledged: u64,
}
