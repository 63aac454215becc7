-- How many items the long lists have, by status, so that nobody has to go through them to know. Tasks and executions that
-- are scheduled or running count together as underway: which of the two, their executions tell.
CREATE TABLE listed (
  list TEXT NOT NULL,
  status TEXT NOT NULL,
  rows INTEGER NOT NULL,      -- never zero: then there is no row
  PRIMARY KEY (list, status)
) STRICT, WITHOUT ROWID;
INSERT INTO listed
SELECT 'task', CASE WHEN status IN ('scheduled', 'executing') THEN 'underway' ELSE status END AS now, count(*)
FROM task GROUP BY now;
INSERT INTO listed
SELECT 'execution', CASE WHEN completed_at IS NULL THEN 'underway' ELSE status END AS now, count(*)
FROM execution GROUP BY now;
INSERT INTO listed
SELECT 'allocation', 'held', sum(held_count) FROM execution HAVING sum(held_count) > 0;

-- What people sort by all the time. Entries go to few places of these indexes, and are not moved again: one whose entries go
-- everywhere, such as by agent, would cost a written page for nearly every task.
CREATE INDEX task_priority ON task (priority);
CREATE INDEX task_created ON task (created_at);
CREATE INDEX task_ended ON task (completed_at) WHERE completed_at IS NOT NULL;
