-- The records since the last version of each model that teach it something, or make it forget. They are noted anew from the
-- journal.
DROP TABLE lesson;
CREATE TABLE lesson (
  model TEXT NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (model, seq)
) STRICT, WITHOUT ROWID;
