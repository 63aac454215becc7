-- The records since the last version of the classifier that teach it something, or make it forget, and those since the last
-- version of the value function; `lesson` has those of the policy.
CREATE TABLE lesson_of_classifier (
  seq INTEGER PRIMARY KEY
) STRICT;
CREATE TABLE lesson_of_value (
  seq INTEGER PRIMARY KEY
) STRICT;
