//! Whom a TLS connection believes: the system's authorities, one pinned certificate, or, where somebody said so in words, anyone.

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use sha2::{Digest, Sha256};
use std::{fmt, sync::Arc};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Signed by an authority the system believes, for the name asked.
    Authorities,
    /// This certificate and no other, whoever signed it: hypervisors come with one of their own making.
    Pinned([u8; 32]),
    /// Any certificate. Whoever can come between reads the password.
    Insecure,
}

impl Trust {
    /// SHA-256 of the certificate in hexadecimal digits, with or without colons, as `openssl x509 -fingerprint -sha256` prints it.
    pub fn pinned(text: &str) -> Option<Self> {
        let text = text.rsplit_once('=').map_or(text, |(_, digits)| digits);
        let digits: String = text.chars().filter(|letter| *letter != ':' && !letter.is_whitespace()).collect();
        if digits.len() != 64 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let mut bytes = [0; 32];
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(digits.get(2 * at..2 * at + 2)?, 16).ok()?;
        }
        Some(Self::Pinned(bytes))
    }

    /// The settings of TLS; `None` means those of the system, which reqwest knows better.
    pub fn tls(self) -> Option<Result<ClientConfig, Error>> {
        let wanted = match self {
            Trust::Authorities => return None,
            Trust::Pinned(hash) => Some(hash),
            Trust::Insecure => None,
        };
        let provider = Arc::new(ring::default_provider());
        let verifier = Arc::new(OneCertificate { wanted, provider: Arc::clone(&provider) });
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        Some(config.map(|config| config.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()))
    }
}

#[derive(Debug)]
struct OneCertificate {
    wanted: Option<[u8; 32]>,
    provider: Arc<CryptoProvider>,
}

/// Its words end up in the sentence, so they are the same for `Debug`, which is what rustls prints.
struct Unpinned {
    found: [u8; 32],
}

impl fmt::Display for Unpinned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "its SHA-256 is ")?;
        self.found.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        write!(f, ", which is not the one pinned")
    }
}

impl fmt::Debug for Unpinned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Unpinned {}

impl ServerCertVerifier for OneCertificate {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _between: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _stapled: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let found: [u8; 32] = Sha256::digest(certificate.as_ref()).into();
        match self.wanted {
            Some(wanted) if wanted != found => {
                Err(Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(Unpinned { found })))))
            }
            _ => Ok(ServerCertVerified::assertion()),
        }
    }

    // That the far end has the certificate's key is proved also where any certificate will do.
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_read_as_openssl_prints_it() {
        let colons = format!("sha256 Fingerprint={}", ["AB"; 32].join(":"));
        for text in ["ab".repeat(32), colons] {
            assert_eq!(Trust::pinned(&text), Some(Trust::Pinned([0xab; 32])), "{text}");
        }
        for wrong in ["", "ab", &"xy".repeat(32), &"ab".repeat(33)] {
            assert_eq!(Trust::pinned(wrong), None, "{wrong}");
        }
    }
}
