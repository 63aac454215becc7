ALTER TABLE agent DROP COLUMN stopped_executions;
