-- What happened to each alert, in order. Only ever added to.
CREATE TABLE IF NOT EXISTS alert_events (
  alert_id BIGINT UNSIGNED NOT NULL,
  seq      INT UNSIGNED    NOT NULL,
  at       DATETIME(6)     NOT NULL,
  kind     VARCHAR(16)     NOT NULL,
  who      VARCHAR(80)     NULL COMMENT 'NULL: the panel by itself',
  text     TEXT            NOT NULL,
  PRIMARY KEY (alert_id, seq)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
