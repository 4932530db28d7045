//! What each role of machine runs, in which order, and how one sees that it is ready. The configuration itself is that of
//! `server/stack/`, the very files a user deploys.

use super::{
    daemons::Daemons,
    machine::ASTERISK_ROOT,
    plan::{Bind, MachinePlan, Ready, Service, Step},
};
use app::fleet::inventory::{Inventory, Machine, Role};
use std::net::SocketAddrV4;

/// Of the phones and of the addresses customers send to.
pub const SIP_PORT: u16 = 5060;
/// Where a phone of the lab is controlled, inside its machine.
pub const PHONE_CONTROL: &str = "/run/phone.sock";

/// Leads into Asterisk's own root file system, on distributions that have no package of it.
pub const ASTERISK_ENTRY: &str = "/usr/local/sbin/asterisk";

const PROGRAM: &str = "/usr/local/bin/wirecenter";

pub fn plan(inventory: &Inventory, machine: &Machine, daemons: &Daemons) -> MachinePlan {
    let mut binds = Vec::new();
    if machine.role == Role::Asterisk {
        binds.extend(asterisk_binds(daemons));
    }
    MachinePlan {
        name: machine.name.clone(),
        hosts: hosts(inventory),
        accounts: ["mysql", "kamailio", "asterisk", "sshd", "keepalived_script"].map(Into::into).to_vec(),
        own_folders: ["ssh", "mysql", "kamailio", "keepalived", "asterisk", "shorewall"]
            .map(|name| format!("/etc/{name}").into())
            .to_vec(),
        binds,
        nics: inventory.nics(machine),
        services: services(inventory, machine, daemons),
    }
}

/// Machines know each other by name on the innermost network they share; this is one file for all, so it names them by network.
fn hosts(inventory: &Inventory) -> String {
    let mut text = String::from("127.0.0.1 localhost\n");
    for machine in &inventory.machines {
        for (i, nic) in inventory.nics(machine).iter().rev().enumerate() {
            // The innermost network comes last in the inventory; it also gives the plain name.
            let plain = if i == 0 { format!(" {}", machine.name) } else { String::new() };
            text.push_str(&format!("{} {}.{}{plain}\n", nic.address, machine.name, nic.network));
        }
    }
    text
}

fn services(inventory: &Inventory, machine: &Machine, daemons: &Daemons) -> Vec<Service> {
    let at = |network: &str| inventory.address(machine, network);
    let answers = |endpoint: &str| inventory.endpoint(machine, endpoint).map(|(address, _)| address);
    let mut services = Vec::new();
    if machine.role.is_ours() {
        services.extend(answers("ssh").map(|listen| sshd(listen, daemons)));
        if at("external").is_some() {
            services.push(firewall(daemons));
        }
    }
    match machine.role {
        Role::Kamailio => services.extend([kamailio(daemons), keepalived(daemons)]),
        Role::Asterisk => services.push(asterisk(inventory, daemons)),
        Role::Billing => {
            services.extend(answers("agi").map(|listen| {
                Service::new("authorizer", &[PROGRAM, "lab", "authorizer", "--listen", &listen.to_string()], Ready::Tcp(listen))
                    .version(daemons.version("wirecenter"))
            }));
        }
        Role::Mariadb => services.extend([mariadb(inventory, machine, daemons), keep_primary(daemons)]),
        Role::Monitor => {
            services.extend(answers("metrics").map(|listen| {
                let flag = format!("--web.listen-address={listen}");
                Service::new("node-exporter", &["prometheus-node-exporter", &flag], Ready::Tcp(listen))
                    .version(daemons.version("prometheus-node-exporter"))
            }));
        }
        Role::Carrier | Role::Customer => {
            services.extend(at("external").map(|address| {
                let listen = SocketAddrV4::new(address, SIP_PORT).to_string();
                let argv = [PROGRAM, "lab", "phone", "--name", &machine.name, "--listen", &listen, "--control", PHONE_CONTROL];
                Service::new("phone", &argv, Ready::Path(PHONE_CONTROL.into())).version(daemons.version("wirecenter"))
            }));
        }
        // It only has addresses; what it does is done to it.
        Role::Switch => {}
    }
    services
}

fn sshd(listen: SocketAddrV4, daemons: &Daemons) -> Service {
    const KEY: &str = "/etc/ssh/ssh_host_ed25519_key";
    Service::new("sshd", &["/usr/sbin/sshd", "-D", "-e", "-f", "/etc/ssh/sshd_config"], Ready::Tcp(listen))
        .version(daemons.version("sshd"))
        .folder("/run/sshd", None, 0o755)
        .folder("/etc/ssh", None, 0o755)
        .before(Step::run(&["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", KEY]).unless(KEY))
}

fn firewall(daemons: &Daemons) -> Service {
    Service::new("firewall", &["/usr/sbin/shorewall", "start"], Ready::Ended).version(daemons.version("shorewall")).folder(
        "/var/lib/shorewall",
        None,
        0o755,
    )
}

/// Asks the Kamailio of the machine it runs in.
pub fn kamcmd<'a>(words: &[&'a str]) -> Vec<&'a str> {
    [&["kamcmd", "-s", "unix:/run/kamailio/ctl"], words].concat()
}

fn kamailio(daemons: &Daemons) -> Service {
    const RUN: &str = "/run/kamailio";
    let mut argv = vec!["/usr/sbin/kamailio", "-DD", "-E", "-f", "/etc/kamailio/kamailio.cfg", "-P", "/run/kamailio/kamailio.pid"];
    argv.extend(["-Y", RUN, "-w", RUN, "-u", "kamailio", "-g", "kamailio"]);
    // MiB shared by all processes, and of each process: room for 100,000 routes, twice while they are read anew.
    argv.extend(["-m", "256", "-M", "16"]);
    let alive = kamcmd(&["core.uptime"]).into_iter().map(Into::into).collect();
    Service::new("kamailio", &argv, Ready::Answers(alive)).version(daemons.version("kamailio")).folder(RUN, Some("kamailio"), 0o755)
}

fn keepalived(daemons: &Daemons) -> Service {
    let argv = ["/usr/sbin/keepalived", "--dont-fork", "--log-console", "--use-file", "/etc/keepalived/keepalived.conf"];
    Service::new("keepalived", &argv, Ready::Started).version(daemons.version("keepalived"))
}

fn asterisk(inventory: &Inventory, daemons: &Daemons) -> Service {
    let program = if daemons.asterisk_root.is_some() { ASTERISK_ENTRY } else { "/usr/sbin/asterisk" };
    let argv = [program, "-f", "-C", "/etc/asterisk/asterisk.conf"];
    let mut service = Service::new("asterisk", &argv, Ready::Path("/run/asterisk/asterisk.ctl".into()))
        .version(daemons.version("asterisk"))
        .environment("ODBCSYSINI", "/etc/asterisk");
    // Where the CDRs go is looked at once, at the start: a PBX that starts without its database writes them to its own disk only.
    if let Some(writer) = inventory.cluster_of(Role::Mariadb).and_then(|cluster| cluster.writer.get("data")) {
        let knock = format!("exec 3<>/dev/tcp/{writer}/3306");
        service = service.before(Step::run(&["timeout", "1", "bash", "-c", &knock]).retried(60));
    }
    for folder in ["/run/asterisk", "/var/lib/asterisk", "/var/log/asterisk/cdr-custom", "/var/spool/asterisk"] {
        service = service.folder(folder, None, 0o755);
    }
    service
}

/// Asterisk's own root file system, with what the machine and it must share.
fn asterisk_binds(daemons: &Daemons) -> Vec<Bind> {
    let Some(root) = &daemons.asterisk_root else { return Vec::new() };
    let shared =
        ["/proc", "/sys", "/dev", "/run", "/tmp", "/etc/asterisk", "/var/lib/asterisk", "/var/log/asterisk", "/var/spool/asterisk"];
    let mut binds = vec![Bind { from: root.clone(), to: ASTERISK_ROOT.into(), read_only: true, inside: false }];
    binds.extend(shared.map(|path| Bind {
        from: path.into(),
        to: format!("{ASTERISK_ROOT}{path}").into(),
        read_only: false,
        inside: true,
    }));
    binds
}

/// Who is primary is not known before the other servers can be asked; nobody waits for it.
fn keep_primary(daemons: &Daemons) -> Service {
    Service::new("keep-primary", &["/etc/mysql/keep-primary"], Ready::Started).version(daemons.version("mariadbd"))
}

fn mariadb(inventory: &Inventory, machine: &Machine, daemons: &Daemons) -> Service {
    let is_primary = inventory.cluster_of(Role::Mariadb).and_then(|cluster| cluster.primary.as_deref()) == Some(&machine.name);
    let install = [
        "mariadb-install-db",
        "--no-defaults",
        "--user=mysql",
        "--datadir=/var/lib/mysql",
        "--skip-test-db",
        "--skip-name-resolve",
    ];
    let alive = ["mariadb", "--no-defaults", "--socket=/run/mysqld/mysqld.sock", "-e", "SELECT 1"].map(Into::into).to_vec();
    let mut service = Service::new(
        "mariadb",
        &["/usr/sbin/mariadbd", "--defaults-file=/etc/mysql/my.cnf", "--user=mysql"],
        Ready::Answers(alive),
    )
    .version(daemons.version("mariadbd"))
    .folder("/var/lib/mysql", Some("mysql"), 0o750)
    .folder("/var/log/mysql", Some("mysql"), 0o750)
    .folder("/run/mysqld", Some("mysql"), 0o755)
    .before(Step::run(&install).unless("/var/lib/mysql/mysql"));
    let run = |database: &str, file: &str| {
        let mut argv = vec!["mariadb", "--defaults-file=/etc/mysql/my.cnf"];
        argv.extend((!database.is_empty()).then_some(database));
        let mark = file.replace(['/', '.'], "-");
        Step::run(&argv).input(file).once(&format!("/var/lib/done{mark}"))
    };
    if is_primary {
        service = service.after(run("", "/etc/mysql/setup.sql"));
        for table in ["standard", "mtree", "secfilter"] {
            service = service.after(run("kamailio", &format!("/usr/share/kamailio/mysql/{table}-create.sql")));
        }
        service = service
            .after(run("kamailio", "/etc/mysql/kamailio.sql"))
            .after(run("asterisk", "/etc/mysql/cdr.sql"))
            // A lab that was built by an earlier version has its tables already.
            .after(run("", "/etc/mysql/columns.sql"))
            .after(run("kamailio", "/etc/mysql/routes.sql"));
        let first = Step::run(&["/etc/mysql/keep-primary", "first"]).once("/var/lib/done-first-primary");
        service = service.after(first);
    } else {
        service = service.after(run("", "/etc/mysql/replicate.sql").retried(60));
    }
    service
}
