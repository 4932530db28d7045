-- Tries at carriers, as the proxies wrote them down: answered or not. Named and partitioned like the calls in `cdrs`.
CREATE TABLE IF NOT EXISTS attempts (
  started_at  DATETIME(6)       NOT NULL,
  id          BIGINT UNSIGNED   NOT NULL,
  reference   VARCHAR(128)      NOT NULL,
  proxy       VARCHAR(63)       NOT NULL,
  carrier     VARCHAR(63)       NOT NULL,
  prefix      VARCHAR(18)       NOT NULL,
  rate_micros BIGINT UNSIGNED   NOT NULL COMMENT 'millionths of the currency per minute',
  called      VARCHAR(18)       NOT NULL,
  sip_status  SMALLINT UNSIGNED NOT NULL,
  took_ms     INT UNSIGNED      NOT NULL,
  ringing_ms  INT UNSIGNED      NULL,
  PRIMARY KEY (started_at, id),
  KEY attempts_reference (reference)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin
  PARTITION BY RANGE COLUMNS (started_at) (PARTITION later VALUES LESS THAN (MAXVALUE));
