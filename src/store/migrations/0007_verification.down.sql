ALTER TABLE task DROP COLUMN brings_command;
ALTER TABLE task DROP COLUMN verification;
ALTER TABLE task DROP COLUMN verify;
