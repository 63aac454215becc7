DROP INDEX artifact_judged;
ALTER TABLE artifact DROP COLUMN judged_by_rule;
DROP TABLE approval_rule;
