//! Describes a request once, for every page and function behind: who, from where, how it should look, what the page before said.

use super::{
    context::{DoorContext, problem},
    log,
};
use app::{
    auth::sessions::{SESSION_KEY, SessionData},
    context::{self, Request as Described},
    error::AppError,
    ui::look::Look,
    values::Query,
};
use axum::{
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, header},
    middleware::Next,
    response::Response,
};
use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};
use tower_sessions::Session;

pub async fn layer(State(context): State<DoorContext>, mut request: Request, next: Next) -> Response {
    let session: Option<Session> = request.extensions().get().cloned();
    let mut described = describe(&context, &request);
    if let Some(session) = session {
        match session.get::<SessionData>(SESSION_KEY).await {
            Ok(data) => {
                // A cookie of one door is worth nothing at the other.
                described.who = data.filter(|data| data.door == context.door).map(|data| data.signed_in);
                if described.who.is_some()
                    && is_input(request.headers())
                    && let Some(id) = session.id()
                {
                    context.panel.sessions.input(&id, context::now());
                }
            }
            // The database is away and this panel has not seen the session before, so nobody can say who this is.
            Err(error) => {
                tracing::info!(%error, "a session could not be looked up");
                let state = context.panel.database.state();
                let since = (!state.is_up()).then(|| state.since());
                return problem(AppError::Away { system: "The database".into(), since, doing: "recognize you".into() });
            }
        }
    }
    request.extensions_mut().insert(Arc::new(described));
    next.run(request).await
}

/// Everything but the person.
pub fn describe(context: &DoorContext, request: &Request) -> Described {
    let headers = request.headers();
    let connected: Option<&ConnectInfo<SocketAddr>> = request.extensions().get();
    let peer = connected.map_or(IpAddr::from([0, 0, 0, 0]), |ConnectInfo(address)| address.ip());
    let cookie = |what: &str| cookie(headers, &context.panel.cookie_name(context.door, what));
    Described {
        id: log::id_of(request.extensions()),
        door: context.door,
        address: client_address(peer, headers, &context.trusted_proxies),
        path: request.uri().path().into(),
        query: Query::parse(request.uri().query().unwrap_or_default()),
        who: None,
        look: cookie("look").map(|value| Look::parse(&value)).unwrap_or_default(),
        notice: cookie("notice").and_then(|value| context::read_notice(&value)),
        wants_html: wants_html(headers),
    }
}

pub fn wants_html(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).is_some_and(|accept| accept.contains("text/html"))
}

fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let pairs = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|line| line.split(';'));
    pairs.filter_map(|pair| pair.trim().split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value.to_string())
}

/// Whether a person's own hand sent this: a link followed, a form sent. What a page does by itself is not input.
fn is_input(headers: &HeaderMap) -> bool {
    let by_hand = headers.get("sec-fetch-user").is_some_and(|value| value == "?1");
    let old_browser = !headers.contains_key("sec-fetch-mode") && wants_html(headers);
    by_hand || old_browser
}

/// The last address in `X-Forwarded-For` that is not one of our own proxies, if the peer is one of them.
fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpAddr]) -> IpAddr {
    if !trusted.contains(&peer) {
        return peer;
    }
    let lists = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let told: Vec<IpAddr> = lists.flat_map(|list| list.split(',')).filter_map(|address| address.trim().parse().ok()).collect();
    told.into_iter().rev().find(|address| !trusted.contains(address)).unwrap_or(peer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value"))).collect()
    }

    #[test]
    fn only_a_trusted_proxy_may_say_who_the_client_is() {
        let ip = |text: &str| text.parse::<IpAddr>().expect("an address");
        let told = headers(&[("x-forwarded-for", "6.6.6.6, 203.0.113.7, 10.0.0.2")]);
        assert_eq!(client_address(ip("198.51.100.1"), &told, &[ip("10.0.0.1")]), ip("198.51.100.1"));
        assert_eq!(client_address(ip("10.0.0.1"), &told, &[ip("10.0.0.1"), ip("10.0.0.2")]), ip("203.0.113.7"));
        assert_eq!(client_address(ip("10.0.0.1"), &headers(&[]), &[ip("10.0.0.1")]), ip("10.0.0.1"));
    }

    #[test]
    fn background_requests_are_not_input() {
        assert!(is_input(&headers(&[("sec-fetch-mode", "navigate"), ("sec-fetch-user", "?1")])));
        assert!(!is_input(&headers(&[("sec-fetch-mode", "navigate"), ("accept", "text/html")])), "a page that reloads itself");
        assert!(!is_input(&headers(&[("sec-fetch-mode", "cors")])));
        assert!(is_input(&headers(&[("accept", "text/html")])), "a browser without these headers");
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let both = headers(&[("cookie", "a=1; wirecenter-staff-look=theme=dark&density=roomy; b=2")]);
        assert_eq!(cookie(&both, "wirecenter-staff-look").as_deref(), Some("theme=dark&density=roomy"));
        assert_eq!(cookie(&both, "look"), None);
    }
}
