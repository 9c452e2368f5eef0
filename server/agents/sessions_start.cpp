// Beginning: a new session with its first run, and a further run of a session.
#include <nlohmann/json.hpp>

#include "server/agents/sessions.hpp"
#include "server/agents/sessions_rows.hpp"
#include "server/base/ids.hpp"
#include "server/json/or_null.hpp"

namespace tutti::agents {
using store::Statement;

namespace {

/// Ids and names are looked up alike, so neither may be taken by the other.
Status checkNames(store::Tx& tx, const NewSession& input) {
  if (!input.session_id.empty()) {
    if (!isSafeId(input.session_id))
      return Error(Code::InvalidArgument, "session id '" + input.session_id + "' is not valid",
                   "use 1 to 64 letters, digits, '-' or '_', or leave it out")
          .named("invalid_session_id");
    Statement taken(tx,
                    "SELECT 1 FROM sessions WHERE session_id = ?1"
                    " UNION ALL SELECT 1 FROM sessions WHERE name = ?1 AND name <> ''",
                    input.session_id);
    if (taken.step())
      return Error(Code::Conflict, "session '" + input.session_id + "' exists already",
                   "choose another id, or resume this session")
          .named("session_exists");
  }
  if (input.name.empty()) return ok();
  Statement taken(tx,
                  "SELECT session_id FROM sessions WHERE name = ?1 AND name <> ''"
                  " UNION ALL SELECT session_id FROM sessions WHERE session_id = ?1",
                  input.name);
  if (!taken.step()) return ok();
  return Error(Code::Conflict,
               "the name '" + input.name + "' is taken by session '" + taken.text(0) + "'",
               "choose another name, or resume this session")
      .named("name_taken");
}

/// The new session's depth in the tree.
Result<std::int64_t> placeBelowParent(store::Tx& tx, const std::string& parent_id,
                                      const SessionLimits& limits) {
  if (parent_id.empty()) return std::int64_t{0};
  Statement parent(tx, "SELECT depth FROM sessions WHERE session_id = ?", parent_id);
  if (!parent.step())
    return Error(Code::NotFound, "parent session '" + parent_id + "' not found",
                 "leave parent_session_id out to start a root session")
        .named("parent_not_found");
  const std::int64_t depth = parent.integer(0) + 1;
  if (depth > limits.depth_max)
    return Error(Code::ResourceExhausted,
                 "session '" + parent_id + "' is at depth " + std::to_string(depth - 1) +
                     ", and the tree of sessions may be " + std::to_string(limits.depth_max) +
                     " deep (depth_max)",
                 "do the work in this session, or raise --depth-max")
        .named("depth_max");

  // An idle child has done its work: only those that still have something to do are counted.
  Statement children(tx,
                     "SELECT count(*) FROM sessions WHERE parent_session_id = ?"
                     " AND status IN ('pending', 'running', 'stopping')",
                     parent_id);
  children.step();
  if (children.integer(0) >= limits.children_max)
    return Error(Code::ResourceExhausted,
                 "session '" + parent_id + "' has " + std::to_string(children.integer(0)) +
                     " unfinished children, and " + std::to_string(limits.children_max) +
                     " are allowed (children_max)",
                 "wait until one ends, or raise --children-max")
        .named("children_max");
  return depth;
}

void insertSession(store::Tx& tx, const Session& session) {
  const std::optional<std::string> parent =
      session.parent_session_id.empty() ? std::nullopt
                                        : std::optional<std::string>(session.parent_session_id);
  store::execute(tx,
                 "INSERT INTO sessions(session_id, name, status, agent_name, project_dir, model,"
                 " parent_session_id, depth, created_at, executor_profile, hostname, blueprint)"
                 " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                 session.session_id, session.name, toString(session.status), session.agent_name,
                 session.project_dir, session.model, parent, session.depth, session.created_at,
                 session.executor_profile, session.hostname, session.blueprint);
}

void insertRun(store::Tx& tx, const Run& run, const std::string& owner) {
  store::execute(tx,
                 "INSERT INTO runs(run_id, session_id, type, status, execution_mode, agent_name,"
                 " parameters, project_dir, parent_session_id, created_at, owner)"
                 " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                 run.run_id, run.session_id, toString(run.type), toString(run.status),
                 toString(run.mode), run.agent_name, run.parameters, run.project_dir,
                 run.parent_session_id, run.created_at, owner);
}

Run newRun(const Session& session, RunType type, ExecutionMode mode) {
  Run run;
  run.run_id = newRunId();
  run.session_id = session.session_id;
  run.type = type;
  run.mode = mode;
  run.agent_name = session.agent_name;
  run.project_dir = session.project_dir;
  run.parent_session_id = session.parent_session_id;
  return run;
}

void recordCreation(store::Tx& tx, const StartedRun& started) {
  const Session& session = started.session;
  Json data = Json::object();
  data["agent_name"] = json::orNull(session.agent_name);
  data["name"] = json::orNull(session.name);
  data["parent_session_id"] = json::orNull(session.parent_session_id);
  data["execution_mode"] = toString(started.run.mode);
  record(tx, {session.session_id, started.run.run_id, "session_created", session.created_at}, data);
}

Status checkResumable(store::Tx& tx, const Session& session) {
  if (session.executor_profile == "process")
    return Error(Code::Conflict,
                 "session '" + session.session_id + "' ran a program, which cannot be resumed",
                 "start a new session with start_agent")
        .named("procedural_agent_no_resume");
  const std::optional<Run> busy = unfinishedRun(tx, session.session_id);
  if (busy) {
    Json details = Json::object();
    details["run_id"] = busy->run_id;
    details["status"] = toString(busy->status);
    return Error(Code::Conflict,
                 "session '" + session.session_id + "' is busy: run '" + busy->run_id + "' is " +
                     std::string(toString(busy->status)),
                 "wait for it with get_result, or stop it")
        .named("session_busy")
        .withDetails(json::dump(details));
  }
  if (session.status == SessionStatus::Stopping)
    return Error(Code::Conflict, "session '" + session.session_id + "' is being stopped",
                 "resume it when get_status says stopped")
        .named("session_busy");
  return ok();
}
}  // namespace

Result<StartedRun> startSession(store::Tx& tx, const NewSession& input,
                                const SessionLimits& limits) {
  if (Status free = checkNames(tx, input); !free.ok()) return free.error();
  const Result<std::int64_t> depth = placeBelowParent(tx, input.parent_session_id, limits);
  if (!depth.ok()) return depth.error();

  StartedRun started;
  Session& session = started.session;
  session.session_id = input.session_id.empty() ? newSessionId() : input.session_id;
  session.name = input.name;
  session.agent_name = input.agent_name;
  session.project_dir = input.project_dir;
  session.model = input.model;
  session.parent_session_id = input.parent_session_id;
  session.depth = *depth;
  session.created_at = input.now;
  session.executor_profile = input.driver;
  session.hostname = input.hostname;
  session.blueprint = input.blueprint;
  insertSession(tx, session);

  started.run = newRun(session, RunType::StartSession, input.mode);
  started.run.parameters = input.parameters;
  started.run.created_at = input.now;
  insertRun(tx, started.run, input.owner);
  insertIntent(tx, {"launch", session.session_id, started.run.run_id, input.owner, input.now});
  recordCreation(tx, started);
  return started;
}

Result<StartedRun> resumeSession(store::Tx& tx, const NewTurn& input) {
  Result<Session> found = findSession(tx, input.session_id);
  if (!found.ok()) return found.error();
  StartedRun started;
  started.session = std::move(*found);
  Session& session = started.session;
  if (Status free = checkResumable(tx, session); !free.ok()) return free.error();
  if (Status pending = moveSession(tx, session, SessionStatus::Pending); !pending.ok())
    return pending.error();
  session.last_resumed_at = input.now;
  Statement(tx, "UPDATE sessions SET last_resumed_at = ? WHERE session_id = ?", input.now,
            session.session_id)
      .run();

  started.run = newRun(session, RunType::ResumeSession, input.mode);
  started.run.parameters = input.parameters;
  started.run.created_at = input.now;
  insertRun(tx, started.run, input.owner);
  const std::string_view kind = session.host_live ? "turn" : "launch";
  insertIntent(tx, {kind, session.session_id, started.run.run_id, input.owner, input.now});
  Json data = Json::object();
  data["execution_mode"] = toString(input.mode);
  record(tx, {session.session_id, started.run.run_id, "run_queued", input.now}, data);
  return started;
}

}  // namespace tutti::agents
