//! Gives each request its id, measures it and writes its line. The id is in the answer's `x-request-id`, on every problem page and
//! in every row of the audit log. Addresses are logged by their pattern: a set-up link's token is a secret.

use super::{context::DoorContext, metrics::Hit};
use app::{auth::guards::Guard, auth::role::Door, routes::Page, values::RequestId};
use axum::{
    extract::{Request, State},
    http::HeaderValue,
    middleware::Next,
    response::Response,
};
use std::{sync::atomic::Ordering, time::Instant};
use tracing::Instrument;

pub async fn layer(State(context): State<DoorContext>, mut request: Request, next: Next) -> Response {
    let id = crate::wiring::new_id();
    let started = Instant::now();
    let method = request.method().clone();
    let route = pattern(context.door, request.uri().path());
    request.extensions_mut().insert(id.clone());
    let span = tracing::info_span!("request", id = %id, door = context.door.name());
    let mut response = next.run(request).instrument(span.clone()).await;
    let took = started.elapsed();
    let status = response.status();
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        response.headers_mut().insert("x-request-id", value);
    }
    context.panel.system.requests.fetch_add(1, Ordering::Relaxed);
    context.metrics.hit(Hit { door: context.door, method: &method, route: &route, status: status.as_u16(), took });
    let took_ms = took.as_secs_f64() * 1_000.0;
    span.in_scope(|| tracing::debug!(%method, route, status = status.as_u16(), took_ms = format_args!("{took_ms:.1}"), "answered"));
    response
}

/// The address without its variable part: `/users/7` is `/users/:id`.
pub fn pattern(door: Door, path: &str) -> String {
    if let Some(guard) = Guard::find(path) {
        return guard.path.into();
    }
    if path.starts_with("/pkg/") {
        return "/pkg".into();
    }
    match Page::parse(door, path) {
        Some(Page::User(_)) => "/users/:id".into(),
        Some(Page::SetUp(_)) => "/setup/:token".into(),
        Some(page) => page.path(),
        None if ["/live", "/healthz", "/readyz", "/metrics", "/users.csv", "/audit.csv", "/favicon.svg"].contains(&path) => {
            path.into()
        }
        None => "other".into(),
    }
}

/// The id of the request, as the outermost layer gave it.
pub fn id_of(extensions: &axum::http::Extensions) -> RequestId {
    extensions.get().cloned().unwrap_or_else(crate::wiring::new_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_tokens_nor_numbers_nor_nonsense_reach_the_log() {
        assert_eq!(pattern(Door::Staff, "/setup/s3cret"), "/setup/:token");
        assert_eq!(pattern(Door::Staff, "/users/42"), "/users/:id");
        assert_eq!(pattern(Door::Portal, "/users/42"), "other");
        assert_eq!(pattern(Door::Staff, "/wp-login.php"), "other");
        assert_eq!(pattern(Door::Staff, "/api/users/list"), "/api/users/list");
    }
}
