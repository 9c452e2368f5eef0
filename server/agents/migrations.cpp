// The schema. Portable on purpose (PostgreSQL comes later): text timestamps, JSON as TEXT, partial
// indices and upserts, no triggers. A migration that has been released is never edited.
#include "server/agents/migrations.hpp"

namespace tutti::agents {
namespace {
constexpr std::string_view kSessionsAndRuns = R"sql(
CREATE TABLE sessions (
  session_id          TEXT PRIMARY KEY,
  name                TEXT NOT NULL DEFAULT '',
  status              TEXT NOT NULL CHECK (status IN
    ('pending', 'running', 'idle', 'stopping', 'finished', 'stopped', 'failed')),
  agent_name          TEXT NOT NULL DEFAULT '',
  project_dir         TEXT NOT NULL DEFAULT '',
  model               TEXT NOT NULL DEFAULT '',
  parent_session_id   TEXT REFERENCES sessions (session_id) ON DELETE SET NULL,
  depth               INTEGER NOT NULL DEFAULT 0,
  created_at          TEXT NOT NULL,
  last_resumed_at     TEXT NOT NULL DEFAULT '',
  executor_session_id TEXT NOT NULL DEFAULT '',
  executor_profile    TEXT NOT NULL DEFAULT '',
  hostname            TEXT NOT NULL DEFAULT '',
  generation          INTEGER NOT NULL DEFAULT 0,
  owner               TEXT NOT NULL DEFAULT '',
  host_live           INTEGER NOT NULL DEFAULT 0,
  blueprint           TEXT NOT NULL DEFAULT ''
);
CREATE INDEX sessions_by_age ON sessions (created_at, session_id);
CREATE INDEX sessions_by_status ON sessions (status, created_at, session_id);
CREATE INDEX sessions_by_parent ON sessions (parent_session_id, created_at, session_id)
  WHERE parent_session_id IS NOT NULL;
CREATE UNIQUE INDEX sessions_by_name ON sessions (name) WHERE name <> '';
CREATE INDEX sessions_by_live_owner ON sessions (owner) WHERE host_live = 1;

CREATE TABLE runs (
  run_seq           INTEGER PRIMARY KEY AUTOINCREMENT,
  run_id            TEXT NOT NULL UNIQUE,
  session_id        TEXT NOT NULL REFERENCES sessions (session_id) ON DELETE CASCADE,
  type              TEXT NOT NULL CHECK (type IN ('start_session', 'resume_session')),
  status            TEXT NOT NULL CHECK (status IN
    ('pending', 'claimed', 'running', 'stopping', 'completed', 'failed', 'stopped')),
  execution_mode    TEXT NOT NULL CHECK (execution_mode IN
    ('sync', 'async_poll', 'async_callback')),
  agent_name        TEXT NOT NULL DEFAULT '',
  parameters        TEXT NOT NULL DEFAULT '{}',
  project_dir       TEXT NOT NULL DEFAULT '',
  parent_session_id TEXT NOT NULL DEFAULT '',
  error             TEXT NOT NULL DEFAULT '',
  error_name        TEXT NOT NULL DEFAULT '',
  created_at        TEXT NOT NULL,
  claimed_at        TEXT NOT NULL DEFAULT '',
  started_at        TEXT NOT NULL DEFAULT '',
  completed_at      TEXT NOT NULL DEFAULT '',
  generation        INTEGER NOT NULL DEFAULT 0,
  spool_offset      INTEGER NOT NULL DEFAULT 0,
  events_count      INTEGER NOT NULL DEFAULT 0,
  events_dropped    INTEGER NOT NULL DEFAULT 0,
  result_text       TEXT,
  result_data       TEXT,
  outcome           TEXT NOT NULL DEFAULT '',
  resume_mode       TEXT NOT NULL DEFAULT '',
  resume_reason     TEXT NOT NULL DEFAULT '',
  owner             TEXT NOT NULL DEFAULT ''
);
CREATE INDEX runs_by_session ON runs (session_id, run_seq);
CREATE UNIQUE INDEX runs_unfinished ON runs (session_id)
  WHERE status IN ('pending', 'claimed', 'running', 'stopping');
CREATE INDEX runs_unfinished_by_owner ON runs (owner)
  WHERE status IN ('pending', 'claimed', 'running', 'stopping');

-- session_id is NULL in the one event that outlives its session: "session_deleted".
CREATE TABLE events (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  session_id TEXT REFERENCES sessions (session_id) ON DELETE CASCADE,
  run_id     TEXT NOT NULL DEFAULT '',
  event_type TEXT NOT NULL,
  timestamp  TEXT NOT NULL,
  data       TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX events_by_session ON events (session_id, id);

CREATE TABLE outbox (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  kind       TEXT NOT NULL,
  session_id TEXT NOT NULL REFERENCES sessions (session_id) ON DELETE CASCADE,
  run_id     TEXT NOT NULL DEFAULT '',
  owner      TEXT NOT NULL,
  created_at TEXT NOT NULL
);
CREATE INDEX outbox_by_owner ON outbox (owner, id);
CREATE INDEX outbox_by_session ON outbox (session_id);

CREATE TABLE idempotency (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  tool        TEXT NOT NULL,
  key         TEXT NOT NULL,
  body_digest TEXT NOT NULL,
  answer      TEXT NOT NULL,
  created_at  TEXT NOT NULL,
  UNIQUE (tool, key)
);
)sql";

// Launches wait for one another in long rows; what is for a live host must be found past them.
constexpr std::string_view kIntentsByKind = R"sql(
DROP INDEX outbox_by_owner;
CREATE INDEX outbox_by_kind ON outbox (owner, kind, id);
)sql";

// For "IN" with more than two words SQLite builds a table each time a row is inserted or changed:
// in the constraints and partial indices of a run that was four tables, and half of what a start
// cost. New columns, because other tables refer to sessions: it cannot be made anew.
constexpr std::string_view kStatusesWithoutSets = R"sql(
DROP INDEX sessions_by_status;
ALTER TABLE sessions ADD COLUMN new_status TEXT NOT NULL DEFAULT 'pending' CHECK (
  new_status = 'pending' OR new_status = 'running' OR new_status = 'idle' OR
  new_status = 'stopping' OR new_status = 'finished' OR new_status = 'stopped' OR
  new_status = 'failed');
UPDATE sessions SET new_status = status;
ALTER TABLE sessions DROP COLUMN status;
ALTER TABLE sessions RENAME COLUMN new_status TO status;
CREATE INDEX sessions_by_status ON sessions (status, created_at, session_id);

DROP INDEX runs_unfinished;
DROP INDEX runs_unfinished_by_owner;
ALTER TABLE runs ADD COLUMN new_status TEXT NOT NULL DEFAULT 'pending' CHECK (
  new_status = 'pending' OR new_status = 'claimed' OR new_status = 'running' OR
  new_status = 'stopping' OR new_status = 'completed' OR new_status = 'failed' OR
  new_status = 'stopped');
ALTER TABLE runs ADD COLUMN new_mode TEXT NOT NULL DEFAULT 'async_poll' CHECK (
  new_mode = 'sync' OR new_mode = 'async_poll' OR new_mode = 'async_callback');
UPDATE runs SET new_status = status, new_mode = execution_mode;
ALTER TABLE runs DROP COLUMN status;
ALTER TABLE runs DROP COLUMN execution_mode;
ALTER TABLE runs RENAME COLUMN new_status TO status;
ALTER TABLE runs RENAME COLUMN new_mode TO execution_mode;
CREATE UNIQUE INDEX runs_unfinished ON runs (session_id)
  WHERE status <> 'completed' AND status <> 'failed' AND status <> 'stopped';
CREATE INDEX runs_unfinished_by_owner ON runs (owner)
  WHERE status <> 'completed' AND status <> 'failed' AND status <> 'stopped';
)sql";
}  // namespace

const std::vector<store::Migration>& migrations() {
  static const std::vector<store::Migration> all = {
      {1, "sessions, runs, events, outbox, idempotency", kSessionsAndRuns},
      {2, "intents by kind", kIntentsByKind},
      {3, "statuses without sets", kStatusesWithoutSets},
  };
  return all;
}

}  // namespace tutti::agents
