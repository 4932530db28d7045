//! Made-up fleets for tests: the lab's ten machines, and a large one.

use super::inventory::Inventory;

/// The carrier that the lab builds.
pub fn lab() -> Inventory {
    let names = [
        ("kamailio", 2, 11, vec!["management", "external", "voice", "sync"]),
        ("asterisk", 3, 21, vec!["management", "external", "voice", "data"]),
        ("billing", 2, 31, vec!["management", "external", "data"]),
        ("mariadb", 2, 41, vec!["management", "data", "sync"]),
        ("monitor", 1, 51, vec!["management", "external", "voice", "data"]),
    ];
    fleet(&names)
}

/// Two hundred machines of the same roles.
pub fn large() -> Inventory {
    let names = [
        ("kamailio", 24, 1, vec!["management", "external", "voice", "sync"]),
        ("asterisk", 120, 30, vec!["management", "external", "voice", "data"]),
        ("billing", 40, 150, vec!["management", "external", "data"]),
        ("mariadb", 12, 200, vec!["management", "data", "sync"]),
        ("monitor", 4, 220, vec!["management", "external", "voice", "data"]),
    ];
    fleet(&names)
}

fn fleet(parts: &[(&str, u8, u8, Vec<&str>)]) -> Inventory {
    let mut machines = Vec::new();
    let mut clusters = serde_json::Map::new();
    for (role, count, number, networks) in parts {
        let names: Vec<String> = (1..=*count).map(|i| format!("{role}-{i:02}")).collect();
        for (i, name) in (0u8..).zip(&names) {
            machines.push(serde_json::json!({
                "name": name, "role": role, "host": "host-01", "number": number.saturating_add(i), "networks": networks,
            }));
        }
        let key = match *role {
            "kamailio" => "proxy",
            "asterisk" => "pbx",
            "billing" => "authorizer",
            "mariadb" => "database",
            _ => continue,
        };
        let mut cluster = serde_json::json!({ "role": role, "members": names });
        if key == "database" {
            cluster["primary"] = "mariadb-01".into();
            cluster["writer"] = serde_json::json!({ "data": "10.20.20.40", "sync": "10.30.30.40" });
        }
        if key == "proxy" {
            cluster["virtual_addresses"] = serde_json::json!([
                { "network": "external", "address": "203.0.113.10", "prefers": "kamailio-01", "router_id": 51 },
                { "network": "external", "address": "203.0.113.20", "prefers": "kamailio-02", "router_id": 52 },
            ]);
        }
        clusters.insert(key.into(), cluster);
    }
    let outside = [("carrier-a", "carrier", 101), ("carrier-b", "carrier", 102), ("customer-01", "customer", 151)];
    for (name, role, number) in outside {
        machines
            .push(serde_json::json!({ "name": name, "role": role, "host": "host-01", "number": number, "networks": ["external"] }));
    }
    serde_json::from_value(serde_json::json!({
        "name": "test",
        "networks": {
            "management": { "subnet": "10.40.40.0/24", "mtu": 1500, "uplink": "expected" },
            "external": { "subnet": "203.0.113.0/24", "mtu": 1500, "uplink": "expected" },
            "voice": { "subnet": "10.10.10.0/24", "mtu": 9000, "uplink": "forbidden" },
            "data": { "subnet": "10.20.20.0/24", "mtu": 9000, "uplink": "forbidden" },
            "sync": { "subnet": "10.30.30.0/24", "mtu": 9000, "uplink": "forbidden" },
        },
        "hosts": [{ "name": "host-01", "kind": "lab", "management": "10.40.40.1" }],
        "machines": machines,
        "clusters": clusters,
        "endpoints": {
            "kamailio": {
                "ssh": { "network": "management", "port": 22, "user": "root", "credential": "ssh" },
                "jsonrpc": { "network": "management", "port": 8060, "path": "/RPC" },
            },
            "asterisk": { "ssh": { "network": "management", "port": 22, "user": "root", "credential": "ssh" } },
            "mariadb": { "sql": { "network": "management", "port": 3306, "user": "panel", "credential": "panel" } },
        },
        "carriers": [
            { "name": "carrier-b", "set": 102, "priority": 2, "trunks": ["203.0.113.102:5060"] },
            { "name": "carrier-a", "set": 101, "priority": 1, "trunks": ["203.0.113.101:5060"] },
        ],
        "customers": [{ "name": "customer-01", "trunks": ["203.0.113.151:5060"] }],
    }))
    .expect("an inventory")
}
