-- One-time links to choose a password. Without a user the link makes the first administrator.
CREATE TABLE IF NOT EXISTS setup_links (
  token_hash BINARY(32)      NOT NULL,
  user_id    BIGINT UNSIGNED NULL,
  created_at DATETIME(6)     NOT NULL,
  expires_at DATETIME(6)     NOT NULL,
  used_at    DATETIME(6)     NULL,
  PRIMARY KEY (token_hash),
  KEY setup_links_user (user_id),
  CONSTRAINT setup_links_user FOREIGN KEY (user_id) REFERENCES users (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
