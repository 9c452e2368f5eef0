// A store of an earlier version keeps everything when it is opened.
#include <gtest/gtest.h>

#include "server/agents/migrations.hpp"
#include "server/store/connection.hpp"
#include "server/store/statement.hpp"

namespace tutti::agents {
namespace {
using store::Statement;

std::string oneText(store::Connection& db, const std::string& sql) {
  Statement row(db, sql);
  return row.step() ? row.text(0) : "nothing";
}

/// As a store looked before migration `number`, with one session, two runs, an event, an intent.
void fill(store::Connection& db, int number) {
  for (const store::Migration& migration : migrations())
    if (migration.number < number) db.execute(migration.sql);
  db.execute(
      "INSERT INTO sessions(session_id, status, created_at) VALUES ('ses_1', 'idle', 't');"
      "INSERT INTO runs(run_id, session_id, type, status, execution_mode, created_at, owner)"
      " VALUES ('run_1', 'ses_1', 'start_session', 'completed', 'sync', 't', 'rep_a'),"
      " ('run_2', 'ses_1', 'resume_session', 'running', 'async_callback', 't', 'rep_a');"
      "INSERT INTO events(session_id, event_type, timestamp) VALUES ('ses_1', 'message', 't');"
      "INSERT INTO outbox(kind, session_id, owner, created_at)"
      " VALUES ('stop', 'ses_1', 'rep_a', 't')");
  for (const store::Migration& migration : migrations())
    if (migration.number >= number) db.execute(migration.sql);
}

TEST(MigrationsTest, EverythingIsKeptFromTheFirstVersion) {
  store::Connection db(":memory:", store::Access::ReadWrite);
  fill(db, 2);
  EXPECT_EQ(oneText(db, "SELECT status FROM sessions"), "idle");
  EXPECT_EQ(oneText(db,
                    "SELECT group_concat(status || ' ' || execution_mode) FROM"
                    " (SELECT * FROM runs ORDER BY run_seq)"),
            "completed sync,running async_callback");
  EXPECT_EQ(oneText(db, "SELECT count(*) FROM events"), "1");
  EXPECT_EQ(oneText(db, "SELECT count(*) FROM outbox"), "1");
  EXPECT_EQ(oneText(db, "PRAGMA foreign_key_check"), "nothing");
  EXPECT_EQ(oneText(db, "PRAGMA integrity_check"), "ok");
}

TEST(MigrationsTest, TheRulesOfStatusesStillHold) {
  store::Connection db(":memory:", store::Access::ReadWrite);
  fill(db, 2);
  const auto refused = [&](const std::string& sql) {
    EXPECT_THROW(db.execute(sql), store::DatabaseError) << sql;
  };
  refused("UPDATE sessions SET status = 'asleep'");
  refused("UPDATE runs SET status = 'asleep' WHERE run_id = 'run_2'");
  refused("UPDATE runs SET execution_mode = 'later' WHERE run_id = 'run_2'");
  refused("UPDATE runs SET status = 'pending' WHERE run_id = 'run_1'");  // a second unfinished one
  refused("UPDATE sessions SET status = NULL");
  for (const char* status : {"pending", "claimed", "running", "stopping", "failed", "stopped"})
    db.execute("UPDATE runs SET status = '" + std::string(status) + "' WHERE run_id = 'run_2'");
}

}  // namespace
}  // namespace tutti::agents
