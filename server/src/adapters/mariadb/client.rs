//! The way of a client to the databases: its own name and password, and its connection begins on its own machine.

use super::MariaDb;
use crate::adapters::ssh::Ssh;
use app::{
    ports::DatabaseClient,
    values::{Moment, PortError},
};
use sqlx::Connection;
use std::{
    net::{Ipv4Addr, SocketAddrV4},
    time::Duration,
};

const PORT: u16 = 3306;

pub struct DatabaseWay {
    pub ssh: Ssh,
    pub user: String,
    pub password: String,
    /// Of one answer, the connecting included.
    pub deadline: Duration,
}

impl DatabaseWay {
    async fn door(&self, at: Ipv4Addr) -> Result<MariaDb, PortError> {
        let way = self.ssh.way_to(SocketAddrV4::new(at, PORT)).await?;
        let mut door =
            MariaDb::new(&self.ssh.target().machine, SocketAddrV4::new(at, PORT), &self.user, &self.password, self.deadline);
        door.options = door.options.socket(way);
        door.system = format!("{} as {} at MariaDB {at}", self.ssh.target().machine, self.user);
        Ok(door)
    }
}

impl DatabaseClient for DatabaseWay {
    async fn get_in(&self, at: Ipv4Addr) -> Result<(), PortError> {
        let door = self.door(at).await?;
        let read = door.within(async {
            let mut connection = door.connected(None).await?;
            let rows = sqlx::query("SELECT COUNT(*) FROM wirecenter_watch.proof").execute(&mut connection).await;
            rows.map_err(|error| door.why(&error))?;
            // Nothing was begun that a hard end could break.
            let _ = connection.close().await;
            Ok(())
        });
        read.await.map_err(|failure| door.failed("get in", failure))
    }

    async fn write(&self, at: Ipv4Addr, now: Moment) -> Result<(), PortError> {
        let door = self.door(at).await?;
        let statement =
            "INSERT INTO wirecenter_watch.proof (client, at_us) VALUES (?, ?) ON DUPLICATE KEY UPDATE at_us = VALUES(at_us)";
        let written = door.within(async {
            let mut connection = door.connected(None).await?;
            let written = sqlx::query(statement).bind(&self.ssh.target().machine).bind(now.micros()).execute(&mut connection).await;
            written.map_err(|error| door.why(&error))?;
            let _ = connection.close().await;
            Ok(())
        });
        written.await.map_err(|failure| door.failed("write a row", failure))
    }
}
