//! Notices by e-mail, over SMTP, or as files in a folder.

use super::{
    NotSent, SEND_DEADLINE,
    config::{MailSection, MailTls, NoticesSection},
};
use crate::config::read_secret;
use app::alerts::telling::Telling;
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::header::{ContentType, HeaderName, HeaderValue},
    transport::smtp::authentication::Credentials,
};
use std::{fs, path::Path, path::PathBuf};

pub struct Mail {
    server: Option<MailSection>,
    folder: Option<PathBuf>,
    from: String,
    to: String,
}

impl Mail {
    pub fn new(section: &NoticesSection, to: &str) -> Self {
        let (server, folder) = (section.mail.clone(), section.mail_folder.clone());
        Self { server, folder, from: section.mail_from().into(), to: to.into() }
    }

    pub async fn send(&self, telling: &Telling) -> Result<(), NotSent> {
        let message = self.message(telling)?;
        if let Some(folder) = &self.folder {
            let file = folder.join(format!("{}-{}.eml", telling.idempotency_key(), file_part(&self.to)));
            let failed = |error: std::io::Error| NotSent::for_now(format!("{} cannot be written: {error}", file.display()));
            return write_whole(&file, &message.formatted()).map_err(failed);
        }
        let Some(server) = &self.server else { return Err(NotSent::for_now("no mail server is configured")) };
        let sent = transport(server)?.send(message).await;
        sent.map(drop).map_err(|error| NotSent::for_now(format!("{}: {}", server.server, super::root_cause(&error))))
    }

    fn message(&self, telling: &Telling) -> Result<Message, NotSent> {
        // Checked when the configuration was read; an alert's words cannot break a message, lettre encodes them.
        let address = |text: &str| text.parse().map_err(|error| NotSent::for_now(format!("{text}: {error}")));
        let id = |key: &str| format!("<{key}@wirecenter>");
        let thread = id(&format!("wirecenter-{}", telling.id));
        let subject: String = telling.title().chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect();
        let mut message = Message::builder()
            .from(address(&self.from)?)
            .to(address(&self.to)?)
            .subject(subject)
            .date(std::time::SystemTime::UNIX_EPOCH + telling.at.since(app::values::Moment::EPOCH))
            .message_id(Some(id(&telling.idempotency_key())))
            .references(thread)
            .header(ContentType::TEXT_PLAIN)
            .body(telling.body())
            .map_err(|error| NotSent { why: format!("the mail cannot be made: {error}"), for_good: true })?;
        // So that no holiday answers a machine.
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        message.headers_mut().insert_raw(HeaderValue::new(automatic, "auto-generated".into()));
        Ok(message)
    }
}

fn transport(server: &MailSection) -> Result<AsyncSmtpTransport<Tokio1Executor>, NotSent> {
    type Transport = AsyncSmtpTransport<Tokio1Executor>;
    let wrong = |error: lettre::transport::smtp::Error| NotSent::for_now(format!("{}: {error}", server.server));
    let mut builder = match server.tls {
        MailTls::Always => Transport::relay(&server.server).map_err(wrong)?,
        MailTls::Starttls => Transport::starttls_relay(&server.server).map_err(wrong)?,
        MailTls::Never => Transport::builder_dangerous(&server.server),
    };
    if let Some(port) = server.port {
        builder = builder.port(port);
    }
    if let (Some(user), Some(file)) = (&server.user, &server.password_file) {
        // Read each time: a password that is changed needs no restart.
        let password = read_secret(file, "the password of the mail server").map_err(NotSent::for_now)?;
        builder = builder.credentials(Credentials::new(user.clone(), password));
    }
    Ok(builder.timeout(Some(SEND_DEADLINE)).build())
}

fn file_part(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
}

/// A reader of the folder sees the whole file or none, and a mail that is written twice is one file.
fn write_whole(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut partial = tempfile::NamedTempFile::new_in(folder)?;
    std::io::Write::write_all(&mut partial, bytes)?;
    partial.persist(file).map(drop).map_err(|error| error.error)
}
