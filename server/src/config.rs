//! One configuration file, `wirecenter.toml`, and the environment over it, and the command line over both.
//!
//! Unknown keys are refused with the nearest known one; every mistake is named with its line, not only the first. Secrets are
//! never in the file itself: it names files that hold them.

use crate::{
    nearest::nearest,
    notices::config::{INNER_KEYS, KEYS as NOTICES_KEYS, NoticesSection},
};
use app::error::Problem;
use serde::Deserialize;
use std::{
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
};
use toml::de::{DeTable, DeValue};

/// What the file may say; everything has a default, so that there need not be a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ConfigFile {
    pub staff: DoorSection,
    pub portal: DoorSection,
    pub database: DatabaseSection,
    pub server: ServerSection,
    pub log: LogSection,
    pub fleet: FleetSection,
    pub operations: OperationsSection,
    pub notices: NoticesSection,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct DoorSection {
    /// Address and port to listen on.
    pub listen: Option<SocketAddr>,
    /// Where people reach the door; with `https://` its cookies are `Secure` and carry the `__Host-` prefix.
    pub public_url: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct DatabaseSection {
    /// A file with the URL of a MariaDB server, password included. Without it the panel runs its own.
    pub url_file: Option<PathBuf>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ServerSection {
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// A file with the token a scraper of `/metrics` from another machine must show.
    pub metrics_token_file: Option<PathBuf>,
    /// Shows the gallery of components.
    pub development: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct LogSection {
    pub format: LogFormat,
    /// `error`, `warn`, `info`, `debug` or `trace`, or a filter like `info,sqlx=warn`.
    pub level: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct FleetSection {
    /// The inventory; without it `inventory.toml` in the state folder, else that of a lab that runs there.
    pub inventory: Option<PathBuf>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct OperationsSection {
    /// Whether a database cluster is failed over without anybody asking for it.
    pub automatic_failover: bool,
    /// Whether switchover and failover are rehearsed every thirty days, on a lab of their own.
    pub rehearse_monthly: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}

/// The keys there are, by section. Checked before serde, so that a typo gets the nearest key instead of silence.
const KEYS: &[(&str, &[&str])] = &[
    ("staff", &["listen", "public_url"]),
    ("portal", &["listen", "public_url"]),
    ("database", &["url_file"]),
    ("server", &["trusted_proxies", "metrics_token_file", "development"]),
    ("log", &["format", "level"]),
    ("fleet", &["inventory"]),
    ("operations", &["automatic_failover", "rehearse_monthly"]),
    ("notices", NOTICES_KEYS),
];

/// Keys that people try, with the reason why they are not there.
const SECRETS: [&str; 5] = ["url", "password", "secret", "token", "metrics_token"];

/// Reads the file's text. All problems at once.
pub fn parse(text: &str) -> Result<ConfigFile, Vec<Problem>> {
    let line_of = |at: usize| text[..at.min(text.len())].matches('\n').count() + 1;
    let from_toml = |error: &toml::de::Error| {
        let line = error.span().map_or(1, |span| line_of(span.start));
        let read = text.lines().nth(line - 1).unwrap_or_default().trim();
        Problem::new(format!("line {line}"), read, error.message())
    };
    let table = DeTable::parse(text).map_err(|error| vec![from_toml(&error)])?;
    let mut problems = Vec::new();
    let sections: Vec<&str> = KEYS.iter().map(|(section, _)| *section).collect();
    for (section, value) in table.get_ref() {
        let (name, line) = (section.get_ref().as_ref(), line_of(section.span().start));
        let Some((_, keys)) = KEYS.iter().find(|(known, _)| *known == name) else {
            problems.push(unknown(line, name, &sections));
            continue;
        };
        let DeValue::Table(entries) = value.get_ref() else {
            problems.push(Problem::new(format!("line {line}"), name, format!("a section, written [{name}]")));
            continue;
        };
        let mut check = |name: &str, entries: &DeTable<'_>, keys: &[&str]| {
            for (key, _) in entries {
                let (key, line) = (key.get_ref().as_ref(), line_of(key.span().start));
                if !keys.contains(&key) {
                    let known: Vec<String> = keys.iter().map(|key| format!("{name}.{key}")).collect();
                    problems.push(unknown(line, &format!("{name}.{key}"), &known));
                }
            }
        };
        check(name, entries, keys);
        for (key, inner) in entries {
            let inner_keys = INNER_KEYS.iter().find(|(known, _)| name == "notices" && *known == key.get_ref().as_ref());
            if let (Some((key, keys)), DeValue::Table(inner)) = (inner_keys, inner.get_ref()) {
                check(&format!("{name}.{key}"), inner, keys);
            }
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let config: ConfigFile = toml::from_str(text).map_err(|error| vec![from_toml(&error)])?;
    for (section, url) in [("staff", &config.staff.public_url), ("portal", &config.portal.public_url)] {
        if let Some(url) = url.as_deref().filter(|url| !url.starts_with("http://") && !url.starts_with("https://")) {
            problems.push(Problem::new(format!("{section}.public_url"), url, "an address like https://panel.example.net"));
        }
    }
    problems.extend(config.notices.check());
    if problems.is_empty() { Ok(config) } else { Err(problems) }
}

fn unknown(line: usize, key: &str, known: &[impl AsRef<str>]) -> Problem {
    let last = key.rsplit('.').next().unwrap_or(key);
    let expected = if SECRETS.contains(&last) {
        "no secret in this file: put it into a file of its own and name that (database.url_file, server.metrics_token_file, notices.webhook.secret_file)"
            .to_string()
    } else {
        format!("a known key; the nearest is {}", nearest(known.iter().map(AsRef::as_ref), key))
    };
    Problem::new(format!("line {line}"), key, expected)
}

/// Reads a file, or gives the defaults where there is none and none was asked for.
pub fn load(file: Option<&Path>, state: &Path) -> Result<ConfigFile, String> {
    let beside_state = state.join("wirecenter.toml");
    let path = match file {
        Some(path) => path,
        None if beside_state.exists() => &beside_state,
        None => return Ok(ConfigFile::default()),
    };
    let text = std::fs::read_to_string(path).map_err(|error| {
        format!("The configuration {} cannot be read: {error}. Check the path given with --config.", path.display())
    })?;
    parse(&text).map_err(|problems| {
        let lines = problems.iter().map(|p| format!("\n  {}: read {:?}, expected {}", p.at, p.read, p.expected));
        format!(
            "The configuration {} has {} mistake(s); nothing was started.{}",
            path.display(),
            problems.len(),
            lines.collect::<String>()
        )
    })
}

/// Reads a secret from its file. The file must be for its owner's eyes only.
pub fn read_secret(path: &Path, what: &str) -> Result<String, String> {
    use std::os::unix::fs::PermissionsExt;
    let failed = |error: std::io::Error| format!("The file with {what}, {}, cannot be read: {error}.", path.display());
    let mode = std::fs::metadata(path).map_err(failed)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(format!("The file with {what}, {}, can be read by others. Run: chmod 600 {}", path.display(), path.display()));
    }
    let text = std::fs::read_to_string(path).map_err(failed)?;
    let secret = text.trim();
    if secret.is_empty() { Err(format!("The file with {what}, {}, is empty.", path.display())) } else { Ok(secret.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_is_the_defaults_and_a_full_one_is_read() {
        assert_eq!(parse(""), Ok(ConfigFile::default()));
        let full = "[staff]\nlisten = \"10.0.0.1:3000\"\npublic_url = \"https://panel.example.net\"\n[log]\nformat = \"json\"\n\
                    [server]\ntrusted_proxies = [\"10.0.0.2\"]\ndevelopment = true\n[database]\nurl_file = \"/etc/wirecenter/db\"";
        let config = parse(full).expect("a good file");
        assert_eq!(config.staff.listen, Some("10.0.0.1:3000".parse().expect("an address")));
        assert_eq!(config.log.format, LogFormat::Json);
    }

    #[test]
    fn unknown_keys_are_named_with_line_and_nearest_key_all_of_them() {
        let problems = parse("[staff]\nlisten_on = \"127.0.0.1:1\"\n\n[lgo]\nlevel = \"info\"\n").expect_err("two typos");
        let said: Vec<String> = problems.iter().map(|p| format!("{} {} {}", p.at, p.read, p.expected)).collect();
        assert_eq!(said.len(), 2);
        assert!(said.contains(&"line 2 staff.listen_on a known key; the nearest is staff.listen".to_string()), "{said:?}");
        assert!(said.contains(&"line 4 lgo a known key; the nearest is log".to_string()), "{said:?}");
    }

    #[test]
    fn notices_are_read_and_what_is_wrong_in_them_is_named() {
        let good = "[notices]\nmail = { server = \"mx\", from = \"a@b.example\", to = [\"noc@b.example\"] }\nwebhook = { url = \"http://h/x\" }\n\
                    alertmanager = { url = \"http://am:9093\" }\nescalate_after_minutes = 15\nescalate_to = \"boss@b.example\"\n";
        assert_eq!(parse(good).expect("a good section").notices.escalate_after_minutes, Some(15));
        let secret = "[notices]\nwebhook = { url = \"http://h\", secret = \"hunter2\" }\n";
        let problems = parse(secret).expect_err("a secret");
        assert!(problems[0].expected.contains("secret_file") && !format!("{problems:?}").contains("hunter2"), "{problems:?}");
        let wrong = "[notices]\nmail = { server = \"mx\", from = \"nobody\", to = [], user = \"u\" }\nwebhook = { url = \"h\" }\nescalate_after_minutes = 0\n";
        let problems = parse(wrong).expect_err("five mistakes");
        let places: Vec<&str> = problems.iter().map(|problem| problem.at.as_str()).collect();
        let expected =
            ["notices.mail.from", "notices.webhook.url", "notices.mail.to", "notices.mail", "notices.escalate_after_minutes"];
        assert_eq!(places, expected);
    }

    #[test]
    fn wrong_values_are_named_with_their_line() {
        let problems = parse("[staff]\nlisten = \"localhost\"\n").expect_err("not an address");
        assert_eq!((problems[0].at.as_str(), problems[0].read.as_str()), ("line 2", "listen = \"localhost\""));
        assert!(parse("staff = 3").is_err() && parse("[staff").is_err() && parse("[staff]\npublic_url = \"panel\"").is_err());
    }

    #[test]
    fn a_secret_in_the_file_is_refused_with_the_way_out() {
        let problems = parse("[database]\nurl = \"mysql://root:hunter2@db/x\"\n").expect_err("a secret");
        assert!(problems[0].expected.contains("database.url_file"));
        assert!(!format!("{problems:?}").contains("hunter2"), "the secret is not repeated");
    }
}
