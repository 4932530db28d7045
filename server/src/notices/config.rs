//! The section `[notices]` of wirecenter.toml.

use app::error::Problem;
use lettre::message::Mailbox;
use serde::Deserialize;
use std::path::PathBuf;

pub const KEYS: &[&str] = &["mail", "mail_folder", "webhook", "alertmanager", "escalate_after_minutes", "escalate_to"];
/// The keys of each table in it.
pub const INNER_KEYS: &[(&str, &[&str])] = &[
    ("mail", &["server", "port", "tls", "user", "password_file", "from", "to"]),
    ("webhook", &["url", "secret_file"]),
    ("alertmanager", &["url"]),
];

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct NoticesSection {
    pub mail: Option<MailSection>,
    /// Mails are written here as files instead of being sent: for the lab and for tests.
    pub mail_folder: Option<PathBuf>,
    pub webhook: Option<WebhookSection>,
    pub alertmanager: Option<AlertmanagerSection>,
    /// After this long without acknowledgement a bad alert is told again, also to `escalate_to`.
    pub escalate_after_minutes: Option<u32>,
    /// A mail address that hears only of what nobody acknowledges.
    pub escalate_to: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct MailSection {
    pub server: String,
    /// Without it 465 or 587, as `tls` says.
    pub port: Option<u16>,
    #[serde(default)]
    pub tls: MailTls,
    /// Without it the server is not asked to know us.
    pub user: Option<String>,
    pub password_file: Option<PathBuf>,
    pub from: String,
    pub to: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailTls {
    /// Plain at first, then TLS or nothing: port 587.
    #[default]
    Starttls,
    /// TLS from the first byte: port 465.
    Always,
    /// Only for a server on this machine.
    Never,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct WebhookSection {
    pub url: String,
    /// With what the body is signed.
    pub secret_file: Option<PathBuf>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct AlertmanagerSection {
    pub url: String,
}

/// Whom a folder of mails is for, where nobody is named.
const NOBODY: &str = "noc@wirecenter.invalid";

impl NoticesSection {
    pub fn mail_to(&self) -> Vec<String> {
        match &self.mail {
            Some(mail) => mail.to.clone(),
            None if self.mail_folder.is_some() => vec![NOBODY.into()],
            None => Vec::new(),
        }
    }

    pub fn mail_from(&self) -> &str {
        self.mail.as_ref().map_or("wirecenter@wirecenter.invalid", |mail| &mail.from)
    }

    /// What is wrong beyond the form of the values.
    pub fn check(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut address = |at: &str, text: &str| {
            if text.parse::<Mailbox>().is_err() {
                problems.push(Problem::new(at, text, "a mail address like noc@example.net"));
            }
        };
        if let Some(mail) = &self.mail {
            address("notices.mail.from", &mail.from);
            mail.to.iter().for_each(|to| address("notices.mail.to", to));
        }
        if let Some(to) = &self.escalate_to {
            address("notices.escalate_to", to);
        }
        let urls =
            [("webhook", self.webhook.as_ref().map(|w| &w.url)), ("alertmanager", self.alertmanager.as_ref().map(|a| &a.url))];
        for (name, url) in urls.into_iter().filter_map(|(name, url)| Some((name, url?))) {
            if reqwest::Url::parse(url).is_err() || !(url.starts_with("http://") || url.starts_with("https://")) {
                problems.push(Problem::new(format!("notices.{name}.url"), url, "an address like https://hooks.example.net/noc"));
            }
        }
        if let Some(mail) = &self.mail {
            if mail.to.is_empty() {
                problems.push(Problem::new("notices.mail.to", "[]", "at least one mail address"));
            }
            if mail.user.is_some() != mail.password_file.is_some() {
                problems.push(Problem::new("notices.mail", "", "user and password_file together, or neither"));
            }
        }
        let mailless = self.escalate_to.is_some() && self.mail.is_none() && self.mail_folder.is_none();
        if mailless {
            problems.push(Problem::new("notices.escalate_to", "", "notices.mail beside it, to know how mail is sent"));
        }
        if self.escalate_after_minutes == Some(0) {
            problems.push(Problem::new("notices.escalate_after_minutes", "0", "1 or more"));
        }
        problems
    }
}
