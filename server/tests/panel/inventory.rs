//! The inventory changes while the panel runs: what left it is nobody's any more, what came is looked at, without a restart.

use crate::harness::{Database, Panel, Setup, temp_dir, until};
use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// A failure has to be confirmed and to hold; a new file is looked at every second.
const SOON: Duration = Duration::from_secs(30);

/// One machine, on loopback, with one interface of its role, on a host `host-NUMBER`.
pub fn inventory(machine: &str, role: &str, number: u8, endpoint: &str, port: u16) -> String {
    format!(
        "name = \"test\"\n\
         [networks.management]\nsubnet = \"127.0.77.0/24\"\nmtu = 1500\nuplink = \"expected\"\n\
         [[hosts]]\nname = \"host-{number}\"\nkind = \"lab\"\nmanagement = \"127.0.77.1\"\n\
         [[machines]]\nname = \"{machine}\"\nrole = \"{role}\"\nhost = \"host-{number}\"\nnumber = {number}\nnetworks = [\"management\"]\n\
         [endpoints.{role}]\n{endpoint} = {{ network = \"management\", port = {port}, user = \"panel\", credential = \"panel\" }}\n\
         [credentials]\npanel = \"file:secret\"\n"
    )
}

/// Writes an inventory into a folder, with the secret it refers to.
pub fn write_inventory(dir: &Path, text: &str) {
    let secret = dir.join("secret");
    fs::write(&secret, "secret\n").expect("it can be written");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).expect("it is ours");
    fs::write(dir.join("inventory.toml"), text).expect("it can be written");
}

/// A port of this address where nobody listens.
pub fn nobody_at(address: &str) -> u16 {
    TcpListener::bind((address, 0)).and_then(|listener| listener.local_addr()).expect("loopback").port()
}

/// The machines the panel knows of; nothing before it has read its inventory.
fn machines(panel: &Panel) -> Vec<String> {
    let output = panel.command(&["fleet", "--json"]);
    let fleet: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let lines = fleet.as_array().cloned().unwrap_or_default();
    lines.iter().filter_map(|line| line["name"].as_str()).map(String::from).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_that_left_the_inventory_is_forgotten_and_a_new_one_is_looked_at_without_a_restart() {
    let (dir, database) = (temp_dir(), Database::new());
    let file = dir.path().join("inventory.toml");
    // Nobody listens at the PBX; the proxy counts who calls, and hangs up.
    let proxy = TcpListener::bind("127.0.77.17:0").expect("loopback");
    let port = proxy.local_addr().expect("it is bound").port();
    let looks = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&looks);
    std::thread::spawn(move || {
        proxy.incoming().for_each(|_| {
            counted.fetch_add(1, Ordering::Relaxed);
        });
    });

    write_inventory(dir.path(), &inventory("asterisk-01", "asterisk", 21, "ami", nobody_at("127.0.77.21")));
    let panel = Panel::start(Setup::with(&database).config(&format!("[fleet]\ninventory = {file:?}\n")));
    for name in ["asterisk-01", "kamailio-07", "host-21", "host-17", "management"] {
        panel.announce(name);
    }
    // Its host is silent too, which is the cause of all.
    let open = "SELECT COUNT(*) FROM alerts WHERE subject = 'host:host-21' AND resolved_at IS NULL";
    until("the alert of the PBX's host", SOON, async || database.sql(open) != "0").await;
    assert_eq!(machines(&panel), ["asterisk-01"]);
    assert_eq!(looks.load(Ordering::Relaxed), 0);

    write_inventory(dir.path(), &inventory("kamailio-07", "kamailio", 17, "jsonrpc", port));
    until("the end of that alert", SOON, async || database.sql(open) == "0").await;
    let told = database.sql(
        "SELECT DISTINCT text FROM alert_events JOIN alerts ON alerts.id = alert_events.alert_id
         WHERE subject = 'host:host-21' AND kind = 'resolved'",
    );
    assert_eq!(told, "host-21 is not in the inventory any more; the panel looks at it no longer.");
    until("a look at the proxy", SOON, async || looks.load(Ordering::Relaxed) > 1).await;
    assert_eq!(machines(&panel), ["kamailio-07"]);
    let log = panel.log();
    assert!(log.matches("is in force: 1 machines").count() == 2, "{log}");
}
