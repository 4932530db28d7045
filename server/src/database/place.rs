//! Where the panel's database is, and how it is reached.

use super::private::{Layout, Owner, PrivateMariadb, StartError, user_name};
use crate::config::{ConfigFile, read_secret};
use app::{limits, system::state::SystemState};
use sqlx::{
    ConnectOptions, MySqlPool,
    mysql::{MySqlConnectOptions, MySqlPoolOptions, MySqlSslMode},
};
use std::{path::Path, str::FromStr, sync::Arc, time::Duration};

/// The name of the panel's database on its private server.
pub const DATABASE_NAME: &str = "wirecenter";

pub enum Place {
    Private(PrivateMariadb),
    /// A private server that another process, the running panel, owns.
    Borrowed {
        options: Box<MySqlConnectOptions>,
    },
    /// The server of `DATABASE_URL`.
    Given {
        options: Box<MySqlConnectOptions>,
    },
}

impl Place {
    /// For the panel: the given server, or a private one of its own.
    pub fn open(config: &ConfigFile, state: &Path, tell: Option<Arc<SystemState>>) -> Result<Self, String> {
        match given(config)? {
            Some(options) => Ok(Self::Given { options: Box::new(options) }),
            None => Ok(Self::Private(PrivateMariadb::start(state, Owner::Panel, tell).map_err(|error| error.to_string())?)),
        }
    }

    /// For a command: as [`Place::open`], but where a panel runs its private server is used and left running.
    pub fn borrow(config: &ConfigFile, state: &Path) -> Result<Self, String> {
        if let Some(options) = given(config)? {
            return Ok(Self::Given { options: Box::new(options) });
        }
        match PrivateMariadb::start(state, Owner::Command, None) {
            Ok(private) => Ok(Self::Private(private)),
            Err(StartError::InUse { .. }) => {
                Ok(Self::Borrowed { options: Box::new(private_options(&Layout::new(state).socket())) })
            }
            Err(error) => Err(error.to_string()),
        }
    }

    /// Said on screen and in logs: never a password.
    pub fn describe(&self) -> String {
        match self {
            Self::Private(private) => match private.process() {
                Some(process) => format!("private MariaDB, process {process}"),
                None => "private MariaDB, not running".into(),
            },
            Self::Borrowed { .. } => "the running panel's private MariaDB".into(),
            Self::Given { options } => {
                let url = options.to_url_lossy();
                let socket = options.get_socket().map(|path| path.display().to_string());
                let host = format!("{}:{}", url.host_str().unwrap_or("localhost"), url.port().unwrap_or(3306));
                format!("MariaDB at {}", socket.unwrap_or(host))
            }
        }
    }

    pub fn is_private(&self) -> bool {
        matches!(self, Self::Private(_) | Self::Borrowed { .. })
    }

    fn options(&self) -> MySqlConnectOptions {
        match self {
            Self::Private(private) => private_options(&private.socket()),
            Self::Borrowed { options } | Self::Given { options } => (**options).clone(),
        }
    }

    /// Connections to the panel's database. Nothing is connected yet.
    pub fn pool(&self) -> MySqlPool {
        let options = self.options();
        let options = if self.is_private() { options.database(DATABASE_NAME) } else { options };
        pool_of(options, limits::DATABASE_CONNECTIONS_MAX)
    }

    /// One connection to the server itself, for making the database on a private server.
    pub fn server_pool(&self) -> MySqlPool {
        pool_of(self.options(), 1)
    }

    pub fn private(&self) -> Option<&PrivateMariadb> {
        match self {
            Self::Private(private) => Some(private),
            Self::Borrowed { .. } | Self::Given { .. } => None,
        }
    }
}

fn private_options(socket: &Path) -> MySqlConnectOptions {
    MySqlConnectOptions::new().socket(socket).username(&user_name())
}

/// `DATABASE_URL`, or the file the configuration names.
fn given(config: &ConfigFile) -> Result<Option<MySqlConnectOptions>, String> {
    let (url, from) = match (std::env::var("DATABASE_URL"), &config.database.url_file) {
        (Ok(url), _) if !url.is_empty() => (url, "DATABASE_URL".to_string()),
        (_, Some(file)) => (read_secret(file, "the database's URL")?, file.display().to_string()),
        _ => return Ok(None),
    };
    let example = "mysql://USER:PASSWORD@HOST:3306/DATABASE";
    // The error of the parser may repeat the password, so it is not shown.
    let options = MySqlConnectOptions::from_str(&url).map_err(|_| format!("{from} is not a URL like {example}."))?;
    if options.get_database().is_none_or(str::is_empty) {
        return Err(format!("{from} names no database: write it as {example}."));
    }
    Ok(Some(options))
}

fn pool_of(options: MySqlConnectOptions, connections_max: u32) -> MySqlPool {
    // TLS to the database ends outside: sqlx is built without it, and a private network or a socket carries the connection.
    let options = options
        .ssl_mode(MySqlSslMode::Disabled)
        .log_statements(tracing::log::LevelFilter::Off)
        .log_slow_statements(tracing::log::LevelFilter::Debug, Duration::from_secs(1));
    let deadline_s = limits::DATABASE_DEADLINE.as_secs();
    MySqlPoolOptions::new()
        .max_connections(connections_max)
        .acquire_timeout(Duration::from_secs(2))
        .idle_timeout(Duration::from_secs(300))
        .after_connect(move |conn, _| {
            Box::pin(async move {
                // A statement that a request no longer waits for must not go on in the server.
                let settings = format!(
                    "SET SESSION max_statement_time = {deadline_s}, innodb_lock_wait_timeout = {deadline_s}, time_zone = '+00:00', \
                     sql_mode = 'STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ZERO_DATE,NO_ZERO_IN_DATE,NO_ENGINE_SUBSTITUTION'"
                );
                sqlx::Executor::execute(conn, sqlx::AssertSqlSafe(settings)).await?;
                Ok(())
            })
        })
        .connect_lazy_with(options)
}
