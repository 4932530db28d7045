//! What flows now, as far as it was measured: taken from counters and live calls by whoever has them, shown on the map and weighed
//! in a blast radius. What nobody measured is absent, never zero.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Flows {
    /// Calls begun a second, by carrier.
    pub carrier_cps: BTreeMap<String, f64>,
    /// Calls begun a second, by customer.
    pub customer_cps: BTreeMap<String, f64>,
    /// Calls begun a second, by machine (proxies, PBXs) or authorizations a second (billing).
    pub machine_cps: BTreeMap<String, f64>,
    /// Calls that are up, by the machine they go through.
    pub machine_calls: BTreeMap<String, u64>,
    /// Calls that are up, by carrier.
    pub carrier_calls: BTreeMap<String, u64>,
    /// Transactions committed a second, by database node.
    pub machine_tps: BTreeMap<String, f64>,
}

/// `0.4`, `8.2`, `38`, `1204`: a rate with as many digits as one reads.
pub fn format_rate(per_s: f64) -> String {
    if per_s < 10.0 { format!("{:.1}", per_s.max(0.0)) } else { format!("{per_s:.0}") }
}
