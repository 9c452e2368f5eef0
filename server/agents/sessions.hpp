// Sessions and runs in the store: the rules of their lives, and the SQL. Every function runs inside
// a transaction of the caller's; none does I/O. All times are the caller's `now` (isoTimestamp).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/agents/types.hpp"
#include "server/base/result.hpp"
#include "server/store/connection.hpp"

namespace tutti::agents {

struct SessionLimits {
  std::int64_t children_max = 64;     ///< unfinished children of one session
  std::int64_t depth_max = 8;         ///< of the tree of sessions, the root being 0
  std::int64_t events_max = 100'000;  ///< of one run; the rest is counted and dropped
};

struct NewSession {
  std::string session_id;  ///< "" for a fresh one
  std::string name;
  std::string agent_name;
  std::string driver;
  std::string project_dir;
  std::string model;
  std::string parent_session_id;
  std::string blueprint;   ///< JSON snapshot
  std::string parameters;  ///< JSON object
  std::string hostname;
  ExecutionMode mode = ExecutionMode::AsyncPoll;
  std::string owner;  ///< the replica that accepted it and will launch it
  std::string now;
};

struct StartedRun {
  Session session;
  Run run;
};

/// Inserts session, first run (both pending), the event "session_created" and the intent "launch".
/// Errors: Conflict "session_exists" / "name_taken", NotFound "parent_not_found", ResourceExhausted
/// "children_max" / "depth_max" (with the limit's value and its option).
Result<StartedRun> startSession(store::Tx& tx, const NewSession& input,
                                const SessionLimits& limits);

struct NewTurn {
  std::string session_id;  ///< or its name
  std::string parameters;  ///< {"prompt": …}
  ExecutionMode mode = ExecutionMode::AsyncPoll;
  std::string owner;
  std::string now;
};

/// Inserts a run of type resume_session, the event "run_queued" and the intent "turn" for a live
/// run-host, else "launch", and moves the session, idle or over, back to pending: who polls must
/// not take the end of the last turn for the end of this one. Errors: NotFound (hint:
/// list_sessions), Conflict "session_busy" while a run is unfinished (names the run) or the session
/// is being stopped, Conflict "procedural_agent_no_resume" for driver "process".
Result<StartedRun> resumeSession(store::Tx& tx, const NewTurn& input);

/// What a stop found and did at once.
struct StopRequest {
  Session session;                       ///< after the change
  std::string run_id;                    ///< the run that is being stopped, or ""
  bool already_over = false;             ///< nothing was running: nothing was changed
  bool cancelled_before_launch = false;  ///< the run was still pending and is stopped now
};

/// Moves session and current run to stopping and inserts the intent "stop" — or ends a run that was
/// never launched. Errors: NotFound.
Result<StopRequest> requestStop(store::Tx& tx, std::string_view session_id,
                                const std::string& owner, const std::string& now);

struct DeletedSession {
  std::string session_id;
  std::vector<std::string> run_ids;  ///< whose spool folders may go
  std::int64_t events_count = 0;
};
/// Errors: NotFound, Conflict "session_active" (hint: stop it first) unless the session is over.
Result<DeletedSession> deleteSession(store::Tx& tx, std::string_view session_id);

// --- reading ---

/// By id or by name. Errors: NotFound "session_not_found" naming it (hint: list_sessions).
Result<Session> findSession(store::Connection& db, std::string_view id_or_name);
/// Errors: NotFound "run_not_found".
Result<Run> findRun(store::Connection& db, std::string_view run_id);
/// The newest run of the session. Every session has one.
Result<Run> latestRun(store::Connection& db, std::string_view session_id);

struct SessionFilter {
  std::optional<SessionStatus> status;
  std::string agent_name;
  std::string parent_session_id;
  std::string project_dir;
  std::string before;  ///< cursor of the previous page, "" for the first
  std::int64_t count_max = 50;
};
struct SessionPage {
  std::vector<Session> sessions;  ///< newest first
  std::string next;               ///< cursor, "" at the end
};
/// Errors: InvalidArgument "invalid_cursor".
Result<SessionPage> listSessions(store::Connection& db, const SessionFilter& filter);

/// Events of the session with id > after, oldest first.
std::vector<Event> readEvents(store::Connection& db, std::string_view session_id,
                              std::int64_t after, std::int64_t count_max);

/// The newest event of the session, of `type` if one is given.
std::optional<Event> lastEvent(store::Connection& db, std::string_view session_id,
                               std::string_view type = {});

// --- what the runner does ---

/// Appends an event and returns its id. Never fails for content.
std::int64_t appendEvent(store::Tx& tx, const Event& event);

/// Work to be done outside the transaction that decided it. Stays until acknowledged, so that a
/// crash in between loses nothing.
struct Intent {
  std::int64_t id = 0;
  std::string kind;  ///< "launch": the run needs a host; "turn": its session has one; "stop"
  std::string session_id;
  std::string run_id;
  std::string owner;
};
/// The oldest `count_max` of `owner` that are launches. They wait for one another, so there may be
/// very many.
std::vector<Intent> launchIntents(store::Connection& db, std::string_view owner,
                                  std::int64_t count_max);
/// The oldest `count_max` of `owner` that are for a host that is there: they wait for no launch.
std::vector<Intent> hostIntents(store::Connection& db, std::string_view owner,
                                std::int64_t count_max);
/// Does `owner` have an intent, "launch" or "turn", that this run begins?
bool hasIntentToRun(store::Connection& db, std::string_view owner, const Run& run);
void removeIntent(store::Tx& tx, std::int64_t id);
/// From now on `owner` answers for the intent.
void giveIntent(store::Tx& tx, std::int64_t id, const std::string& owner);

/// Owners named by unfinished intents, unfinished runs or live hosts: whose locks an adopter must
/// try.
std::vector<std::string> owners(store::Connection& db);
/// Takes over all that `from` owned. The caller has proved that `from` is dead. Returns the
/// sessions whose live host it now has to follow.
std::vector<Session> adopt(store::Tx& tx, std::string_view from, std::string_view to);
/// Sessions with host_live owned by `owner`.
std::vector<Session> liveSessionsOf(store::Connection& db, std::string_view owner);

/// pending -> claimed, with the generation of the host that will run it. With `new_host`, raises
/// the session's generation and marks its host live, owned by `owner`; so a run that is claimed
/// already is claimed again when its host has gone. Errors: Conflict "run_not_pending" (it was
/// stopped meanwhile, or another replica has it), FailedPrecondition "host_gone" without `new_host`
/// when the session's host has exited: claim again with one. Any other error says nothing of the
/// run: try again later.
Result<StartedRun> claimRun(store::Tx& tx, std::string_view run_id, const std::string& owner,
                            bool new_host, const std::string& now);

/// A piece of a run's spool: complete lines, [from, to).
struct SpoolChunk {
  std::string run_id;
  std::int64_t generation = 0;
  std::int64_t from = 0;
  std::int64_t to = 0;
  std::vector<Event> events;
};
/// Appends the events and moves spool_offset, or changes nothing: Conflict "spool_moved" when
/// spool_offset is not `from` (another replica was faster). Applies what events say of the session:
/// "run_start" makes run and session running; "bind" sets executor_session_id and
/// resume_mode/reason (members executor_session_id, resume_mode, resume_reason). Past events_max
/// the chunk is counted (event "events_dropped" once) and not stored. Chunks of a stale generation
/// are stored as they are but change no status.
Status applySpool(store::Tx& tx, const SpoolChunk& chunk, const SessionLimits& limits);

/// How a run ended, as its run-host or its supervisor found it.
struct Outcome {
  RunStatus status = RunStatus::Failed;                  ///< completed, failed or stopped
  SessionStatus session_status = SessionStatus::Failed;  ///< idle, finished, failed or stopped
  std::string error;
  std::string error_name;
  std::string error_hint;
  std::optional<std::string> result_text;
  std::optional<std::string> result_data;  ///< JSON text
  std::string json;                        ///< the whole, as it came
  std::string completed_at;
};
/// Ends the run: write-once. Sets results and error, appends run_completed / run_failed /
/// run_stopped, moves the session. A run that is over already is left alone and the outcome stored
/// as event "late_outcome". Returns whether this call ended it.
Result<bool> applyOutcome(store::Tx& tx, std::string_view run_id, std::int64_t generation,
                          const Outcome& outcome);

/// The session's run-host of `generation` is gone. Clears host_live and owner, appends
/// "host_exited" with the members of `reason_json`, and moves a session that has nothing else to
/// wait for (idle or stopping, no unfinished run) to `status` (finished, stopped or failed). With
/// an unfinished run the status is left to that run's outcome. A stale generation, and a second
/// call, change nothing.
Status hostExited(store::Tx& tx, std::string_view session_id, std::int64_t generation,
                  SessionStatus status, const std::string& reason_json, const std::string& now);

// --- idempotency ---

/// Tells one body of a caller from another of the same caller; nobody gains by a collision
/// (FNV-1a). Made outside of transactions: a body may be long.
class BodyDigest {
 public:
  BodyDigest() = default;  ///< of an empty body
  explicit BodyDigest(std::string_view body);
  std::string text() const;

 private:
  std::size_t size_ = 0;
  std::uint64_t hash_ = 14695981039346656037ULL;
};

/// The answer given earlier to the same tool, key and body. Errors: Conflict
/// "idempotency_key_reused" when the key was used with another body.
Result<std::optional<std::string>> findIdempotent(store::Connection& db, std::string_view tool,
                                                  std::string_view key, const BodyDigest& body);
void saveIdempotent(store::Tx& tx, std::string_view tool, std::string_view key,
                    const BodyDigest& body, std::string_view answer, const std::string& now);

}  // namespace tutti::agents
