DROP INDEX task_ended;
DROP INDEX task_created;
DROP INDEX task_priority;
DROP TABLE listed;
