//! What machines ask: is it alive, is it ready, what does it measure.

use super::context::{DoorContext, problem};
use app::{error::AppError, system::snapshot::DatabaseState};
use axum::{
    Json,
    extract::{ConnectInfo, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;
use std::net::SocketAddr;

/// The process answers. Says nothing of the database: restarting the panel would not bring that back.
pub async fn healthz() -> Response {
    Json(json!({ "ok": true })).into_response()
}

/// The panel can do its work.
pub async fn readyz(State(context): State<DoorContext>) -> Response {
    let state = context.panel.database.state().as_told_at(context.door);
    let why = match &state {
        DatabaseState::Down { why, .. } | DatabaseState::Unfit { why, .. } => Some(why.clone()),
        DatabaseState::Starting { .. } | DatabaseState::Up { .. } => None,
    };
    let answer = json!({ "ok": state.is_up(), "database": state.word(), "since": state.since().rfc3339(), "why": why });
    let status = if state.is_up() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(answer)).into_response()
}

/// For this machine, or for whoever shows the token.
pub async fn metrics(
    State(context): State<DoorContext>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Response {
    let shown =
        headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|value| value.strip_prefix("Bearer "));
    let by_token = match (&context.metrics_token, shown) {
        (Some(token), Some(shown)) => is_same(token, shown),
        _ => false,
    };
    // Behind a proxy every peer is local, so there only the token counts.
    let local = peer.ip().is_loopback() && !headers.contains_key("x-forwarded-for");
    if !by_token && !local {
        return problem(AppError::NotAllowed { doing: "read the measures from another machine without the token".into() });
    }
    let mut response = context.metrics.text(&context.panel).into_response();
    let kind = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// Compares hashes, so that the time taken tells nothing of the token.
fn is_same(token: &str, shown: &str) -> bool {
    use sha2::{Digest, Sha256};
    Sha256::digest(token) == Sha256::digest(shown)
}
