//! Whether a server is one the panel can work with. Asked at every first contact, because a server can be replaced.

use sqlx::MySqlPool;

/// The oldest MariaDB whose `CREATE` and `ALTER` are atomic, which healing a half-done migration relies on.
pub const VERSION_MIN: (u32, u32) = (10, 6);

/// What a server says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    pub version: String,
    pub sql_mode: String,
    pub charset: String,
    pub time_zone: String,
    pub system_time_zone: String,
    pub read_only: bool,
}

pub async fn ask(pool: &MySqlPool) -> sqlx::Result<Facts> {
    type Row = (String, String, String, String, String, bool);
    let row: Row = sqlx::query_as(
        "SELECT CAST(VERSION() AS CHAR), CAST(@@global.sql_mode AS CHAR), CAST(@@character_set_database AS CHAR),
                CAST(@@global.time_zone AS CHAR), CAST(@@system_time_zone AS CHAR), @@global.read_only",
    )
    .fetch_one(pool)
    .await?;
    let (version, sql_mode, charset, time_zone, system_time_zone, read_only) = row;
    Ok(Facts { version, sql_mode, charset, time_zone, system_time_zone, read_only })
}

/// `10.11.14-MariaDB-0+deb12u2` is (10, 11).
fn parse_version(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split(['.', '-']);
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// Why the server cannot be used, each with its remedy; empty when it can.
pub fn problems(facts: &Facts) -> Vec<String> {
    let mut problems = Vec::new();
    let (major, minor) = VERSION_MIN;
    let Facts { version, sql_mode, charset, time_zone, system_time_zone, read_only } = facts;
    if !version.contains("MariaDB") {
        problems.push(format!("The server is not MariaDB (it says {version}). Use MariaDB {major}.{minor} or later."));
    } else if parse_version(version).is_none_or(|version| version < VERSION_MIN) {
        problems.push(format!("MariaDB {version} is too old. Use {major}.{minor} or later."));
    }
    if !sql_mode.contains("STRICT_TRANS_TABLES") && !sql_mode.contains("STRICT_ALL_TABLES") {
        problems
            .push("The server's sql_mode is not strict, so it would store cut values. Set sql_mode=STRICT_TRANS_TABLES.".into());
    }
    if charset != "utf8mb4" {
        problems.push(format!("The database's character set is {charset}. Run: ALTER DATABASE … CHARACTER SET utf8mb4"));
    }
    let zone = if time_zone == "SYSTEM" { system_time_zone } else { time_zone };
    if !["+00:00", "UTC", "Etc/UTC", "GMT", "Universal"].contains(&zone.as_str()) {
        problems.push(format!("The server's time zone is {zone}. Set default_time_zone='+00:00': everything here is UTC."));
    }
    if *read_only {
        problems.push(
            "The server is read-only: it is a replica, or was stopped for a failover. Point DATABASE_URL at the primary.".into(),
        );
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Facts {
        Facts {
            version: "10.11.14-MariaDB-0+deb12u2".into(),
            sql_mode: "STRICT_TRANS_TABLES,NO_ZERO_DATE".into(),
            charset: "utf8mb4".into(),
            time_zone: "SYSTEM".into(),
            system_time_zone: "UTC".into(),
            read_only: false,
        }
    }

    #[test]
    fn a_fit_server_has_no_problems() {
        assert_eq!(problems(&good()), Vec::<String>::new());
        assert_eq!(
            problems(&Facts { version: "11.4.2-MariaDB".into(), time_zone: "+00:00".into(), ..good() }),
            Vec::<String>::new()
        );
        assert_eq!(problems(&Facts { version: "10.6.0-MariaDB-log".into(), ..good() }), Vec::<String>::new());
    }

    #[test]
    fn each_thing_wrong_is_named_with_its_remedy() {
        let wrong = [
            (Facts { version: "10.5.23-MariaDB".into(), ..good() }, "too old"),
            (Facts { version: "8.0.36".into(), ..good() }, "not MariaDB"),
            (Facts { version: "MariaDB".into(), ..good() }, "too old"),
            (Facts { sql_mode: String::new(), ..good() }, "sql_mode"),
            (Facts { charset: "latin1".into(), ..good() }, "latin1"),
            (Facts { system_time_zone: "CEST".into(), ..good() }, "CEST"),
            (Facts { read_only: true, ..good() }, "read-only"),
        ];
        for (facts, word) in wrong {
            let problems = problems(&facts);
            assert!(problems.len() == 1 && problems[0].contains(word), "{word}: {problems:?}");
        }
    }
}
