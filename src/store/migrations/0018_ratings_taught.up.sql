-- What a rating has changed of what was learned, as JSON, so that just that is taken back with it; NULL where it taught nothing.
ALTER TABLE rating ADD COLUMN taught TEXT;
