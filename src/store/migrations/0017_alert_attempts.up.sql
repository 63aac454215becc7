-- The attempts that an alert is about, as JSON; NULL where it is about none.
ALTER TABLE alert ADD COLUMN about TEXT;
