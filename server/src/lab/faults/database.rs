//! Faults of a replica.

use super::Scene;
use app::fleet::inventory::Role;

/// Seconds a lagging replica waits before it applies what it has.
const LAG_S: u32 = 60;

fn replica(scene: &Scene<'_>) -> Result<String, String> {
    let machine = scene.machine_of(Role::Mariadb)?;
    let primary = scene.inventory.cluster_of(Role::Mariadb).and_then(|cluster| cluster.primary.clone());
    if primary.as_deref() == Some(&machine.name) {
        return Err(format!("{} is the primary; name a replica.", machine.name));
    }
    Ok(machine.name.clone())
}

/// As root over the machine's own socket, which no firewall and no lost password is in the way of.
fn sql(scene: &Scene<'_>, machine: &str, statements: &str) -> Result<String, String> {
    scene.inside(
        machine,
        &["timeout", "20", "mariadb", "--defaults-file=/etc/mysql/my.cnf", "--batch", "--skip-column-names", "-e", statements],
    )
}

fn on_replica(scene: &Scene<'_>, statements: &str) -> Result<(), String> {
    sql(scene, &replica(scene)?, statements).map(|_| ())
}

pub fn stop_replication(scene: &Scene<'_>) -> Result<(), String> {
    on_replica(scene, "STOP SLAVE")
}

pub fn start_replication(scene: &Scene<'_>) -> Result<(), String> {
    on_replica(scene, "START SLAVE")
}

pub fn lag(scene: &Scene<'_>) -> Result<(), String> {
    on_replica(scene, &format!("STOP SLAVE; CHANGE MASTER TO MASTER_DELAY={LAG_S}; START SLAVE"))
}

pub fn catch_up(scene: &Scene<'_>) -> Result<(), String> {
    on_replica(scene, "STOP SLAVE; CHANGE MASTER TO MASTER_DELAY=0; START SLAVE")
}

/// Written with a number of the replica's own, as a person with a root prompt in the wrong window would.
pub fn write_on_replica(scene: &Scene<'_>) -> Result<(), String> {
    on_replica(
        scene,
        "CREATE DATABASE IF NOT EXISTS errant; CREATE TABLE IF NOT EXISTS errant.written_on_a_replica (at DATETIME); \
         INSERT INTO errant.written_on_a_replica VALUES (NOW())",
    )
}

/// What was written is removed without a trace in the binary log, and the log, which now differs from the primary's, begins anew.
pub fn forget_errant(scene: &Scene<'_>) -> Result<(), String> {
    on_replica(
        scene,
        "STOP SLAVE; SET SESSION sql_log_bin=0; DROP DATABASE IF EXISTS errant; SET SESSION sql_log_bin=1; \
         SET @position = @@GLOBAL.gtid_slave_pos; RESET MASTER; SET GLOBAL gtid_slave_pos = @position; START SLAVE",
    )
}
