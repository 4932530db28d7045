-- People who sign in: staff at the panel, customers at the portal. A user is never deleted, only disabled: the audit log names it.
CREATE TABLE IF NOT EXISTS users (
  id                  BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  name                VARCHAR(64)     NOT NULL COMMENT 'folded to lower case',
  role                VARCHAR(16)     NOT NULL,
  password_hash       VARCHAR(255)    NULL COMMENT 'Argon2id in PHC form; NULL until a set-up link was used',
  disabled_at         DATETIME(6)     NULL,
  totp_secret         VARBINARY(64)   NULL COMMENT 'NULL: no second step',
  totp_last_step      BIGINT UNSIGNED NOT NULL DEFAULT 0 COMMENT 'the newest time step whose code was used; older ones are refused',
  created_at          DATETIME(6)     NOT NULL,
  password_changed_at DATETIME(6)     NULL,
  last_signed_in_at   DATETIME(6)     NULL,
  PRIMARY KEY (id),
  UNIQUE KEY users_name (name)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
