//! Refuses every request that changes something unless the browser says it comes from our own pages: `Sec-Fetch-Site`, or where
//! that is missing, `Origin`. Server functions have no check of their own, and a cookie alone must not be enough.

use super::context::problem;
use app::error::AppError;
use axum::{
    extract::Request,
    http::{HeaderMap, Method, header},
    middleware::Next,
    response::Response,
};

pub async fn layer(request: Request, next: Next) -> Response {
    let safe = [Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method());
    if safe || is_ours(request.headers()) {
        return next.run(request).await;
    }
    tracing::info!("refused a request that did not come from our own pages");
    let why = "This request did not come from a page of this panel, so nothing was changed. Open the panel itself and try again there; a \
               script must send the header Origin with the panel's own address.";
    let mut response = problem(AppError::refused(why));
    *response.status_mut() = axum::http::StatusCode::FORBIDDEN;
    response
}

fn is_ours(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match text("sec-fetch-site") {
        Some(site) => site == "same-origin",
        None => match (text(header::ORIGIN.as_str()), text(header::HOST.as_str())) {
            (Some(origin), Some(host)) => origin.strip_prefix("https://").or(origin.strip_prefix("http://")) == Some(host),
            _ => false,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours(pairs: &[(&'static str, &'static str)]) -> bool {
        is_ours(&pairs.iter().map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value"))).collect())
    }

    #[test]
    fn only_our_own_pages_may_change_things() {
        assert!(ours(&[("sec-fetch-site", "same-origin")]));
        assert!(ours(&[("origin", "http://127.0.0.1:3000"), ("host", "127.0.0.1:3000")]));
        for (site, why) in
            [("cross-site", "another site"), ("same-site", "a neighbor"), ("none", "typed by hand"), ("", "nonsense")]
        {
            // A forged Origin does not help where the browser says otherwise.
            assert!(!ours(&[("sec-fetch-site", site), ("origin", "http://a"), ("host", "a")]), "{why}");
        }
        assert!(!ours(&[("origin", "http://evil.example"), ("host", "127.0.0.1:3000")]));
        assert!(!ours(&[("origin", "null"), ("host", "null")]));
        assert!(!ours(&[("host", "127.0.0.1:3000")]), "no word at all");
        assert!(!ours(&[("origin", "http://127.0.0.1:3001"), ("host", "127.0.0.1:3000")]), "the other door");
    }
}
