#include "server/agents/types.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <utility>

namespace tutti::agents {
namespace {
constexpr int kStatuses = 7;

TEST(TypesTest, EveryWordIsReadBackAsItself) {
  for (int i = 0; i < kStatuses; ++i) {
    const auto session = static_cast<SessionStatus>(i);
    const auto run = static_cast<RunStatus>(i);
    EXPECT_EQ(parseSessionStatus(toString(session)), session);
    EXPECT_EQ(parseRunStatus(toString(run)), run);
  }
  for (int i = 0; i < 3; ++i) {
    const auto mode = static_cast<ExecutionMode>(i);
    EXPECT_EQ(parseExecutionMode(toString(mode)), mode);
  }
  EXPECT_EQ(parseSessionStatus("banana"), std::nullopt);
  EXPECT_EQ(parseRunStatus("Pending"), std::nullopt);
  EXPECT_EQ(parseExecutionMode(""), std::nullopt);
  EXPECT_EQ(toString(RunType::ResumeSession), "resume_session");
  EXPECT_EQ(toString(ExecutionMode::AsyncCallback), "async_callback");
}

TEST(TypesTest, TheTableOfRunsIsExactlyThis) {
  using enum RunStatus;
  const std::set<std::pair<RunStatus, RunStatus>> legal = {
      {Pending, Claimed},   {Pending, Stopping}, {Pending, Failed},  {Pending, Stopped},
      {Claimed, Running},   {Claimed, Stopping}, {Claimed, Failed},  {Running, Stopping},
      {Running, Completed}, {Running, Failed},   {Running, Stopped}, {Stopping, Completed},
      {Stopping, Failed},   {Stopping, Stopped},
  };
  for (int from = 0; from < kStatuses; ++from)
    for (int to = 0; to < kStatuses; ++to) {
      const auto a = static_cast<RunStatus>(from);
      const auto b = static_cast<RunStatus>(to);
      EXPECT_EQ(mayChange(a, b), legal.count({a, b}) == 1) << toString(a) << " " << toString(b);
    }
}

TEST(TypesTest, TheTableOfSessionsIsExactlyThis) {
  using enum SessionStatus;
  const std::set<std::pair<SessionStatus, SessionStatus>> legal = {
      {Pending, Running},   {Pending, Stopping}, {Pending, Finished}, {Pending, Stopped},
      {Pending, Failed},    {Running, Idle},     {Running, Stopping}, {Running, Finished},
      {Running, Stopped},   {Running, Failed},   {Idle, Pending},     {Idle, Running},
      {Idle, Stopping},     {Idle, Finished},    {Idle, Stopped},     {Idle, Failed},
      {Stopping, Finished}, {Stopping, Stopped}, {Stopping, Failed},  {Finished, Pending},
      {Finished, Running},  {Stopped, Pending},  {Stopped, Running},  {Failed, Pending},
      {Failed, Running},
  };
  for (int from = 0; from < kStatuses; ++from)
    for (int to = 0; to < kStatuses; ++to) {
      const auto a = static_cast<SessionStatus>(from);
      const auto b = static_cast<SessionStatus>(to);
      EXPECT_EQ(mayChange(a, b), legal.count({a, b}) == 1) << toString(a) << " " << toString(b);
    }
}

TEST(TypesTest, WhatIsTerminal) {
  EXPECT_TRUE(isTerminal(RunStatus::Completed));
  EXPECT_FALSE(isTerminal(RunStatus::Stopping));
  EXPECT_TRUE(isTerminal(SessionStatus::Failed));
  EXPECT_FALSE(isTerminal(SessionStatus::Idle));
}

TEST(TypesTest, ASessionAsJsonHasAofsMembersAndNullForWhatIsAbsent) {
  Session session;
  session.session_id = "ses_1";
  session.created_at = "t";
  session.executor_profile = "claude";
  const Json json = toJson(session);
  for (const char* member :
       {"session_id", "status", "created_at", "project_dir", "agent_name", "last_resumed_at",
        "parent_session_id", "executor_session_id", "executor_profile", "hostname", "name", "model",
        "depth", "generation"})
    EXPECT_TRUE(json.contains(member)) << member;
  EXPECT_EQ(json["status"], "pending");
  EXPECT_TRUE(json["parent_session_id"].is_null());
  EXPECT_FALSE(json.contains("owner"));
  EXPECT_FALSE(json.contains("blueprint"));
}

TEST(TypesTest, ARunAsJsonCarriesItsParametersAsAnObject) {
  agents::Run run;
  run.run_id = "run_1";
  run.parameters = R"({"prompt":"hi"})";
  run.status = RunStatus::Claimed;
  const Json json = toJson(run);
  EXPECT_EQ(json["parameters"]["prompt"], "hi");
  EXPECT_EQ(json["status"], "claimed");
  EXPECT_EQ(json["type"], "start_session");
  EXPECT_EQ(json["execution_mode"], "async_poll");
  EXPECT_TRUE(json["error"].is_null());
  EXPECT_TRUE(json["completed_at"].is_null());
}

TEST(TypesTest, AnEventAsJsonHasItsDataAtTheTopAndItsOwnMembersWin) {
  Event event;
  event.id = 7;
  event.session_id = "ses_1";
  event.event_type = "message";
  event.timestamp = "t";
  event.data = R"({"role":"assistant","id":"spoofed","session_id":"spoofed"})";
  const Json json = toJson(event);
  EXPECT_EQ(json["role"], "assistant");
  EXPECT_EQ(json["id"], 7);
  EXPECT_EQ(json["session_id"], "ses_1");
  EXPECT_TRUE(json["run_id"].is_null());
}

TEST(TypesTest, AnEventWhoseDataIsNoObjectKeepsItUnderData) {
  Event event;
  event.data = "not json";
  EXPECT_EQ(toJson(event)["data"], "not json");
  event.data = "[1]";
  EXPECT_EQ(toJson(event)["data"], Json::array({1}));
  event.data = "";
  EXPECT_FALSE(toJson(event).contains("data"));
}

}  // namespace
}  // namespace tutti::agents
