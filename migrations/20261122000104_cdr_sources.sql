-- How far each table of each cluster has been read. Moved in the transaction that inserts the rows it covers. `settled` is an id
-- up to which everything was there for long enough that nothing can still be committed below it. `reader` is the panel that reads
-- it: another one stands by until `read_at` is old.
CREATE TABLE IF NOT EXISTS cdr_sources (
  source   VARCHAR(160)    NOT NULL,
  position BIGINT UNSIGNED NOT NULL DEFAULT 0,
  settled  BIGINT UNSIGNED NOT NULL DEFAULT 0,
  reader   VARCHAR(80)     NOT NULL,
  read_at  DATETIME(6)     NOT NULL,
  PRIMARY KEY (source)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
