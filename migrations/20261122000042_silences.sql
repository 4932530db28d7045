-- For a while nothing is told about a rule or a subject.
CREATE TABLE IF NOT EXISTS silences (
  id              BIGINT UNSIGNED NOT NULL COMMENT 'the milliseconds of its making',
  rule_pattern    VARCHAR(160)    NOT NULL COMMENT 'a star stands for anything',
  subject_pattern VARCHAR(160)    NOT NULL,
  until_at        DATETIME(6)     NOT NULL,
  made_by         VARCHAR(80)     NOT NULL,
  created_at      DATETIME(6)     NOT NULL,
  comment         TEXT            NOT NULL,
  ended_at        DATETIME(6)     NULL COMMENT 'by hand, before its time',
  PRIMARY KEY (id),
  KEY silences_until (until_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
