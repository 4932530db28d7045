-- Signed-in browsers. The cookie's secret is not stored, only its SHA-256: who reads this table cannot use it to sign in.
CREATE TABLE IF NOT EXISTS sessions (
  id_hash       BINARY(32)      NOT NULL,
  user_id       BIGINT UNSIGNED NOT NULL,
  door          VARCHAR(8)      NOT NULL,
  data          LONGTEXT        NOT NULL CHECK (json_valid(data)),
  signed_in_at  DATETIME(6)     NOT NULL,
  last_input_at DATETIME(6)     NOT NULL COMMENT 'of the person; what the page does by itself does not count',
  expires_at    DATETIME(6)     NOT NULL,
  PRIMARY KEY (id_hash),
  KEY sessions_user (user_id),
  KEY sessions_expires (expires_at),
  CONSTRAINT sessions_user FOREIGN KEY (user_id) REFERENCES users (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
