//! Pages, and the page or JSON that says what happened when there is none.

use super::{context::DoorContext, describe, headers::page_policy};
use app::{
    error::AppError,
    routes::Page,
    shell::{document, problem_document},
};
use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use leptos::{nonce::use_nonce, prelude::*};
use leptos_axum::ResponseOptions;
use std::sync::Arc;

/// What every page finds around it, and the policy that goes with its nonce.
fn provide(context: &DoorContext) -> impl Fn() + Clone + Send + Sync + 'static {
    let panel = Arc::clone(&context.panel);
    move || {
        provide_context(Arc::clone(&panel));
        let (nonce, options) = (use_nonce(), use_context::<ResponseOptions>());
        if let (Some(nonce), Some(options)) = (nonce, options)
            && let Ok(policy) = HeaderValue::from_str(&page_policy(&nonce))
        {
            options.insert_header(header::CONTENT_SECURITY_POLICY, policy);
        }
    }
}

pub async fn page(State(context): State<DoorContext>, request: Request) -> Response {
    match Page::parse(context.door, request.uri().path()) {
        Some(page) => leptos_axum::render_app_async_with_context(provide(&context), move || document(page.clone()))(request).await,
        None => {
            let error = AppError::not_found(format!("page {}", request.uri().path()));
            render_problem(&context, error, request).await
        }
    }
}

async fn render_problem(context: &DoorContext, error: AppError, request: Request) -> Response {
    leptos_axum::render_app_async_with_context(provide(context), move || problem_document(error.clone()))(request).await
}

/// Writes out what a layer or a function only named: JSON for scripts, a page for people. The status stays.
pub async fn problems(State(context): State<DoorContext>, request: Request, next: Next) -> Response {
    let described = describe::describe(&context, &request);
    let uri = request.uri().clone();
    let response = next.run(request).await;
    let status = response.status();
    let error = match response.extensions().get::<AppError>() {
        Some(error) => error.clone(),
        None => match unnamed(status, &response) {
            Some(error) => error,
            None => return response,
        },
    };
    let mut answer = if described.wants_html {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = uri;
        request.extensions_mut().insert(Arc::new(described));
        render_problem(&context, error, request).await
    } else {
        let mut answer = axum::Json(&error).into_response();
        // Headers that belong to the error: the mark of a server function, a retry time.
        let kept = response.headers().iter().filter(|(name, _)| name.as_str() == "serverfnerror");
        answer.headers_mut().extend(kept.map(|(name, value)| (name.clone(), value.clone())).collect::<Vec<_>>());
        if let AppError::TooMany { retry_after_s, .. } = &error {
            answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(*retry_after_s));
        }
        answer
    };
    *answer.status_mut() = status;
    answer
}

/// Statuses that libraries below answer without a word of ours.
fn unnamed(status: StatusCode, response: &Response) -> Option<AppError> {
    let ours = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if ours.starts_with("text/html") || ours.starts_with("application/json") {
        return None;
    }
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => Some(AppError::Malformed { detail: "it is larger than this address takes".into() }),
        StatusCode::METHOD_NOT_ALLOWED => Some(AppError::Malformed { detail: "this address does not take that method".into() }),
        StatusCode::SERVICE_UNAVAILABLE => {
            Some(AppError::Away { system: "A part of the panel".into(), since: None, doing: "answer in time".into() })
        }
        _ => None,
    }
}
