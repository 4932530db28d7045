-- Table asterisk.cdr: one row for each call a PBX handled, refused ones too. Asterisk fills each column from the CDR variable of
-- the same name (dialplan: extensions.conf). Times are microseconds since 1970, because that is exact; the *_at columns are the
-- same for people, in UTC, computed here.
CREATE TABLE cdr (
    id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    -- The customer's Call-ID (or its hash, when it has odd characters): the name of the call in every log and table.
    reference VARCHAR(128) NOT NULL DEFAULT '',
    sip_call_id VARCHAR(255) NOT NULL DEFAULT '',
    -- Call-ID of the leg towards the carrier: what a carrier asks for when it disputes.
    carrier_call_id VARCHAR(255) NOT NULL DEFAULT '',
    uniqueid VARCHAR(150) NOT NULL DEFAULT '',
    pbx VARCHAR(63) NOT NULL DEFAULT '',
    proxy VARCHAR(63) NOT NULL DEFAULT '',
    customer VARCHAR(63) NOT NULL DEFAULT '',
    caller VARCHAR(18) NOT NULL DEFAULT '',
    called VARCHAR(18) NOT NULL DEFAULT '',
    -- Who carried it, by which prefix of its list, at which rate per minute; empty when nobody did.
    carrier VARCHAR(63) NOT NULL DEFAULT '',
    called_prefix VARCHAR(18) NOT NULL DEFAULT '',
    rate DECIMAL(12,6) NULL,
    authorization_id VARCHAR(64) NOT NULL DEFAULT '',
    -- Why it was refused, one of the eight reasons; empty when it was not.
    refusal VARCHAR(32) NOT NULL DEFAULT '',
    disposition VARCHAR(16) NOT NULL DEFAULT '',
    -- Q.850, and the SIP status of the called side where there was one.
    hangup_cause SMALLINT UNSIGNED NULL,
    sip_status SMALLINT UNSIGNED NULL,
    started_us BIGINT NULL,
    answered_us BIGINT NULL,
    ended_us BIGINT NULL,
    started_at DATETIME(6) AS (TIMESTAMP'1970-01-01 00:00:00' + INTERVAL started_us MICROSECOND) PERSISTENT,
    answered_at DATETIME(6) AS (TIMESTAMP'1970-01-01 00:00:00' + INTERVAL answered_us MICROSECOND) PERSISTENT,
    ended_at DATETIME(6) AS (TIMESTAMP'1970-01-01 00:00:00' + INTERVAL ended_us MICROSECOND) PERSISTENT,
    -- Whole seconds from answer to end, as Asterisk counts; the exact time is ended_us - answered_us.
    billsec INT UNSIGNED NOT NULL DEFAULT 0,
    -- When the caller first heard that it rings or was answered (the first 180, 183 or 200): from started_us on, the post-dial delay.
    ringing_us BIGINT NULL,
    -- What each leg of an answered call spoke, as Asterisk calls it (alaw, ulaw). Where they differ the PBX transcoded.
    customer_codec VARCHAR(32) NOT NULL DEFAULT '',
    carrier_codec VARCHAR(32) NOT NULL DEFAULT '',
    KEY by_reference (reference),
    KEY by_start (started_us),
    KEY by_customer (customer, started_us),
    KEY by_carrier (carrier, started_us),
    KEY by_called (called, started_us),
    KEY by_authorization (authorization_id)
);

GRANT SELECT, INSERT ON asterisk.cdr TO asterisk@'{{ networks.data.pattern }}';
