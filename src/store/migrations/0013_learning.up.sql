-- Models that learn which agent suits what: their versions, how they did, and what was learned since the last.
CREATE TABLE model (
  kind TEXT NOT NULL PRIMARY KEY,
  current_version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE model_version (
  kind TEXT NOT NULL,
  version INTEGER NOT NULL,          -- from 1
  seq INTEGER NOT NULL,              -- the record that made it
  time INTEGER NOT NULL,
  body TEXT NOT NULL,                -- JSON: how it came about
  state TEXT,                        -- JSON: everything that it is; of the last 16 only
  PRIMARY KEY (kind, version)
) STRICT;

CREATE TABLE learning_metric (
  kind TEXT NOT NULL,
  version INTEGER NOT NULL,
  candidate TEXT NOT NULL,
  type TEXT NOT NULL,                -- loss, accuracy, convergence
  value REAL NOT NULL,
  time INTEGER NOT NULL,
  batch_size INTEGER NOT NULL,
  iteration INTEGER NOT NULL,        -- the version; every outcome is seen once, so there is one epoch
  epoch INTEGER NOT NULL,
  PRIMARY KEY (kind, version, candidate, type)
) STRICT, WITHOUT ROWID;

-- The records since the last version that teach something, or make forget.
CREATE TABLE lesson (
  seq INTEGER PRIMARY KEY
) STRICT;
