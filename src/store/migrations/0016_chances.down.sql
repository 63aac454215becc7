DROP TABLE lesson_of_value;
DROP TABLE lesson_of_classifier;
