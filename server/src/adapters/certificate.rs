//! The certificate that a TLS endpoint presents: a handshake that believes anyone and sends nothing.
//!
//! Whether it is to be believed is not asked here: one that has ended, or is for another name, is just what has to be seen.

use super::trust::Trust;
use app::{
    fleet::{certificate::Place, facts::CertificateFacts},
    values::{Moment, PortError, PortErrorKind},
};
use rustls::{
    client::verify_server_name,
    pki_types::{CertificateDer, ServerName},
    server::ParsedCertificate,
};
use std::{io::ErrorKind, net::IpAddr, sync::Arc, time::Duration};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use x509_cert::{
    Certificate,
    der::Decode,
    ext::pkix::{SubjectAltName, name::GeneralName},
};

const DOING: &str = "look at its certificate";

/// Looks at one place.
pub async fn present(place: &Place, deadline: Duration) -> Result<CertificateFacts, PortError> {
    let failed = |(kind, said): Failure| PortError::new(format!("{} {}", place.name, place.address()), DOING, kind, said);
    let look = async {
        let name = server_name(place)?;
        let certificate = shake_hands(place, name.clone()).await?;
        // Where nobody says a name, the certificate may be for any.
        let asked = place.server_name.is_some().then_some(&name);
        read(&certificate, asked)
    };
    match tokio::time::timeout(deadline, look).await {
        Ok(result) => result.map_err(failed),
        Err(_) => Err(failed((PortErrorKind::TimedOut, format!("no answer within {} s", deadline.as_secs_f32())))),
    }
}

type Failure = (PortErrorKind, String);

fn server_name(place: &Place) -> Result<ServerName<'static>, Failure> {
    let name = place.server_name.as_deref().unwrap_or(&place.host);
    ServerName::try_from(name.to_string()).map_err(|_| (PortErrorKind::NotConfigured, format!("{name:?} is no name of a server")))
}

async fn shake_hands(place: &Place, name: ServerName<'static>) -> Result<CertificateDer<'static>, Failure> {
    let config = match Trust::Insecure.tls() {
        Some(Ok(config)) => config,
        Some(Err(error)) => return Err((PortErrorKind::NotConfigured, format!("TLS cannot be set up: {error}"))),
        None => return Err((PortErrorKind::NotConfigured, "TLS cannot be set up".into())),
    };
    let stream = TcpStream::connect((place.host.as_str(), place.port)).await.map_err(|error| match error.kind() {
        ErrorKind::ConnectionRefused => (PortErrorKind::Refused, "nobody listens there".into()),
        _ => (PortErrorKind::Refused, format!("it cannot be reached: {error}")),
    })?;
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.map_err(|error| match error.kind() {
        ErrorKind::InvalidData => (PortErrorKind::Garbage, format!("it does not speak TLS as it should: {error}")),
        _ => (PortErrorKind::Broken, format!("it broke off the handshake: {error}")),
    })?;
    let first = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
    first.map(|first| first.clone().into_owned()).ok_or_else(|| (PortErrorKind::Garbage, "it presents no certificate".into()))
}

fn read(der: &CertificateDer<'_>, asked: Option<&ServerName<'_>>) -> Result<CertificateFacts, Failure> {
    let garbage = |error: &dyn std::fmt::Display| (PortErrorKind::Garbage, format!("its certificate cannot be read: {error}"));
    let certificate = Certificate::from_der(der).map_err(|error| garbage(&error))?.tbs_certificate;
    let moment =
        |time: x509_cert::time::Time| Moment::from_seconds(i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX));
    let names = certificate.get::<SubjectAltName>().map_err(|error| garbage(&error))?.map(|(_, names)| names.0);
    let fits = match asked {
        Some(asked) => {
            let parsed = ParsedCertificate::try_from(der).map_err(|error| garbage(&error))?;
            verify_server_name(&parsed, asked).is_ok()
        }
        None => true,
    };
    Ok(CertificateFacts {
        valid_from: moment(certificate.validity.not_before),
        valid_until: moment(certificate.validity.not_after),
        names: names.unwrap_or_default().iter().filter_map(in_words).collect(),
        issuer: certificate.issuer.to_string(),
        is_for_name: fits,
    })
}

/// Names that a server goes by; others, such as of mail, are none.
fn in_words(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(name) => Some(name.as_str().into()),
        GeneralName::IpAddress(bytes) => match *bytes.as_bytes() {
            [a, b, c, d] => Some(IpAddr::from([a, b, c, d]).to_string()),
            _ => <[u8; 16]>::try_from(bytes.as_bytes()).ok().map(|bytes| IpAddr::from(bytes).to_string()),
        },
        _ => None,
    }
}

#[cfg(test)]
#[path = "certificate_tests.rs"]
pub mod tests;
