DROP INDEX agent_history_day;
ALTER TABLE agent DROP COLUMN success_us;
DROP TABLE kind_time;
DROP TABLE agent_kind;
ALTER TABLE artifact DROP COLUMN quality_judged;
