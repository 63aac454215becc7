DROP TABLE agent_performance_daily;
