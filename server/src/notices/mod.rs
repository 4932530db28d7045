//! Telling the world of alerts: mail, webhook, Alertmanager.
//!
//! The outbox (`notices`) has one row for each change and receiver, made in the transaction of the change, so none is forgotten and
//! none is made twice. A row is claimed before it is sent and marked after: a kill between the two sends it again, under the same
//! key (`Idempotency-Key`, `Message-ID`, file name), by which the receiver knows it. Each receiver has its own queue: one that is
//! slow or down delays nobody else.

pub mod alertmanager;
pub mod config;
pub mod mail;
pub mod outbox;
pub mod webhook;

use alertmanager::Alertmanager;
use app::alerts::{
    state::AlertsState,
    telling::{Receiver, Telling},
};
use config::NoticesSection;
use mail::Mail;
use std::{sync::Arc, time::Duration};
use webhook::Webhook;

/// A receiver that has not answered by then is tried again later.
pub const SEND_DEADLINE: Duration = Duration::from_secs(10);

/// Why a notice did not get out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotSent {
    /// A clause, without a secret in it.
    pub why: String,
    /// It would be refused again: this notice, not the receiver, is what is wrong.
    pub for_good: bool,
}

impl NotSent {
    pub fn for_now(why: impl std::fmt::Display) -> Self {
        Self { why: why.to_string(), for_good: false }
    }
}

/// A way out.
pub enum Way {
    Mail(Mail),
    Webhook(Webhook),
    Alertmanager(Alertmanager),
}

impl Way {
    pub async fn send(&self, telling: &Telling) -> Result<(), NotSent> {
        match self {
            Way::Mail(mail) => mail.send(telling).await,
            Way::Webhook(webhook) => webhook.send(telling).await,
            Way::Alertmanager(alertmanager) => alertmanager.send(telling).await,
        }
    }
}

/// Every receiver of the configuration with the way to it.
pub fn ways(section: &NoticesSection) -> Vec<(Receiver, Way)> {
    // The provider of TLS; a second call would only say that it is there already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut ways = Vec::new();
    let receiver = |name: String, only_escalated| Receiver { name, only_escalated };
    let escalate_to = section.escalate_to.as_ref().filter(|to| !section.mail_to().contains(to));
    if section.mail.is_some() || section.mail_folder.is_some() {
        for to in section.mail_to() {
            ways.push((receiver(format!("mail:{to}"), false), Way::Mail(Mail::new(section, &to))));
        }
        if let Some(to) = escalate_to {
            ways.push((receiver(format!("mail:{to}"), true), Way::Mail(Mail::new(section, to))));
        }
    }
    if let Some(webhook) = &section.webhook {
        ways.push((receiver("webhook".into(), false), Way::Webhook(Webhook::new(webhook))));
    }
    if let Some(alertmanager) = &section.alertmanager {
        ways.push((receiver("alertmanager".into(), false), Way::Alertmanager(Alertmanager::new(&alertmanager.url))));
    }
    ways
}

/// The inbox of a panel with this configuration.
pub fn state(section: &NoticesSection, staff_url: &str, holder: &str) -> Arc<AlertsState> {
    let receivers = ways(section).into_iter().map(|(receiver, _)| receiver).collect();
    let escalate_after = section.escalate_after_minutes.map(|minutes| Duration::from_secs(u64::from(minutes) * 60));
    Arc::new(AlertsState::new(receivers, escalate_after, staff_url.into(), holder))
}

/// A client that gives up in time and follows nobody elsewhere.
fn client() -> reqwest::Client {
    let builder = reqwest::Client::builder().timeout(SEND_DEADLINE).redirect(reqwest::redirect::Policy::none());
    builder.build().expect("a client with a time-out and a provider of TLS can be built")
}

/// What an HTTP receiver's answer means.
async fn judge_answer(answer: Result<reqwest::Response, reqwest::Error>) -> Result<(), NotSent> {
    // The address may hold a token.
    let response = answer.map_err(|error| {
        let kind = if error.is_timeout() { "no answer in time" } else { "it cannot be reached" };
        NotSent::for_now(format!("{kind}: {}", root_cause(&error.without_url())))
    })?;
    let status = response.status();
    if status.is_success() {
        return Ok(());
    }
    let said: String = response.text().await.unwrap_or_default().chars().take(200).collect();
    // Refused for what is in it. Everything else (a wrong address, a wrong secret) can be mended on the other side.
    let for_good = [400, 413, 422].contains(&status.as_u16());
    Err(NotSent { why: format!("it answered {status}: {}", said.trim()), for_good })
}

fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
