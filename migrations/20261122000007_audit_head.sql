-- The head of the audit log, one row: who appends locks it, and it tells when the last rows were removed.
CREATE TABLE IF NOT EXISTS audit_head (
  id   TINYINT UNSIGNED NOT NULL DEFAULT 1 CHECK (id = 1),
  seq  BIGINT UNSIGNED  NOT NULL,
  hash BINARY(32)       NOT NULL,
  PRIMARY KEY (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
