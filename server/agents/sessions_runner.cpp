// What the runner reads and writes around its hosts: events, intents, ownership, claims.
#include <nlohmann/json.hpp>

#include "server/agents/sessions.hpp"
#include "server/agents/sessions_rows.hpp"
#include "server/base/text.hpp"

namespace tutti::agents {
using store::Statement;

std::int64_t appendEvent(store::Tx& tx, const Event& event) {
  // An agent's bytes come through here; PostgreSQL would refuse what is not UTF-8.
  const std::string data = event.data.empty() ? "{}" : toValidUtf8(event.data);
  store::execute(tx, kInsertEvent, event.session_id, event.run_id, toValidUtf8(event.event_type),
                 toValidUtf8(event.timestamp), data);
  return tx.lastInsertId();
}

namespace {
std::vector<Intent> intentsFrom(Statement& rows) {
  std::vector<Intent> intents;
  while (rows.step())
    intents.push_back({rows.integer(0), rows.text(1), rows.text(2), rows.text(3), rows.text(4)});
  return intents;
}
}  // namespace

std::vector<Intent> launchIntents(store::Connection& db, std::string_view owner,
                                  std::int64_t count_max) {
  Statement rows(db,
                 "SELECT id, kind, session_id, run_id, owner FROM outbox"
                 " WHERE owner = ? AND kind = 'launch' ORDER BY id LIMIT ?",
                 owner, count_max);
  return intentsFrom(rows);
}

std::vector<Intent> hostIntents(store::Connection& db, std::string_view owner,
                                std::int64_t count_max) {
  Statement rows(db,
                 "SELECT id, kind, session_id, run_id, owner FROM outbox"
                 " WHERE owner = ? AND kind IN ('stop', 'turn') ORDER BY id LIMIT ?",
                 owner, count_max);
  return intentsFrom(rows);
}

bool hasIntentToRun(store::Connection& db, std::string_view owner, const Run& run) {
  Statement found(db,
                  "SELECT 1 FROM outbox WHERE session_id = ? AND run_id = ? AND owner = ?"
                  " AND kind <> 'stop'",
                  run.session_id, run.run_id, owner);
  return found.step();
}

void removeIntent(store::Tx& tx, std::int64_t id) {
  Statement(tx, "DELETE FROM outbox WHERE id = ?", id).run();
}

void giveIntent(store::Tx& tx, std::int64_t id, const std::string& owner) {
  Statement(tx, "UPDATE outbox SET owner = ? WHERE id = ?", owner, id).run();
}

std::vector<std::string> owners(store::Connection& db) {
  static const std::string sql = "SELECT owner FROM outbox UNION SELECT owner FROM runs WHERE " +
                                 std::string(kUnfinished) +
                                 " UNION SELECT owner FROM sessions WHERE host_live = 1";
  Statement rows(db, sql);
  std::vector<std::string> found;
  while (rows.step())
    if (std::string owner = rows.text(0); !owner.empty()) found.push_back(std::move(owner));
  return found;
}

std::vector<Session> liveSessionsOf(store::Connection& db, std::string_view owner) {
  static const std::string sql = "SELECT " + std::string(kSessionColumns) +
                                 " FROM sessions WHERE owner = ? AND host_live = 1"
                                 " ORDER BY created_at, session_id";
  Statement rows(db, sql, owner);
  std::vector<Session> sessions;
  while (rows.step()) sessions.push_back(sessionFrom(rows));
  return sessions;
}

std::vector<Session> adopt(store::Tx& tx, std::string_view from, std::string_view to) {
  std::vector<Session> live = liveSessionsOf(tx, from);
  for (Session& session : live) session.owner = to;
  static const std::string runs =
      "UPDATE runs SET owner = ? WHERE owner = ? AND " + std::string(kUnfinished);
  Statement(tx, "UPDATE outbox SET owner = ? WHERE owner = ?", to, from).run();
  Statement(tx, runs, to, from).run();
  Statement(tx, "UPDATE sessions SET owner = ? WHERE owner = ? AND host_live = 1", to, from).run();
  return live;
}

namespace {
/// Makes a new host of the session the one that counts, or checks that the old one is there.
Status prepareHost(store::Tx& tx, Session& session, const std::string& owner, bool new_host) {
  if (!new_host && session.host_live) return ok();
  if (!new_host)
    return Error(Code::FailedPrecondition,
                 "session '" + session.session_id + "' has no live run-host any more",
                 "claim the run for a new host")
        .named("host_gone");
  ++session.generation;
  session.host_live = true;
  session.owner = owner;
  Statement(tx, "UPDATE sessions SET generation = ?, host_live = 1, owner = ? WHERE session_id = ?",
            session.generation, owner, session.session_id)
      .run();
  return ok();
}
}  // namespace

Result<StartedRun> claimRun(store::Tx& tx, std::string_view run_id, const std::string& owner,
                            bool new_host, const std::string& now) {
  Result<Run> run = findRun(tx, run_id);
  if (!run.ok()) return run.error();
  Result<Session> session = findSession(tx, run->session_id);
  if (!session.ok()) return session.error();
  // A claimed run whose host died before it began is claimed again, for another one.
  const bool again = new_host && run->status == RunStatus::Claimed && !session->host_live;
  if (run->status != RunStatus::Pending && !again)
    return Error(Code::Conflict, "run '" + run->run_id + "' is " +
                                     std::string(toString(run->status)) + ", not pending")
        .named("run_not_pending");
  if (Status host = prepareHost(tx, *session, owner, new_host); !host.ok()) return host.error();
  if (!again) {
    if (Status moved = moveRun(tx, *run, RunStatus::Claimed); !moved.ok()) return moved.error();
  }
  run->generation = session->generation;
  run->claimed_at = now;
  Statement(tx, "UPDATE runs SET generation = ?, claimed_at = ?, owner = ? WHERE run_id = ?",
            run->generation, now, owner, run->run_id)
      .run();
  Json data = Json::object();
  data["generation"] = run->generation;
  record(tx, {run->session_id, run->run_id, "run_claimed", now}, data);
  return StartedRun{std::move(*session), std::move(*run)};
}

}  // namespace tutti::agents
