// How a run ended, and how its host did: each recorded once.
#include <nlohmann/json.hpp>

#include "server/agents/sessions.hpp"
#include "server/agents/sessions_rows.hpp"
#include "server/json/or_null.hpp"

namespace tutti::agents {
using store::Statement;

namespace {
SessionStatus overLike(RunStatus run) {
  if (run == RunStatus::Completed) return SessionStatus::Finished;
  return run == RunStatus::Stopped ? SessionStatus::Stopped : SessionStatus::Failed;
}

Status checkOutcome(const Outcome& outcome) {
  const bool session_ok =
      outcome.session_status == SessionStatus::Idle || isTerminal(outcome.session_status);
  if (isTerminal(outcome.status) && session_ok) return ok();
  return Error(Code::InvalidArgument,
               "an outcome cannot leave a run " + std::string(toString(outcome.status)) +
                   " and its session " + std::string(toString(outcome.session_status)))
      .named("outcome_not_final");
}

/// What came after the end, or from a host that no longer counts, is kept for people to see. The
/// very outcome that ended the run is no news: two replicas may have found it at the same moment.
Result<bool> recordLate(store::Tx& tx, const Run& run, std::int64_t generation,
                        const Outcome& outcome) {
  if (generation == run.generation && outcome.json == run.outcome && outcome.status == run.status)
    return false;
  Json data = Json::object();
  data["generation"] = generation;
  data["status"] = toString(outcome.status);
  data["error"] = json::orNull(outcome.error);
  data["error_name"] = json::orNull(outcome.error_name);
  const Result<Json> whole = json::parse(outcome.json);
  data["outcome"] = whole.ok() ? *whole : json::orNull(outcome.json);
  const std::string text = json::dump(data);
  Statement known(tx,
                  "SELECT 1 FROM events WHERE session_id = ? AND run_id = ?"
                  " AND event_type = 'late_outcome' AND data = ?",
                  run.session_id, run.run_id, text);
  if (known.step()) return false;
  record(tx, {run.session_id, run.run_id, "late_outcome", outcome.completed_at}, data);
  return false;
}

void storeResults(store::Tx& tx, const Run& run, const Outcome& outcome) {
  Statement(tx,
            "UPDATE runs SET completed_at = ?, error = ?, error_name = ?, result_text = ?,"
            " result_data = ?, outcome = ? WHERE run_id = ?",
            outcome.completed_at, outcome.error, outcome.error_name, outcome.result_text,
            outcome.result_data, outcome.json, run.run_id)
      .run();
  // A launch of a run that is over must not happen any more.
  Statement(tx, "DELETE FROM outbox WHERE session_id = ? AND run_id = ? AND kind <> 'stop'",
            run.session_id, run.run_id)
      .run();
}

Status moveSessionAfter(store::Tx& tx, Session& session, const Outcome& outcome) {
  SessionStatus to = outcome.session_status;
  // Idle means that the host waits for the next turn: one that is gone, or was told to go, does
  // not.
  if (to == SessionStatus::Idle && !session.host_live) to = overLike(outcome.status);
  if (to == SessionStatus::Idle && session.status == SessionStatus::Stopping) return ok();
  return endSession(tx, session, to);
}

void recordEnd(store::Tx& tx, const Run& run, const Session& session, const Outcome& outcome) {
  Json data = Json::object();
  data["session_status"] = toString(session.status);
  std::string_view type = "run_failed";
  if (outcome.status == RunStatus::Completed) {
    type = "run_completed";
    data["exit_code"] = 0;
    data["reason"] = "completed";
  } else {
    if (outcome.status == RunStatus::Stopped) {
      type = "run_stopped";
      data["reason"] = "stopped";
    }
    data["error"] = json::orNull(outcome.error);
    data["error_name"] = json::orNull(outcome.error_name);
    data["error_hint"] = json::orNull(outcome.error_hint);
  }
  record(tx, {run.session_id, run.run_id, type, outcome.completed_at}, data);
}
}  // namespace

Result<bool> applyOutcome(store::Tx& tx, std::string_view run_id, std::int64_t generation,
                          const Outcome& outcome) {
  if (Status valid = checkOutcome(outcome); !valid.ok()) return valid.error();
  Result<Run> run = findRun(tx, run_id);
  if (!run.ok()) return run.error();
  if (isTerminal(run->status) || generation != run->generation)
    return recordLate(tx, *run, generation, outcome);
  Result<Session> session = findSession(tx, run->session_id);
  if (!session.ok()) return session.error();

  if (Status ended = endRun(tx, *run, outcome.status); !ended.ok()) return ended.error();
  storeResults(tx, *run, outcome);
  if (Status moved = moveSessionAfter(tx, *session, outcome); !moved.ok()) return moved.error();
  recordEnd(tx, *run, *session, outcome);
  return true;
}

Status hostExited(store::Tx& tx, std::string_view session_id, std::int64_t generation,
                  SessionStatus status, const std::string& reason_json, const std::string& now) {
  if (!isTerminal(status))
    return Error(Code::InvalidArgument,
                 "a session whose host is gone cannot be " + std::string(toString(status)));
  Result<Session> session = findSession(tx, session_id);
  if (!session.ok()) return session.error();
  if (generation != session->generation || !session->host_live) return ok();
  Statement(tx, "UPDATE sessions SET host_live = 0, owner = '' WHERE session_id = ?",
            session->session_id)
      .run();
  // With a run unfinished, the run's outcome decides: one that waits gets a new host.
  const bool waits = unfinishedRun(tx, session->session_id).has_value();
  if (!waits && !isTerminal(session->status)) {
    if (Status moved = endSession(tx, *session, status); !moved.ok()) return moved;
  }
  Json data = Json::object();
  if (Result<Json> reason = json::parse(reason_json); reason.ok() && reason->is_object())
    data = std::move(*reason);
  else if (!reason_json.empty())
    data["reason"] = reason_json;
  data["generation"] = generation;
  data["session_status"] = toString(session->status);
  record(tx, {session->session_id, "", "host_exited", now}, data);
  return ok();
}

}  // namespace tutti::agents
