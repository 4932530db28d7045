-- One counter per topic of live views. Whoever changes something raises it in the same transaction; each panel looks twice a
-- second, so that changes by the command line or by another panel are seen too.
CREATE TABLE IF NOT EXISTS wakes (
  topic   VARCHAR(16)     NOT NULL,
  version BIGINT UNSIGNED NOT NULL DEFAULT 0,
  PRIMARY KEY (topic)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
