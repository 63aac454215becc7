-- Why a cage cannot be set up, as JSON; NULL where it can.
ALTER TABLE cage ADD COLUMN fault TEXT;
