ALTER TABLE artifact DROP COLUMN quality_judged;
