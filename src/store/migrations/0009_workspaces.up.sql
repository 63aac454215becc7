-- The repository that a task works on (JSON), what an artifact is a difference from, and what came of merging that.
ALTER TABLE task ADD COLUMN workspace TEXT;
ALTER TABLE artifact ADD COLUMN difference TEXT;
ALTER TABLE artifact ADD COLUMN merge TEXT;
-- Approved differences that may still have to be merged: few among many artifacts.
CREATE INDEX artifact_merging ON artifact (id) WHERE difference IS NOT NULL AND merge IS NULL;
