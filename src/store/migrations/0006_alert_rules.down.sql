ALTER TABLE alert DROP COLUMN remedy;
DROP TABLE silence;
DROP TABLE alert_grouped;
DROP TABLE alert_rule;
