DROP TABLE agent_version;
DROP TABLE rating;
DROP TABLE agent_judgement;
DROP TABLE agent_pair;
DROP TABLE agent_history;
ALTER TABLE execution DROP COLUMN choice;
ALTER TABLE task DROP COLUMN topic;
