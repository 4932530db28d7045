//! The routes of a door and the layers around them.

use super::{
    context::{DoorContext, problem},
    describe, exports, functions, headers, live, log, origin, pages, status,
};
use crate::site::Site;
use app::{
    auth::{role::Door, sessions::SharedSessions},
    error::AppError,
    limits,
};
use axum::{
    Router,
    http::StatusCode,
    middleware::{from_fn, from_fn_with_state},
    response::Response,
    routing::{any, get},
};
use std::{any::Any, sync::Arc, time::Duration};
use tower_http::{
    CompressionLevel,
    catch_panic::CatchPanicLayer,
    compression::{
        CompressionLayer,
        predicate::{NotForContentType, Predicate, SizeAbove},
    },
    limit::RequestBodyLimitLayer,
    timeout::TimeoutLayer,
};
use tower_sessions::{SessionManagerLayer, cookie::SameSite};

/// Statements have their own, shorter deadlines; this one ends whatever waits for something else, a slow sender included.
const REQUEST_MAX: Duration = Duration::from_secs(20);

pub fn routes(context: DoorContext, site: &Site) -> Router {
    let sessions = SessionManagerLayer::new(SharedSessions(Arc::clone(&context.panel.sessions)))
        .with_name(context.panel.cookie_name(context.door, "session"))
        .with_secure(context.panel.is_secure(context.door))
        .with_http_only(true)
        .with_same_site(SameSite::Strict);
    let mut people = Router::new().route("/live", get(live::stream));
    if context.door == Door::Staff {
        people = people
            .route("/users.csv", get(exports::users))
            .route("/audit.csv", get(exports::audit))
            .route("/cdrs.csv", get(exports::cdrs));
    }
    let people = people
        .fallback(get(pages::page))
        .layer(RequestBodyLimitLayer::new(limits::NO_BODY_BYTES_MAX))
        .merge(Router::new().route("/api/{*path}", any(functions::call)))
        .layer(from_fn_with_state(context.clone(), describe::layer))
        .layer(sessions)
        .layer(from_fn(origin::layer));
    let mut machines = Router::new().route("/healthz", get(status::healthz)).route("/readyz", get(status::readyz));
    if context.door == Door::Staff {
        machines = machines.route("/metrics", get(status::metrics));
    }
    let worth_it = SizeAbove::new(512).and(NotForContentType::new("text/event-stream")).and(NotForContentType::IMAGES);
    people
        .merge(machines)
        .with_state(context.clone())
        .merge(site.routes())
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, REQUEST_MAX))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(context.clone(), pages::problems))
        .layer(from_fn_with_state(context.clone(), headers::layer))
        .layer(CompressionLayer::new().br(true).gzip(true).quality(CompressionLevel::Fastest).compress_when(worth_it))
        .layer(from_fn_with_state(context, log::layer))
}

/// A panic is our mistake; the layer outside puts it into words with the request's id.
fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string).or_else(|| panic.downcast_ref::<String>().cloned());
    tracing::error!(panic = text.unwrap_or_default(), "a request panicked");
    problem(AppError::Broken)
}
