//! The server functions of the System page; they read memory only.

use crate::{
    error::AppError,
    system::snapshot::{DatabaseState, Sample, SystemSnapshot},
    values::Moment,
    wire::{GetUrl, Json},
};
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use crate::context::{self, allowed};

/// The state of the panel with the samples newer than `newer_than`.
#[server(endpoint = "system/get", input = GetUrl, output = Json)]
pub async fn get_system(newer_than: Moment) -> Result<SystemSnapshot, AppError> {
    let allowed = allowed::<GetSystem>()?;
    let (panel, now) = (&allowed.panel, context::now());
    Ok(panel.system.snapshot(&panel.database, panel.sessions.counts(now), newer_than, now))
}

/// One sample a minute over the last hours, oldest first; at most a day.
#[server(endpoint = "system/history", input = GetUrl, output = Json)]
pub async fn get_history(hours: u32) -> Result<Vec<Sample>, AppError> {
    let allowed = allowed::<GetHistory>()?;
    let span = std::time::Duration::from_secs(u64::from(hours.clamp(1, 24)) * 3_600);
    Ok(allowed.panel.system.minutes(context::now().minus(span)))
}

/// Whether the panel's database answers: what the banner on every page says. A customer is not told why.
#[server(endpoint = "system/database", input = GetUrl, output = Json)]
pub async fn get_database_state() -> Result<DatabaseState, AppError> {
    let allowed = allowed::<GetDatabaseState>()?;
    Ok(allowed.panel.database.state().as_told_at(allowed.request.door))
}
