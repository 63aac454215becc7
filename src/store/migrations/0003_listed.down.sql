DROP TABLE listed;
