-- An execution that was cancelled or preempted, or was lost with its worker, says nothing about its agent: since here it is
-- counted by itself, and is none of the agent's executions in agent and agent_performance_daily any more.
ALTER TABLE agent ADD COLUMN stopped_executions INTEGER NOT NULL DEFAULT 0;
