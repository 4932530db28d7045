//! A MariaDB server as root on its own machine changes it: `server.sh`, run there over SSH. What stands in it is what the plans show.

use super::ssh::Ssh;
use app::{
    fleet::{
        facts::{ServerFacts, ServerRole},
        gtid::Gtid,
    },
    ports::DatabaseServer,
    values::{PortError, PortErrorKind},
};
use std::{
    collections::BTreeMap,
    net::Ipv4Addr,
    time::{Duration, Instant},
};

const SCRIPT: &str = include_str!("server.sh");
/// Of one statement with the way there; the script ends its own after five seconds.
const WITHIN: Duration = Duration::from_secs(8);

pub struct MariaDbRoot {
    pub ssh: Ssh,
    /// By network, with the length of the network.
    pub writer: BTreeMap<String, (Ipv4Addr, u8)>,
    /// The folder with its backups, where there is one.
    pub backups: Option<String>,
    /// With which servers follow each other.
    pub replication_password: String,
    /// Of a look, when nobody can wait longer.
    pub look_within: Duration,
}

impl MariaDbRoot {
    async fn act(&self, doing: &str, words: &[&str], input: &[u8], within: Duration) -> Result<String, PortError> {
        let words: Vec<String> = words.iter().map(ToString::to_string).collect();
        self.ssh.act_with(doing, SCRIPT, &words, input, within).await
    }

    fn writer_words(&self) -> Vec<String> {
        let each =
            self.writer.iter().flat_map(|(network, (address, length))| [network.clone(), address.to_string(), length.to_string()]);
        each.collect()
    }

    async fn with_addresses(&self, doing: &str, words: &[&str]) -> Result<String, PortError> {
        let addresses = self.writer_words();
        let words: Vec<&str> = words.iter().copied().chain(addresses.iter().map(String::as_str)).collect();
        self.act(doing, &words, &[], WITHIN).await
    }

    fn garbage(&self, doing: &str, said: &str) -> PortError {
        PortError::new(&self.ssh.target().machine, doing, PortErrorKind::Garbage, format!("it answered {said:?}"))
    }
}

/// `name=value` lines, each name perhaps several times.
fn pairs(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines().filter_map(|line| line.split_once('=')).map(|(name, value)| (name.trim(), value.trim()))
}

fn one<'a>(text: &'a str, wanted: &str) -> Option<&'a str> {
    pairs(text).find(|(name, _)| *name == wanted).map(|(_, value)| value)
}

fn facts(text: &str) -> Option<ServerFacts> {
    let number = |name: &str| one(text, name)?.parse::<u64>().ok();
    Some(ServerFacts {
        addresses: pairs(text).filter(|(name, _)| *name == "address").filter_map(|(_, value)| value.parse().ok()).collect(),
        is_marked: one(text, "marked").is_some(),
        disk_size_bytes: number("size_kib")?.saturating_mul(1_024),
        disk_free_bytes: number("free_kib")?.saturating_mul(1_024),
        // A server that does not answer says nothing of its events; its machine speaks all the same.
        events_enabled: number("events").unwrap_or_default(),
        event_scheduler: one(text, "scheduler") == Some("ON"),
        backup_age_s: number("backup_age"),
        clock_ns: one(text, "clock_ns")?.parse().ok()?,
    })
}

fn role(text: &str) -> Option<ServerRole> {
    let is = |name: &str| one(text, name) == Some("Yes");
    let said = |name: &str| one(text, name).filter(|said| !said.is_empty()).map(Into::into);
    Some(ServerRole {
        // Newer servers have more than one way of being read-only, each with a name.
        read_only: !matches!(one(text, "read_only")?, "OFF" | "0"),
        position: one(text, "position")?.into(),
        applied: one(text, "applied")?.into(),
        written: one(text, "written")?.into(),
        follows: one(text, "Master_Host").and_then(|host| host.parse().ok()),
        receives: is("Slave_IO_Running"),
        applies: is("Slave_SQL_Running"),
        received: one(text, "Gtid_IO_Pos").unwrap_or_default().into(),
        error: said("Last_SQL_Error").or_else(|| said("Last_IO_Error")),
    })
}

impl DatabaseServer for MariaDbRoot {
    async fn look(&self) -> Result<ServerFacts, PortError> {
        let doing = "look at the server";
        let said = self.act(doing, &["look", self.backups.as_deref().unwrap_or_default()], &[], self.look_within).await?;
        facts(&said).ok_or_else(|| self.garbage(doing, &said))
    }

    async fn role(&self) -> Result<ServerRole, PortError> {
        let doing = "see its role";
        let said = self.act(doing, &["role"], &[], self.look_within).await?;
        role(&said).ok_or_else(|| self.garbage(doing, &said))
    }

    async fn stop_writes(&self, kill: bool) -> Result<String, PortError> {
        let said = self.with_addresses("stop writes", &["stop_writes", if kill { "yes" } else { "no" }]).await?;
        Ok(said.trim().into())
    }

    async fn allow_writes(&self) -> Result<(), PortError> {
        self.with_addresses("allow writes", &["allow_writes"]).await.map(drop)
    }

    async fn wait_for(&self, position: &str, within: Duration) -> Result<(), PortError> {
        let seconds = within.as_secs().to_string();
        self.act("wait until it has applied everything", &["wait_for", position, &seconds], &[], within + WITHIN).await.map(drop)
    }

    async fn stop_receiving(&self) -> Result<String, PortError> {
        Ok(self.act("stop receiving", &["stop_receiving"], &[], WITHIN).await?.trim().into())
    }

    async fn receive(&self) -> Result<(), PortError> {
        self.act("receive again", &["receive"], &[], WITHIN).await.map(drop)
    }

    async fn promote(&self) -> Result<(), PortError> {
        self.act("promote it", &["promote"], &[], WITHIN).await.map(drop)
    }

    async fn take_addresses(&self) -> Result<(), PortError> {
        self.with_addresses("put the writer's addresses on it", &["take_addresses"]).await.map(drop)
    }

    async fn follow(&self, source: Ipv4Addr, was_primary: bool) -> Result<(), PortError> {
        let (host, own) = (source.to_string(), if was_primary { "yes" } else { "no" });
        let password = format!("{}\n", self.replication_password);
        self.act(&format!("let it follow {host}"), &["follow", &host, own], password.as_bytes(), 2 * WITHIN).await.map(drop)
    }

    async fn follow_nobody(&self) -> Result<(), PortError> {
        self.act("let it follow nobody", &["follow_nobody"], &[], WITHIN).await.map(drop)
    }

    async fn proofs(&self) -> Result<BTreeMap<String, i64>, PortError> {
        let said = self.act("read the rows of clients", &["proofs"], &[], WITHIN).await?;
        Ok(pairs(&said).filter_map(|(client, at)| Some((client.to_string(), at.parse().ok()?))).collect())
    }

    async fn save_after(&self, positions: &[Gtid]) -> Result<String, PortError> {
        let positions: Vec<String> = positions.iter().map(ToString::to_string).collect();
        let words: Vec<&str> = std::iter::once("save_after").chain(positions.iter().map(String::as_str)).collect();
        Ok(self.act("save what only it has", &words, &[], Duration::from_secs(60)).await?.trim().into())
    }

    async fn lend(&self, to: Ipv4Addr, password: &str) -> Result<(), PortError> {
        let input = format!("{password}\n");
        self.act("let another read all data", &["lend", &to.to_string()], input.as_bytes(), WITHIN).await.map(drop)
    }

    async fn end_lending(&self, to: Ipv4Addr) -> Result<(), PortError> {
        self.act("end the reading of all data", &["end_lending", &to.to_string()], &[], WITHIN).await.map(drop)
    }

    async fn reseed(&self, from: Ipv4Addr, password: &str, within: Duration) -> Result<(), PortError> {
        let (host, seconds, input) = (from.to_string(), within.as_secs().to_string(), format!("{password}\n"));
        let began = Instant::now();
        let done = self.act("make its data anew", &["reseed", &host, &seconds], input.as_bytes(), 2 * within + WITHIN).await;
        tracing::info!(machine = self.ssh.target().machine, took_s = began.elapsed().as_secs(), "its data was made anew");
        done.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_script_prints_becomes_facts() {
        let said = "events=2\nscheduler=ON\naddress=127.0.0.1\naddress=10.20.20.40\nsize_kib=1048576\nfree_kib=524288\nmarked=1\n\
                    backup_age=3600\nclock_ns=1700000000000000000\n";
        let facts = facts(said).expect("all of it");
        assert_eq!(facts.addresses, [Ipv4Addr::LOCALHOST, Ipv4Addr::new(10, 20, 20, 40)]);
        assert_eq!((facts.disk_size_bytes, facts.disk_free_bytes), (1 << 30, 1 << 29));
        assert_eq!((facts.events_enabled, facts.event_scheduler, facts.is_marked), (2, true, true));
        assert_eq!((facts.backup_age_s, facts.clock_ns), (Some(3_600), 1_700_000_000_000_000_000));
        assert_eq!(super::facts("events=2\n"), None, "a machine without a disk is none");
    }

    #[test]
    fn a_role_is_read_with_and_without_somebody_to_follow() {
        let said = "read_only=ON\nposition=0-41-7\napplied=0-41-7\nwritten=0-41-7\nMaster_Host=10.30.30.41\nSlave_IO_Running=Yes\n\
                    Slave_SQL_Running=No\nLast_IO_Error=\nLast_SQL_Error=duplicate key\nGtid_IO_Pos=0-41-9\n";
        let replica = role(said).expect("all of it");
        assert_eq!(replica.follows, Some(Ipv4Addr::new(10, 30, 30, 41)));
        assert_eq!((replica.read_only, replica.receives, replica.applies), (true, true, false));
        assert_eq!((replica.received.as_str(), replica.error.as_deref()), ("0-41-9", Some("duplicate key")));
        let primary = role("read_only=OFF\nposition=0-41-7\napplied=\nwritten=0-41-7\n").expect("all of it");
        assert_eq!((primary.read_only, primary.follows, primary.applied.as_str()), (false, None, ""));
        assert_eq!(role("ERROR 2002"), None);
    }
}
