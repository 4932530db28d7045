//! Certificates that are fine, end soon, have ended, begin later or are for another name; and whoever presents none.

use super::*;
use crate::adapters::standin::{Answer, StandIn};
use app::fleet::certificate::{Owner, findings};
use rcgen::{CertificateParams, KeyPair};
use rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer};
use std::{net::SocketAddr, time::Instant};
use tokio::{
    io::AsyncReadExt,
    net::TcpListener,
    sync::mpsc::{Receiver, channel},
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;

const DEADLINE: Duration = Duration::from_secs(2);
const DAY_S: i64 = 86_400;

/// A certificate of its own making, valid from and until so many days from now, with its key.
pub fn certificate(names: &[&str], from_days: i64, until_days: i64) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
    let names: Vec<String> = names.iter().map(|name| (*name).to_string()).collect();
    let mut params = CertificateParams::new(names).expect("names");
    let at = |days: i64| {
        let seconds = app::context::now().seconds() + days * DAY_S;
        time::OffsetDateTime::from_unix_timestamp(seconds).expect("within some years")
    };
    (params.not_before, params.not_after) = (at(from_days), at(until_days));
    let key = KeyPair::generate().expect("a key");
    let signed = params.self_signed(&key).expect("it can be signed");
    (signed.der().clone(), PrivateKeyDer::try_from(key.serialize_der()).expect("a key"))
}

/// Speaks TLS with one certificate, and tells how many bytes each who connected sent after the handshake.
pub struct TlsStandIn {
    pub address: SocketAddr,
    sent: Receiver<usize>,
    task: JoinHandle<()>,
}

impl Drop for TlsStandIn {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl TlsStandIn {
    pub async fn start((certificate, key): (CertificateDer<'static>, PrivateKeyDer<'static>)) -> Self {
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().expect("the usual versions").with_no_client_auth();
        let config = config.with_single_cert(vec![certificate], key).expect("key and certificate belong together");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let (tell, sent) = channel(8);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let mut read = Vec::new();
                // However it hangs up, what came before counts.
                let _ = stream.read_to_end(&mut read).await;
                let _ = tell.send(read.len()).await;
            }
        });
        Self { address, sent, task }
    }
}

pub fn place_at(address: SocketAddr, server_name: Option<&str>) -> Place {
    Place {
        name: "sip-tls".into(),
        owner: Owner::Declared(None),
        host: address.ip().to_string(),
        port: address.port(),
        server_name: server_name.map(Into::into),
    }
}

#[tokio::test]
async fn what_is_presented_is_read_and_nothing_is_sent() {
    let mut tls = TlsStandIn::start(certificate(&["sip.example.net", "192.0.2.7"], -1, 90)).await;
    let facts = present(&place_at(tls.address, Some("sip.example.net")), DEADLINE).await.expect("it presents one");
    assert_eq!((facts.names.as_slice(), facts.is_for_name), (["sip.example.net".to_string(), "192.0.2.7".into()].as_slice(), true));
    let now = app::context::now();
    let days = |moment: Moment| (moment.seconds() - now.seconds() + DAY_S / 2).div_euclid(DAY_S);
    assert_eq!((days(facts.valid_from), days(facts.valid_until)), (-1, 90), "{facts:?}");
    assert!(facts.issuer.contains("CN="), "{}", facts.issuer);
    assert_eq!(tls.sent.recv().await, Some(0));
}

#[tokio::test]
async fn ended_ending_early_and_foreign_ones_are_seen_and_told() {
    for (names, from, until, asked, expected) in [
        (["sip.example.net"], -90, 60, Some("sip.example.net"), None),
        (["sip.example.net"], -90, 20, Some("sip.example.net"), Some("certificate.ending:sip-tls")),
        (["sip.example.net"], -90, -2, Some("sip.example.net"), Some("certificate.ending:sip-tls")),
        (["sip.example.net"], 3, 90, Some("sip.example.net"), Some("certificate.early:sip-tls")),
        (["www.example.net"], -1, 90, Some("sip.example.net"), Some("certificate.name:sip-tls")),
        (["www.example.net"], -1, 90, None, None),
        (["127.0.0.1"], -1, 90, Some("127.0.0.1"), None),
        (["*.example.net"], -1, 90, Some("sip.example.net"), None),
    ] {
        let tls = TlsStandIn::start(certificate(&names, from, until)).await;
        let place = place_at(tls.address, asked);
        let facts = present(&place, DEADLINE).await.expect("it presents one");
        let found: Vec<String> = findings(&place, &facts, app::context::now()).into_iter().map(|finding| finding.key).collect();
        assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "{names:?} {from} {until} {asked:?}");
    }
}

#[tokio::test]
async fn whoever_presents_none_is_told_apart() {
    let kind = async |address: SocketAddr| {
        let began = Instant::now();
        let error = present(&place_at(address, None), Duration::from_millis(600)).await.expect_err("no certificate");
        assert!(began.elapsed() < Duration::from_secs(2) && error.system.contains(&address.to_string()), "{error}");
        error.kind
    };
    let http = StandIn::tcp(Vec::new(), |_| Answer::Last(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec())).await;
    assert_eq!(kind(http.address).await, PortErrorKind::Garbage);
    let silent = StandIn::tcp(Vec::new(), |_| Answer::Silence).await;
    assert_eq!(kind(silent.address).await, PortErrorKind::TimedOut);
    let rude = StandIn::tcp(Vec::new(), |_| Answer::Last(Vec::new())).await;
    assert_eq!(kind(rude.address).await, PortErrorKind::Broken);
    assert_eq!(kind(StandIn::nobody().await).await, PortErrorKind::Refused);
    let unnamed = Place { server_name: Some("not a name".into()), ..place_at(silent.address, None) };
    let error = present(&unnamed, DEADLINE).await.expect_err("it cannot be asked for");
    assert_eq!(error.kind, PortErrorKind::NotConfigured, "{error}");
}
