//! Notices by HTTP POST: JSON, signed, with a key by which a repetition is known.

use super::{NotSent, client, config::WebhookSection, judge_answer};
use crate::config::read_secret;
use app::alerts::telling::Telling;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{fmt::Write as _, path::PathBuf};

pub struct Webhook {
    client: reqwest::Client,
    url: String,
    secret_file: Option<PathBuf>,
}

impl Webhook {
    pub fn new(section: &WebhookSection) -> Self {
        Self { client: client(), url: section.url.clone(), secret_file: section.secret_file.clone() }
    }

    pub async fn send(&self, telling: &Telling) -> Result<(), NotSent> {
        let body = body(telling).to_string();
        let mut request = self.client.post(&self.url).header("content-type", "application/json");
        request = request.header("idempotency-key", telling.idempotency_key());
        if let Some(file) = &self.secret_file {
            // Read each time: a secret that is changed needs no restart.
            let secret = read_secret(file, "the webhook's secret").map_err(NotSent::for_now)?;
            request = request.header("x-wirecenter-signature", format!("sha256={}", sign(secret.as_bytes(), body.as_bytes())));
        }
        judge_answer(request.body(body).send().await).await
    }
}

fn body(telling: &Telling) -> Value {
    json!({
        "id": telling.id,
        "seq": telling.seq,
        "event": telling.what,
        "key": telling.key,
        "subject": telling.subject,
        "severity": telling.severity,
        "title": telling.title(),
        "sentence": telling.sentence,
        "text": telling.text,
        "evidence": telling.evidence,
        "symptoms": telling.symptoms,
        "since": telling.since.rfc3339(),
        "opened_at": telling.opened_at.rfc3339(),
        "at": telling.at.rfc3339(),
        "resolved_at": telling.resolved_at.map(|at| at.rfc3339()),
        "url": telling.url,
    })
}

/// HMAC-SHA-256 (RFC 2104) in hexadecimal.
pub fn sign(secret: &[u8], body: &[u8]) -> String {
    const BLOCK: usize = 64;
    let mut key = [0u8; BLOCK];
    if secret.len() > BLOCK {
        key[..32].copy_from_slice(&Sha256::digest(secret));
    } else {
        key[..secret.len()].copy_from_slice(secret);
    }
    let padded = |pad: u8| key.map(|byte| byte ^ pad);
    let inner = Sha256::new().chain_update(padded(0x36)).chain_update(body).finalize();
    let outer = Sha256::new().chain_update(padded(0x5c)).chain_update(inner).finalize();
    outer.iter().fold(String::with_capacity(64), |mut out, byte| {
        write!(out, "{byte:02x}").expect("writing to a string cannot fail");
        out
    })
}

#[cfg(test)]
mod tests {
    use super::sign;

    /// Cases 1, 2 and 6 of RFC 4231.
    #[test]
    fn signatures_are_those_of_the_standard() {
        let cases: [(&[u8], &[u8], &str); 3] = [
            (&[0x0b; 20], b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
            (b"Jefe", b"what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
            (
                &[0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
        ];
        for (key, body, signature) in cases {
            assert_eq!(sign(key, body), signature);
        }
    }
}
