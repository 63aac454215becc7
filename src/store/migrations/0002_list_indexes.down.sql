DROP INDEX task_unsuccessful;
DROP INDEX task_array;
DROP INDEX execution_unsuccessful;
DROP INDEX artifact_agent;
DROP INDEX artifact_state;
DROP INDEX system_event_type;
