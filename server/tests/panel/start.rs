//! Starts that must fail, each with a sentence that names the thing, the place and the remedy.

use crate::harness::{Database, Panel, Setup, program, temp_dir};
use server::process;
use std::{net::TcpListener, path::Path, process::Stdio, time::Duration};

#[test]
fn a_taken_port_is_named_with_the_way_out() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let dir = temp_dir();
    for (flag, other, door) in [("--staff", "--portal", "staff"), ("--portal", "--staff", "portal")] {
        let mut command = program();
        command.args(["serve", flag, &address, other, "127.0.0.1:0", "--state"]).arg(dir.path());
        let output = command.stdin(Stdio::null()).output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1));
        assert!(said.contains(&format!("The {door} door cannot listen on {address}: another program listens there")), "{said}");
        assert!(said.contains(&format!("choose another with {flag} ADDR:PORT")), "{said}");
    }
}

#[test]
fn mistakes_in_the_configuration_are_all_named_and_nothing_is_started() {
    let said = Setup::private().config("[staff]\nlisten_on = 1\n[databse]\n[log]\nformat = \"xml\"\n").fails();
    assert!(said.contains("line 2: read \"staff.listen_on\"") && said.contains("nearest is staff.listen"), "{said}");
    assert!(said.contains("line 3: read \"databse\"") && said.contains("nearest is database"), "{said}");
    let said = Setup::private().config("[log]\nformat = \"xml\"\n").fails();
    assert!(said.contains("line 2") && said.contains("json"), "{said}");
    let said = Setup::private().config("[database]\nurl = \"mysql://root:hunter2@db/x\"\n").fails();
    assert!(said.contains("no secret in this file") && !said.contains("hunter2"), "{said}");
}

#[test]
fn a_secret_file_must_be_private_and_a_wrong_url_does_not_leak() {
    use std::os::unix::fs::PermissionsExt;
    let dir = temp_dir();
    let file = dir.path().join("url");
    std::fs::write(&file, "mysql://root:hunter2@nowhere").expect("a file");
    let config = format!("[database]\nurl_file = \"{}\"\n", file.display());
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).expect("chmod");
    let said = Setup::private().config(&config).fails();
    assert!(said.contains("can be read by others. Run: chmod 600"), "{said}");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("chmod");
    let said = Setup::private().config(&config).fails();
    assert!(said.contains("names no database") && !said.contains("hunter2"), "{said}");
}

#[test]
fn a_server_that_must_not_be_used_is_refused_with_the_setting() {
    let database = Database::new();
    let refused = |expected: &str| {
        let said = Setup::with(&database).fails();
        assert!(said.contains(expected), "{expected}: {said}");
    };
    database.sql(&format!("ALTER DATABASE {} CHARACTER SET latin1", database.name));
    refused("character set is latin1");
    let nowhere = Setup { database_url: Some(database.url().replace(&database.name, "no_such_database")), ..Setup::private() };
    assert!(nowhere.fails().contains("does not exist"));
    let stranger = database.url().replacen("mysql://", "mysql://stranger-", 1);
    let said = Setup { database_url: Some(stranger), ..Setup::private() }.fails();
    assert!(said.contains("refuses the name or password of DATABASE_URL"), "{said}");
}

/// A real MariaDB that was told to be otherwise.
struct Odd {
    child: std::process::Child,
    dir: tempfile::TempDir,
}

impl Odd {
    fn start(options: &[&str]) -> Self {
        let dir = temp_dir();
        let user = server::database::private::user_name();
        let data = dir.path().join("data");
        let mut install = std::process::Command::new(process::find_program("mariadb-install-db").expect("there"));
        install.args(["--no-defaults", "--skip-test-db", "--auth-root-authentication-method=socket"]);
        install.args([
            format!("--datadir={}", data.display()),
            format!("--auth-root-socket-user={user}"),
            format!("--user={user}"),
        ]);
        assert!(install.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("it runs").success());
        let mut command = std::process::Command::new(process::find_program("mariadbd").expect("there"));
        command.args(["--no-defaults", "--skip-networking", "--character-set-server=utf8mb4", "--innodb-buffer-pool-size=16M"]);
        command.arg(format!("--datadir={}", data.display())).arg(format!("--socket={}", dir.path().join("socket").display()));
        command.arg(format!("--pid-file={}", dir.path().join("pid").display())).arg(format!("--user={user}"));
        let child = command.args(options).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs");
        let odd = Self { child, dir };
        let started = std::time::Instant::now();
        while odd.sql("CREATE DATABASE IF NOT EXISTS odd").is_err() {
            assert!(started.elapsed() < Duration::from_secs(30), "it does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
        odd
    }

    fn socket(&self) -> std::path::PathBuf {
        self.dir.path().join("socket")
    }

    fn sql(&self, statement: &str) -> Result<(), ()> {
        let mut command = std::process::Command::new(process::find_program("mariadb").expect("there"));
        command.arg("--no-defaults").arg(format!("--socket={}", self.socket().display())).args(["-e", statement]);
        let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("it runs");
        if status.success() { Ok(()) } else { Err(()) }
    }

    fn setup(&self) -> Setup {
        let user = server::database::private::user_name();
        let url = format!("mysql://{user}@localhost/odd?socket={}", self.socket().display());
        Setup { database_url: Some(url), ..Setup::private() }
    }
}

impl Drop for Odd {
    fn drop(&mut self) {
        process::terminate(self.child.id());
        let _ = self.child.wait();
    }
}

#[test]
fn an_old_lax_or_elsewhere_living_mariadb_is_refused() {
    let old = Odd::start(&["--version=10.5.23-MariaDB"]);
    assert!(old.setup().fails().contains("MariaDB 10.5.23-MariaDB is too old. Use 10.6 or later."));
    drop(old);
    let lax = Odd::start(&["--sql-mode=", "--default-time-zone=+02:00"]);
    let said = lax.setup().fails();
    assert!(said.contains("sql_mode is not strict") && said.contains("time zone is +02:00"), "{said}");
    drop(lax);
    let replica = Odd::start(&[]);
    replica.sql("SET GLOBAL read_only = ON").expect("set");
    assert!(replica.setup().fails().contains("The server is read-only"));
}

#[test]
fn a_migration_cut_off_half_way_is_healed_and_a_newer_one_is_respected() {
    let database = Database::new();
    drop(Panel::start(Setup::with(&database)));
    let last = database.sql("SELECT version FROM _sqlx_migrations WHERE description = 'wakes'");
    // Killed between the record and the statement …
    database.sql(&format!("UPDATE _sqlx_migrations SET success = 0 WHERE version = {last}; DROP TABLE wakes"));
    let healed = Panel::start(Setup::with(&database));
    assert!(healed.log().contains("a migration was cut off half way; it is run again"), "{}", healed.log());
    drop(healed);
    // … and between the statement and the record.
    database.sql(&format!("UPDATE _sqlx_migrations SET success = 0 WHERE version = {last}"));
    drop(Panel::start(Setup::with(&database)));
    assert_eq!(
        database.sql("SELECT COUNT(*) FROM _sqlx_migrations WHERE success"),
        database.sql("SELECT COUNT(*) FROM _sqlx_migrations")
    );

    database.sql(
        "INSERT INTO _sqlx_migrations SELECT 99990101000000, description, NOW(), 1, checksum, 1 FROM _sqlx_migrations LIMIT 1",
    );
    let said = Setup::with(&database).fails();
    assert!(said.contains("migrated by a newer Wirecenter: migration 99990101000000"), "{said}");
}

#[test]
fn a_path_too_long_for_a_socket_and_a_missing_site_say_so() {
    let dir = temp_dir();
    let said = Setup::private().state(&dir.path().join("x".repeat(100))).fails();
    assert!(said.contains("The path of the state directory is too long") && said.contains("Choose a shorter --state"), "{said}");
    let nowhere = vec![("WIRECENTER_SITE", dir.path().display().to_string())];
    let said = Setup { environment: nowhere, ..Setup::private() }.fails();
    assert!(said.contains("The browser's part was not found") && said.contains("Run make build"), "{said}");
}

#[test]
fn the_doctor_names_what_is_wrong_and_what_to_do() {
    let doctor = |state: &Path, config: &str| {
        std::fs::create_dir_all(state).expect("a folder");
        std::fs::write(state.join("wirecenter.toml"), config).expect("a file");
        let output = program().args(["doctor", "--json", "--state"]).arg(state).output().expect("it runs");
        let facts: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one JSON document");
        (output.status.code(), facts)
    };
    let dir = temp_dir();
    let free = "[staff]\nlisten = \"127.0.0.1:0\"\n[portal]\nlisten = \"127.0.0.1:0\"\n";
    let (code, facts) = doctor(dir.path(), free);
    assert_eq!((code, facts["ok"].as_bool()), (Some(0), Some(true)), "{facts}");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let (code, facts) = doctor(dir.path(), &free.replacen("127.0.0.1:0", &taken.local_addr().expect("one").to_string(), 1));
    assert_eq!(code, Some(1));
    let bad: Vec<&serde_json::Value> =
        facts["checks"].as_array().expect("a list").iter().filter(|check| check["ok"] == false).collect();
    assert!(
        bad.len() == 1 && bad[0]["name"] == "staff port" && bad[0]["do"].as_str().is_some_and(|remedy| !remedy.is_empty()),
        "{bad:?}"
    );
    let (code, facts) = doctor(dir.path(), "[stafff]\n");
    assert_eq!(code, Some(1));
    assert!(facts.to_string().contains("the nearest is staff"), "{facts}");
}
