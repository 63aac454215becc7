-- What must hold before a completion counts as verified (JSON), and whether it did: NULL where nobody checked.
ALTER TABLE task ADD COLUMN verify TEXT;
ALTER TABLE task ADD COLUMN verification TEXT;
-- Whether a task has a command of its own, so that the engine need not read its parameters to know who can do it.
ALTER TABLE task ADD COLUMN brings_command INTEGER NOT NULL DEFAULT 0;
UPDATE task SET brings_command = 1 WHERE json_type(parameters, '$.configuration.command') = 'array';
UPDATE task SET brings_command = 1
WHERE array_id IN (SELECT id FROM task WHERE array_first IS NOT NULL AND brings_command);
