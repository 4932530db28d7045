//! Server functions of this door. The guard table is asked before a byte of the body is read; afterwards errors get their status,
//! and the answer to a plain form becomes a redirect with a notice.

use super::{
    context::{DoorContext, problem},
    describe::wants_html,
};
use app::{
    auth::guards::Guard,
    context::{Request as Described, notice_cookie},
    error::{AppError, SignedOut},
    limits,
    notice::{Notice, may_repeat},
    routes::Page,
    values::Query,
};
use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::StreamExt;
use leptos::{prelude::provide_context, server_fn::error::ServerFnUrlError};
use std::sync::Arc;

pub async fn call(State(context): State<DoorContext>, request: Request) -> Response {
    let Some(guard) = Guard::find(request.uri().path()).filter(|guard| guard.opens_at(context.door)) else {
        return problem(AppError::not_found("such function at this door"));
    };
    let described: Option<Arc<Described>> = request.extensions().get().cloned();
    let who = described.as_ref().and_then(|described| described.who.clone());
    let form = wants_html(request.headers());
    let back = came_from(&request);
    if let Err(error) = guard.access.allows(who.as_ref()) {
        return if form { answer_form(&context, guard.path, &back, &error, Vec::new()) } else { problem(error) };
    }
    let (parts, body) = request.into_parts();
    let is_get = parts.method == Method::GET;
    let body = match read_limited(body).await {
        Ok(body) => body,
        Err(response) => return response,
    };
    let typed = if form && !is_get { typed_fields(&body) } else { Vec::new() };
    let panel = Arc::clone(&context.panel);
    let provide = move || provide_context(Arc::clone(&panel));
    let request = Request::from_parts(parts, Body::from(body));
    let response = leptos_axum::handle_server_fns_with_context(provide, request).await.into_response();
    if form { finish_form(&context, guard.path, &back, response, typed) } else { finish_script(response).await }
}

/// Reads a body up to the limit. Of a larger one the rest is read and thrown away, as far as that is reasonable: a browser that is
/// cut off while it sends never shows the answer.
async fn read_limited(body: Body) -> Result<Vec<u8>, Response> {
    let (mut kept, mut seen) = (Vec::new(), 0);
    let mut parts = body.into_data_stream();
    let read = async {
        while let Some(part) = parts.next().await {
            let Ok(part) = part else { return Err(problem(AppError::Malformed { detail: "it ended in the middle".into() })) };
            seen += part.len();
            if seen <= limits::FORM_BYTES_MAX {
                kept.extend_from_slice(&part);
            } else if seen > limits::DRAINED_BYTES_MAX {
                break;
            }
        }
        if seen <= limits::FORM_BYTES_MAX { Ok(()) } else { Err(too_large()) }
    };
    match tokio::time::timeout(limits::BODY_DEADLINE, read).await {
        Ok(Ok(())) => Ok(kept),
        Ok(Err(response)) => Err(response),
        Err(_) => Err(problem(AppError::Malformed { detail: "it came too slowly".into() })),
    }
}

fn too_large() -> Response {
    let detail = format!("it is larger than {} KiB", limits::FORM_BYTES_MAX / 1_024);
    let mut response = problem(AppError::Malformed { detail });
    *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
    response
}

/// What the person had typed, without secrets.
fn typed_fields(body: &[u8]) -> Vec<(String, String)> {
    let Ok(text) = std::str::from_utf8(body) else { return Vec::new() };
    let query = Query::parse(text);
    query.pairs().filter(|(name, _)| may_repeat(name)).map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

/// The page the form stands on, as a path of our own; the origin check has made sure that it is ours.
fn came_from(request: &Request) -> String {
    let referer = request.headers().get(header::REFERER).and_then(|value| value.to_str().ok());
    let path =
        referer.and_then(|referer| referer.parse::<axum::http::Uri>().ok()).and_then(|uri| Some(uri.path_and_query()?.to_string()));
    path.filter(|path| path.starts_with('/') && !path.starts_with("//")).unwrap_or_else(|| "/".into())
}

/// leptos answers a form with a redirect; an error rides in its address and is moved into the notice.
fn finish_form(
    context: &DoorContext,
    function: &str,
    back: &str,
    mut response: Response,
    typed: Vec<(String, String)>,
) -> Response {
    let location = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok()).unwrap_or_default().to_string();
    let query = Query::parse(location.split_once('?').map_or("", |(_, query)| query));
    if let Some(error) = query.get("__err") {
        let error = ServerFnUrlError::<AppError>::decode_err(error);
        return answer_form(context, function, back, &error, typed);
    }
    // The Referer is a whole address; a path keeps the browser where it is.
    let path = if location.starts_with('/') { location } else { back.to_string() };
    *response.status_mut() = StatusCode::SEE_OTHER;
    if let Ok(value) = HeaderValue::from_str(&path) {
        response.headers_mut().insert(header::LOCATION, value);
    }
    *response.body_mut() = Body::empty();
    response
}

/// Back to the form with the reason, or to where what is missing can be given.
fn answer_form(context: &DoorContext, function: &str, back: &str, error: &AppError, typed: Vec<(String, String)>) -> Response {
    let with_next = |page: Page| Query::default().with("next", back).link(&page.path());
    let to = match error {
        AppError::SignedOut(SignedOut::NoSession) => with_next(Page::SignIn),
        AppError::SignedOut(SignedOut::CodeMissing) => with_next(Page::Code),
        AppError::SignedOut(SignedOut::SecondStepMissing) => with_next(Page::Totp),
        AppError::SignedOut(SignedOut::ProofTooOld) => with_next(Page::StepUp),
        _ => back.to_string(),
    };
    let notice = Notice::failed(error, function, typed);
    let cookie = notice_cookie(&context.panel, context.door, Some(&notice));
    let mut response = StatusCode::SEE_OTHER.into_response();
    for (name, value) in [(header::LOCATION, to), (header::SET_COOKIE, cookie)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// Server functions answer every error with 500; the error itself knows its status.
async fn finish_script(response: Response) -> Response {
    if response.status() != StatusCode::INTERNAL_SERVER_ERROR {
        return response;
    }
    let (parts, body) = response.into_parts();
    let Ok(body) = to_bytes(body, limits::FORM_BYTES_MAX).await else { return problem(AppError::Broken) };
    match serde_json::from_slice::<AppError>(&body) {
        Ok(error) => {
            let mut response = problem(error);
            // The browser's half of leptos knows an error by this header.
            response.headers_mut().extend(parts.headers.into_iter().filter(|(name, _)| name.is_some()));
            response.headers_mut().remove(header::CONTENT_LENGTH);
            response
        }
        Err(error) => {
            tracing::error!(%error, "a server function failed in a way that is not an error of ours");
            problem(AppError::Broken)
        }
    }
}
