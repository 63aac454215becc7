-- Alert rules that were declared; built-in ones only if they were changed.
CREATE TABLE alert_rule (
  name TEXT PRIMARY KEY,
  body TEXT NOT NULL          -- JSON
) STRICT, WITHOUT ROWID;

-- Subjects of a rule that share the alert of its group.
CREATE TABLE alert_grouped (
  rule TEXT NOT NULL,
  scope TEXT NOT NULL,
  name TEXT NOT NULL,
  severity TEXT NOT NULL,
  PRIMARY KEY (rule, scope, name)
) STRICT, WITHOUT ROWID;

-- Silences that nobody has removed.
CREATE TABLE silence (
  seq INTEGER PRIMARY KEY,    -- of the record that added it
  id BLOB NOT NULL UNIQUE,
  matcher TEXT NOT NULL,      -- JSON
  until INTEGER NOT NULL,
  note TEXT,
  by BLOB NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

-- What to do about an alert, where its rule says.
ALTER TABLE alert ADD COLUMN remedy TEXT;
