#include <set>

#include "tests/agents/sessions_support.hpp"

namespace tutti::agents {
namespace {

class ListTest : public SessionsTest {
 protected:
  std::vector<std::string> idsOf(SessionFilter filter) {
    const auto page = listSessions(tx, filter);
    EXPECT_TRUE(page.ok());
    std::vector<std::string> ids;
    if (page.ok())
      for (const Session& session : page->sessions) ids.push_back(session.session_id);
    return ids;
  }
  std::string planOf(const std::string& sql) {
    store::Statement rows(tx, "EXPLAIN QUERY PLAN " + sql);
    std::string plan;
    while (rows.step()) plan += rows.text(3) + "\n";
    return plan;
  }
};

TEST_F(ListTest, NewestFirstAndFiltered) {
  const StartedRun root = start();
  NewSession input = newSession();
  input.agent_name = "painter";
  input.project_dir = "/q";
  input.parent_session_id = root.session.session_id;
  const StartedRun child = start(input);
  stop(root.session.session_id);
  const std::string a = root.session.session_id;
  const std::string b = child.session.session_id;
  EXPECT_EQ(idsOf({}), (std::vector<std::string>{b, a}));
  EXPECT_EQ(idsOf({.status = SessionStatus::Stopped}), std::vector<std::string>{a});
  EXPECT_EQ(idsOf({.agent_name = "painter"}), std::vector<std::string>{b});
  EXPECT_EQ(idsOf({.parent_session_id = a}), std::vector<std::string>{b});
  EXPECT_EQ(idsOf({.project_dir = "/q"}), std::vector<std::string>{b});
  EXPECT_EQ(idsOf({.status = SessionStatus::Pending,
                   .agent_name = "painter",
                   .parent_session_id = a,
                   .project_dir = "/q"}),
            std::vector<std::string>{b});
  EXPECT_TRUE(idsOf({.agent_name = "nobody"}).empty());
}

TEST_F(ListTest, TenThousandSessionsArePagedThroughEachOnce) {
  tx.execute(
      "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 9999)"
      " INSERT INTO sessions(session_id, status, created_at, agent_name)"
      " SELECT 'ses_' || i, 'finished', '2026-11-20T20:00:00.' || printf('%06d', i / 3) ||"
      " '+00:00', 'a' || (i % 2) FROM n");
  std::set<std::string> seen;
  std::string last = "~";
  SessionFilter filter;
  filter.count_max = 333;
  for (;;) {
    const auto page = listSessions(tx, filter);
    ASSERT_TRUE(page.ok());
    for (const Session& session : page->sessions) {
      EXPECT_TRUE(seen.insert(session.session_id).second) << session.session_id;
      EXPECT_LT(session.created_at + session.session_id, last);
      last = session.created_at + session.session_id;
    }
    if (page->next.empty()) break;
    filter.before = page->next;
  }
  EXPECT_EQ(seen.size(), 10'000U);
}

TEST_F(ListTest, APageThatEndsExactlyAtTheLastSessionHasNoNext) {
  for (int i = 0; i < 4; ++i) start();
  SessionFilter filter;
  filter.count_max = 2;
  filter.before = listSessions(tx, filter)->next;
  ASSERT_FALSE(filter.before.empty());
  const auto second = listSessions(tx, filter);
  EXPECT_EQ(second->sessions.size(), 2U);
  EXPECT_EQ(second->next, "");
}

TEST_F(ListTest, APageIsAtLeastOneAndAtMostAThousand) {
  tx.execute(
      "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)"
      " INSERT INTO sessions(session_id, status, created_at) SELECT 'ses_' || i, 'idle', 't' FROM "
      "n");
  EXPECT_EQ(idsOf({.count_max = 0}).size(), 1U);
  EXPECT_EQ(idsOf({.count_max = 5000}).size(), 1000U);
}

TEST_F(ListTest, ACursorThatWeNeverGaveIsRefused) {
  start();
  for (const char* cursor : {"x", "~", "~ses_1", "2026~", "2026-11-20T20:00:00~a b",
                             "'; DROP TABLE sessions; --~ses_1"}) {
    SessionFilter filter;
    filter.before = cursor;
    const auto page = listSessions(tx, filter);
    ASSERT_FALSE(page.ok()) << cursor;
    EXPECT_EQ(page.error().code(), Code::InvalidArgument);
    EXPECT_EQ(page.error().name(), "invalid_cursor");
  }
}

TEST_F(ListTest, EventsComeAfterTheCursorInOrder) {
  const StartedRun started = running();
  const auto all = readEvents(tx, started.session.session_id, 0, 100);
  ASSERT_EQ(all.size(), 3U);
  const auto rest = readEvents(tx, started.session.session_id, all[0].id, 1);
  ASSERT_EQ(rest.size(), 1U);
  EXPECT_EQ(rest[0].id, all[1].id);
  EXPECT_TRUE(readEvents(tx, started.session.session_id, all[2].id, 100).empty());
  EXPECT_TRUE(readEvents(tx, started.session.session_id, 0, -5).empty());
}

TEST_F(ListTest, WhatRunsOftenFindsItsIndex) {
  EXPECT_NE(planOf("SELECT * FROM runs WHERE session_id = 'x' AND " + std::string(kUnfinished))
                .find("runs_"),
            std::string::npos);
  const std::string list = planOf(
      "SELECT * FROM sessions WHERE (created_at, session_id) < ('a', 'b')"
      " ORDER BY created_at DESC, session_id DESC LIMIT 5");
  EXPECT_NE(list.find("sessions_by_age"), std::string::npos) << list;
  EXPECT_EQ(list.find("TEMP B-TREE"), std::string::npos) << list;
  const std::string names = planOf("SELECT * FROM sessions WHERE name = 'x' AND name <> ''");
  EXPECT_NE(names.find("sessions_by_name"), std::string::npos) << names;
  const std::string owned = planOf("SELECT owner FROM sessions WHERE host_live = 1");
  EXPECT_NE(owned.find("sessions_by_live_owner"), std::string::npos) << owned;
  const std::string runs = planOf("SELECT owner FROM runs WHERE " + std::string(kUnfinished));
  EXPECT_NE(runs.find("runs_unfinished_by_owner"), std::string::npos) << runs;
}

}  // namespace
}  // namespace tutti::agents
