-- The one row of the head, so that appending begins with a lock on it and never with an insert that others wait for.
INSERT IGNORE INTO audit_head (id, seq, hash) VALUES (1, 0, UNHEX(REPEAT('00', 32)));
