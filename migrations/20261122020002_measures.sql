-- Measures of machines by the minute, kept for eight days. A DOUBLE is exact enough: nothing here is money.
CREATE TABLE IF NOT EXISTS measures (
  machine VARCHAR(64) NOT NULL,
  measure VARCHAR(32) NOT NULL,
  minute  DATETIME    NOT NULL,
  average DOUBLE      NOT NULL,
  maximum DOUBLE      NOT NULL,
  PRIMARY KEY (machine, measure, minute),
  KEY measures_minute (minute)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
