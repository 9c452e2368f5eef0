// Decisions, attempts and feedback in the store: their rules, and the SQL. Every function runs
// inside a transaction of the caller's; none does I/O. Times are the caller's `now` (isoTimestamp).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/base/result.hpp"
#include "server/store/connection.hpp"

namespace tutti::routing {

inline constexpr std::size_t kStoredRequestBytesMax = 4096;  ///< of a request; the rest is cut
inline constexpr std::int64_t kDecisionsMax = 10'000;  ///< kept; the oldest go, open ones stay
/// Kept of what teaches, and of what does not; the oldest go.
inline constexpr std::int64_t kFeedbackMax = 2'000;
/// Feedback::better for "nobody should have been chosen": no blueprint can be named so.
inline constexpr std::string_view kNobodyIsBetter = "(nobody)";

enum class DecisionStatus {
  Decided,        ///< nothing was started
  Dispatched,     ///< an agent works on it
  Succeeded,      ///< the agent's run ended well
  Failed,         ///< it failed in a way that another agent would too
  NeedsDecision,  ///< no further agent is tried: a person must say what to do
  Superseded,     ///< feedback has named a better agent
};
std::string_view toString(DecisionStatus status);  ///< "decided", …, "needs_decision", …
std::optional<DecisionStatus> parseDecisionStatus(std::string_view word);

/// Why what comes next in a decision has not been started yet, though it may be.
struct StartWait {
  std::int64_t since_ms = 0;     ///< since the epoch; 0: it does not wait
  std::int64_t retry_at_ms = 0;  ///< when it is tried again
  std::string why;               ///< for people
};
/// Nothing waits longer than that from one try to the next.
inline constexpr std::int64_t kStartRetryMaxMs = 30'000;

struct StoredDecision {
  std::int64_t seq = 0;     ///< rises from one to the next; 0 before it is stored
  std::string decision_id;  ///< "" for a fresh one
  std::string created_at;
  std::string updated_at;
  std::string caller_session_id;
  std::string request;  ///< cut at kStoredRequestBytesMax
  std::int64_t request_bytes = 0;
  std::string request_hash;
  std::string strategy;  ///< "single_agent", …, "clarify"
  std::string agent;     ///< the one chosen, or the lead; "" for none
  DecisionStatus status = DecisionStatus::Decided;
  std::int64_t attempts_max = 1;
  /// JSON: what is still to be started, and what that takes; "" when nothing was to be started. A
  /// list leaves it out.
  std::string dispatch;
  std::string problem;  ///< of status failed and needs_decision
  std::string hint;     ///< what a person can do about it
  std::string answer;   ///< JSON: what route_request answered
  StartWait waiting;
};

/// A session that was started for a decision.
struct Attempt {
  std::int64_t seq = 0;
  std::string decision_id;
  std::string agent;
  std::string session_id;
  std::string run_id;
  std::string started_at;
  std::string ended_at;           ///< "" while it is open
  std::string outcome = "open";   ///< open, succeeded, failed, stopped, lost
  std::string error_name, error;  ///< of the run
  std::int64_t stage = 0;         ///< of the decision's plan
  std::int64_t part = 0;          ///< of the stage; several attempts may be of one part
  std::string owner;              ///< of endedAttempts(): the replica that had its run, or ""
};

/// What an attempt's run has brought, cut to a size.
struct AttemptResult {
  std::int64_t seq = 0;  ///< of the attempt
  std::string text;      ///< the run's text, else its data; "" without either
};

/// "rte_" and 12 hex digits.
std::string newDecisionId();
/// Of a request as the cache and feedback know it: what differs in white space alone is the same.
std::string normalisedRequest(std::string_view request);

/// Inserts it with an id, cuts its request, and removes what is beyond kDecisionsMax.
StoredDecision addDecision(store::Tx& tx, StoredDecision decision);
/// Errors: NotFound "decision_not_found" (hint: explain_route lists them).
Result<StoredDecision> findDecision(store::Connection& db, std::string_view decision_id);

struct DecisionFilter {
  std::optional<DecisionStatus> status;
  std::string agent;
  std::string strategy;
  std::string caller_session_id;
  std::string session_id;  ///< of one of its attempts
  std::string before;      ///< cursor of the previous page, "" for the first
  std::int64_t count_max = 20;
};
struct DecisionPage {
  std::vector<StoredDecision> decisions;  ///< newest first
  std::string next;                       ///< cursor, "" at the end
};
/// Errors: InvalidArgument "invalid_cursor".
Result<DecisionPage> listDecisions(store::Connection& db, const DecisionFilter& filter);

/// What has become of a decision.
struct DecisionChange {
  DecisionStatus status;
  std::string agent;  ///< "": stays
  std::string problem, hint;
};
/// It waits for nothing any more.
void changeDecision(store::Tx& tx, std::string_view decision_id, const DecisionChange& change,
                    const std::string& now);
/// Puts `dispatch` in the place of what the decision has kept for further starts.
void replaceDispatch(store::Tx& tx, std::string_view decision_id, std::string_view dispatch);

/// Keeps that the decision waits: until then the end of its attempts is not among those that
/// endedAttempts() gives. Nothing for one whose attempt `seq` has been closed.
void keepWaiting(store::Tx& tx, const Attempt& attempt, const StartWait& wait);
/// When the first that waits is to be tried again, in milliseconds since the epoch; 0 for none. Of
/// those dispatched only: an older tutti ends a decision without ending its wait.
std::int64_t nextRetry(store::Connection& db);

void addAttempt(store::Tx& tx, const Attempt& attempt);
/// Oldest first.
std::vector<Attempt> attemptsOf(store::Connection& db, std::string_view decision_id);
/// Of a decision's attempts that have a run, oldest first; each text at most `size_max` characters.
std::vector<AttemptResult> resultsOf(store::Connection& db, std::string_view decision_id,
                                     std::int64_t size_max);
/// The attempt that a run is of.
std::optional<Attempt> attemptOfRun(store::Connection& db, std::string_view run_id);
/// Closes an open attempt. False when another has done so: then this caller must not act on it.
bool closeAttempt(store::Tx& tx, const Attempt& ended);
/// Open attempts whose runs are over or gone, with outcome and error as the run has them: those
/// whose runs were `owner`'s first, then the oldest of each other owner, so that one who hangs with
/// many keeps nobody's from sight. Without those of decisions that wait beyond `now_ms`.
std::vector<Attempt> endedAttempts(store::Connection& db, std::string_view owner,
                                   std::int64_t now_ms, std::int64_t count_max);

struct Feedback {
  std::int64_t seq = 0;
  std::string decision_id;
  std::string request;
  std::string request_hash;
  std::string agent;    ///< the one that was right or wrong; "" where nobody was chosen
  std::string outcome;  ///< "right", "wrong", or of a run: "succeeded", "failed"
  std::string better;   ///< who should have been chosen, or kNobodyIsBetter; may be ""
  std::string source;   ///< "user" or "run"
  std::string note;
  std::string created_at;
  bool teaches = true;  ///< does the classifier learn from it?
};
/// Inserts it and removes what is beyond kFeedbackMax of its kind. A run's success teaches once for
/// the same request and agent, so that what is asked often does not drown the rest.
Feedback addFeedback(store::Tx& tx, Feedback feedback);
std::vector<Feedback> feedbackOf(store::Connection& db, std::string_view decision_id);
/// Those that teach, with seq > after, oldest first.
std::vector<Feedback> lessons(store::Connection& db, std::int64_t after, std::int64_t count_max);

}  // namespace tutti::routing
