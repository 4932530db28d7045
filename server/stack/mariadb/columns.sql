-- What came later, for databases made by an earlier version of setup.sql, cdr.sql and kamailio.sql. Run once, on the primary, as
-- root over the socket, before proxies and PBXs get their new files: mariadb < columns.sql. What is there already stays as it is.
ALTER TABLE asterisk.cdr
    ADD COLUMN IF NOT EXISTS ringing_us BIGINT NULL,
    ADD COLUMN IF NOT EXISTS customer_codec VARCHAR(32) NOT NULL DEFAULT '',
    ADD COLUMN IF NOT EXISTS carrier_codec VARCHAR(32) NOT NULL DEFAULT '';
ALTER TABLE kamailio.attempts
    ADD COLUMN IF NOT EXISTS ringing_ms INT UNSIGNED NULL;
CREATE TABLE IF NOT EXISTS wirecenter_watch.proof (
    client VARCHAR(64) NOT NULL PRIMARY KEY,
    at_us BIGINT NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON wirecenter_watch.proof TO kamailio@'{{ networks.sync.pattern }}';
GRANT SELECT, INSERT, UPDATE ON wirecenter_watch.proof TO asterisk@'{{ networks.data.pattern }}';
GRANT SELECT, INSERT, UPDATE ON wirecenter_watch.proof TO billing@'{{ networks.data.pattern }}';
GRANT SLAVE MONITOR ON *.* TO replicator@'{{ networks.sync.pattern }}';
