DROP INDEX task_failed_by;
ALTER TABLE task DROP COLUMN failed_by;
ALTER TABLE task DROP COLUMN snoozed_until;
ALTER TABLE artifact DROP COLUMN snoozed_until;
DROP INDEX alert_open;
DROP TABLE alert;
