//! The inventory of the lab, as it is shipped.

use app::fleet::inventory::Inventory;

pub const INVENTORY: &str = include_str!("../../stack/inventory.toml");

pub fn shipped_inventory() -> Result<Inventory, String> {
    toml::from_str(INVENTORY).map_err(|error| format!("The shipped inventory is not understood: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use app::fleet::inventory::Role;

    #[test]
    fn every_name_in_it_is_declared_in_it() {
        let inventory = shipped_inventory().expect("it is valid");
        for machine in &inventory.machines {
            assert_eq!(inventory.nics(machine).len(), machine.networks.len(), "{}", machine.name);
            assert!(inventory.hosts.iter().any(|host| host.name == machine.host), "{}", machine.name);
            for (name, endpoint) in inventory.endpoints.get(&machine.role).into_iter().flatten() {
                assert!(inventory.endpoint(machine, name).is_some(), "{} {name}", machine.name);
                assert!(endpoint.credential.as_ref().is_none_or(|name| inventory.credentials.contains_key(name)), "{name}");
            }
        }
        for cluster in inventory.clusters.values() {
            let declared = |name: &String| inventory.machine(name).is_some_and(|machine| machine.role == cluster.role);
            assert!(cluster.members.iter().chain(&cluster.primary).all(declared), "{cluster:?}");
        }
        // What the design says of isolation.
        for machine in inventory.of_role(Role::Mariadb) {
            assert!(!machine.networks.iter().any(|network| network == "external"), "{}", machine.name);
        }
    }
}
