// Tool bodies against a store of their own: no threads of ours, no protocol, no process.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "server/agents/migrations.hpp"
#include "server/agents/sessions.hpp"
#include "tools/delete_session.hpp"
#include "tools/get_events.hpp"
#include "tools/get_status.hpp"
#include "tools/list_sessions.hpp"
#include "tools/resume.hpp"
#include "tools/run_report.hpp"
#include "tools/start_agent.hpp"
#include "tools/stop.hpp"
#include "tools/wait_any.hpp"

namespace tutti::tools {
namespace {

class ToolsTest : public ::testing::Test {
 protected:
  ToolsTest() : folder_(std::filesystem::temp_directory_path() / "tutti-tools-XXXXXX") {
    std::string pattern = folder_.string();
    if (::mkdtemp(pattern.data()) != nullptr) folder_ = pattern;
    auto opened = store::Store::open(folder_, agents::migrations());
    EXPECT_TRUE(opened.ok()) << opened.error().text();
    store_ = std::move(*opened);
  }
  ~ToolsTest() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  /// What `body` returns inside a transaction.
  template <class Body>
  auto inTx(Body body) {
    using Answer = decltype(body(std::declval<store::Tx&>()));
    std::optional<Answer> answer;
    const Status done = store_->writeAndWait([&](store::Tx& tx) -> Status {
      answer.emplace(body(tx));
      return answer->ok() ? ok() : Status(answer->error());
    });
    if (!answer) ADD_FAILURE() << done.error().text();
    return std::move(*answer);
  }

  StartAgent::Input input(const Json& arguments) {
    auto decoded = StartAgent::decode(arguments);
    EXPECT_TRUE(decoded.ok());
    return decoded.ok() ? std::move(*decoded) : StartAgent::Input{};
  }
  agents::NewSession session(const std::string& driver = "claude") {
    agents::NewSession made;
    made.agent_name = "helper";
    made.driver = driver;
    made.project_dir = "/tmp";
    made.blueprint = "{}";
    made.parameters = R"({"prompt":"hi"})";
    made.owner = "rep_1";
    made.now = "2026-11-20T20:00:00.000000+00:00";
    return made;
  }
  agents::StartedRun start(const std::string& driver = "claude") {
    auto started = inTx([&](store::Tx& tx) {
      return StartAgent::run(tx, input({{"prompt", "hi"}}), session(driver), {});
    });
    EXPECT_TRUE(started.ok());
    return std::move(*started);
  }

  std::filesystem::path folder_;
  std::unique_ptr<store::Store> store_;
};

TEST_F(ToolsTest, PromptAloneBecomesTheParameters) {
  EXPECT_EQ(input({{"prompt", "hi"}}).parameters, Json({{"prompt", "hi"}}));
  EXPECT_EQ(input({{"prompt", "hi"}}).blueprint, "claude");
  EXPECT_EQ(input({{"parameters", {{"n", 1}}}}).parameters, Json({{"n", 1}}));
}

TEST_F(ToolsTest, PromptAndParametersTogetherAreRefused) {
  const auto decoded = StartAgent::decode({{"prompt", "hi"}, {"parameters", Json::object()}});
  ASSERT_FALSE(decoded.ok());
  EXPECT_EQ(decoded.error().code(), Code::InvalidArgument);
  EXPECT_EQ(decoded.error().message(), "both prompt and parameters are given");
}

TEST_F(ToolsTest, TheSameKeyGivesTheSameHandleAndAnotherBodyIsRefused) {
  const auto once = input({{"prompt", "hi"}, {"idempotency_key", "k"}});
  const auto first = inTx([&](store::Tx& tx) { return StartAgent::run(tx, once, session(), {}); });
  const auto again = inTx([&](store::Tx& tx) { return StartAgent::run(tx, once, session(), {}); });
  ASSERT_TRUE(first.ok() && again.ok());
  EXPECT_EQ(first->run.run_id, again->run.run_id);
  const auto other = input({{"prompt", "ho"}, {"idempotency_key", "k"}});
  const auto refused =
      inTx([&](store::Tx& tx) { return StartAgent::run(tx, other, session(), {}); });
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().name(), "idempotency_key_reused");
}

TEST_F(ToolsTest, AChildOfANobodyIsRefused) {
  auto orphan = session();
  orphan.parent_session_id = "ses_nobody";
  const auto refused = inTx([&](store::Tx& tx) {
    return StartAgent::run(tx, input({{"prompt", "hi"}}), orphan, {});
  });
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().name(), "parent_not_found");
}

TEST_F(ToolsTest, ASessionWithAnUnfinishedRunIsBusy) {
  const auto started = start();
  const auto turn =
      Resume::decode({{"session_id", started.session.session_id}, {"prompt", "more"}}, "rep_1");
  const auto refused = inTx([&](store::Tx& tx) { return Resume::run(tx, turn); });
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().name(), "session_busy");
  EXPECT_NE(refused.error().message().find(started.run.run_id), std::string::npos);
}

TEST_F(ToolsTest, StopBeforeTheLaunchEndsTheRunAtOnce) {
  const auto started = start();
  const auto stopped =
      inTx([&](store::Tx& tx) { return Stop::run(tx, started.session.session_id, "rep_1"); });
  ASSERT_TRUE(stopped.ok());
  EXPECT_TRUE(stopped->cancelled_before_launch);
  const auto report = inTx([&](store::Tx& tx) { return Stop::report(tx, *stopped); });
  ASSERT_TRUE(report.ok());
  EXPECT_TRUE((*report)["stopped"].get<bool>()) << report->dump();
  const auto waited =
      inTx([&](store::Tx& tx) { return WaitAny::run(tx, {started.session.session_id}); });
  ASSERT_TRUE(waited.ok());
  EXPECT_EQ((*waited)["finished"].size(), 1U);
}

TEST_F(ToolsTest, EventsComeInPagesWithoutGapsOrRepeats) {
  const auto started = start();
  const auto appended = inTx([&](store::Tx& tx) -> Result<int> {
    for (int i = 0; i < 10; ++i)
      agents::appendEvent(tx, {0, started.session.session_id, started.run.run_id, "progress",
                               started.run.created_at, R"({"n":)" + std::to_string(i) + "}"});
    return 10;
  });
  ASSERT_TRUE(appended.ok());
  std::vector<int> seen;
  GetEvents::Input ask{started.session.session_id, 0, 3, {"progress"}};
  for (bool more = true; more;) {
    const auto page = inTx([&](store::Tx& tx) { return GetEvents::run(tx, ask); });
    ASSERT_TRUE(page.ok());
    for (const Json& event : (*page)["events"]) seen.push_back(event["n"].get<int>());
    ask.after = std::stoll((*page)["next_cursor"].get<std::string>());
    more = (*page)["has_more"].get<bool>();
  }
  EXPECT_EQ(seen, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
}

TEST_F(ToolsTest, StatusShowsTheChildrenAndHidesTheParameters) {
  const auto parent = start();
  auto child = session();
  child.parent_session_id = parent.session.session_id;
  const auto born = inTx([&](store::Tx& tx) {
    return StartAgent::run(tx, input({{"prompt", "hi"}}), child, {});
  });
  ASSERT_TRUE(born.ok());
  const auto status =
      inTx([&](store::Tx& tx) { return GetStatus::run(tx, parent.session.session_id); });
  ASSERT_TRUE(status.ok());
  EXPECT_EQ((*status)["children"][0]["session_id"], born->session.session_id);
  EXPECT_FALSE((*status)["run"].contains("parameters"));
}

TEST_F(ToolsTest, ARunningSessionIsNotDeleted) {
  const auto started = start();
  const auto refused =
      inTx([&](store::Tx& tx) { return DeleteSession::run(tx, started.session.session_id); });
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().name(), "session_active");
}

TEST(RunReportTest, LongTextIsCutBetweenCharacters) {
  agents::Session session;
  agents::Run run;
  run.status = agents::RunStatus::Completed;
  run.result_text = "aé€b";  // 1, 2, 3 and 1 bytes
  const Json first = runReport(session, run, {.offset = 0, .size_max = 2});
  EXPECT_EQ(first["result_text"], "aé");
  EXPECT_EQ(first["result_chars"], 7);
  EXPECT_EQ(first["next_offset"], 3);
  const Json rest = runReport(session, run, {.offset = 3, .size_max = 100});
  EXPECT_EQ(rest["result_text"], "€b");
  EXPECT_FALSE(rest.contains("next_offset"));
}

TEST(RunReportTest, AnUnfinishedRunHasNoResult) {
  const Json report = runReport({}, {});
  EXPECT_FALSE(report["finished"].get<bool>());
  EXPECT_FALSE(report.contains("result_text"));
}

}  // namespace
}  // namespace tutti::tools
