-- Database kamailio. The distribution's own tables first, of which these are needed:
--   for t in standard mtree secfilter; do mariadb kamailio < /usr/share/kamailio/mysql/$t-create.sql; done
-- (`standard` is the table `version`, by which each module knows its tables; mtree declares its own there.)
-- For the alternative in lcr-module.cfg also `lcr`; for routes kept in files instead of the database nothing at all.

-- Least-cost routes, written by the panel, read as a tree by the proxies. One row for each prefix that any carrier has, with the
-- whole ranking of the carriers on it, cheapest first: `101:0.0040:4420;102:0.0055:44` is dispatcher set, rate per minute, and
-- the prefix in that carrier's own list. The shape is the distribution's mtree, with room for more than five carriers.
CREATE TABLE lcr_routes (
    id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    tprefix VARCHAR(32) NOT NULL,
    tvalue VARCHAR(1024) NOT NULL,
    CONSTRAINT tprefix_idx UNIQUE (tprefix)
);
INSERT INTO version (table_name, table_version) VALUES ('lcr_routes', '1');

-- Attempts at carriers: one row each, answered or not. Times are microseconds since 1970; started_at is the same for people.
CREATE TABLE attempts (
    id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    proxy VARCHAR(63) NOT NULL,
    reference VARCHAR(128) NOT NULL,
    authorization_id VARCHAR(64) NOT NULL,
    carrier VARCHAR(63) NOT NULL,
    prefix VARCHAR(18) NOT NULL,
    rate DECIMAL(12,6) NOT NULL,
    sip_status SMALLINT UNSIGNED NOT NULL,
    started_us BIGINT NOT NULL,
    started_at DATETIME(6) AS (TIMESTAMP'1970-01-01 00:00:00' + INTERVAL started_us MICROSECOND) PERSISTENT,
    ms INT UNSIGNED NOT NULL,
    called VARCHAR(18) NOT NULL,
    -- To the carrier's first 180, 183 or 200; NULL when it sent none.
    ringing_ms INT UNSIGNED NULL,
    -- A proxy that is not sure whether a row was written sends it again.
    CONSTRAINT once UNIQUE (reference, started_us, carrier),
    KEY by_time (started_us),
    KEY by_carrier (carrier, started_us)
);
GRANT INSERT ON kamailio.attempts TO kamailio@'{{ networks.sync.pattern }}';

-- Scanners name themselves, mostly. action 0 = refuse, type 0 = User-Agent.
INSERT INTO secfilter (action, type, data) VALUES
    (0, 0, 'friendly-scanner'), (0, 0, 'sipvicious'), (0, 0, 'sipcli'), (0, 0, 'sip-scan'), (0, 0, 'sipsak'),
    (0, 0, 'sundayddr'), (0, 0, 'VaxSIPUserAgent'), (0, 0, 'pplsip'), (0, 0, 'iWar'), (0, 0, 'smap'), (0, 0, 'sivus');

GRANT INSERT, UPDATE, DELETE ON kamailio.lcr_routes TO panel@'{{ networks.management.pattern }}';
GRANT INSERT, UPDATE, DELETE ON kamailio.secfilter TO panel@'{{ networks.management.pattern }}';
