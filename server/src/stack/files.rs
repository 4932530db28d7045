//! The templates: which machine gets which file, where it lies there, and who may read it.

use app::fleet::inventory::Role::{self, Asterisk, Billing, Kamailio, Mariadb, Monitor};

/// One template of the configuration we ship.
pub(super) struct Template {
    /// Below `server/stack/`.
    pub source: &'static str,
    /// On the machine.
    pub path: &'static str,
    pub mode: u32,
    pub only_on: Where,
    /// The credentials that stand in this file, and no others are read for it.
    pub credentials: &'static [&'static str],
    pub text: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Where {
    Role(Role),
    /// Machines of ours with a foot in the outside.
    External,
    /// Members of the database cluster that follow the primary, or the primary itself.
    Primary,
    Replica,
    Ours,
}

/// Everybody may read.
const OPEN: u32 = 0o644;
/// A secret is in it: root, and the group the daemon runs as.
const SECRET: u32 = 0o640;
const EXECUTABLE: u32 = 0o755;

macro_rules! template {
    ($source:literal, $path:literal, $mode:expr, $only_on:expr, [$($credential:literal),*]) => {
        Template {
            source: $source,
            path: $path,
            mode: $mode,
            only_on: $only_on,
            credentials: &[$($credential),*],
            text: include_str!(concat!("../../stack/", $source)),
        }
    };
}

pub(super) const TEMPLATES: &[Template] = &[
    template!("kamailio/kamailio.cfg", "/etc/kamailio/kamailio.cfg", OPEN, Where::Role(Kamailio), []),
    template!("kamailio/modules.cfg", "/etc/kamailio/modules.cfg", OPEN, Where::Role(Kamailio), []),
    template!("kamailio/customers.cfg", "/etc/kamailio/customers.cfg", OPEN, Where::Role(Kamailio), []),
    template!("kamailio/carriers.cfg", "/etc/kamailio/carriers.cfg", OPEN, Where::Role(Kamailio), []),
    template!("kamailio/lcr-module.cfg", "/etc/kamailio/lcr-module.cfg", OPEN, Where::Role(Kamailio), []),
    template!("kamailio/dispatcher.list", "/etc/kamailio/dispatcher.list", OPEN, Where::Role(Kamailio), []),
    template!("kamailio/permissions.address", "/etc/kamailio/permissions.address", OPEN, Where::Role(Kamailio), []),
    template!("kamailio/credentials.cfg", "/etc/kamailio/credentials.cfg", SECRET, Where::Role(Kamailio), ["kamailio"]),
    template!("keepalived/keepalived.conf", "/etc/keepalived/keepalived.conf", OPEN, Where::Role(Kamailio), []),
    template!("keepalived/check-kamailio", "/etc/keepalived/check-kamailio", EXECUTABLE, Where::Role(Kamailio), []),
    template!("asterisk/asterisk.conf", "/etc/asterisk/asterisk.conf", OPEN, Where::Role(Asterisk), []),
    template!("asterisk/modules.conf", "/etc/asterisk/modules.conf", OPEN, Where::Role(Asterisk), []),
    template!("asterisk/pjsip.conf", "/etc/asterisk/pjsip.conf", OPEN, Where::Role(Asterisk), []),
    template!("asterisk/extensions.conf", "/etc/asterisk/extensions.conf", OPEN, Where::Role(Asterisk), []),
    template!("asterisk/rtp.conf", "/etc/asterisk/rtp.conf", OPEN, Where::Role(Asterisk), []),
    template!("asterisk/manager.conf", "/etc/asterisk/manager.conf", SECRET, Where::Role(Asterisk), ["panel"]),
    template!("asterisk/ari.conf", "/etc/asterisk/ari.conf", SECRET, Where::Role(Asterisk), ["panel"]),
    template!("asterisk/http.conf", "/etc/asterisk/http.conf", OPEN, Where::Role(Asterisk), []),
    template!("asterisk/prometheus.conf", "/etc/asterisk/prometheus.conf", OPEN, Where::Role(Asterisk), []),
    template!("asterisk/cdr.conf", "/etc/asterisk/cdr.conf", OPEN, Where::Role(Asterisk), []),
    template!("asterisk/cdr_custom.conf", "/etc/asterisk/cdr_custom.conf", OPEN, Where::Role(Asterisk), []),
    template!("asterisk/cdr_adaptive_odbc.conf", "/etc/asterisk/cdr_adaptive_odbc.conf", OPEN, Where::Role(Asterisk), []),
    template!("asterisk/res_odbc.conf", "/etc/asterisk/res_odbc.conf", SECRET, Where::Role(Asterisk), ["asterisk"]),
    template!("asterisk/odbc.ini", "/etc/asterisk/odbc.ini", OPEN, Where::Role(Asterisk), []),
    template!("asterisk/odbcinst.ini", "/etc/asterisk/odbcinst.ini", OPEN, Where::Role(Asterisk), []),
    template!("asterisk/logger.conf", "/etc/asterisk/logger.conf", OPEN, Where::Role(Asterisk), []),
    template!("asterisk/cel.conf", "/etc/asterisk/cel.conf", OPEN, Where::Role(Asterisk), []),
    template!("asterisk/features.conf", "/etc/asterisk/features.conf", OPEN, Where::Role(Asterisk), []),
    template!("asterisk/acl.conf", "/etc/asterisk/acl.conf", OPEN, Where::Role(Asterisk), []),
    template!("asterisk/udptl.conf", "/etc/asterisk/udptl.conf", OPEN, Where::Role(Asterisk), []),
    template!("asterisk/pjproject.conf", "/etc/asterisk/pjproject.conf", OPEN, Where::Role(Asterisk), []),
    template!("asterisk/ccss.conf", "/etc/asterisk/ccss.conf", OPEN, Where::Role(Asterisk), []),
    template!("asterisk/indications.conf", "/etc/asterisk/indications.conf", OPEN, Where::Role(Asterisk), []),
    template!("asterisk/websocket_client.conf", "/etc/asterisk/websocket_client.conf", OPEN, Where::Role(Asterisk), []),
    template!("mariadb/my.cnf", "/etc/mysql/my.cnf", OPEN, Where::Role(Mariadb), []),
    template!(
        "mariadb/setup.sql",
        "/etc/mysql/setup.sql",
        SECRET,
        Where::Primary,
        ["root", "replication", "kamailio", "asterisk", "billing", "panel"]
    ),
    template!("mariadb/keep-primary", "/etc/mysql/keep-primary", EXECUTABLE, Where::Role(Mariadb), []),
    template!("mariadb/peer.cnf", "/etc/mysql/peer.cnf", SECRET, Where::Role(Mariadb), ["replication"]),
    template!("mariadb/kamailio.sql", "/etc/mysql/kamailio.sql", OPEN, Where::Primary, []),
    template!("mariadb/cdr.sql", "/etc/mysql/cdr.sql", OPEN, Where::Primary, []),
    template!("mariadb/columns.sql", "/etc/mysql/columns.sql", OPEN, Where::Primary, []),
    template!("mariadb/replicate.sql", "/etc/mysql/replicate.sql", SECRET, Where::Replica, ["replication"]),
    template!("monitor/prometheus-node-exporter", "/etc/default/prometheus-node-exporter", OPEN, Where::Role(Monitor), []),
    template!("sysctl/60-wirecenter.conf", "/etc/sysctl.d/60-wirecenter.conf", OPEN, Where::Ours, []),
    template!("sshd/sshd_config", "/etc/ssh/sshd_config", OPEN, Where::Ours, []),
    template!("shorewall/shorewall.conf", "/etc/shorewall/shorewall.conf", OPEN, Where::External, []),
    template!("shorewall/zones", "/etc/shorewall/zones", OPEN, Where::External, []),
    template!("shorewall/interfaces", "/etc/shorewall/interfaces", OPEN, Where::External, []),
    template!("shorewall/policy", "/etc/shorewall/policy", OPEN, Where::External, []),
    template!("shorewall/rules", "/etc/shorewall/rules", OPEN, Where::External, []),
    template!("shorewall/stoppedrules", "/etc/shorewall/stoppedrules", OPEN, Where::External, []),
    template!("shorewall/params", "/etc/shorewall/params", OPEN, Where::External, []),
    template!("shorewall/conntrack", "/etc/shorewall/conntrack", OPEN, Where::External, []),
];

/// Roles whose machines must be there before a file of this role can be written: a proxy without a PBX is a mistake, not a file.
pub(super) const fn needs(role: Role) -> &'static [Role] {
    match role {
        Kamailio => &[Kamailio, Asterisk, Mariadb],
        Asterisk => &[Kamailio, Billing, Mariadb],
        Mariadb => &[Mariadb],
        Billing => &[Asterisk],
        _ => &[],
    }
}
