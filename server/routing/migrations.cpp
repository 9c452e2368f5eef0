#include "server/routing/migrations.hpp"

namespace tutti::routing {
namespace {
/// `answer` is what route_request answered. An attempt is open until its run's end has been looked
/// at, once, by one replica. Feedback has its own copy of the request: it teaches after its
/// decision has gone.
constexpr std::string_view kDecisions = R"sql(
CREATE TABLE route_decisions (
  decision_seq      INTEGER PRIMARY KEY AUTOINCREMENT,
  decision_id       TEXT NOT NULL UNIQUE,
  created_at        TEXT NOT NULL,
  updated_at        TEXT NOT NULL,
  caller_session_id TEXT NOT NULL DEFAULT '',
  request           TEXT NOT NULL,
  request_bytes     INTEGER NOT NULL,
  request_hash      TEXT NOT NULL,
  strategy          TEXT NOT NULL,
  agent             TEXT NOT NULL DEFAULT '',
  status            TEXT NOT NULL,
  attempts_max      INTEGER NOT NULL DEFAULT 1,
  dispatch          TEXT NOT NULL DEFAULT '',
  problem           TEXT NOT NULL DEFAULT '',
  hint              TEXT NOT NULL DEFAULT '',
  answer            TEXT NOT NULL
);
CREATE INDEX route_decisions_by_status ON route_decisions (status, decision_seq);
CREATE INDEX route_decisions_by_agent ON route_decisions (agent, decision_seq);

CREATE TABLE route_attempts (
  attempt_seq INTEGER PRIMARY KEY AUTOINCREMENT,
  decision_id TEXT NOT NULL REFERENCES route_decisions (decision_id) ON DELETE CASCADE,
  agent       TEXT NOT NULL,
  session_id  TEXT NOT NULL,
  run_id      TEXT NOT NULL,
  started_at  TEXT NOT NULL,
  ended_at    TEXT NOT NULL DEFAULT '',
  outcome     TEXT NOT NULL DEFAULT 'open',
  error_name  TEXT NOT NULL DEFAULT '',
  error       TEXT NOT NULL DEFAULT ''
);
CREATE INDEX route_attempts_by_decision ON route_attempts (decision_id, attempt_seq);
CREATE INDEX route_attempts_by_run ON route_attempts (run_id);
CREATE INDEX route_attempts_by_session ON route_attempts (session_id);
CREATE INDEX route_attempts_open ON route_attempts (attempt_seq) WHERE outcome = 'open';

CREATE TABLE route_feedback (
  feedback_seq INTEGER PRIMARY KEY AUTOINCREMENT,
  decision_id  TEXT NOT NULL,
  request      TEXT NOT NULL,
  request_hash TEXT NOT NULL,
  agent        TEXT NOT NULL,
  outcome      TEXT NOT NULL,
  better       TEXT NOT NULL DEFAULT '',
  source       TEXT NOT NULL,
  note         TEXT NOT NULL DEFAULT '',
  created_at   TEXT NOT NULL,
  teaches      INTEGER NOT NULL
);
CREATE INDEX route_feedback_by_decision ON route_feedback (decision_id, feedback_seq);
CREATE INDEX route_feedback_by_request ON route_feedback (request_hash, agent, source);
)sql";

/// A judge's session and run may have been deleted: then the question is asked anew.
constexpr std::string_view kJudgements = R"sql(
CREATE TABLE route_judgements (
  judgement_seq INTEGER PRIMARY KEY AUTOINCREMENT,
  question      TEXT NOT NULL UNIQUE,
  session_id    TEXT NOT NULL,
  run_id        TEXT NOT NULL,
  asked_at_ms   INTEGER NOT NULL
);
)sql";

/// What teaches is counted apart from what does not.
constexpr std::string_view kFeedbackByTeaching =
    "CREATE INDEX route_feedback_by_teaching ON route_feedback (teaches, feedback_seq);";

/// `identity` says which vectors may be compared. An empty vector: the embeddings server will not
/// have that text.
constexpr std::string_view kVectors = R"sql(
CREATE TABLE route_vectors (
  vector_seq INTEGER PRIMARY KEY,
  identity   TEXT NOT NULL,
  text_key   BLOB NOT NULL,
  vector     BLOB NOT NULL,
  used_day   INTEGER NOT NULL,
  UNIQUE (identity, text_key)
);
CREATE INDEX route_vectors_by_use ON route_vectors (used_day, vector_seq);
)sql";

/// Which part of its decision's plan an attempt is of.
constexpr std::string_view kStages =
    "ALTER TABLE route_attempts ADD COLUMN stage INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE route_attempts ADD COLUMN part INTEGER NOT NULL DEFAULT 0;";

/// A blueprint may be named "oos".
constexpr std::string_view kNobodyIsNoName =
    "UPDATE route_feedback SET better = '(nobody)' WHERE better = 'oos';";

/// Which runs have ended lately, without their rows, whose results may be long.
constexpr std::string_view kEndedRuns =
    "CREATE INDEX runs_ended ON runs (run_seq, status) WHERE status = 'completed' OR status = "
    "'failed';";

/// A decision waits while the store refuses, for now, what is to be started next.
constexpr std::string_view kWaiting =
    "ALTER TABLE route_decisions ADD COLUMN waiting_since_ms INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE route_decisions ADD COLUMN retry_at_ms INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE route_decisions ADD COLUMN waiting_for TEXT NOT NULL DEFAULT '';"
    "CREATE INDEX route_decisions_waiting ON route_decisions (retry_at_ms)"
    " WHERE retry_at_ms > 0;";
}  // namespace

const std::vector<store::Migration>& migrations() {
  static const std::vector<store::Migration> all = {
      {400, "routing", kDecisions},
      {401, "routing: feedback that teaches", kFeedbackByTeaching},
      {402, "routing: vectors of texts", kVectors},
      {405, "routing: stages", kStages},
      {406, "routing: nobody is no name", kNobodyIsNoName},
      {407, "routing: ended runs", kEndedRuns},
      {408, "routing: decisions that wait", kWaiting},
      {410, "routing: judgements", kJudgements}};
  return all;
}

}  // namespace tutti::routing
