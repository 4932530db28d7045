-- Codes for whoever has lost the device of the second step. Each works once; only hashes are stored.
CREATE TABLE IF NOT EXISTS recovery_codes (
  user_id   BIGINT UNSIGNED NOT NULL,
  code_hash BINARY(32)      NOT NULL,
  used_at   DATETIME(6)     NULL,
  PRIMARY KEY (user_id, code_hash),
  CONSTRAINT recovery_codes_user FOREIGN KEY (user_id) REFERENCES users (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
