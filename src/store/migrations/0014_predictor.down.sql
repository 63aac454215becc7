DELETE FROM learning_metric WHERE kind = 'predictor';
DELETE FROM model_version WHERE kind = 'predictor';
DELETE FROM model WHERE kind = 'predictor';
ALTER TABLE lesson RENAME TO lesson_of_each;
CREATE TABLE lesson (
  seq INTEGER PRIMARY KEY
) STRICT;
INSERT INTO lesson (seq) SELECT seq FROM lesson_of_each WHERE model = 'policy';
DROP TABLE lesson_of_each;
