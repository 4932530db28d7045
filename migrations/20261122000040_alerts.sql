-- Alerts: what was wrong for long enough that a person should know. The newest ones are in the panel's memory too.
CREATE TABLE IF NOT EXISTS alerts (
  id                  BIGINT UNSIGNED NOT NULL COMMENT 'the milliseconds of its opening',
  rule_key            VARCHAR(160)    NOT NULL,
  subject             VARCHAR(160)    NOT NULL,
  severity            VARCHAR(8)      NOT NULL,
  sentence            TEXT            NOT NULL,
  evidence            LONGTEXT        NOT NULL CHECK (json_valid(evidence)),
  symptoms            LONGTEXT        NOT NULL CHECK (json_valid(symptoms)),
  since               DATETIME(6)     NOT NULL,
  opened_at           DATETIME(6)     NOT NULL,
  resolved_at         DATETIME(6)     NULL,
  acknowledged_by     VARCHAR(80)     NULL,
  acknowledged_at     DATETIME(6)     NULL,
  acknowledge_comment TEXT            NULL,
  assigned            VARCHAR(80)     NULL,
  silenced_until      DATETIME(6)     NULL,
  flapping            BOOLEAN         NOT NULL,
  escalated_at        DATETIME(6)     NULL,
  told                BOOLEAN         NOT NULL COMMENT 'somebody outside heard that it opened',
  changes             INT UNSIGNED    NOT NULL COMMENT 'the number of its newest event',
  PRIMARY KEY (id),
  KEY alerts_resolved (resolved_at, id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
