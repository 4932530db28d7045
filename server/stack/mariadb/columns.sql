-- Columns that came later, for tables made by an earlier version of cdr.sql and kamailio.sql. Run once, on the primary, as root over
-- the socket, before proxies and PBXs get their new files: mariadb < columns.sql. Where a column is there already nothing happens.
ALTER TABLE asterisk.cdr
    ADD COLUMN IF NOT EXISTS ringing_us BIGINT NULL,
    ADD COLUMN IF NOT EXISTS customer_codec VARCHAR(32) NOT NULL DEFAULT '',
    ADD COLUMN IF NOT EXISTS carrier_codec VARCHAR(32) NOT NULL DEFAULT '';
ALTER TABLE kamailio.attempts
    ADD COLUMN IF NOT EXISTS ringing_ms INT UNSIGNED NULL;
