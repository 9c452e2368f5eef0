// The words of the product as types: session, run, event. AOF's names, statuses and JSON spelling.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/json/json.hpp"

namespace tutti::agents {

enum class SessionStatus { Pending, Running, Idle, Stopping, Finished, Stopped, Failed };
enum class RunStatus { Pending, Claimed, Running, Stopping, Completed, Failed, Stopped };
enum class RunType { StartSession, ResumeSession };
enum class ExecutionMode { Sync, AsyncPoll, AsyncCallback };

std::string_view toString(SessionStatus status);  ///< "pending", "running", …
std::string_view toString(RunStatus status);
std::string_view toString(RunType type);        ///< "start_session", "resume_session"
std::string_view toString(ExecutionMode mode);  ///< "sync", "async_poll", "async_callback"
std::optional<SessionStatus> parseSessionStatus(std::string_view word);
std::optional<RunStatus> parseRunStatus(std::string_view word);
std::optional<ExecutionMode> parseExecutionMode(std::string_view word);

bool isTerminal(RunStatus status);  ///< completed, failed, stopped
/// finished, stopped, failed: no process; some agents can be resumed from there.
bool isTerminal(SessionStatus status);

/// The one table of legal transitions. A status never "changes" to itself.
bool mayChange(SessionStatus from, SessionStatus to);
bool mayChange(RunStatus from, RunStatus to);

/// A named, persistent conversation with one agent.
struct Session {
  std::string session_id;
  std::string name;  ///< given by the caller, unique among sessions when not empty
  SessionStatus status = SessionStatus::Pending;
  std::string agent_name;  ///< the blueprint's name
  std::string project_dir;
  std::string model;
  std::string parent_session_id;  ///< "" for a root
  std::int64_t depth = 0;         ///< 0 for a root
  std::string created_at;
  std::string last_resumed_at;
  std::string executor_session_id;  ///< the agent CLI's own conversation id
  std::string executor_profile;     ///< the driver's name: "claude", "process"
  std::string hostname;
  std::int64_t generation = 0;  ///< raised by each spawn of a run-host; older ones are stale
  std::string owner;            ///< the replica that follows the live run-host, or ""
  bool host_live = false;       ///< a run-host of `generation` is believed to run
  std::string blueprint;        ///< JSON snapshot of the blueprint as it was at start
};

/// One execution of a session.
struct Run {
  std::string run_id;
  std::string session_id;
  RunType type = RunType::StartSession;
  RunStatus status = RunStatus::Pending;
  ExecutionMode mode = ExecutionMode::AsyncPoll;
  std::string agent_name;
  std::string parameters;  ///< JSON object text
  std::string project_dir;
  std::string parent_session_id;
  std::string error;       ///< message, "" while there is none
  std::string error_name;  ///< "agent_exited", "run_timeout", …
  std::string created_at;
  std::string claimed_at;
  std::string started_at;
  std::string completed_at;
  std::int64_t generation = 0;    ///< of the host that runs it; 0 until claimed
  std::int64_t spool_offset = 0;  ///< bytes of its spool that are in `events`
  std::optional<std::string> result_text;
  std::optional<std::string> result_data;  ///< JSON text
  std::string outcome;        ///< JSON text of the run-host's whole outcome, "" until then
  std::string resume_mode;    ///< "", "resumed", "resumed_lossy", "fresh"
  std::string resume_reason;  ///< why not "resumed"
};

/// One thing that happened in a session. Absent members are null in JSON.
struct Event {
  std::int64_t id = 0;  ///< position in the log of all sessions; 0 before it is stored
  std::string session_id;
  std::string run_id;
  std::string event_type;  ///< run_start, message, pre_tool, post_tool, result, run_completed, …
  std::string timestamp;
  std::string data;  ///< JSON object text: the type's further members (tool_name, role, content, …)
};

Json toJson(const Session& session);  ///< AOF's members and ours (name, model, depth, generation)
Json toJson(const Run& run);
Json toJson(const Event& event);  ///< {id, session_id, run_id, event_type, timestamp, …data}

}  // namespace tutti::agents
