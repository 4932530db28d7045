//! What holds of the configuration whichever machine it is for.

use super::*;

const INVENTORY: &str = include_str!("../../stack/inventory.toml");

fn shipped() -> Inventory {
    toml::from_str(INVENTORY).expect("the shipped inventory is valid")
}

fn placeholder(name: &str) -> Result<String, StackError> {
    Ok(format!("placeholder-{name}"))
}

fn file<'a>(files: &'a [StackFile], path: &str) -> &'a str {
    files.iter().find(|file| file.path == path).map(|file| file.text.as_str()).expect(path)
}

#[test]
fn every_machine_of_ours_renders_and_every_template_is_used() {
    let inventory = shipped();
    let mut used = std::collections::BTreeSet::new();
    for machine in inventory.machines.iter().filter(|machine| machine.role.is_ours()) {
        let files = render(&inventory, &machine.name, &placeholder).expect("renders");
        for file in &files {
            assert!(file.path.starts_with("/etc/") && file.text.ends_with('\n') && !file.text.ends_with("\n\n"), "{}", file.path);
            assert!(!file.text.contains("{{") && !file.text.contains("{%"), "{} has an unrendered part", file.path);
            used.insert(file.path.clone());
        }
    }
    for template in files::TEMPLATES {
        assert!(used.contains(template.path), "no machine gets {}", template.path);
    }
}

#[test]
fn a_secret_stands_only_in_files_that_not_everybody_may_read() {
    let inventory = shipped();
    for machine in inventory.machines.iter().filter(|machine| machine.role.is_ours()) {
        for file in render(&inventory, &machine.name, &placeholder).expect("renders") {
            let has_secret = file.text.contains("placeholder-");
            assert_eq!(has_secret, file.mode & 0o007 == 0, "{} of {}", file.path, machine.name);
        }
    }
}

#[test]
fn each_pbx_begins_with_another_authorizer() {
    let inventory = shipped();
    let first = |machine: &str| {
        let files = render(&inventory, machine, &placeholder).expect("renders");
        let dialplan = file(&files, "/etc/asterisk/extensions.conf");
        dialplan.split("agi://").nth(1).expect("asks an authorizer").split(':').next().expect("an address").to_owned()
    };
    assert_eq!(first("asterisk-01"), "10.20.20.31");
    assert_eq!(first("asterisk-02"), "10.20.20.32");
    assert_eq!(first("asterisk-03"), "10.20.20.31");
}

#[test]
fn the_local_record_has_the_columns_of_the_table() {
    let table = files::TEMPLATES.iter().find(|template| template.source == "mariadb/cdr.sql").expect("is there").text;
    for column in facts::CDR_COLUMNS {
        assert!(table.contains(&format!("\n    {column} ")), "{column} is no column of cdr.sql");
    }
}

#[test]
fn a_column_that_came_later_is_the_same_in_an_old_table_and_in_a_new_one() {
    let text = |source: &str| files::TEMPLATES.iter().find(|template| template.source == source).expect("is there").text;
    let later = text("mariadb/columns.sql");
    let (cdr, attempts) = later.split_once("ALTER TABLE kamailio.attempts").expect("both tables have later columns");
    let mut added = 0;
    for (alter, table) in [(cdr, "mariadb/cdr.sql"), (attempts, "mariadb/kamailio.sql")] {
        for column in alter.lines().filter_map(|line| line.trim().strip_prefix("ADD COLUMN IF NOT EXISTS ")) {
            let column = column.trim_end_matches([',', ';']);
            assert!(text(table).contains(&format!("\n    {column},\n")), "{column:?} is not so in {table}");
            added += 1;
        }
    }
    assert_eq!(added, 4);
}

#[test]
fn every_database_starts_read_only_and_takes_its_role_back_by_a_rule_of_its_own() {
    let inventory = shipped();
    let primary = render(&inventory, "mariadb-01", &placeholder).expect("renders");
    let replica = render(&inventory, "mariadb-02", &placeholder).expect("renders");
    for (server, peer) in [(&primary, "10.30.30.42"), (&replica, "10.30.30.41")] {
        assert!(file(server, "/etc/mysql/my.cnf").contains("\nread_only = ON"));
        let keep = file(server, "/etc/mysql/keep-primary");
        assert!(keep.contains(&format!("for peer in {peer}; do")), "{keep}");
        assert!(keep.contains("ip addr replace 10.20.20.40/24 dev data"), "{keep}");
    }
    assert!(file(&replica, "/etc/mysql/replicate.sql").contains("MASTER_HOST = '10.30.30.41'"));
    assert!(primary.iter().all(|file| file.path != "/etc/mysql/replicate.sql"));
}

#[test]
fn a_mistake_is_told_in_a_sentence() {
    let says = |inventory: &Inventory, machine: &str| render(inventory, machine, &placeholder).expect_err("refused").to_string();
    let mut inventory = shipped();
    assert!(says(&inventory, "kamailo-01").contains("the nearest are kamailio-01"));
    assert!(says(&inventory, "carrier-a").contains("not ours"));
    inventory.customers[0].name = "x\"; drop".into();
    assert!(says(&inventory, "kamailio-01").contains("a customer's name"));

    let mut inventory = shipped();
    inventory.carriers[1].set = inventory.carriers[0].set;
    assert!(says(&inventory, "kamailio-01").contains("dispatcher set of carrier-b"));

    let mut inventory = shipped();
    inventory.clusters.remove("database");
    assert!(says(&inventory, "asterisk-01").contains("a cluster of role mariadb"));

    let mut inventory = shipped();
    inventory.machines.retain(|machine| machine.role != Role::Billing);
    assert!(says(&inventory, "asterisk-01").contains("role billing"));

    let mut inventory = shipped();
    inventory.machines[0].networks.retain(|network| network != "sync");
    assert!(says(&inventory, "kamailio-01").contains("could not be rendered: line"));
}

#[test]
fn a_credential_that_could_speak_to_a_daemon_is_refused_and_not_shown() {
    let error = render(&shipped(), "mariadb-01", &|_| Ok("it's-'quoted'".into())).expect_err("refused").to_string();
    assert!(error.contains("characters") && !error.contains("quoted"), "{error}");
    let missing = |name: &str| Err(StackError::Unreadable(format!("secrets/{name} is not there")));
    let error = render(&shipped(), "mariadb-02", &missing).expect_err("refused").to_string();
    assert!(error.contains("replication") && error.contains("/etc/mysql/peer.cnf"), "{error}");
}
