-- What whoever judged an artifact thinks of its quality, 0 to 1; quality_score is what its agent reported.
ALTER TABLE artifact ADD COLUMN quality_judged REAL;

-- What no outcome of a batch was about stood here as zeros, though nothing had been measured, and others were held against it.
DELETE FROM learning_metric WHERE type <> 'convergence' AND 2 = (
  SELECT count(*) FROM learning_metric m
  WHERE m.kind = learning_metric.kind AND m.version = learning_metric.version
    AND m.candidate = learning_metric.candidate AND m.type IN ('loss', 'accuracy') AND m.value = 0);
DELETE FROM learning_metric WHERE type = 'convergence' AND 2 <> (
  SELECT count(*) FROM learning_metric m
  WHERE m.kind = learning_metric.kind AND m.version IN (learning_metric.version, learning_metric.version - 1)
    AND m.candidate = learning_metric.candidate AND m.type = 'loss');

-- How long what each agent did with success took, by type of task; and the same of all agents. Rows of a removed agent stay.
CREATE TABLE agent_kind (
  agent_id BLOB NOT NULL,
  kind TEXT NOT NULL,
  timed INTEGER NOT NULL,            -- executions that succeeded and had started
  micros INTEGER NOT NULL,           -- how long they took together
  PRIMARY KEY (agent_id, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE kind_time (
  kind TEXT NOT NULL PRIMARY KEY,
  timed INTEGER NOT NULL,
  micros INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- How long those of an agent's executions took together that succeeded, of all types.
ALTER TABLE agent ADD COLUMN success_us INTEGER NOT NULL DEFAULT 0;

-- What was done with types of tasks within some days.
CREATE INDEX agent_history_day ON agent_history (day);
