-- Append-only: the database itself refuses to remove a row.
CREATE TRIGGER IF NOT EXISTS operation_entries_no_delete BEFORE DELETE ON operation_entries FOR EACH ROW
  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the journal of operations is append-only: rows are never removed';
