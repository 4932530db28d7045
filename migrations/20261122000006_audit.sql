-- The audit log. Appended to by one transaction at a time; hash covers the row and the hash of the row before it.
CREATE TABLE IF NOT EXISTS audit (
  seq          BIGINT UNSIGNED NOT NULL,
  at           DATETIME(6)     NOT NULL,
  actor        VARCHAR(80)     NOT NULL,
  address      VARCHAR(64)     NOT NULL,
  request      VARCHAR(32)     NOT NULL,
  action       VARCHAR(32)     NOT NULL,
  subject      VARCHAR(160)    NOT NULL,
  before_value TEXT            NULL,
  after_value  TEXT            NULL,
  outcome      VARCHAR(16)     NOT NULL,
  hash         BINARY(32)      NOT NULL,
  PRIMARY KEY (seq),
  KEY audit_at (at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
