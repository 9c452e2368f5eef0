// From a run-host's spool into the log, exactly once.
#include <nlohmann/json.hpp>

#include "server/agents/sessions.hpp"
#include "server/agents/sessions_rows.hpp"

namespace tutti::agents {
using store::Statement;

namespace {
Status applyRunStart(store::Tx& tx, Run& run, Session& session, const Event& event) {
  if (run.status != RunStatus::Claimed) return ok();  // being stopped, or said before
  if (Status moved = moveRun(tx, run, RunStatus::Running); !moved.ok()) return moved;
  run.started_at = event.timestamp;
  Statement(tx, "UPDATE runs SET started_at = ? WHERE run_id = ?", run.started_at, run.run_id)
      .run();
  if (!mayChange(session.status, SessionStatus::Running)) return ok();
  return moveSession(tx, session, SessionStatus::Running);
}

void applyBind(store::Tx& tx, const Run& run, const Event& event) {
  const Result<Json> data = json::parse(event.data);
  if (!data.ok() || !data->is_object()) return;
  const std::string executor = json::stringOr(*data, "executor_session_id", "");
  if (!executor.empty())
    Statement(tx, "UPDATE sessions SET executor_session_id = ? WHERE session_id = ?", executor,
              run.session_id)
        .run();
  const std::string mode = json::stringOr(*data, "resume_mode", "");
  if (!mode.empty())
    Statement(tx, "UPDATE runs SET resume_mode = ?, resume_reason = ? WHERE run_id = ?", mode,
              json::stringOr(*data, "resume_reason", ""), run.run_id)
        .run();
}

/// Stores as many events as the run may still have. Returns how many that were.
std::int64_t storeEvents(store::Tx& tx, const SpoolChunk& chunk, const Run& run,
                         std::int64_t room) {
  std::int64_t stored = 0;
  for (const Event& event : chunk.events) {
    if (stored >= room) break;
    Event row = event;
    row.session_id = run.session_id;
    row.run_id = run.run_id;
    appendEvent(tx, row);
    ++stored;
  }
  return stored;
}

struct Counts {
  std::int64_t stored = 0;
  std::int64_t dropped = 0;
};

Counts countsOf(store::Tx& tx, const std::string& run_id) {
  Statement row(tx, "SELECT events_count, events_dropped FROM runs WHERE run_id = ?", run_id);
  if (!row.step()) return {};
  return {row.integer(0), row.integer(1)};
}
}  // namespace

Status applySpool(store::Tx& tx, const SpoolChunk& chunk, const SessionLimits& limits) {
  Result<Run> run = findRun(tx, chunk.run_id);
  if (!run.ok()) return run.error();
  if (run->spool_offset != chunk.from || chunk.to < chunk.from)
    return Error(Code::Conflict, "the spool of run '" + run->run_id + "' is stored up to byte " +
                                     std::to_string(run->spool_offset) + ", not " +
                                     std::to_string(chunk.from))
        .named("spool_moved");

  const Counts before = countsOf(tx, run->run_id);
  const std::int64_t stored = storeEvents(tx, chunk, *run, limits.events_max - before.stored);
  const std::int64_t dropped = static_cast<std::int64_t>(chunk.events.size()) - stored;
  if (dropped > 0 && before.dropped == 0) {
    Json data = Json::object();
    data["events_max"] = limits.events_max;
    record(tx,
           {run->session_id, run->run_id, "events_dropped",
            chunk.events[static_cast<std::size_t>(stored)].timestamp},
           data);
  }
  Statement(tx,
            "UPDATE runs SET spool_offset = ?, events_count = ?, events_dropped = ?"
            " WHERE run_id = ?",
            chunk.to, before.stored + stored, before.dropped + dropped, run->run_id)
      .run();
  if (chunk.generation != run->generation || isTerminal(run->status)) return ok();

  Result<Session> session = findSession(tx, run->session_id);
  if (!session.ok()) return session.error();
  for (const Event& event : chunk.events) {
    if (event.event_type == "bind") applyBind(tx, *run, event);
    if (event.event_type != "run_start") continue;
    if (Status moved = applyRunStart(tx, *run, *session, event); !moved.ok()) return moved;
  }
  return ok();
}

}  // namespace tutti::agents
