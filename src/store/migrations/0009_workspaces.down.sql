DROP INDEX artifact_merging;
ALTER TABLE artifact DROP COLUMN merge;
ALTER TABLE artifact DROP COLUMN difference;
ALTER TABLE task DROP COLUMN workspace;
