DROP TABLE lesson_of_predictor;
