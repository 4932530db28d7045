//! What everything behind a door has at hand: the context of its door, and a way to say what happened.

use super::metrics::Metrics;
use app::{auth::role::Door, context::Panel, error::AppError};
use axum::{body::Body, http::StatusCode, response::Response};
use std::{net::IpAddr, sync::Arc};
use tokio_util::sync::CancellationToken;

/// What the routes of one door share.
#[derive(Clone)]
pub struct DoorContext {
    pub door: Door,
    pub panel: Arc<Panel>,
    pub metrics: Arc<Metrics>,
    /// Proxies whose word about the client's address counts.
    pub trusted_proxies: Arc<Vec<IpAddr>>,
    pub metrics_token: Option<Arc<str>>,
    pub stop: CancellationToken,
}

/// An answer that only says what happened; the layer [`super::pages::problems`] writes it as JSON or as a page.
pub fn problem(error: AppError) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.extensions_mut().insert(error);
    response
}
