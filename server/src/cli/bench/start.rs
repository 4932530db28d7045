//! From the start of the program to the first answer.

use super::{
    Failure,
    figure::{Figure, Goal, percentile},
    subject::Subject,
};
use crate::database::{Owner, PrivateMariadb, private::user_name};

const TIMES: usize = 5;

pub const GIVEN: Goal = Goal {
    name: "restart",
    what: "restart to ready on a MariaDB that is there, median of five",
    unit: "ms",
    at_most: 3_000.0,
    ratio_at_most: None,
};
pub const PRIVATE: Goal = Goal {
    name: "restart-private",
    what: "restart to ready, its private MariaDB included, median of five",
    unit: "ms",
    at_most: 8_000.0,
    ratio_at_most: None,
};

async fn median_ms(subject: &mut Subject, database_url: Option<String>) -> Result<f64, Failure> {
    let mut took = Vec::new();
    for _ in 0..TIMES {
        took.push(subject.restart(database_url.clone()).await?.as_secs_f64() * 1_000.0);
    }
    Ok(percentile(&mut took, 50))
}

pub async fn restart() -> Result<Figure, Failure> {
    let mut subject = Subject::start().await?;
    let dir = tempfile::Builder::new().prefix("wc-bench").tempdir().map_err(Failure::new)?;
    let server = PrivateMariadb::start(dir.path(), Owner::Command, None).map_err(Failure::new)?;
    let url = format!("mysql://{}@localhost/mysql?socket={}", user_name(), server.socket().display());
    let made = make_database(&url).await;
    let took = match made {
        Ok(()) => median_ms(&mut subject, Some(url.replace("/mysql?", "/wirecenter?"))).await,
        Err(failure) => Err(failure),
    };
    subject.stop().await?;
    server.stop();
    Ok(GIVEN.judge(took?, None))
}

/// Waits for the server and makes the database the panel is given.
async fn make_database(url: &str) -> Result<(), Failure> {
    use sqlx::Connection;
    let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
    let mut connection = loop {
        match sqlx::MySqlConnection::connect(url).await {
            Ok(connection) => break connection,
            Err(error) if std::time::Instant::now() > until => return Err(error.into()),
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
        }
    };
    sqlx::query("CREATE DATABASE wirecenter CHARACTER SET utf8mb4 COLLATE utf8mb4_bin").execute(&mut connection).await?;
    Ok(connection.close().await?)
}

pub async fn restart_private() -> Result<Figure, Failure> {
    let mut subject = Subject::start().await?;
    let took = median_ms(&mut subject, None).await;
    subject.stop().await?;
    Ok(PRIVATE.judge(took?, None))
}
