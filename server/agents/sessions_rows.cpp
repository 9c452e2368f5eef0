#include "server/agents/sessions_rows.hpp"

#include <nlohmann/json.hpp>

namespace tutti::agents {
using store::Statement;

namespace {
/// The store's CHECK constraints leave no other words.
template <class Enum>
Enum wordFrom(std::optional<Enum> parsed) {
  if (!parsed) throw std::logic_error("a status in the store is not known");
  return *parsed;
}

template <class Enum>
Error illegal(std::string_view what, const std::string& id, Enum from, Enum to) {
  std::string message(what);
  message.append(" '").append(id).append("' is ").append(toString(from));
  message.append(" and cannot become ").append(toString(to));
  return Error(Code::Conflict, std::move(message)).named("illegal_transition");
}
}  // namespace

Session sessionFrom(const Statement& row) {
  Session session;
  int column = 0;
  session.session_id = row.text(column++);
  session.name = row.text(column++);
  session.status = wordFrom(parseSessionStatus(row.text(column++)));
  session.agent_name = row.text(column++);
  session.project_dir = row.text(column++);
  session.model = row.text(column++);
  session.parent_session_id = row.text(column++);
  session.depth = row.integer(column++);
  session.created_at = row.text(column++);
  session.last_resumed_at = row.text(column++);
  session.executor_session_id = row.text(column++);
  session.executor_profile = row.text(column++);
  session.hostname = row.text(column++);
  session.generation = row.integer(column++);
  session.owner = row.text(column++);
  session.host_live = row.integer(column++) != 0;
  session.blueprint = row.text(column++);
  return session;
}

Run runFrom(const Statement& row) {
  Run run;
  int column = 0;
  run.run_id = row.text(column++);
  run.session_id = row.text(column++);
  run.type = row.text(column++) == "start_session" ? RunType::StartSession : RunType::ResumeSession;
  run.status = wordFrom(parseRunStatus(row.text(column++)));
  run.mode = wordFrom(parseExecutionMode(row.text(column++)));
  run.agent_name = row.text(column++);
  run.parameters = row.text(column++);
  run.project_dir = row.text(column++);
  run.parent_session_id = row.text(column++);
  run.error = row.text(column++);
  run.error_name = row.text(column++);
  run.created_at = row.text(column++);
  run.claimed_at = row.text(column++);
  run.started_at = row.text(column++);
  run.completed_at = row.text(column++);
  run.generation = row.integer(column++);
  run.spool_offset = row.integer(column++);
  run.result_text = row.optionalText(column++);
  run.result_data = row.optionalText(column++);
  run.outcome = row.text(column++);
  run.resume_mode = row.text(column++);
  run.resume_reason = row.text(column++);
  return run;
}

std::optional<Run> unfinishedRun(store::Connection& db, std::string_view session_id) {
  static const std::string sql = "SELECT " + std::string(kRunColumns) +
                                 " FROM runs WHERE session_id = ? AND " + std::string(kUnfinished);
  Statement find(db, sql, session_id);
  if (!find.step()) return std::nullopt;
  return runFrom(find);
}

Status moveSession(store::Tx& tx, Session& session, SessionStatus to) {
  if (session.status == to) return ok();
  if (!mayChange(session.status, to))
    return illegal("session", session.session_id, session.status, to);
  Statement update(tx, "UPDATE sessions SET status = ? WHERE session_id = ? AND status = ?",
                   toString(to), session.session_id, toString(session.status));
  if (update.run() != 1) return illegal("session", session.session_id, session.status, to);
  session.status = to;
  return ok();
}

Status moveRun(store::Tx& tx, Run& run, RunStatus to) {
  if (run.status == to) return ok();
  if (!mayChange(run.status, to)) return illegal("run", run.run_id, run.status, to);
  Statement update(tx, "UPDATE runs SET status = ? WHERE run_id = ? AND status = ?", toString(to),
                   run.run_id, toString(run.status));
  if (update.run() != 1) return illegal("run", run.run_id, run.status, to);
  run.status = to;
  return ok();
}

Status endSession(store::Tx& tx, Session& session, SessionStatus to) {
  using enum SessionStatus;
  if (session.status != to && !mayChange(session.status, to) &&
      mayChange(session.status, Running) && mayChange(Running, to)) {
    if (Status running = moveSession(tx, session, Running); !running.ok()) return running;
  }
  return moveSession(tx, session, to);
}

Status endRun(store::Tx& tx, Run& run, RunStatus to) {
  using enum RunStatus;
  if (!mayChange(run.status, to) && mayChange(run.status, Running) && mayChange(Running, to)) {
    if (Status running = moveRun(tx, run, Running); !running.ok()) return running;
  }
  return moveRun(tx, run, to);
}

void record(store::Tx& tx, const OwnEvent& event, const Json& data) {
  store::execute(tx, kInsertEvent, event.session_id, event.run_id, event.type, event.now,
                 json::dump(data));
}

void insertIntent(store::Tx& tx, const NewIntent& intent) {
  store::execute(tx,
                 "INSERT INTO outbox(kind, session_id, run_id, owner, created_at)"
                 " VALUES (?, ?, ?, ?, ?)",
                 intent.kind, intent.session_id, intent.run_id, intent.owner, intent.now);
}

void addIntent(store::Tx& tx, const NewIntent& intent) {
  Statement waiting(tx, "SELECT 1 FROM outbox WHERE session_id = ? AND kind = ? AND run_id = ?",
                    intent.session_id, intent.kind, intent.run_id);
  if (!waiting.step()) insertIntent(tx, intent);
}

}  // namespace tutti::agents
