#include "server/routing/decisions.hpp"

#include <array>
#include <charconv>
#include <utility>

#include "server/base/ids.hpp"
#include "server/base/text.hpp"
#include "server/store/statement.hpp"

namespace tutti::routing {
using store::execute;
using store::Statement;

namespace {
constexpr std::array<std::pair<DecisionStatus, std::string_view>, 6> kStatuses = {{
    {DecisionStatus::Decided, "decided"},
    {DecisionStatus::Dispatched, "dispatched"},
    {DecisionStatus::Succeeded, "succeeded"},
    {DecisionStatus::Failed, "failed"},
    {DecisionStatus::NeedsDecision, "needs_decision"},
    {DecisionStatus::Superseded, "superseded"},
}};

constexpr std::string_view kDecisionColumns =
    "decision_seq, decision_id, created_at, updated_at, caller_session_id, request, request_bytes,"
    " request_hash, strategy, agent, status, attempts_max, dispatch, problem, hint, answer,"
    " waiting_since_ms, retry_at_ms, waiting_for";
/// The same in a list: what is kept for further starts may be large, and nobody reads it there.
constexpr std::string_view kListedColumns =
    "decision_seq, decision_id, created_at, updated_at, caller_session_id, request, request_bytes,"
    " request_hash, strategy, agent, status, attempts_max, '', problem, hint, answer,"
    " waiting_since_ms, retry_at_ms, waiting_for";
constexpr std::string_view kAttemptColumns =
    "attempt_seq, decision_id, agent, session_id, run_id, started_at, ended_at, outcome,"
    " error_name, error, stage, part";
constexpr std::string_view kFeedbackColumns =
    "feedback_seq, decision_id, request, request_hash, agent, outcome, better, source, note,"
    " created_at, teaches";

std::string select(std::string_view columns, std::string_view rest) {
  return "SELECT " + std::string(columns) + " FROM " + std::string(rest);
}

StoredDecision decisionFrom(const Statement& row) {
  StoredDecision decision;
  decision.seq = row.integer(0);
  decision.decision_id = row.text(1);
  decision.created_at = row.text(2);
  decision.updated_at = row.text(3);
  decision.caller_session_id = row.text(4);
  decision.request = row.text(5);
  decision.request_bytes = row.integer(6);
  decision.request_hash = row.text(7);
  decision.strategy = row.text(8);
  decision.agent = row.text(9);
  decision.status = parseDecisionStatus(row.text(10)).value_or(DecisionStatus::Decided);
  decision.attempts_max = row.integer(11);
  decision.dispatch = row.text(12);
  decision.problem = row.text(13);
  decision.hint = row.text(14);
  decision.answer = row.text(15);
  decision.waiting = {row.integer(16), row.integer(17), row.text(18)};
  return decision;
}

Attempt attemptFrom(const Statement& row) {
  Attempt attempt;
  attempt.seq = row.integer(0);
  attempt.decision_id = row.text(1);
  attempt.agent = row.text(2);
  attempt.session_id = row.text(3);
  attempt.run_id = row.text(4);
  attempt.started_at = row.text(5);
  attempt.ended_at = row.text(6);
  attempt.outcome = row.text(7);
  attempt.error_name = row.text(8);
  attempt.error = row.text(9);
  attempt.stage = row.integer(10);
  attempt.part = row.integer(11);
  return attempt;
}

std::vector<Feedback> feedbackFrom(Statement& rows) {
  std::vector<Feedback> all;
  while (rows.step()) {
    Feedback one;
    one.seq = rows.integer(0);
    one.decision_id = rows.text(1);
    one.request = rows.text(2);
    one.request_hash = rows.text(3);
    one.agent = rows.text(4);
    one.outcome = rows.text(5);
    one.better = rows.text(6);
    one.source = rows.text(7);
    one.note = rows.text(8);
    one.created_at = rows.text(9);
    one.teaches = rows.integer(10) != 0;
    all.push_back(std::move(one));
  }
  return all;
}

/// A page begins below the last one's lowest number.
Result<std::int64_t> beforeFrom(const std::string& cursor) {
  if (cursor.empty()) return std::int64_t{INT64_MAX};
  std::int64_t before = 0;
  const char* end = cursor.data() + cursor.size();
  const auto read = std::from_chars(cursor.data(), end, before);
  if (read.ec == std::errc() && read.ptr == end && before > 0) return before;
  return Error(Code::InvalidArgument, "the cursor is not one that explain_route has returned",
               "begin again without a cursor")
      .named("invalid_cursor");
}
}  // namespace

std::string_view toString(DecisionStatus status) {
  for (const auto& [value, word] : kStatuses)
    if (value == status) return word;
  return "decided";
}

std::optional<DecisionStatus> parseDecisionStatus(std::string_view word) {
  for (const auto& [value, known] : kStatuses)
    if (known == word) return value;
  return std::nullopt;
}

std::string newDecisionId() {
  return "rte_" + randomHex(6);
}

std::string normalisedRequest(std::string_view request) {
  constexpr std::string_view kSpaces = " \t\r\n\f\v";
  std::string normal;
  normal.reserve(request.size());
  for (const char byte : request) {
    const bool space = kSpaces.find(byte) != kSpaces.npos;
    if (!space) normal += byte;
    if (space && !normal.empty() && normal.back() != ' ') normal += ' ';
  }
  if (!normal.empty() && normal.back() == ' ') normal.pop_back();
  return normal;
}

StoredDecision addDecision(store::Tx& tx, StoredDecision decision) {
  if (decision.decision_id.empty()) decision.decision_id = newDecisionId();
  decision.request_bytes = static_cast<std::int64_t>(decision.request.size());
  decision.request = shortened(decision.request, kStoredRequestBytesMax);
  decision.updated_at = decision.created_at;
  execute(tx,
          "INSERT INTO route_decisions(decision_id, created_at, updated_at, caller_session_id,"
          " request, request_bytes, request_hash, strategy, agent, status, attempts_max, dispatch,"
          " problem, hint, answer) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
          decision.decision_id, decision.created_at, decision.updated_at,
          decision.caller_session_id, decision.request, decision.request_bytes,
          decision.request_hash, decision.strategy, decision.agent, toString(decision.status),
          decision.attempts_max, decision.dispatch, decision.problem, decision.hint,
          decision.answer);
  decision.seq = tx.lastInsertId();
  execute(tx, "DELETE FROM route_decisions WHERE decision_seq <= ? AND status <> 'dispatched'",
          decision.seq - kDecisionsMax);
  return decision;
}

Result<StoredDecision> findDecision(store::Connection& db, std::string_view decision_id) {
  Statement found(db, select(kDecisionColumns, "route_decisions WHERE decision_id = ?"),
                  decision_id);
  if (found.step()) return decisionFrom(found);
  return Error(Code::NotFound, "decision '" + std::string(decision_id) + "' not found",
               "explain_route without an id lists the newest decisions")
      .named("decision_not_found");
}

Result<DecisionPage> listDecisions(store::Connection& db, const DecisionFilter& filter) {
  const auto before = beforeFrom(filter.before);
  if (!before.ok()) return before.error();
  std::string where = "route_decisions WHERE decision_seq < ?";
  std::vector<std::string> values;
  const auto also = [&](const char* condition, std::string value) {
    if (value.empty()) return;
    where += condition;
    values.push_back(std::move(value));
  };
  also(" AND status = ?", filter.status ? std::string(toString(*filter.status)) : "");
  also(" AND agent = ?", filter.agent);
  also(" AND strategy = ?", filter.strategy);
  also(" AND caller_session_id = ?", filter.caller_session_id);
  also(" AND decision_id IN (SELECT decision_id FROM route_attempts WHERE session_id = ?)",
       filter.session_id);
  Statement rows(db, select(kListedColumns, where + " ORDER BY decision_seq DESC LIMIT " +
                                                std::to_string(filter.count_max + 1)));
  rows.set(1, *before);
  for (std::size_t i = 0; i < values.size(); ++i) rows.set(static_cast<int>(i) + 2, values[i]);
  DecisionPage page;
  while (rows.step()) {
    if (static_cast<std::int64_t>(page.decisions.size()) == filter.count_max) {
      page.next = std::to_string(page.decisions.back().seq);
      break;
    }
    page.decisions.push_back(decisionFrom(rows));
  }
  return page;
}

void changeDecision(store::Tx& tx, std::string_view decision_id, const DecisionChange& change,
                    const std::string& now) {
  execute(tx,
          "UPDATE route_decisions SET status = ?2, agent = CASE WHEN ?3 = '' THEN agent ELSE ?3"
          " END, problem = ?4, hint = ?5, updated_at = ?6, waiting_since_ms = 0,"
          " retry_at_ms = 0, waiting_for = '' WHERE decision_id = ?1",
          decision_id, toString(change.status), change.agent, change.problem, change.hint, now);
}

void replaceDispatch(store::Tx& tx, std::string_view decision_id, std::string_view dispatch) {
  execute(tx, "UPDATE route_decisions SET dispatch = ?2 WHERE decision_id = ?1", decision_id,
          dispatch);
}

void keepWaiting(store::Tx& tx, const Attempt& attempt, const StartWait& wait) {
  execute(tx,
          "UPDATE route_decisions SET waiting_since_ms = ?3, retry_at_ms = ?4, waiting_for = ?5"
          " WHERE decision_id = ?1 AND EXISTS (SELECT 1 FROM route_attempts"
          " WHERE attempt_seq = ?2 AND outcome = 'open')",
          attempt.decision_id, attempt.seq, wait.since_ms, wait.retry_at_ms, wait.why);
}

std::int64_t nextRetry(store::Connection& db) {
  Statement first(db,
                  "SELECT MIN(retry_at_ms) FROM route_decisions WHERE retry_at_ms > 0"
                  " AND status = 'dispatched'");
  return first.step() ? first.integer(0) : 0;
}

void addAttempt(store::Tx& tx, const Attempt& attempt) {
  execute(tx,
          "INSERT INTO route_attempts(decision_id, agent, session_id, run_id, started_at, stage,"
          " part) VALUES (?, ?, ?, ?, ?, ?, ?)",
          attempt.decision_id, attempt.agent, attempt.session_id, attempt.run_id,
          attempt.started_at, attempt.stage, attempt.part);
}

std::vector<Attempt> attemptsOf(store::Connection& db, std::string_view decision_id) {
  Statement rows(
      db, select(kAttemptColumns, "route_attempts WHERE decision_id = ? ORDER BY attempt_seq"),
      decision_id);
  std::vector<Attempt> attempts;
  while (rows.step()) attempts.push_back(attemptFrom(rows));
  return attempts;
}

std::vector<AttemptResult> resultsOf(store::Connection& db, std::string_view decision_id,
                                     std::int64_t size_max) {
  Statement rows(db,
                 "SELECT a.attempt_seq, substr(COALESCE(r.result_text, r.result_data, ''), 1, ?2)"
                 " FROM route_attempts a JOIN runs r ON r.run_id = a.run_id"
                 " WHERE a.decision_id = ?1 ORDER BY a.attempt_seq",
                 decision_id, size_max);
  std::vector<AttemptResult> results;
  while (rows.step()) results.push_back({rows.integer(0), rows.text(1)});
  return results;
}

std::optional<Attempt> attemptOfRun(store::Connection& db, std::string_view run_id) {
  Statement row(db, select(kAttemptColumns, "route_attempts WHERE run_id = ?"), run_id);
  if (!row.step()) return std::nullopt;
  return attemptFrom(row);
}

bool closeAttempt(store::Tx& tx, const Attempt& ended) {
  return execute(tx,
                 "UPDATE route_attempts SET outcome = ?2, ended_at = ?3, error_name = ?4,"
                 " error = ?5 WHERE attempt_seq = ?1 AND outcome = 'open'",
                 ended.seq, ended.outcome, ended.ended_at, ended.error_name, ended.error) == 1;
}

std::vector<Attempt> endedAttempts(store::Connection& db, std::string_view owner,
                                   std::int64_t now_ms, std::int64_t count_max) {
  Statement rows(db,
                 "SELECT a.attempt_seq, a.decision_id, a.agent, a.session_id, a.run_id,"
                 " a.started_at, COALESCE(r.completed_at, ''), COALESCE(r.status, 'lost'),"
                 " COALESCE(r.error_name, ''), COALESCE(r.error, ''), a.stage, a.part,"
                 " COALESCE(r.owner, '')"
                 " FROM route_attempts a JOIN route_decisions d ON d.decision_id = a.decision_id"
                 " LEFT JOIN runs r ON r.run_id = a.run_id"
                 " WHERE a.outcome = 'open' AND d.retry_at_ms NOT BETWEEN ?1 + 1 AND ?1 + ?2"
                 " AND (r.run_id IS NULL OR r.status = 'completed'"
                 " OR r.status = 'failed' OR r.status = 'stopped')"
                 " ORDER BY r.owner IS NOT ?3, ROW_NUMBER() OVER (PARTITION BY r.owner"
                 " ORDER BY a.attempt_seq), a.attempt_seq LIMIT ?4",
                 now_ms, kStartRetryMaxMs, owner, count_max);
  std::vector<Attempt> ended;
  while (rows.step()) {
    ended.push_back(attemptFrom(rows));
    if (ended.back().outcome == "completed") ended.back().outcome = "succeeded";
    ended.back().owner = rows.text(12);
  }
  return ended;
}

Feedback addFeedback(store::Tx& tx, Feedback feedback) {
  if (feedback.teaches && feedback.source == "run") {
    Statement known(tx,
                    "SELECT 1 FROM route_feedback WHERE request_hash = ? AND agent = ?"
                    " AND source = 'run' AND teaches = 1",
                    feedback.request_hash, feedback.agent);
    feedback.teaches = !known.step();
  }
  execute(tx,
          "INSERT INTO route_feedback(decision_id, request, request_hash, agent, outcome, better,"
          " source, note, created_at, teaches) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
          feedback.decision_id, feedback.request, feedback.request_hash, feedback.agent,
          feedback.outcome, feedback.better, feedback.source, feedback.note, feedback.created_at,
          feedback.teaches);
  feedback.seq = tx.lastInsertId();
  execute(tx,
          "DELETE FROM route_feedback WHERE teaches = ?1 AND feedback_seq <= (SELECT feedback_seq"
          " FROM route_feedback WHERE teaches = ?1 ORDER BY feedback_seq DESC LIMIT 1 OFFSET ?2)",
          feedback.teaches, kFeedbackMax);
  return feedback;
}

std::vector<Feedback> feedbackOf(store::Connection& db, std::string_view decision_id) {
  Statement rows(
      db, select(kFeedbackColumns, "route_feedback WHERE decision_id = ? ORDER BY feedback_seq"),
      decision_id);
  return feedbackFrom(rows);
}

std::vector<Feedback> lessons(store::Connection& db, std::int64_t after, std::int64_t count_max) {
  Statement rows(db,
                 select(kFeedbackColumns,
                        "route_feedback WHERE feedback_seq > ? AND teaches = 1"
                        " ORDER BY feedback_seq LIMIT ?"),
                 after, count_max);
  return feedbackFrom(rows);
}

}  // namespace tutti::routing
