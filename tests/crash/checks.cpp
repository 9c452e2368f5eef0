#include "tests/crash/checks.hpp"

#include <sqlite3.h>

#include <chrono>
#include <fstream>
#include <functional>
#include <memory>
#include <set>

#include "tests/crash/client.hpp"

namespace tutti::crash {
namespace fs = std::filesystem;
namespace {

constexpr int kSettleMaxMs = 120'000;
constexpr int kGoneMaxMs = 10'000;

using Row = std::vector<std::string>;

/// The store's file, read only and without tutti's code.
class Database {
 public:
  explicit Database(const fs::path& file) {
    sqlite3_open_v2(file.c_str(), &db_, SQLITE_OPEN_READWRITE, nullptr);
  }
  ~Database() { sqlite3_close(db_); }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  std::vector<Row> rows(const std::string& sql) const {
    std::vector<Row> found;
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(db_, sql.c_str(), -1, &statement, nullptr) != SQLITE_OK)
      return {{"error", sqlite3_errmsg(db_)}};
    while (sqlite3_step(statement) == SQLITE_ROW) {
      Row row;
      for (int column = 0; column < sqlite3_column_count(statement); ++column) {
        const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
        row.emplace_back(text != nullptr ? text : "");
      }
      found.push_back(std::move(row));
    }
    sqlite3_finalize(statement);
    return found;
  }

 private:
  sqlite3* db_ = nullptr;
};

std::string joined(const Row& row) {
  std::string text;
  for (const std::string& word : row) text += (text.empty() ? "" : " | ") + word;
  return text;
}

/// Each row that `sql` finds is a problem.
void expectNone(const Database& db, Ledger& ledger, const std::string& what,
                const std::string& sql) {
  for (const Row& row : db.rows(sql)) ledger.problem(what + ": " + joined(row));
}

struct RunRow {
  std::string run_id;
  std::string session_id;
  std::string status;
  std::string error_name;
  std::string result;
};

struct EventRow {
  std::string type;
  Json data;
};

/// One run as the store has it, against what was ordered.
class RunCheck {
 public:
  RunCheck(const Database& db, Ledger& ledger, RunRow run, Damage damage)
      : ledger_(ledger), run_(std::move(run)), damage_(damage) {
    const auto rows = db.rows("SELECT event_type, data FROM events WHERE run_id = '" + run_.run_id +
                              "' ORDER BY id");
    for (const Row& row : rows) {
      Result<Json> data = json::parse(row[1]);
      if (data.ok())
        events_.push_back({row[0], std::move(*data)});
      else
        problem("an event that is no JSON: " + joined(row));
    }
  }

  void life() {
    if (run_.status != "completed" && run_.status != "failed" && run_.status != "stopped")
      problem("did not end");
    int ends = 0;
    for (const EventRow& event : events_) ends += isEnd(event.type) ? 1 : 0;
    if (ends != 1) problem(std::to_string(ends) + " terminal events");
    if (!events_.empty() && ends == 1 && events_.back().type != "run_" + run_.status)
      problem("the last event is " + events_.back().type);
    if (count("run_start") > 1 || count("agent_started") > 1) problem("began more than once");
    if (count("late_outcome") > 0) problem("an outcome after the outcome");
    if (count("spool_garbage") > 0) problem("garbage in the spool");
  }

  void against(const Order& order) {
    tag_ = order.tag;
    if (order.acknowledged && order.session_id != run_.session_id) problem("another session's");
    if (!order.reported.empty() && order.reported != run_.status)
      problem("was told as " + order.reported);
    outcome(order);
    if (order.kind == "talk") return;
    progress(order);
  }

 private:
  static bool isEnd(const std::string& type) {
    return type == "run_completed" || type == "run_failed" || type == "run_stopped";
  }

  std::int64_t count(const std::string& type) const {
    return std::count_if(events_.begin(), events_.end(),
                         [&](const EventRow& event) { return event.type == type; });
  }

  void outcome(const Order& order) {
    if (run_.status == "stopped" && ledger_.stopAsked(run_.session_id)) return;
    const bool lost = run_.error_name == "run_host_lost" || run_.error_name == "run_host_failed" ||
                      run_.error_name == "agent_exited";
    if (damage_ == Damage::ServersAndHosts && run_.status == "failed" && lost) return;
    const bool failing = order.kind == "failing";
    if (run_.status != (failing ? "failed" : "completed")) return problem("ended otherwise");
    if (failing && run_.error_name != "agent_exited") problem("failed otherwise");
    if (!failing && run_.result.find(order.tag) == std::string::npos)
      problem("has another result: " + run_.result);
  }

  void progress(const Order& order) {
    int line = 0;
    for (const EventRow& event : events_) {
      if (event.type != "progress") continue;
      const std::string expected = order.tag + " " + std::to_string(++line);
      const std::string text = json::stringOr(event.data, "text", "");
      if (text != expected) return problem("step '" + text + "' instead of '" + expected + "'");
    }
    if (run_.status == "completed" && line != order.lines)
      problem(std::to_string(line) + " of " + std::to_string(order.lines) + " steps");
  }

  void problem(const std::string& what) {
    std::string text = tag_ + " " + run_.run_id + " (" + run_.session_id + ", " + run_.status +
                       " " + run_.error_name + ") " + what + "; events:";
    for (const EventRow& event : events_)
      if (event.type != "progress") text += " " + event.type;
    ledger_.problem(text);
  }

  Ledger& ledger_;
  const RunRow run_;
  const Damage damage_;
  std::vector<EventRow> events_;
  std::string tag_ = "?";
};

/// Which order a run belongs to: its parameters carry the tag.
std::string tagIn(const std::string& parameters) {
  const Result<Json> parsed = json::parse(parameters);
  if (!parsed.ok()) return {};
  const std::string tag = json::stringOr(*parsed, "tag", "");
  if (!tag.empty()) return tag;
  const std::string prompt = json::stringOr(*parsed, "prompt", "");
  const auto at = prompt.rfind("say:");
  return at == std::string::npos ? std::string() : prompt.substr(at + 4);
}

void checkRuns(const Database& db, Ledger& ledger, Damage damage) {
  const auto orders = ledger.orders();
  std::map<std::string, int> runs_of;
  for (const Row& row : db.rows("SELECT run_id, session_id, status, error_name,"
                                " coalesce(result_text, '') || coalesce(result_data, ''),"
                                " parameters FROM runs ORDER BY run_seq")) {
    RunCheck check(db, ledger, {row[0], row[1], row[2], row[3], row[4]}, damage);
    check.life();
    const std::string tag = tagIn(row[5]);
    ++runs_of[tag];
    const auto order = orders.find(tag);
    if (order == orders.end()) {
      ledger.problem("a run that nobody ordered: " + joined(row));
      continue;
    }
    if (order->second.acknowledged && order->second.run_id != row[0])
      ledger.problem(tag + ": acknowledged as " + order->second.run_id + ", stored as " + row[0]);
    check.against(order->second);
  }
  for (const auto& [tag, order] : orders) {
    const int found = runs_of[tag];
    if (found > 1) ledger.problem(tag + ": " + std::to_string(found) + " runs");
    if (order.acknowledged && found == 0) ledger.problem(tag + ": acknowledged and not there");
    if (order.refused && found > 0) ledger.problem(tag + ": refused and there");
  }
}

/// Programs note that they begin: none did so twice.
void checkStarts(const World& world, Ledger& ledger) {
  std::ifstream file(world.starts());
  std::set<std::string> seen;
  for (std::string tag; std::getline(file, tag);)
    if (!seen.insert(tag).second) ledger.problem(tag + ": its program was started twice");
}

std::int64_t msSince(std::chrono::steady_clock::time_point began) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                               began)
      .count();
}

/// Runs as the store has them now, acknowledged or not.
std::vector<Row> storedRuns(const World& world) {
  const Database db(world.data() / "tutti.db");
  return db.rows("SELECT run_id, session_id FROM runs ORDER BY run_seq");
}

void awaitRun(Client& client, Ledger& ledger, const Row& run, std::int64_t limit_ms) {
  const auto began = std::chrono::steady_clock::now();
  while (msSince(began) < limit_ms) {
    const auto answer =
        client.call("get_result", Json::object({{"run_id", run[0]}, {"wait_s", 20}}), 40'000);
    if (!answer || answer->is_error)
      return ledger.problem(run[0] + ": get_result said " +
                            (answer ? json::dump(answer->body) : "nothing"));
    if (json::booleanOr(answer->body, "finished", false)) return ledger.told(answer->body);
  }
  ledger.problem(run[0] + " of " + run[1] + " does not end");
}

void stopSession(Client& client, Ledger& ledger, const std::string& session_id) {
  const Json arguments = Json::object({{"session_id", session_id}, {"wait_s", 20}});
  const auto answer = client.call("stop", arguments, 40'000);
  if (!answer || answer->is_error || !json::booleanOr(answer->body, "stopped", false))
    ledger.problem(session_id + ": stop said " + (answer ? json::dump(answer->body) : "nothing"));
}

/// Folders of runs and of hosts' generations.
std::vector<fs::path> leftFolders(const World& world) {
  std::vector<fs::path> left;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(world.data() / "runs", none))
    left.push_back(entry.path());
  for (const auto& session : fs::directory_iterator(world.data() / "hosts", none))
    for (const auto& entry : fs::directory_iterator(session.path(), none))
      if (entry.is_directory()) left.push_back(entry.path());
  return left;
}

/// Lock files of replicas, the living ones' too.
std::vector<fs::path> replicaLocks(const World& world) {
  std::error_code none;
  const fs::directory_iterator all(world.data() / "replicas", none);
  std::vector<fs::path> locks;
  for (const auto& entry : all) locks.push_back(entry.path());
  return locks;
}

/// What killed servers could not remove goes soon after another one, the only one now, has started.
void awaitSweep(Client& client, const World& world) {
  const auto began = std::chrono::steady_clock::now();
  const auto swept = [&] { return leftFolders(world).empty() && replicaLocks(world).size() <= 1; };
  while (!swept() && msSince(began) < kGoneMaxMs)
    client.call("list_sessions", Json::object(), 10'000);
}

}  // namespace

void settle(const World& world, Ledger& ledger) {
  const auto began = std::chrono::steady_clock::now();
  Client client(world, Client::Face::Stdio);
  if (!client.call("list_sessions", Json::object(), 30'000))
    return ledger.problem("the last server does not answer");
  for (const Row& run : storedRuns(world))
    awaitRun(client, ledger, run, std::max<std::int64_t>(1'000, kSettleMaxMs - msSince(began)));
  std::set<std::string> sessions;
  for (const Row& run : storedRuns(world)) sessions.insert(run[1]);
  for (const std::string& session : sessions) {
    if (msSince(began) > 2 * kSettleMaxMs) return ledger.problem("stopping takes too long");
    stopSession(client, ledger, session);
  }
  awaitSweep(client, world);
  if (client.leave(30'000) != 0) ledger.problem("the last server did not leave as it should");
}

void checkStore(const World& world, Ledger& ledger, Damage damage) {
  const Database db(world.data() / "tutti.db");
  for (const Row& row : db.rows("PRAGMA integrity_check"))
    if (row != Row{"ok"}) ledger.problem("integrity: " + joined(row));
  expectNone(db, ledger, "an intent is left", "SELECT * FROM outbox");
  expectNone(db, ledger, "a host is believed to live",
             "SELECT session_id, status, generation, owner FROM sessions WHERE host_live <> 0");
  expectNone(db, ledger, "a session is not over",
             "SELECT session_id, status FROM sessions"
             " WHERE status NOT IN ('finished', 'stopped', 'failed')");
  expectNone(db, ledger, "a session without a run",
             "SELECT session_id FROM sessions WHERE session_id NOT IN"
             " (SELECT session_id FROM runs)");
  expectNone(db, ledger, "not created exactly once",
             "SELECT s.session_id, count(e.id) FROM sessions s LEFT JOIN events e"
             " ON e.session_id = s.session_id AND e.event_type = 'session_created'"
             " GROUP BY s.session_id HAVING count(e.id) <> 1");
  checkRuns(db, ledger, damage);
  checkStarts(world, ledger);
}

void checkLeftovers(const World& world, Ledger& ledger) {
  for (const pid_t pid : world.processes())
    if (!waitGone(pid, kGoneMaxMs)) ledger.problem("process " + std::to_string(pid) + " is left");
  for (const fs::path& path : leftFolders(world)) ledger.problem("left: " + path.string());
  for (const fs::path& path : replicaLocks(world)) ledger.problem("left: " + path.string());
}

}  // namespace tutti::crash
