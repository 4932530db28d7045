//! `wirecenter doctor`: what is wrong here, and what to do about it. Changes nothing.

use super::{Common, Failure, say, say_json, store::Store};
use crate::{config::ConfigFile, process, site::Site, wiring::VERSION};
use app::{
    context,
    system::snapshot::DiskView,
    values::{Moment, Tone, quantity::format_bytes, quantity::format_span},
};
use serde::Serialize;
use std::{
    net::{SocketAddr, TcpListener},
    path::Path,
    process::Command,
    time::Duration,
};

#[derive(Clone, Debug, clap::Args)]
pub struct DoctorArgs {
    #[command(flatten)]
    common: Common,
}

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize)]
struct Check {
    name: &'static str,
    ok: bool,
    says: String,
    /// The remedy; blank where nothing is wrong.
    #[serde(rename = "do")]
    remedy: String,
}

impl Check {
    fn good(name: &'static str, says: impl Into<String>) -> Self {
        Self { name, ok: true, says: says.into(), remedy: String::new() }
    }

    fn bad(name: &'static str, says: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { name, ok: false, says: says.into(), remedy: remedy.into() }
    }
}

pub async fn run(args: DoctorArgs) -> Result<(), Failure> {
    let state = args.common.state();
    let mut checks = vec![Check::good("version", format!("wirecenter {VERSION}, {}", mariadb_version()))];
    let config = match args.common.config() {
        Ok(config) => {
            checks.push(Check::good("configuration", "read without a mistake"));
            config
        }
        Err(failure) => {
            checks.push(Check::bad("configuration", failure.to_string(), "mend the lines named above"));
            ConfigFile::default()
        }
    };
    checks.push(state_check(&state));
    checks.push(disk_check(&state));
    checks.push(program_check(&config));
    checks.push(site_check());
    checks.extend(port_checks(&config).await);
    checks.extend(database_checks(&args.common, &config, &state).await);
    let ok = checks.iter().all(|check| check.ok);
    if args.common.json {
        say_json(&serde_json::json!({ "ok": ok, "checks": checks }));
    } else {
        for check in &checks {
            say(format!("{} {:<14} {}", if check.ok { "ok " } else { "BAD" }, check.name, check.says));
            if !check.remedy.is_empty() {
                say(format!("    {:<14} → {}", "", check.remedy));
            }
        }
    }
    let wrong = checks.iter().filter(|check| !check.ok).count();
    if ok {
        Ok(())
    } else {
        Err(Failure::new(format!("{wrong} of {} checks found something wrong; each says what to do.", checks.len())))
    }
}

fn mariadb_version() -> String {
    let asked = process::find_program("mariadbd").and_then(|program| Command::new(program).arg("--version").output().ok());
    let text = asked.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let version = text.split_whitespace().skip_while(|word| *word != "Ver").nth(1);
    version.map_or_else(|| "no MariaDB server programs here".into(), |version| format!("MariaDB {version}"))
}

fn state_check(state: &Path) -> Check {
    const NAME: &str = "state";
    let shown = state.display();
    if !state.exists() {
        return Check::good(NAME, format!("{shown} is not there yet; the first start makes it"));
    }
    let probe = state.join(".doctor");
    match std::fs::write(&probe, b"").and_then(|()| std::fs::remove_file(&probe)) {
        Ok(()) => Check::good(NAME, format!("{shown} can be written")),
        Err(error) => {
            Check::bad(NAME, format!("{shown} cannot be written: {error}"), "give it to the user the panel runs as, or make room")
        }
    }
}

fn disk_check(state: &Path) -> Check {
    const NAME: &str = "disk";
    let existing = state.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"));
    let Some(disk) = process::disk(existing) else {
        return Check::bad(NAME, "cannot be asked", "check the mount of the state directory");
    };
    let says = format!("{} of {} free at {}", format_bytes(disk.free_bytes), format_bytes(disk.total_bytes), disk.path);
    match disk.tone() {
        Tone::Bad => Check::bad(
            NAME,
            says,
            format!("make room: below {} MariaDB may stop in the middle of a write", format_bytes(DiskView::FREE_BYTES_MIN)),
        ),
        _ => Check::good(NAME, says),
    }
}

fn program_check(config: &ConfigFile) -> Check {
    const NAME: &str = "programs";
    if config.database.url_file.is_some() || std::env::var("DATABASE_URL").is_ok_and(|url| !url.is_empty()) {
        return Check::good(NAME, "a MariaDB server is given; none is needed here");
    }
    let missing: Vec<&str> =
        ["mariadbd", "mariadb-install-db"].into_iter().filter(|name| process::find_program(name).is_none()).collect();
    match missing.as_slice() {
        [] => Check::good(NAME, "mariadbd and mariadb-install-db are here"),
        some => {
            Check::bad(NAME, format!("missing: {}", some.join(", ")), "apt-get install mariadb-server-core mariadb-client-core")
        }
    }
}

fn site_check() -> Check {
    match Site::find() {
        Ok(site) => Check::good("browser part", site.package),
        Err(sentence) => Check::bad("browser part", sentence, "make build"),
    }
}

/// A port is good when it is free, or when the panel itself answers there.
async fn port_checks(config: &ConfigFile) -> Vec<Check> {
    let doors = [("staff port", config.staff.listen, 3000u16), ("portal port", config.portal.listen, 3001)];
    let mut checks = Vec::new();
    for (name, listen, port) in doors {
        let address = listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], port)));
        let check = match TcpListener::bind(address) {
            Ok(_) => Check::good(name, format!("{address} is free")),
            Err(_) if is_panel(address).await => Check::good(name, format!("the panel answers on {address}")),
            Err(error) => Check::bad(
                name,
                format!("{address} cannot be used: {error}"),
                "stop the program there, or set another in wirecenter.toml",
            ),
        };
        checks.push(check);
    }
    checks
}

async fn is_panel(address: SocketAddr) -> bool {
    let client = reqwest::Client::builder().timeout(Duration::from_secs(1)).build();
    let Ok(client) = client else { return false };
    let answer = client.get(format!("http://{address}/healthz")).send().await;
    answer.is_ok_and(|answer| answer.headers().contains_key("x-request-id"))
}

/// Opens the database as any command would, unless that would make a new one.
async fn database_checks(common: &Common, config: &ConfigFile, state: &Path) -> Vec<Check> {
    const NAME: &str = "database";
    let given = config.database.url_file.is_some() || std::env::var("DATABASE_URL").is_ok_and(|url| !url.is_empty());
    if !given && !state.join("mariadb/data").exists() {
        return vec![Check::good(NAME, "not made yet; the first start makes a private one"), clock_check(None)];
    }
    let store = match Store::open(common).await {
        Ok(store) => store,
        Err(failure) => {
            return vec![Check::bad(NAME, failure.to_string(), "see the sentence; the panel's log says more"), clock_check(None)];
        }
    };
    let asked: Result<(String, time::PrimitiveDateTime), sqlx::Error> =
        sqlx::query_as("SELECT CAST(VERSION() AS CHAR), UTC_TIMESTAMP(6)").fetch_one(store.database.pool()).await;
    let checks = match asked {
        Ok((version, at)) => {
            vec![Check::good(NAME, format!("MariaDB {version} is fit and migrated")), clock_check(Some(at.into()))]
        }
        Err(error) => vec![Check::bad(NAME, error.to_string(), "see the database's log"), clock_check(None)],
    };
    store.close().await;
    checks
}

/// The panel's clock against the database's, and against reason.
fn clock_check(database: Option<Moment>) -> Check {
    const NAME: &str = "clock";
    /// No clock that is right can be before the day this was written.
    const WRITTEN: Moment = Moment::from_seconds(1_795_305_600);
    let now = context::now();
    if now < WRITTEN {
        return Check::bad(
            NAME,
            format!("it says {now} UTC, which is before this program was made"),
            "set the clock; run a time server client",
        );
    }
    let apart = database.map(|at| now.since(at).max(at.since(now)));
    match apart {
        Some(apart) if apart > Duration::from_secs(2) => {
            let says = format!("the panel's and the database's are {} apart", format_span(apart));
            Check::bad(NAME, says, "run a time server client on both machines")
        }
        _ => Check::good(NAME, format!("{now} UTC")),
    }
}
