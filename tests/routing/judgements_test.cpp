// Which judge answers which question, in a private in-memory store.
#include "server/routing/judgements.hpp"

#include <gtest/gtest.h>

#include "server/agents/sessions.hpp"
#include "server/store/statement.hpp"
#include "tests/routing/store_support.hpp"

namespace tutti::routing {
namespace {

class JudgementsTest : public ::testing::Test {
 protected:
  JudgementsTest() : db_(":memory:", store::Access::ReadWrite) {
    for (const store::Migration& migration : routingTables()) db_.execute(migration.sql);
  }
  Judgement ask(const std::string& question) {
    const auto started = agents::startSession(db_, programSession("judge"), {});
    EXPECT_TRUE(started.ok());
    const Judgement made{question, started->session.session_id, started->run.run_id, 17};
    saveJudgement(db_, made);
    return made;
  }
  store::Connection db_;
};

TEST_F(JudgementsTest, QuestionHasTheJudgeThatWasAskedLast) {
  EXPECT_FALSE(findJudgement(db_, "q"));
  ask("q");
  const Judgement last = ask("q");
  ask("other");
  const auto found = findJudgement(db_, "q");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->session_id, last.session_id);
  EXPECT_EQ(found->run_id, last.run_id);
  EXPECT_EQ(found->asked_at_ms, 17);
}

TEST_F(JudgementsTest, OpenAreThoseWhoseRunsAreNotOver) {
  EXPECT_EQ(openJudgements(db_), 0);
  const Judgement stopped = ask("a");
  ask("b");
  EXPECT_EQ(openJudgements(db_), 2);
  ASSERT_TRUE(agents::requestStop(db_, stopped.session_id, "rep_1", "2026").ok());
  EXPECT_EQ(openJudgements(db_), 1);
}

TEST_F(JudgementsTest, WhoWasReplacedIsOpenUntilStopped) {
  const Judgement late = ask("a");
  ask("a");
  EXPECT_EQ(openJudgements(db_), 2);
  ASSERT_TRUE(agents::requestStop(db_, late.session_id, "rep_1", "2026").ok());
  EXPECT_EQ(openJudgements(db_), 1);
}

TEST_F(JudgementsTest, OldestGoBeyondTheLimit) {
  for (std::int64_t i = 0; i <= kJudgementsMax; ++i)
    saveJudgement(db_, {"q" + std::to_string(i), "ses_1", "run_1", i});
  EXPECT_FALSE(findJudgement(db_, "q0"));
  EXPECT_TRUE(findJudgement(db_, "q1"));
}

}  // namespace
}  // namespace tutti::routing
