// Inner to server/agents: rows as structs, and the only two functions that change a status.
#pragma once

#include <string>
#include <string_view>

#include "server/agents/sessions.hpp"
#include "server/store/statement.hpp"

namespace tutti::agents {

/// In SQL exactly as in the partial indices, so that these are used.
inline constexpr std::string_view kUnfinished =
    "status <> 'completed' AND status <> 'failed' AND status <> 'stopped'";

/// The columns that sessionFrom() and runFrom() read, in their order.
inline constexpr std::string_view kSessionColumns =
    "session_id, name, status, agent_name, project_dir, model, parent_session_id, depth,"
    " created_at, last_resumed_at, executor_session_id, executor_profile, hostname, generation,"
    " owner, host_live, blueprint";
inline constexpr std::string_view kRunColumns =
    "run_id, session_id, type, status, execution_mode, agent_name, parameters, project_dir,"
    " parent_session_id, error, error_name, created_at, claimed_at, started_at, completed_at,"
    " generation, spool_offset, result_text, result_data, outcome, resume_mode, resume_reason";

inline constexpr std::string_view kInsertEvent =
    "INSERT INTO events(session_id, run_id, event_type, timestamp, data) VALUES (?, ?, ?, ?, ?)";

Session sessionFrom(const store::Statement& row);
Run runFrom(const store::Statement& row);

/// The session's run that is not over, if there is one.
std::optional<Run> unfinishedRun(store::Connection& db, std::string_view session_id);

/// Changes the status, in the store and in the struct. To the status it has: nothing. Errors:
/// Conflict "illegal_transition", also when the row has changed since the struct was read.
Status moveSession(store::Tx& tx, Session& session, SessionStatus to);
Status moveRun(store::Tx& tx, Run& run, RunStatus to);

/// The same for an end that is reported before its beginning was: through running where that is
/// legal.
Status endSession(store::Tx& tx, Session& session, SessionStatus to);
Status endRun(store::Tx& tx, Run& run, RunStatus to);

/// Appends an event that this server makes itself.
struct OwnEvent {
  std::string_view session_id;
  std::string_view run_id;
  std::string_view type;
  std::string_view now;
};
void record(store::Tx& tx, const OwnEvent& event, const Json& data);

struct NewIntent {
  std::string_view kind;
  std::string_view session_id;
  std::string_view run_id;
  std::string_view owner;
  std::string_view now;
};
/// Inserts the intent. For a run of this transaction there can be none yet.
void insertIntent(store::Tx& tx, const NewIntent& intent);
/// Inserts the intent unless the same is waiting already.
void addIntent(store::Tx& tx, const NewIntent& intent);

}  // namespace tutti::agents
