-- What changed on the machines, in words. The same change written twice is one row.
CREATE TABLE IF NOT EXISTS fleet_changes (
  machine VARCHAR(64)  NOT NULL,
  at      DATETIME(6)  NOT NULL,
  text    VARCHAR(255) NOT NULL,
  tone    VARCHAR(8)   NOT NULL,
  PRIMARY KEY (machine, at, text),
  KEY fleet_changes_at (at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
