-- How far each table of each cluster has been read. Moved in the transaction that inserts the rows it covers; whoever reads a
-- source holds its row locked meanwhile, so that two panels do not read it at once. `settled` is an id up to which everything
-- was there for long enough that nothing can still be committed below it.
CREATE TABLE IF NOT EXISTS cdr_sources (
  source   VARCHAR(160)    NOT NULL,
  position BIGINT UNSIGNED NOT NULL DEFAULT 0,
  settled  BIGINT UNSIGNED NOT NULL DEFAULT 0,
  read_at  DATETIME(6)     NOT NULL,
  PRIMARY KEY (source)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
