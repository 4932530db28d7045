//! Files with mistakes, and what is said of them.

use super::parse;
use crate::lab::shipped::INVENTORY;

/// The shipped file with one text replaced; what is said, as `line key: message`.
fn said(from: &str, to: &str) -> Vec<String> {
    assert!(INVENTORY.contains(from), "the shipped inventory has {from:?}");
    let text = INVENTORY.replacen(from, to, 1);
    let problems = parse(&text).expect_err("it has a mistake");
    problems.iter().map(|problem| format!("{} {}: {}", problem.line, problem.key, problem.message)).collect()
}

fn line_of(text: &str, part: &str) -> usize {
    text[..text.find(part).expect("it is there")].matches('\n').count() + 1
}

#[test]
fn the_shipped_inventory_has_no_mistake() {
    assert_eq!(parse(INVENTORY).map(|inventory| inventory.machines.len()), Ok(14));
}

#[test]
fn every_mistake_is_named_with_its_line_and_a_remedy() {
    let cases: [(&str, &str, &str, &str); 20] = [
        ("mtu = 9000", "mtuu = 9000", "networks.voice.mtuu", "nearest is \"mtu\""),
        ("subnet = \"10.20.20.0/24\"", "subnet = \"10.10.10.0/24\"", "networks.voice.subnet", "overlaps data"),
        ("subnet = \"10.20.20.0/24\"", "subnet = \"10.20.20.1/24\"", "networks.data.subnet", "is not a network like"),
        ("uplink = \"forbidden\"", "uplink = \"forbiden\"", "networks.voice.uplink", "nearest is \"forbidden\""),
        ("name = \"kamailio-02\"", "name = \"kamailio-01\"", "machines.kamailio-01#2", "given twice"),
        ("number = 12", "number = 11", "machines.kamailio-02", "that of machines.kamailio-01 already"),
        ("number = 12", "number = 0", "machines.kamailio-02.number", "use 1 to 254"),
        ("number = 12", "number = 1200", "machines.kamailio-02.number", "invalid value"),
        (
            "networks = [\"management\", \"data\", \"sync\"]",
            "networks = [\"management\", \"external\", \"sync\"]",
            "machines.mariadb-01.networks",
            "never on external",
        ),
        (
            "networks = [\"management\", \"data\", \"sync\"]",
            "networks = [\"management\", \"dat\", \"sync\"]",
            "machines.mariadb-01.networks",
            "nearest is \"data\"",
        ),
        ("host = \"host-01\"", "host = \"host-1\"", "machines.kamailio-01.host", "nearest is \"host-01\""),
        (
            "host = \"host-01\"\nnumber = 11",
            "host = \"host-01\"\njump = \"kamailio-01\"\nnumber = 11",
            "machines.kamailio-01.jump",
            "circle: kamailio-01 → kamailio-01",
        ),
        ("[endpoints.asterisk]", "[endpoints.asterix]", "endpoints.asterix", "nearest is \"asterisk\""),
        (
            "ami = { network = \"management\"",
            "ami = { network = \"sync\"",
            "endpoints.asterisk.ami.network",
            "not on it: asterisk-01",
        ),
        ("primary = \"mariadb-01\"", "primary = \"mariadb-03\"", "clusters.database.primary", "There is no member"),
        (
            "writer = { data = \"10.20.20.40\"",
            "writer = { data = \"10.20.20.41\"",
            "clusters.database.writer",
            "that of machines.mariadb-01",
        ),
        ("router_id = 52", "router_id = 51", "clusters.proxy.virtual_addresses", "is taken on external"),
        ("set = 102", "set = 101", "carriers.carrier-b.set", "that of carrier-a"),
        ("[credentials]", "[credentails]", "credentails", "nearest is \"credentials\""),
        ("panel = \"file:secrets/panel\"", "panel = \"hunter2hunter2\"", "credentials.panel", "No secret in this file"),
    ];
    for (from, to, key, message) in cases {
        let said = said(from, to);
        let found = said.iter().find(|line| line.contains(&format!(" {key}: ")) && line.contains(message));
        assert!(found.is_some(), "{to:?}: {said:#?}");
        assert!(!said.iter().any(|line| line.contains("hunter2")), "the secret is not repeated: {said:?}");
    }
}

#[test]
fn lines_are_those_of_the_file_and_one_mistake_does_not_hide_the_next() {
    let text = INVENTORY.replacen("mtu = 1500", "mtuu = 1500", 1).replacen("number = 21", "numbr = 21", 1);
    let problems = parse(&text).expect_err("two typos");
    let lines: Vec<usize> = problems.iter().map(|problem| problem.line).collect();
    for typo in ["mtuu", "numbr"] {
        assert!(lines.contains(&line_of(&text, typo)), "{typo}: {problems:#?}");
    }
}

#[test]
fn tls_endpoints_are_read_and_their_mistakes_named() {
    let with = |entry: &str| parse(&format!("{INVENTORY}\n[[certificates]]\n{entry}\n"));
    let read = with("name = \"sip\"\naddress = \"203.0.113.10:5061\"\nserver_name = \"sip.example.net\"").expect("no mistake");
    assert_eq!(read.certificates[0].server_name.as_deref(), Some("sip.example.net"));
    for (entry, key, message) in [
        ("name = \"sip\"\naddress = \"https://a\"", "certificates.sip.address", "not a host and a port"),
        ("name = \"sip\"\naddress = \"a:443\"\nserver_name = \"a b\"", "certificates.sip.server_name", "no name of a server"),
        ("name = \"sip\"", "certificates.sip", "\"address\" is missing"),
        ("name = \"sip\"\naddress = \"a:443\"\nserver = \"b\"", "certificates.sip.server", "nearest is \"server_name\""),
        ("name = \"host-01\"\naddress = \"a:443\"", "certificates.host-01", "name of a host too"),
        ("name = \"SIP TLS\"\naddress = \"a:443\"", "certificates.SIP TLS", "is not a name"),
    ] {
        let problems = with(entry).expect_err("a mistake");
        let found =
            problems.iter().any(|problem| problem.key.starts_with(key) && problem.message.contains(message) && problem.line > 200);
        assert!(found, "{entry}: {problems:#?}");
    }
}

#[test]
fn what_is_not_toml_is_named_too() {
    let problems = parse("name = \"x\"\n[networks.voice\nmtu = = 3\n").expect_err("not TOML");
    assert!(problems.iter().all(|problem| problem.line >= 2), "{problems:?}");
    assert!(parse("").is_err() && parse("name = 3").is_err() && parse("machines = 3").is_err());
}
