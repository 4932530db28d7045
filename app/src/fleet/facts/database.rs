//! A MariaDB node, as its own SQL interface tells.

use crate::values::Moment;
use serde::{Deserialize, Serialize};
use std::net::Ipv4Addr;

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

/// A MariaDB server from inside its machine, as root there tells.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerFacts {
    /// Every IPv4 address of the machine's cards.
    pub addresses: Vec<Ipv4Addr>,
    /// Whether it takes its role as primary back after a restart.
    pub is_marked: bool,
    /// Of the disk with the data folder.
    pub disk_size_bytes: u64,
    pub disk_free_bytes: u64,
    /// Events that would run on it while they are enabled.
    pub events_enabled: u64,
    pub event_scheduler: bool,
    /// Of the newest file where the inventory says that backups lie; absent where there is none.
    pub backup_age_s: Option<u64>,
    /// Nanoseconds since 1970, by its own clock.
    pub clock_ns: i128,
}

/// What a server does now, as root on its machine tells.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerRole {
    pub read_only: bool,
    /// `gtid_binlog_pos`, `gtid_slave_pos`, `gtid_binlog_state`.
    pub position: String,
    pub applied: String,
    pub written: String,
    /// Whom it follows; absent where nobody.
    pub follows: Option<Ipv4Addr>,
    pub receives: bool,
    pub applies: bool,
    pub received: String,
    /// Why it does not.
    pub error: Option<String>,
}
