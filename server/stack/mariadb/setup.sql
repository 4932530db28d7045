-- The first minutes of the database cluster: run once, on the primary's empty data folder, as root over the socket:
--   mariadb < setup.sql, then mariadb asterisk < cdr.sql, then mariadb kamailio < kamailio.sql
-- On the replica run replicate.sql only: it gets all of this from the primary's binary log.
--
-- Each application has a user with the least it needs, valid from the subnet it lives on. None has SUPER or READ ONLY ADMIN:
-- then read_only on a replica holds for all of them, and a misled application cannot write to the wrong server.

ALTER USER root@localhost IDENTIFIED VIA unix_socket OR mysql_native_password USING PASSWORD('{{ credential.root }}');
-- What mariadb-install-db may have made beside it: ways in for root without a password.
DROP USER IF EXISTS root@'127.0.0.1', root@'::1', ''@localhost;
{%- for database in databases %}
DROP USER IF EXISTS root@'{{ database.name }}', ''@'{{ database.name }}';
{%- endfor %}
DROP DATABASE IF EXISTS test;

CREATE DATABASE kamailio;
CREATE DATABASE asterisk;

-- The replica reads the binary log over Sync.
CREATE USER replicator@'{{ networks.sync.pattern }}' IDENTIFIED BY '{{ credential.replication }}';
GRANT REPLICATION SLAVE ON *.* TO replicator@'{{ networks.sync.pattern }}';
-- keep-primary asks the other servers whom they follow.
GRANT SLAVE MONITOR ON *.* TO replicator@'{{ networks.sync.pattern }}';

-- The proxies read routes and scanners over Sync, and write attempts.
CREATE USER kamailio@'{{ networks.sync.pattern }}' IDENTIFIED BY '{{ credential.kamailio }}';
GRANT SELECT ON kamailio.* TO kamailio@'{{ networks.sync.pattern }}';

-- The PBXs write call detail records over Data. SELECT is there because ODBC looks at the table's columns.
CREATE USER asterisk@'{{ networks.data.pattern }}' IDENTIFIED BY '{{ credential.asterisk }}';

-- Billing reads what was called and attempted. Its own tables are granted where they are created.
CREATE USER billing@'{{ networks.data.pattern }}' IDENTIFIED BY '{{ credential.billing }}';
GRANT SELECT ON asterisk.* TO billing@'{{ networks.data.pattern }}';
GRANT SELECT ON kamailio.* TO billing@'{{ networks.data.pattern }}';

-- The panel watches replication and writes routes, over Management. A failover it does as root on the machine itself.
CREATE USER panel@'{{ networks.management.pattern }}' IDENTIFIED BY '{{ credential.panel }}';
GRANT PROCESS, BINLOG MONITOR, SLAVE MONITOR ON *.* TO panel@'{{ networks.management.pattern }}';
GRANT SELECT ON asterisk.* TO panel@'{{ networks.management.pattern }}';
GRANT SELECT ON kamailio.* TO panel@'{{ networks.management.pattern }}';

-- What the panel itself writes: a row a second with its own time, on the primary only, so that each replica's age of it is the lag.
-- And what it may know of the rights of others: the names of those whom read_only does not stop, without their passwords.
-- (Bits 15 and 33 of a user's rights are SUPER and READ ONLY ADMIN.)
CREATE DATABASE wirecenter_watch;
CREATE TABLE wirecenter_watch.heartbeat (
    server_id INT UNSIGNED NOT NULL PRIMARY KEY,
    -- Microseconds since 1970, by the panel's clock.
    at_us BIGINT NOT NULL
);
-- A row of each client's machine, written by it through the writer's address after a switchover, to see that it can.
CREATE TABLE wirecenter_watch.proof (
    client VARCHAR(64) NOT NULL PRIMARY KEY,
    at_us BIGINT NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON wirecenter_watch.proof TO kamailio@'{{ networks.sync.pattern }}';
GRANT SELECT, INSERT, UPDATE ON wirecenter_watch.proof TO asterisk@'{{ networks.data.pattern }}';
GRANT SELECT, INSERT, UPDATE ON wirecenter_watch.proof TO billing@'{{ networks.data.pattern }}';
CREATE SQL SECURITY DEFINER VIEW wirecenter_watch.privileged AS
    SELECT DISTINCT User AS user_name FROM mysql.global_priv
    WHERE CAST(JSON_VALUE(Priv, '$.access') AS UNSIGNED) & ((1 << 15) | (1 << 33)) != 0;
GRANT SELECT, INSERT, UPDATE ON wirecenter_watch.heartbeat TO panel@'{{ networks.management.pattern }}';
GRANT SELECT ON wirecenter_watch.privileged TO panel@'{{ networks.management.pattern }}';
