DROP INDEX artifact_judged;
ALTER TABLE artifact DROP COLUMN rule;
DROP TABLE approval_rule;
