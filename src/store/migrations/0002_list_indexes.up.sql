-- What people look for in lists, where it is rare among many rows: the indexes are partial, or on tables that grow slowly,
-- so that the common path of a task pays nothing for them.
CREATE INDEX task_unsuccessful ON task (status) WHERE status IN ('failed', 'cancelled');
CREATE INDEX task_array ON task (array_id, array_index) WHERE array_id IS NOT NULL;
CREATE INDEX execution_unsuccessful ON execution (outcome_kind) WHERE status = 'failed';
CREATE INDEX artifact_agent ON artifact (agent_id);
CREATE INDEX artifact_state ON artifact (state);
CREATE INDEX system_event_type ON system_event (type);
