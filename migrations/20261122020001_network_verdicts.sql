-- The history of the isolation proof: a row when a network's verdict or its set of violations changes.
CREATE TABLE IF NOT EXISTS network_verdicts (
  network    VARCHAR(64) NOT NULL,
  at         DATETIME(6) NOT NULL COMMENT 'since when it was so',
  verdict    VARCHAR(16) NOT NULL,
  violations LONGTEXT    NOT NULL CHECK (json_valid(violations)),
  PRIMARY KEY (network, at),
  KEY network_verdicts_at (at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
