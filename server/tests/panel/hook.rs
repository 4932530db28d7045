//! A webhook's receiver, standing in for somebody else's: well, broken or slow, as it is told.

use crate::harness::Database;
use axum::{Router, extract::State, http::HeaderMap, http::StatusCode, routing::post};
use server::notices::{
    Way,
    config::{NoticesSection, WebhookSection},
    ways,
};
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

/// How the stand-in answers the next calls; the last word stays.
#[derive(Clone, Copy, PartialEq)]
pub enum Mood {
    Well,
    Broken,
    /// Longer than a sender waits.
    Slow,
}

/// A webhook's receiver, standing in for somebody else's: what it took, by key.
#[derive(Clone)]
pub struct Hook {
    pub url: String,
    mood: Arc<Mutex<Vec<Mood>>>,
    /// Every delivery it answered well, with its body.
    pub taken: Arc<Mutex<Vec<(String, String)>>>,
    pub headers: Arc<Mutex<Vec<HeaderMap>>>,
}

impl Hook {
    pub async fn open(moods: &[Mood]) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let hook = Self {
            url: format!("http://{}/noc", listener.local_addr().expect("an address")),
            mood: Arc::new(Mutex::new(moods.to_vec())),
            taken: Arc::default(),
            headers: Arc::default(),
        };
        let routes = Router::new().route("/noc", post(Self::take)).with_state(hook.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        hook
    }

    async fn take(State(hook): State<Hook>, headers: HeaderMap, body: String) -> StatusCode {
        let mood = {
            let mut moods = hook.mood.lock().expect("no panic");
            if moods.len() > 1 { moods.remove(0) } else { moods.first().copied().unwrap_or(Mood::Well) }
        };
        match mood {
            Mood::Broken => return StatusCode::INTERNAL_SERVER_ERROR,
            Mood::Slow => tokio::time::sleep(Duration::from_secs(12)).await,
            Mood::Well => {}
        }
        let key = headers["idempotency-key"].to_str().expect("text").to_string();
        hook.headers.lock().expect("no panic").push(headers);
        hook.taken.lock().expect("no panic").push((key, body));
        StatusCode::OK
    }

    pub fn keys(&self) -> BTreeSet<String> {
        self.taken.lock().expect("no panic").iter().map(|(key, _)| key.clone()).collect()
    }

    pub fn way(&self) -> Way {
        let section = NoticesSection {
            webhook: Some(WebhookSection { url: self.url.clone(), secret_file: None }),
            ..NoticesSection::default()
        };
        ways(&section).remove(0).1
    }
}

/// An alert that is open, as the task would have stored it, with its notice in the outbox.
pub fn plant(database: &Database, id: u64, receivers: &[&str]) {
    let telling = serde_json::json!({
        "id": id, "seq": 1, "what": "opened", "key": "machine.away", "subject": "machine:kamailio-01", "severity": "bad",
        "sentence": "kamailio-01 does not answer.", "evidence": ["no answer"], "symptoms": [], "since": 1_780_000_000_000_000i64,
        "opened_at": 1_780_000_000_000_000i64, "at": 1_780_000_000_000_000i64, "resolved_at": null, "text": "", "url": "http://panel/alerts/1",
    });
    database.sql(&format!(
        "INSERT INTO alerts (id, rule_key, subject, severity, sentence, evidence, symptoms, since, opened_at, flapping, told, changes)
         VALUES ({id}, 'machine.away', 'machine:kamailio-01', 'bad', 'kamailio-01 does not answer.', '[\"no answer\"]', '[]',
                 UTC_TIMESTAMP(6), UTC_TIMESTAMP(6), FALSE, TRUE, 1)"
    ));
    database.sql(&format!("INSERT INTO alert_events VALUES ({id}, 1, UTC_TIMESTAMP(6), 'opened', NULL, '')"));
    for receiver in receivers {
        database.sql(&format!(
            "INSERT INTO notices (alert_id, seq, receiver, body, created_at, due_at) VALUES ({id}, 1, '{receiver}', '{telling}', UTC_TIMESTAMP(6), UTC_TIMESTAMP(6))"
        ));
    }
}
