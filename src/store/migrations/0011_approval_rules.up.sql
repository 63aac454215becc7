-- Rules that judge artifacts in the place of a human, as JSON.
CREATE TABLE approval_rule (
  name TEXT PRIMARY KEY,
  body TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The rule that judged an artifact; NULL when a human did, or nobody has.
ALTER TABLE artifact ADD COLUMN judged_by_rule TEXT;

-- What humans judged last: rules are proposed by it.
CREATE INDEX artifact_judged ON artifact (reviewed_at) WHERE reviewed_by IS NOT NULL;
