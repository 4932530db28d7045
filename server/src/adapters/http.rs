//! HTTP towards foreign systems: a client that takes no detours, bodies with a limit, and failures told apart.

use super::trust::Trust;
use app::values::PortErrorKind;
use reqwest::{Client, ClientBuilder, Response, redirect::Policy};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use std::{error::Error, sync::Arc, time::Duration};

/// A failure before it is known what was being done: its kind, and a clause for the sentence.
pub type Failure = (PortErrorKind, String);

/// A connection that was not used for this long is closed: at the next look the far end may be another machine.
const IDLE_MAX: Duration = Duration::from_secs(20);

/// For systems that speak plain HTTP on Management. It believes no certificate at all.
pub fn plain_client() -> Result<Client, Failure> {
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| not_configured(&error))?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    builder().tls_backend_preconfigured(config).build().map_err(|error| not_configured(&error))
}

/// For systems that speak HTTPS and keep a session by cookie.
pub fn session_client(trust: Trust) -> Result<Client, Failure> {
    let builder = match trust.tls() {
        Some(tls) => builder().tls_backend_preconfigured(tls.map_err(|error| not_configured(&error))?),
        None => {
            // reqwest takes the process's provider; whoever installed one before us chose well.
            let _ = ring::default_provider().install_default();
            builder()
        }
    };
    builder.cookie_store(true).build().map_err(|error| not_configured(&error))
}

/// No proxy of the environment and no redirect: what answers must be the machine that was asked.
fn builder() -> ClientBuilder {
    Client::builder().no_proxy().redirect(Policy::none()).tcp_nodelay(true).pool_idle_timeout(IDLE_MAX)
}

fn not_configured(error: &dyn Error) -> Failure {
    (PortErrorKind::NotConfigured, format!("no HTTP client can be made: {}", innermost(error)))
}

/// The whole body, unless it is larger than `bytes_max`: a foreign system must not fill the panel's memory.
pub async fn body(mut response: Response, bytes_max: usize) -> Result<Vec<u8>, Failure> {
    let mut all = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failure(&error))? {
        if all.len() + chunk.len() > bytes_max {
            return Err((PortErrorKind::Garbage, format!("the answer is larger than {} KiB", bytes_max / 1024)));
        }
        all.extend_from_slice(&chunk);
    }
    Ok(all)
}

/// What went wrong between here and the far end.
pub fn failure(error: &reqwest::Error) -> Failure {
    let said = innermost(error);
    let tls = causes(error).find_map(|cause| cause.downcast_ref::<rustls::Error>());
    let kind = match tls {
        Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented) => PortErrorKind::WrongIdentity,
        Some(_) => PortErrorKind::Garbage,
        None if error.is_timeout() => PortErrorKind::TimedOut,
        None if error.is_connect() => PortErrorKind::Refused,
        // hyper tells an answer that is not HTTP from a connection that broke by its words only.
        None if said.starts_with("invalid") || said.contains("too large") => PortErrorKind::Garbage,
        None => PortErrorKind::Broken,
    };
    (kind, said)
}

/// What an HTTP status other than 200 means for an interface that is there.
pub fn refusal(status: u16) -> Option<Failure> {
    match status {
        200..=299 => None,
        401 | 403 => Some((PortErrorKind::Denied, format!("it refuses us (HTTP {status})"))),
        404 | 405 | 426 | 505 => Some((PortErrorKind::WrongVersion, format!("HTTP {status}: it has no such interface there"))),
        _ => Some((PortErrorKind::Failed, format!("it answered HTTP {status}"))),
    }
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    // An io::Error hides the error it was made from behind get_ref; rustls' errors lie there.
    std::iter::successors(Some(error), |error| {
        let error: &'a (dyn Error + 'static) = *error;
        let inside =
            error.downcast_ref::<std::io::Error>().and_then(|io| io.get_ref()).map(|inner| inner as &(dyn Error + 'static));
        inside.or_else(|| error.source())
    })
}

/// The last cause is the one that says something: "Connection refused", not "error sending request".
fn innermost(error: &dyn Error) -> String {
    let mut last = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        last = next.to_string();
        cause = next.source();
    }
    last.trim_end_matches('.').replace(['\n', '\r'], " ")
}
