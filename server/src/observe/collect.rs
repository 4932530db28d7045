//! Collecting call records, round after round, while an inventory is in force.

use crate::cdr::Collector;
use app::{context, system::state::SystemState, values::Tone};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// Hang-up to chart within three seconds.
const EVERY: Duration = Duration::from_secs(1);
/// While there is a backlog.
const EVERY_BUSY: Duration = Duration::from_millis(250);

pub async fn collect(collector: Collector, system: Arc<SystemState>, stop: CancellationToken) {
    let mut failing = false;
    while !stop.is_cancelled() {
        let rest = match collector.round().await {
            Ok(rows) => {
                if std::mem::take(&mut failing) {
                    system.tell(context::now(), Tone::Good, "Call records are collected again.");
                }
                if rows > 0 { EVERY_BUSY } else { EVERY }
            }
            Err(why) => {
                if !std::mem::replace(&mut failing, true) {
                    tracing::warn!("call records are not collected: {why}");
                    system.tell(context::now(), Tone::Bad, format!("Call records are not collected: {why}"));
                }
                EVERY
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(rest) => {}
        }
    }
}
