-- What each agent did on each day: a row for every day on which executions of it ended. Rows of a removed agent stay.
CREATE TABLE agent_performance_daily (
  agent_id BLOB NOT NULL,
  day INTEGER NOT NULL,              -- since 1970-01-01, in UTC
  execution_count INTEGER NOT NULL,
  success_count INTEGER NOT NULL,
  timed_count INTEGER NOT NULL,      -- of those that had started
  execution_us INTEGER NOT NULL,     -- how long they took together
  tokens INTEGER,                    -- NULL where none was reported
  PRIMARY KEY (agent_id, day)
) STRICT, WITHOUT ROWID;
CREATE INDEX agent_performance_daily_day ON agent_performance_daily (day DESC, agent_id);
