-- The outbox: one row for each change of an alert and each receiver, made in the transaction of the change.
CREATE TABLE IF NOT EXISTS notices (
  id            BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  alert_id      BIGINT UNSIGNED NOT NULL,
  seq           INT UNSIGNED    NOT NULL COMMENT 'of the alert event it tells of',
  receiver      VARCHAR(160)    NOT NULL,
  body          LONGTEXT        NOT NULL CHECK (json_valid(body)),
  created_at    DATETIME(6)     NOT NULL,
  due_at        DATETIME(6)     NOT NULL,
  claimed_until DATETIME(6)     NULL COMMENT 'somebody is sending it; past this nobody is',
  attempts      INT UNSIGNED    NOT NULL DEFAULT 0,
  sent_at       DATETIME(6)     NULL,
  given_up_at   DATETIME(6)     NULL,
  last_error    TEXT            NULL,
  PRIMARY KEY (id),
  UNIQUE KEY notices_change (alert_id, seq, receiver),
  KEY notices_open (receiver, sent_at, given_up_at, id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
