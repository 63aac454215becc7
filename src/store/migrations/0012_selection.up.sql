-- What choices among agents rest on, and why each was made.
ALTER TABLE task ADD COLUMN topic TEXT;             -- JSON of what was read out of its text; NULL for nothing
ALTER TABLE execution ADD COLUMN choice TEXT;       -- JSON of why its agent was chosen; NULL where there was no choice

-- What each agent did with tasks of each type on each day, where the end says something about the agent. Rows of a removed
-- agent stay.
CREATE TABLE agent_history (
  agent_id BLOB NOT NULL,
  kind TEXT NOT NULL,
  day INTEGER NOT NULL,              -- since 1970-01-01, in UTC, by when the end was taken in
  executions INTEGER NOT NULL,
  successes INTEGER NOT NULL,
  timed INTEGER NOT NULL,            -- of those that had started
  micros INTEGER NOT NULL,           -- how long they took together
  PRIMARY KEY (agent_id, kind, day)
) STRICT, WITHOUT ROWID;

-- How each agent did with tasks that build on the work of another.
CREATE TABLE agent_pair (
  agent_id BLOB NOT NULL,
  after BLOB NOT NULL,
  executions INTEGER NOT NULL,
  successes INTEGER NOT NULL,
  PRIMARY KEY (agent_id, after)
) STRICT, WITHOUT ROWID;

-- How many of an agent's artifacts each user approved and rejected.
CREATE TABLE agent_judgement (
  agent_id BLOB NOT NULL,
  user_id BLOB NOT NULL,
  approved INTEGER NOT NULL,
  rejected INTEGER NOT NULL,
  PRIMARY KEY (agent_id, user_id)
) STRICT, WITHOUT ROWID;

-- What each user said of each task.
CREATE TABLE rating (
  task_id BLOB NOT NULL,
  user_id BLOB NOT NULL,
  execution_id BLOB NOT NULL,
  agent_id BLOB NOT NULL,
  rating INTEGER NOT NULL,           -- 1-5
  note TEXT,
  rated_at INTEGER NOT NULL,
  PRIMARY KEY (task_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX rating_execution ON rating (execution_id);
CREATE INDEX rating_agent ON rating (agent_id);

-- Every definition that an agent has had. Rows of a removed agent stay.
CREATE TABLE agent_version (
  agent_id BLOB NOT NULL,
  version INTEGER NOT NULL,          -- from 1
  name TEXT NOT NULL,
  seq INTEGER NOT NULL,              -- the record that made it
  declared_at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  spec TEXT NOT NULL,
  PRIMARY KEY (agent_id, version)
) STRICT, WITHOUT ROWID;
CREATE INDEX agent_version_name ON agent_version (name, seq);
