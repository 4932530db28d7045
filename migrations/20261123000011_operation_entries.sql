-- A copy of the journals of operations that the panels keep on their own disks. It runs behind; the journal on the disk decides.
CREATE TABLE IF NOT EXISTS operation_entries (
  journal   CHAR(16)        NOT NULL COMMENT 'the name a journal gave itself when it was made',
  sequence  BIGINT UNSIGNED NOT NULL COMMENT 'the place of the entry in its journal',
  panel     VARCHAR(255)    NOT NULL COMMENT 'whose journal it is: host and folder',
  operation BIGINT UNSIGNED NOT NULL,
  number    BIGINT UNSIGNED NOT NULL,
  at        DATETIME(6)     NOT NULL,
  actor     VARCHAR(160)    NOT NULL,
  event     LONGTEXT        NOT NULL,
  PRIMARY KEY (journal, sequence),
  UNIQUE KEY operation_entries_number (journal, operation, number),
  KEY operation_entries_at (at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
