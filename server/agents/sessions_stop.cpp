// Ending what was begun: stop requests and deletion.
#include <nlohmann/json.hpp>

#include "server/agents/sessions.hpp"
#include "server/agents/sessions_rows.hpp"
#include "server/base/clock.hpp"

namespace tutti::agents {
using store::Statement;

namespace {
struct Stopper {
  const std::string& owner;
  const std::string& now;
};

/// The run-host has to be told; it is told again when asked again.
Status stopThroughHost(store::Tx& tx, StopRequest& request, const Stopper& by) {
  const bool first = request.session.status != SessionStatus::Stopping;
  if (Status moved = moveSession(tx, request.session, SessionStatus::Stopping); !moved.ok())
    return moved;
  const std::string& session_id = request.session.session_id;
  addIntent(tx, {"stop", session_id, request.run_id, by.owner, by.now});
  if (first) record(tx, {session_id, request.run_id, "stop_requested", by.now}, Json::object());
  return ok();
}

/// No host has seen the run, so it can be ended here and now.
Status cancelPending(store::Tx& tx, StopRequest& request, Run& run, const Stopper& by) {
  if (Status moved = moveRun(tx, run, RunStatus::Stopped); !moved.ok()) return moved;
  request.cancelled_before_launch = true;
  Statement(tx, "UPDATE runs SET completed_at = ? WHERE run_id = ?", by.now, run.run_id).run();
  Statement(tx, "DELETE FROM outbox WHERE session_id = ? AND run_id = ?", run.session_id,
            run.run_id)
      .run();
  // An earlier turn may have left a host that waits for this one.
  Status moved = request.session.host_live
                     ? stopThroughHost(tx, request, by)
                     : moveSession(tx, request.session, SessionStatus::Stopped);
  if (!moved.ok()) return moved;
  Json data = Json::object();
  data["reason"] = "cancelled before launch";
  record(tx, {request.session.session_id, run.run_id, "run_stopped", by.now}, data);
  return ok();
}

Status stopWithoutRun(store::Tx& tx, StopRequest& request, const Stopper& by) {
  if (isTerminal(request.session.status)) {
    request.already_over = true;
    return ok();
  }
  if (request.session.host_live) return stopThroughHost(tx, request, by);
  if (Status moved = moveSession(tx, request.session, SessionStatus::Stopped); !moved.ok())
    return moved;
  record(tx, {request.session.session_id, "", "stop_requested", by.now}, Json::object());
  return ok();
}

/// Deletions are told to all who wait, by events that belong to no session; only the last ones can
/// still be news to anybody.
constexpr std::int64_t kDeletionEventsMax = 1000;

void recordDeletion(store::Tx& tx, const std::string& session_id) {
  Json data = Json::object();
  data["session_id"] = session_id;
  Statement(tx,
            "INSERT INTO events(session_id, event_type, timestamp, data)"
            " VALUES (NULL, 'session_deleted', ?, ?)",
            isoTimestamp(Clock::system().now()), json::dump(data))
      .run();
  Statement(tx,
            "DELETE FROM events WHERE session_id IS NULL AND id <="
            " (SELECT id FROM events WHERE session_id IS NULL ORDER BY id DESC LIMIT 1 OFFSET ?)",
            kDeletionEventsMax)
      .run();
}
}  // namespace

Result<StopRequest> requestStop(store::Tx& tx, std::string_view session_id,
                                const std::string& owner, const std::string& now) {
  Result<Session> found = findSession(tx, session_id);
  if (!found.ok()) return found.error();
  StopRequest request;
  request.session = std::move(*found);
  const Stopper by{owner, now};
  std::optional<Run> run = unfinishedRun(tx, request.session.session_id);
  Status stopped = ok();
  if (!run) {
    stopped = stopWithoutRun(tx, request, by);
  } else if (run->status == RunStatus::Pending) {
    request.run_id = run->run_id;
    stopped = cancelPending(tx, request, *run, by);
  } else {
    request.run_id = run->run_id;
    stopped = moveRun(tx, *run, RunStatus::Stopping);
    if (stopped.ok()) stopped = stopThroughHost(tx, request, by);
  }
  if (!stopped.ok()) return stopped.error();
  return request;
}

Result<DeletedSession> deleteSession(store::Tx& tx, std::string_view session_id) {
  const Result<Session> found = findSession(tx, session_id);
  if (!found.ok()) return found.error();
  if (!isTerminal(found->status))
    return Error(Code::Conflict,
                 "session '" + found->session_id + "' is " + std::string(toString(found->status)),
                 "stop it first, then delete it")
        .named("session_active");

  DeletedSession deleted;
  deleted.session_id = found->session_id;
  Statement runs(tx, "SELECT run_id FROM runs WHERE session_id = ? ORDER BY run_seq",
                 deleted.session_id);
  while (runs.step()) deleted.run_ids.push_back(runs.text(0));
  Statement events(tx, "SELECT count(*) FROM events WHERE session_id = ?", deleted.session_id);
  if (events.step()) deleted.events_count = events.integer(0);
  Statement(tx, "DELETE FROM sessions WHERE session_id = ?", deleted.session_id).run();
  recordDeletion(tx, deleted.session_id);
  return deleted;
}

}  // namespace tutti::agents
