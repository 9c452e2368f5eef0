// What the tests of sessions share: a private in-memory store and short ways to say what happens.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "server/agents/migrations.hpp"
#include "server/agents/sessions.hpp"
#include "server/agents/sessions_rows.hpp"

namespace tutti::agents {

/// All intents of `owner`, the oldest first.
inline std::vector<Intent> intentsOf(store::Connection& db, std::string_view owner) {
  std::vector<Intent> all = launchIntents(db, owner, 1000);
  for (Intent& intent : hostIntents(db, owner, 1000)) all.push_back(std::move(intent));
  std::sort(all.begin(), all.end(), [](const Intent& a, const Intent& b) { return a.id < b.id; });
  return all;
}

class SessionsTest : public ::testing::Test {
 protected:
  using Run = agents::Run;  // GoogleTest's own Run() would hide it

  SessionsTest() : tx(":memory:", store::Access::ReadWrite) {
    for (const store::Migration& migration : migrations()) tx.execute(migration.sql);
  }

  /// A time later than all before.
  std::string now() {
    char text[40];
    std::snprintf(text, sizeof text, "2026-11-20T20:%02d:%02d.%06d+00:00", seconds_ / 60 % 60,
                  seconds_ % 60, seconds_);
    ++seconds_;
    return text;
  }

  NewSession newSession(const std::string& name = "") {
    NewSession input;
    input.name = name;
    input.agent_name = "writer";
    input.driver = "claude";
    input.project_dir = "/p";
    input.blueprint = R"({"name":"writer"})";
    input.parameters = R"({"prompt":"hi"})";
    input.hostname = "here";
    input.owner = "rep_a";
    input.now = now();
    return input;
  }
  StartedRun start(const NewSession& input) {
    auto started = startSession(tx, input, limits);
    EXPECT_TRUE(started.ok()) << (started.ok() ? "" : started.error().text());
    return started.ok() ? *started : StartedRun{};
  }
  StartedRun start() { return start(newSession()); }
  StartedRun claim(const StartedRun& started, bool new_host = true) {
    auto claimed = claimRun(tx, started.run.run_id, "rep_a", new_host, now());
    EXPECT_TRUE(claimed.ok()) << (claimed.ok() ? "" : claimed.error().text());
    return claimed.ok() ? *claimed : StartedRun{};
  }
  StartedRun running() {
    const StartedRun claimed = claim(start());
    spool(claimed.run, {{.event_type = "run_start"}});
    return reread(claimed);
  }
  Result<StartedRun> resume(const std::string& session_id, const std::string& owner = "rep_a") {
    NewTurn turn;
    turn.session_id = session_id;
    turn.parameters = R"({"prompt":"again"})";
    turn.owner = owner;
    turn.now = now();
    return resumeSession(tx, turn);
  }
  Status trySpool(const Run& run, std::vector<Event> events, std::int64_t from, std::int64_t to) {
    for (Event& event : events) event.timestamp = now();
    return applySpool(tx, {run.run_id, run.generation, from, to, std::move(events)}, limits);
  }
  /// Applies the next piece of the run's spool.
  void spool(const Run& run, std::vector<Event> events) {
    const std::int64_t from = findRun(tx, run.run_id)->spool_offset;
    const Status applied = trySpool(run, std::move(events), from, from + 100);
    EXPECT_TRUE(applied.ok()) << (applied.ok() ? "" : applied.error().text());
  }
  Outcome outcome(RunStatus run, SessionStatus session) {
    Outcome made;
    made.status = run;
    made.session_status = session;
    made.json = R"({"status":")" + std::string(toString(run)) + "\"}";
    made.completed_at = now();
    return made;
  }
  bool end(const Run& run, RunStatus status, SessionStatus session) {
    auto ended = applyOutcome(tx, run.run_id, run.generation, outcome(status, session));
    EXPECT_TRUE(ended.ok()) << (ended.ok() ? "" : ended.error().text());
    return ended.ok() && *ended;
  }
  StopRequest stop(const std::string& session_id) {
    auto request = requestStop(tx, session_id, "rep_a", now());
    EXPECT_TRUE(request.ok()) << (request.ok() ? "" : request.error().text());
    return request.ok() ? *request : StopRequest{};
  }
  StartedRun reread(const StartedRun& started) {
    return {*findSession(tx, started.session.session_id), *findRun(tx, started.run.run_id)};
  }
  SessionStatus statusOf(const StartedRun& started) { return reread(started).session.status; }
  RunStatus runStatusOf(const StartedRun& started) { return reread(started).run.status; }
  std::vector<std::string> eventTypes(const std::string& session_id) {
    std::vector<std::string> types;
    for (const Event& event : readEvents(tx, session_id, 0, 1000))
      types.push_back(event.event_type);
    return types;
  }
  std::int64_t count(const std::string& sql) {
    store::Statement rows(tx, sql);
    return rows.step() ? rows.integer(0) : -1;
  }

  store::Connection tx;
  SessionLimits limits;

 private:
  int seconds_ = 0;
};

using Types = std::vector<std::string>;

}  // namespace tutti::agents
