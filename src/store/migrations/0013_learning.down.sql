DROP TABLE lesson;
DROP TABLE learning_metric;
DROP TABLE model_version;
DROP TABLE model;
