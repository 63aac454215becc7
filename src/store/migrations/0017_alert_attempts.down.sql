ALTER TABLE alert DROP COLUMN attempts;
