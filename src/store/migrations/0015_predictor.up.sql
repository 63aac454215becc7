-- The records since the last version of the predictor that teach it something, or make it forget; `lesson` has those of the
-- policy.
CREATE TABLE lesson_of_predictor (
  seq INTEGER PRIMARY KEY
) STRICT;
