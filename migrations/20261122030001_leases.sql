-- What only one of several panels on this database does: who does it, and until when by this database's clock. Whoever is killed
-- leaves a lease that ends by itself.
CREATE TABLE IF NOT EXISTS leases (
  name       VARCHAR(40)  NOT NULL,
  holder     VARCHAR(160) NOT NULL,
  expires_at DATETIME(6)  NOT NULL,
  PRIMARY KEY (name)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
