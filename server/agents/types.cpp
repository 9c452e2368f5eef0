#include "server/agents/types.hpp"

#include <array>
#include <nlohmann/json.hpp>

#include "server/json/or_null.hpp"

namespace tutti::agents {
namespace {
constexpr std::array<std::string_view, 7> kSessionWords = {
    "pending", "running", "idle", "stopping", "finished", "stopped", "failed"};
constexpr std::array<std::string_view, 7> kRunWords = {
    "pending", "claimed", "running", "stopping", "completed", "failed", "stopped"};
constexpr std::array<std::string_view, 3> kModeWords = {"sync", "async_poll", "async_callback"};

template <class Enum>
constexpr std::size_t position(Enum value) {
  return static_cast<std::size_t>(value);
}

template <class Enum, std::size_t N>
std::optional<Enum> parseWord(const std::array<std::string_view, N>& words, std::string_view word) {
  for (std::size_t i = 0; i < N; ++i)
    if (words[i] == word) return static_cast<Enum>(i);
  return std::nullopt;
}

/// The statuses that one status may change to, as bits.
template <class Enum>
constexpr unsigned to(std::initializer_list<Enum> statuses) {
  unsigned bits = 0;
  for (const Enum status : statuses) bits |= 1U << position(status);
  return bits;
}

using S = SessionStatus;
/// A session is pending while a run of it waits for its host, the first as well as a later one: who
/// polls must not take the end of the last turn for the end of the next. Hence idle, and over, go
/// back to pending. Stopping never goes back to idle: the host is on its way out.
constexpr std::array<unsigned, 7> kSessionChanges = {
    /* pending  */ to({S::Running, S::Stopping, S::Finished, S::Stopped, S::Failed}),
    /* running  */ to({S::Idle, S::Stopping, S::Finished, S::Stopped, S::Failed}),
    /* idle     */ to({S::Pending, S::Running, S::Stopping, S::Finished, S::Stopped, S::Failed}),
    /* stopping */ to({S::Finished, S::Stopped, S::Failed}),
    /* finished */ to({S::Pending, S::Running}),
    /* stopped  */ to({S::Pending, S::Running}),
    /* failed   */ to({S::Pending, S::Running}),
};

using R = RunStatus;
/// A run that was asked to stop may have completed a moment before: that is recorded as it was.
constexpr std::array<unsigned, 7> kRunChanges = {
    /* pending   */ to({R::Claimed, R::Stopping, R::Failed, R::Stopped}),
    /* claimed   */ to({R::Running, R::Stopping, R::Failed}),
    /* running   */ to({R::Stopping, R::Completed, R::Failed, R::Stopped}),
    /* stopping  */ to({R::Completed, R::Failed, R::Stopped}),
    /* completed */ 0,
    /* failed    */ 0,
    /* stopped   */ 0,
};

/// Stored JSON comes back as JSON; what is not JSON (it should not be there) as the text it is.
Json embedded(const std::string& text) {
  if (text.empty()) return Json();
  Result<Json> parsed = json::parse(text);
  return parsed.ok() ? std::move(*parsed) : Json(text);
}
}  // namespace

std::string_view toString(SessionStatus status) {
  return kSessionWords[position(status)];
}
std::string_view toString(RunStatus status) {
  return kRunWords[position(status)];
}
std::string_view toString(RunType type) {
  return type == RunType::StartSession ? "start_session" : "resume_session";
}
std::string_view toString(ExecutionMode mode) {
  return kModeWords[position(mode)];
}

std::optional<SessionStatus> parseSessionStatus(std::string_view word) {
  return parseWord<SessionStatus>(kSessionWords, word);
}
std::optional<RunStatus> parseRunStatus(std::string_view word) {
  return parseWord<RunStatus>(kRunWords, word);
}
std::optional<ExecutionMode> parseExecutionMode(std::string_view word) {
  return parseWord<ExecutionMode>(kModeWords, word);
}

bool isTerminal(RunStatus status) {
  return kRunChanges[position(status)] == 0;
}
bool isTerminal(SessionStatus status) {
  return status == S::Finished || status == S::Stopped || status == S::Failed;
}

bool mayChange(SessionStatus from, SessionStatus target) {
  return (kSessionChanges[position(from)] >> position(target) & 1U) != 0;
}
bool mayChange(RunStatus from, RunStatus target) {
  return (kRunChanges[position(from)] >> position(target) & 1U) != 0;
}

Json toJson(const Session& session) {
  Json json = Json::object();
  json["session_id"] = session.session_id;
  json["name"] = json::orNull(session.name);
  json["status"] = toString(session.status);
  json["agent_name"] = json::orNull(session.agent_name);
  json["project_dir"] = json::orNull(session.project_dir);
  json["model"] = json::orNull(session.model);
  json["parent_session_id"] = json::orNull(session.parent_session_id);
  json["depth"] = session.depth;
  json["created_at"] = session.created_at;
  json["last_resumed_at"] = json::orNull(session.last_resumed_at);
  json["executor_session_id"] = json::orNull(session.executor_session_id);
  json["executor_profile"] = json::orNull(session.executor_profile);
  json["hostname"] = json::orNull(session.hostname);
  json["generation"] = session.generation;
  return json;
}

Json toJson(const Run& run) {
  Json json = Json::object();
  json["run_id"] = run.run_id;
  json["session_id"] = run.session_id;
  json["type"] = toString(run.type);
  json["status"] = toString(run.status);
  json["execution_mode"] = toString(run.mode);
  json["agent_name"] = json::orNull(run.agent_name);
  json["parameters"] = run.parameters.empty() ? Json::object() : embedded(run.parameters);
  json["project_dir"] = json::orNull(run.project_dir);
  json["parent_session_id"] = json::orNull(run.parent_session_id);
  json["error"] = json::orNull(run.error);
  json["error_name"] = json::orNull(run.error_name);
  json["created_at"] = run.created_at;
  json["claimed_at"] = json::orNull(run.claimed_at);
  json["started_at"] = json::orNull(run.started_at);
  json["completed_at"] = json::orNull(run.completed_at);
  json["generation"] = run.generation;
  json["resume_mode"] = json::orNull(run.resume_mode);
  json["resume_reason"] = json::orNull(run.resume_reason);
  return json;
}

Json toJson(const Event& event) {
  Json json = embedded(event.data);
  if (!json.is_object()) {
    Json members = Json::object();
    if (!json.is_null()) members["data"] = std::move(json);
    json = std::move(members);
  }
  // Last, so that no member of `data` can pass for one of these.
  json["id"] = event.id;
  json["session_id"] = event.session_id;
  json["run_id"] = json::orNull(event.run_id);
  json["event_type"] = event.event_type;
  json["timestamp"] = event.timestamp;
  return json;
}

}  // namespace tutti::agents
