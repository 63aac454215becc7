-- What needs somebody's eye, until it is resolved and after.
CREATE TABLE alert (
  seq INTEGER PRIMARY KEY,    -- of the record that raised it
  id BLOB NOT NULL UNIQUE,
  severity TEXT NOT NULL,
  status TEXT NOT NULL,
  source TEXT NOT NULL,
  message TEXT NOT NULL,
  time INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,
  count INTEGER NOT NULL,
  trigger_name TEXT NOT NULL,
  threshold REAL,
  value REAL,
  acknowledged_by BLOB,
  note TEXT,
  silenced_until INTEGER,
  resolution TEXT             -- JSON
) STRICT;
CREATE INDEX alert_open ON alert (seq) WHERE status <> 'resolved';

-- Until when a human has put something off.
ALTER TABLE artifact ADD COLUMN snoozed_until INTEGER;
ALTER TABLE task ADD COLUMN snoozed_until INTEGER;
-- The failed task for which this one failed. The index has all that the inbox asks for, so that it need not read the tasks.
ALTER TABLE task ADD COLUMN failed_by BLOB;
CREATE INDEX task_failed_by ON task (failed_by, status, priority, deadline, array_first, array_last)
  WHERE failed_by IS NOT NULL;
