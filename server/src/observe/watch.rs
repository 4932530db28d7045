//! All observers of one inventory.

use app::{
    context::Panel,
    fleet::{
        facts::{DatabaseFacts, HypervisorFacts, NetworkProbes, PbxFacts, ProxyFacts, ShellFacts, SipAnswer},
        inventory::{Inventory, Machine},
        world::{MachineSeen, Seen},
    },
};
use std::{path::PathBuf, sync::Arc};
use tokio_util::sync::CancellationToken;

/// What the observers have at hand.
pub struct Post {
    pub panel: Arc<Panel>,
    pub inventory: Arc<Inventory>,
    /// Where it came from: credentials lie beside it.
    pub file: PathBuf,
    /// The panel's own folder.
    pub state: PathBuf,
    /// The panel's runtime, where its own database is spoken to.
    pub main: tokio::runtime::Handle,
}

pub async fn run(post: Post, stop: CancellationToken) {
    let _ = &post;
    stop.cancelled().await;
}
