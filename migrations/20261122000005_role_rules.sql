-- What an administrator requires of a role; a role without a row has no extra rule.
CREATE TABLE IF NOT EXISTS role_rules (
  role          VARCHAR(16) NOT NULL,
  totp_required BOOLEAN     NOT NULL DEFAULT FALSE,
  PRIMARY KEY (role)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
