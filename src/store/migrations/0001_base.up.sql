-- The journal: append-only, each record chained to its predecessor by hash.
CREATE TABLE journal (
  seq INTEGER PRIMARY KEY,
  time INTEGER NOT NULL,      -- microseconds since 1970
  actor TEXT NOT NULL,        -- engine, user:ID or node:ID
  kind TEXT NOT NULL,
  version INTEGER NOT NULL,
  body TEXT NOT NULL,         -- JSON
  hash BLOB NOT NULL          -- BLAKE3 over the predecessor's hash and this record
) STRICT;

-- Where the journal ends, so that records cut off its end are missed.
CREATE TABLE journal_head (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  seq INTEGER NOT NULL,
  hash BLOB NOT NULL
) STRICT;

-- Everything below follows from the journal. Ids are 16 bytes, times are microseconds, JSON is NULL when empty.
CREATE TABLE origin (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  format INTEGER NOT NULL,
  seed INTEGER NOT NULL,      -- the same 64 bits, signed
  version TEXT NOT NULL
) STRICT;

CREATE TABLE defaults (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  body TEXT NOT NULL
) STRICT;

CREATE TABLE user (
  seq INTEGER PRIMARY KEY,
  id BLOB NOT NULL UNIQUE,
  email TEXT NOT NULL,
  name TEXT NOT NULL,
  avatar_url TEXT,
  roles TEXT,
  uid INTEGER,
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE node (
  id BLOB NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  status TEXT NOT NULL,
  capacity TEXT NOT NULL,
  metadata TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE resource (
  id BLOB NOT NULL PRIMARY KEY,
  node_id BLOB NOT NULL,
  place INTEGER NOT NULL,     -- order within the node
  name TEXT NOT NULL,
  type TEXT NOT NULL,
  total INTEGER NOT NULL,
  unit TEXT NOT NULL,
  status TEXT NOT NULL,       -- as the worker reported it; resource_now adds what is held
  metadata TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE cage (
  id INTEGER PRIMARY KEY,
  node_id BLOB NOT NULL,
  limits TEXT NOT NULL,
  network TEXT NOT NULL,
  read TEXT,
  write TEXT,
  maintenance INTEGER NOT NULL,
  enforcement TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE agent (
  id BLOB NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  concurrency INTEGER NOT NULL,
  home INTEGER,               -- the cage it lives in; NULL while it has none of its own
  owner BLOB NOT NULL,
  drained INTEGER NOT NULL,
  consecutive_failures INTEGER NOT NULL,
  breaker_until INTEGER,
  total_executions INTEGER NOT NULL,
  success_count INTEGER NOT NULL,
  timed_executions INTEGER NOT NULL,
  execution_us INTEGER NOT NULL,
  last_heartbeat INTEGER,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  spec TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX agent_name ON agent (name);

-- The number of a task is that of the record by which it came into being, hence the order of submission.
-- What is long stands last, so that a scan need not touch it.
CREATE TABLE task (
  seq INTEGER PRIMARY KEY,
  id BLOB NOT NULL,
  type TEXT NOT NULL,
  status TEXT NOT NULL,
  priority INTEGER NOT NULL,
  deadline INTEGER,
  dependencies INTEGER NOT NULL,
  approval_gate INTEGER NOT NULL,
  max_attempts INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  losses INTEGER NOT NULL,
  executions INTEGER NOT NULL,
  timeout INTEGER,
  estimate INTEGER,
  preemptible INTEGER NOT NULL,
  agent_id BLOB,
  cage_id INTEGER,
  assigned_agent_id BLOB,
  execution_id BLOB,
  not_before INTEGER,
  array_first INTEGER,
  array_last INTEGER,
  array_id BLOB,
  array_index INTEGER,
  created_by BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  started_at INTEGER,
  completed_at INTEGER,
  requirements TEXT,
  metadata TEXT,
  parameters TEXT,
  error TEXT,
  output TEXT
) STRICT;
CREATE UNIQUE INDEX task_id ON task (id);
CREATE INDEX task_open ON task (seq) WHERE completed_at IS NULL;

CREATE TABLE task_dependency (
  task_id BLOB NOT NULL,
  place INTEGER NOT NULL,
  depends_on BLOB NOT NULL,
  PRIMARY KEY (task_id, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX task_dependency_reverse ON task_dependency (depends_on);

-- How many tasks ended in each way, arrays themselves not counted.
CREATE TABLE ended (
  status TEXT NOT NULL PRIMARY KEY,
  tasks INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE execution (
  seq INTEGER PRIMARY KEY,
  id BLOB NOT NULL,
  task_id BLOB NOT NULL,
  agent_id BLOB NOT NULL,
  cage_id INTEGER NOT NULL,
  node_id BLOB NOT NULL,
  status TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  started_at INTEGER,
  completed_at INTEGER,
  stopping TEXT,
  stopping_note TEXT,
  outcome_kind TEXT,
  held_count INTEGER NOT NULL,
  held TEXT,
  outcome TEXT
) STRICT;
CREATE UNIQUE INDEX execution_id ON execution (id);
CREATE INDEX execution_task ON execution (task_id);
CREATE INDEX execution_live ON execution (agent_id, cage_id, task_id) WHERE completed_at IS NULL;

CREATE TABLE artifact (
  seq INTEGER PRIMARY KEY,
  id BLOB NOT NULL UNIQUE,
  agent_id BLOB NOT NULL,
  task_id BLOB NOT NULL,
  execution_id BLOB NOT NULL,
  type TEXT NOT NULL,
  title TEXT NOT NULL,
  path TEXT,
  size INTEGER NOT NULL,
  digest TEXT NOT NULL,
  quality_score REAL,
  human_approved INTEGER NOT NULL,
  state TEXT NOT NULL,
  reviewed_by BLOB,
  reviewed_at INTEGER,
  note TEXT,
  created_at INTEGER NOT NULL,
  metadata TEXT,
  content TEXT
) STRICT;
CREATE INDEX artifact_task ON artifact (task_id);
CREATE INDEX artifact_open ON artifact (seq) WHERE state <> 'approved';

CREATE TABLE system_event (
  seq INTEGER PRIMARY KEY,
  id BLOB NOT NULL,
  type TEXT NOT NULL,
  source TEXT NOT NULL,
  message TEXT NOT NULL,
  time INTEGER NOT NULL,
  context TEXT,
  metadata TEXT
) STRICT;

-- What an execution holds, it holds from its scheduling to its end: allocations need no rows of their own.
CREATE VIEW allocation AS
SELECT e.seq AS execution_seq, h.key AS place,
       unhex(replace(h.value ->> 'id', '-', '')) AS id,
       unhex(replace(h.value ->> 'resource_id', '-', '')) AS resource_id,
       e.task_id AS task_id, e.agent_id AS agent_id, e.id AS execution_id,
       CASE WHEN e.completed_at IS NULL THEN 'active'
            WHEN e.outcome_kind = 'worker_lost' THEN 'failed'
            ELSE 'released' END AS status,
       h.value ->> 'quantity' AS quantity,
       e.created_at AS start, e.completed_at AS "end"
FROM execution e, json_each(e.held) h;

CREATE VIEW resource_now AS
SELECT r.id, r.node_id, r.place, r.name, r.type, r.total, r.unit, r.metadata,
       coalesce(held.quantity, 0) AS allocated,
       CASE WHEN n.status IS NOT 'online' THEN 'failed'
            WHEN r.status <> 'available' AND r.status <> 'allocated' THEN r.status
            WHEN r.total > 0 AND coalesce(held.quantity, 0) >= r.total THEN 'allocated'
            ELSE 'available' END AS status
FROM resource r
LEFT JOIN node n ON n.id = r.node_id
LEFT JOIN (SELECT unhex(replace(h.value ->> 'resource_id', '-', '')) AS resource_id,
                  sum(h.value ->> 'quantity') AS quantity
           FROM execution e, json_each(e.held) h
           WHERE e.completed_at IS NULL GROUP BY 1) held ON held.resource_id = r.id;

CREATE VIEW agent_now AS
SELECT a.*,
       coalesce(live.running, 0) AS running,
       coalesce(a.home, live.cage_id) AS cage_id,
       live.task_id AS current_task_id,
       CASE WHEN a.drained THEN 'maintenance'
            WHEN a.breaker_until IS NOT NULL THEN 'error'
            WHEN n.status IS NOT NULL AND n.status <> 'online' THEN 'offline'
            WHEN coalesce(live.running, 0) >= a.concurrency THEN 'busy'
            WHEN live.running > 0 THEN 'active'
            ELSE 'idle' END AS status
FROM agent a
LEFT JOIN (SELECT agent_id, count(*) AS running, max(seq) AS latest, cage_id, task_id
           FROM execution WHERE completed_at IS NULL GROUP BY agent_id) live ON live.agent_id = a.id
LEFT JOIN cage c ON c.id = coalesce(a.home, live.cage_id)
LEFT JOIN node n ON n.id = c.node_id;

CREATE VIEW cage_now AS
SELECT c.*,
       coalesce(live.agent_id, home.id) AS agent_id,
       CASE WHEN c.maintenance THEN 'maintenance'
            WHEN live.agent_id IS NOT NULL OR home.id IS NOT NULL THEN 'occupied'
            ELSE 'vacant' END AS status
FROM cage c
LEFT JOIN (SELECT cage_id, max(seq) AS latest, agent_id
           FROM execution WHERE completed_at IS NULL GROUP BY cage_id) live ON live.cage_id = c.id
LEFT JOIN (SELECT home, min(name) AS first, id FROM agent WHERE home IS NOT NULL GROUP BY home) home
       ON home.home = c.id;
