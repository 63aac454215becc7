-- Where in the journal, in blocks of 1,024 records, something teaches the predictor, or makes it forget, since its last version.
-- Every execution that succeeds does, so that a row for each would cost a tenth of the engine's throughput; `lesson` has each
-- record that teaches the policy.
CREATE TABLE lesson_of_predictor (
  block INTEGER PRIMARY KEY
) STRICT;
