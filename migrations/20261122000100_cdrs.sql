-- Calls that are over. A row is named by when the call began and by a hash of the call's reference and the PBX's own name of its
-- channel, so the same call has the same key wherever and however often it is read: that is what makes collection exactly once.
-- Partitioned by the day the call began; days are made ahead by a task, and never dropped by default. The indexes live within a
-- partition: a search with a day reads one of them.
CREATE TABLE IF NOT EXISTS cdrs (
  started_at      DATETIME(6)       NOT NULL,
  id              BIGINT UNSIGNED   NOT NULL,
  reference       VARCHAR(128)      NOT NULL,
  uniqueid        VARCHAR(150)      NOT NULL,
  sip_call_id     VARCHAR(255)      NULL,
  carrier_call_id VARCHAR(255)      NULL,
  caller          VARCHAR(18)       NOT NULL,
  called          VARCHAR(18)       NOT NULL,
  destination     VARCHAR(63)       NOT NULL,
  customer        VARCHAR(63)       NULL,
  carrier         VARCHAR(63)       NULL,
  prefix          VARCHAR(18)       NULL,
  rate_micros     BIGINT UNSIGNED   NULL COMMENT 'millionths of the currency per minute',
  pbx             VARCHAR(63)       NOT NULL,
  proxy           VARCHAR(63)       NULL,
  ringing_at      DATETIME(6)       NULL,
  answered_at     DATETIME(6)       NULL,
  ended_at        DATETIME(6)       NULL,
  billsec         INT UNSIGNED      NOT NULL,
  disposition     VARCHAR(16)       NOT NULL,
  outcome         VARCHAR(9)        NOT NULL,
  hangup_cause    SMALLINT UNSIGNED NULL,
  sip_status      SMALLINT UNSIGNED NULL,
  refusal         VARCHAR(32)       NULL,
  customer_codec  VARCHAR(32)       NULL,
  carrier_codec   VARCHAR(32)       NULL,
  PRIMARY KEY (started_at, id),
  KEY cdrs_called (called, started_at),
  KEY cdrs_caller (caller, started_at),
  KEY cdrs_customer (customer, started_at),
  KEY cdrs_carrier (carrier, started_at),
  KEY cdrs_reference (reference)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin
  PARTITION BY RANGE COLUMNS (started_at) (PARTITION later VALUES LESS THAN (MAXVALUE));
