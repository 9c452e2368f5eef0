#include "server/routing/availability.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "server/agents/migrations.hpp"
#include "server/agents/sessions.hpp"
#include "server/routing/migrations.hpp"
#include "server/store/statement.hpp"
#include "tests/routing/store_support.hpp"

namespace tutti::routing {
namespace {

agents::Blueprint blueprint(const std::string& name) {
  agents::Blueprint made;
  made.name = name;
  made.driver = "process";
  made.command = {"/bin/" + name};
  return made;
}

class RecordsTest : public ::testing::Test {
 protected:
  RecordsTest() : db_(":memory:", store::Access::ReadWrite) {
    for (const store::Migration& migration : agents::migrations()) db_.execute(migration.sql);
  }
  void run(const std::string& agent, const std::string& status, double cost) {
    const auto started = agents::startSession(db_, programSession(agent), {});
    ASSERT_TRUE(started.ok());
    store::execute(db_,
                   "UPDATE runs SET status = ?, outcome = ?, started_at = ?, completed_at = ?"
                   " WHERE run_id = ?",
                   status, Json({{"cost_usd", cost}}).dump(), "2026-11-20T20:00:00.000000+00:00",
                   "2026-11-20T20:00:30.500000+00:00", started->run.run_id);
  }
  store::Connection db_;
};

TEST_F(RecordsTest, TellsLoadSuccessCostAndTime) {
  for (int i = 0; i < 4; ++i) run("good", "completed", 0.5);
  run("bad", "failed", 2);
  run("bad", "stopped", 100);
  run("busy", "running", 0);
  const AgentRecords records = RecordReader().read(db_);
  ASSERT_EQ(records.size(), 3U);
  EXPECT_GT(records.at("good").success, 0.9);
  EXPECT_LT(records.at("bad").success, 0.6);
  EXPECT_EQ(records.at("bad").runs, 1);
  EXPECT_NEAR(records.at("bad").cost_usd.value_or(0), 2, 1e-9);
  EXPECT_NEAR(records.at("good").latency_s.value_or(0), 30.5, 0.01);
  EXPECT_EQ(records.at("busy").running, 1);
}

TEST_F(RecordsTest, RecentRunsCountMoreThanOldOnes) {
  for (int i = 0; i < 20; ++i) run("better", "failed", 0);
  for (int i = 0; i < 20; ++i) run("better", "completed", 0);
  for (int i = 0; i < 20; ++i) run("worse", "completed", 0);
  for (int i = 0; i < 20; ++i) run("worse", "failed", 0);
  const AgentRecords records = RecordReader().read(db_);
  EXPECT_GT(records.at("better").success, records.at("worse").success + 0.2);
}

TEST_F(RecordsTest, WhatIsKnownOfARunIsNotReadAgainAndDeletedRunsAreForgotten) {
  run("good", "completed", 0.5);
  run("gone", "failed", 1);
  RecordReader reader;
  ASSERT_EQ(reader.read(db_).at("good").runs, 1);
  store::execute(db_, "UPDATE runs SET outcome = '{\"cost_usd\": 9}' WHERE agent_name = 'good'");
  store::execute(db_, "DELETE FROM runs WHERE agent_name = 'gone'");
  run("other", "completed", 3);
  const AgentRecords records = reader.read(db_);
  EXPECT_NEAR(records.at("good").cost_usd.value_or(0), 0.5, 1e-9);
  EXPECT_NEAR(records.at("other").cost_usd.value_or(0), 3, 1e-9);
  EXPECT_FALSE(records.contains("gone"));
}

TEST_F(RecordsTest, EndedRunsAreFoundByTheirIndex) {
  for (const store::Migration& migration : migrations()) db_.execute(migration.sql);
  store::Statement plan(db_,
                        "EXPLAIN QUERY PLAN SELECT run_seq FROM runs WHERE status = 'completed' OR"
                        " status = 'failed' ORDER BY run_seq DESC LIMIT 500");
  ASSERT_TRUE(plan.step());
  EXPECT_EQ(plan.text(3), "SCAN runs USING COVERING INDEX runs_ended");
  EXPECT_FALSE(plan.step());
}

TEST(Unstartable, AsksOnceForEachProgram) {
  std::vector<agents::Blueprint> all = {blueprint("a"), blueprint("b"), blueprint("c")};
  all[1].command = all[0].command;
  all[2].active = false;
  int asked = 0;
  const PassedOver passed = unstartable(all, [&](const agents::Blueprint&) {
    ++asked;
    return std::string("is not installed");
  });
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(passed.at("b"), "is not installed");
  EXPECT_EQ(passed.at("c"), "is inactive");
}

TEST(RefusedFor, SaysWhichConstraintAndWhichValue) {
  agents::Blueprint one = blueprint("a");
  one.tags = {"review"};
  one.max_budget_usd = 1;
  struct Case {
    Json constraints;
    AgentRecord record;
    const char* reason;
  };
  const Case cases[] = {
      {Json::object(), {}, ""},
      {{{"exclude", {"b", "a"}}}, {}, "is excluded by the constraints"},
      {{{"tags", {"review"}}}, {}, ""},
      {{{"tags", {"code"}}}, {}, "does not have the tag 'code'"},
      {{{"drivers", {"claude"}}}, {}, "is run by the driver process, not by claude"},
      {{{"packs", {"amas"}}}, {}, "is not of the pack amas"},
      {{{"running_max", 2}},
       {.running = 2},
       "is at its limit: 2 runs are unfinished, of 2 (running_max)"},
      {{{"max_cost_usd", 0.5}},
       {.cost_usd = 0.75},
       "is over the budget: its runs cost 0.75 USD, of 0.50 (max_cost_usd)"},
      {Json::object(),
       {.cost_usd = 1.5},
       "is over its budget: its runs cost 1.50 USD, of 1.00 (its max_budget_usd)"},
  };
  for (const Case& each : cases) {
    const auto constraints = constraintsFrom(each.constraints);
    ASSERT_TRUE(constraints.ok());
    EXPECT_EQ(refusedFor(one, each.record, *constraints), each.reason) << each.constraints;
  }
}

TEST(JoinTwins, TheFirstAndThoseOfItsGroupThatAreAboutAsLikelyAreAsOne) {
  const TwinGroups groups = {{"review", {"a", "b", "low"}}, {"other", {"c", "x"}}};
  std::vector<RankedAgent> ranked = {{"a", 0.4}, {"c", 0.25}, {"b", 0.2}, {"low", 0.1}};
  EXPECT_EQ(joinTwins(ranked, groups), std::vector<std::string>{"b"});
  ASSERT_EQ(ranked.size(), 4U);
  EXPECT_EQ(ranked[0].name, "a");
  EXPECT_EQ(ranked[1].name, "b");
  EXPECT_DOUBLE_EQ(ranked[0].score, 0.6);
  EXPECT_DOUBLE_EQ(ranked[1].score, 0.6);
  EXPECT_EQ(ranked[2].name, "c");
  EXPECT_DOUBLE_EQ(ranked[2].score, 0.25);
}

TEST(JoinTwins, NothingIsMadeOfOneAgentOrOneTextTwice) {
  std::vector<RankedAgent> ranked = {{"a", 0.4}, {"b", 0.35}};
  EXPECT_TRUE(joinTwins(ranked, {{"other", {"b", "c"}}}).empty());
  EXPECT_DOUBLE_EQ(ranked[0].score, 0.4);
  ranked = {{"b", 0.3}, {"c", 0.3}};
  EXPECT_EQ(joinTwins(ranked, {{"other", {"b", "c"}}}), std::vector<std::string>{"c"});
  EXPECT_DOUBLE_EQ(ranked[0].score, 0.3) << "agents of the same texts";
  ranked.clear();
  EXPECT_TRUE(joinTwins(ranked, {}).empty());
}

TEST(Spread, OfEqualsTheOneWithLessLoadIsTakenAndTheOtherToldWhy) {
  const Spread made =
      spread({{"a", 0.50}, {"b", 0.47}, {"c", 0.10}}, {{"a", {.running = 3, .success = 0.8}}});
  ASSERT_EQ(made.candidates.size(), 3U);
  EXPECT_EQ(made.candidates[0].name, "b");
  EXPECT_EQ(made.candidates[1].name, "a");
  ASSERT_TRUE(made.passed.contains("a"));
  EXPECT_NE(made.passed.at("a").find("fits as well as b"), std::string::npos);
  EXPECT_FALSE(made.passed.contains("c"));
}

TEST(Spread, OfEqualsTheCheaperAndTheMoreSuccessfulIsTaken) {
  EXPECT_EQ(spread({{"a", 0.5}, {"b", 0.5}},
                   {{"a", {.success = 0.8, .cost_usd = 3}}, {"b", {.success = 0.8, .cost_usd = 1}}})
                .candidates[0]
                .name,
            "b");
  EXPECT_EQ(spread({{"a", 0.5}, {"b", 0.5}}, {{"a", {.success = 0.4}}}).candidates[0].name, "b");
}

TEST(Spread, BetterFitIsTakenWhateverItsLoad) {
  const Spread made = spread({{"a", 0.9}, {"b", 0.1}}, {{"a", {.running = 15}}});
  EXPECT_EQ(made.candidates[0].name, "a");
  EXPECT_TRUE(made.passed.empty());
}

}  // namespace
}  // namespace tutti::routing
