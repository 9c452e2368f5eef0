#include "server/runner/drivers/process.hpp"
#include "tests/runner/host_fixture.hpp"

namespace tutti::runner {
namespace {

using Words = std::vector<std::string>;

TEST(ArgumentsOf, FollowsAofRules) {
  const Json parameters = {{"a", "text"},     {"b", 3},       {"c", true},       {"d", false},
                           {"e", {"x", "y"}}, {"f", nullptr}, {"g", {{"k", 1}}}, {"h", 2.5}};
  EXPECT_EQ(argumentsOf(parameters), (Words{"--a", "text", "--b", "3", "--c", "--e", "x,y", "--g",
                                            "{\"k\":1}", "--h", "2.5"}));
}

TEST(ArgumentsOf, GivesNothingForNoParameters) {
  EXPECT_TRUE(argumentsOf(Json::object()).empty());
  EXPECT_TRUE(argumentsOf(Json()).empty());
}

class ProcessDriverTest : public HostTest {};

TEST_F(ProcessDriverTest, JsonOnStdoutBecomesResultData) {
  start(shellSpec("echo \"{\\\"args\\\":\\\"$*\\\"}\""));
  turn("run_1", {{"path", "/x"}, {"deep", true}});
  const Json outcome = outcomeOf("run_1");
  EXPECT_EQ(outcome["status"], "completed") << outcome;
  EXPECT_EQ(outcome["session_status"], "finished");
  EXPECT_EQ(outcome["result_data"], (Json{{"args", "--deep --path /x"}}));
  EXPECT_EQ(WEXITSTATUS(waitForExit()), 0);
  EXPECT_EQ(exitJson()["session_status"], "finished");
  EXPECT_EQ(eventTypes("run_1"), (Words{"run_start", "agent_started", "result"}));
}

TEST_F(ProcessDriverTest, JsonNullIsAResult) {
  start(shellSpec("echo null"));
  turn("run_1");
  const Json outcome = outcomeOf("run_1");
  ASSERT_TRUE(outcome.contains("result_data"));
  EXPECT_TRUE(outcome["result_data"].is_null());
  const auto read = readOutcome(layout_.run("run_1"));
  ASSERT_TRUE(read.ok() && *read);
  EXPECT_EQ((*read)->result_data, "null");
  EXPECT_EQ((*read)->status, agents::RunStatus::Completed);
}

TEST_F(ProcessDriverTest, OtherOutputIsGivenWhole) {
  start(shellSpec("echo hello; echo careful >&2"));
  turn("run_1");
  const Json outcome = outcomeOf("run_1");
  EXPECT_EQ(outcome["result_data"],
            (Json{{"return_code", 0}, {"stdout", "hello\n"}, {"stderr", "careful\n"}}));
  EXPECT_EQ(eventsOf("run_1", "progress").at(0)["text"], "careful");
}

TEST_F(ProcessDriverTest, InvalidUtf8IsReplaced) {
  start(shellSpec("printf 'a\\377b'"));
  turn("run_1");
  EXPECT_EQ(outcomeOf("run_1")["result_data"]["stdout"],
            "a\xEF\xBF\xBD"
            "b");
}

TEST_F(ProcessDriverTest, NonZeroExitFailsWithTheTailOfStderr) {
  start(shellSpec("echo '{}'; echo 'no such table' >&2; exit 3"));
  turn("run_1");
  const Json outcome = outcomeOf("run_1");
  EXPECT_EQ(outcome["status"], "failed");
  EXPECT_EQ(outcome["error_name"], "agent_exited");
  EXPECT_EQ(outcome["error"], "the program exited with status 3: no such table");
  EXPECT_EQ(outcome["output"]["return_code"], 3);
  waitForExit();
  EXPECT_EQ(exitJson()["session_status"], "failed");
}

TEST_F(ProcessDriverTest, KilledAgentIsNamed) {
  start(shellSpec("kill -9 $$"));
  turn("run_1");
  const Json outcome = outcomeOf("run_1");
  EXPECT_EQ(outcome["error_name"], "agent_exited");
  EXPECT_EQ(outcome["error"], "the program was killed by signal 9 (Killed)");
}

TEST_F(ProcessDriverTest, MissingProgramIsNamed) {
  HostSpec spec = shellSpec("");
  spec.command = {"/nonexistent/agent"};
  start(spec);
  turn("run_1");
  const Json outcome = outcomeOf("run_1");
  EXPECT_EQ(outcome["error_name"], "agent_not_found");
  EXPECT_NE(outcome["error"].get<std::string>().find("/nonexistent/agent"), std::string::npos);
}

TEST_F(ProcessDriverTest, MissingProjectFolderIsNamed) {
  HostSpec spec = shellSpec("true");
  spec.project_dir = "/nonexistent/folder";
  start(spec);
  turn("run_1");
  EXPECT_EQ(outcomeOf("run_1")["error_name"], "project_dir_missing");
}

TEST_F(ProcessDriverTest, AnArgumentTheKernelRefusesIsNamed) {
  start(shellSpec("true"));
  turn("run_1", {{"text", std::string(200'000, 'x')}});
  EXPECT_EQ(outcomeOf("run_1")["error_name"], "arguments_too_long");
}

TEST_F(ProcessDriverTest, OutputIsHeldToItsSchema) {
  HostSpec spec = shellSpec("echo '{\"answer\":\"many\"}'");
  spec.output_schema = {{"type", "object"}, {"properties", {{"answer", {{"type", "integer"}}}}}};
  start(spec);
  turn("run_1");
  const Json outcome = outcomeOf("run_1");
  EXPECT_EQ(outcome["status"], "failed");
  EXPECT_EQ(outcome["error_name"], "output_schema_violation");
  EXPECT_NE(outcome["error"].get<std::string>().find("/answer"), std::string::npos) << outcome;
  EXPECT_EQ(outcome["error_details"].size(), 1U);
}

TEST_F(ProcessDriverTest, OutputAboveTheLimitEndsTheProgram) {
  HostSpec spec = shellSpec("while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done");
  spec.output_bytes_max = 100'000;
  start(spec);
  turn("run_1");
  const Json outcome = outcomeOf("run_1");
  EXPECT_EQ(outcome["error_name"], "output_too_large");
  EXPECT_TRUE(markedProcesses(spec.session_id).empty());
}

TEST_F(ProcessDriverTest, OutputAtTheLimitIsTaken) {
  HostSpec spec = shellSpec("printf 1234567890");
  spec.output_bytes_max = 10;
  start(spec);
  turn("run_1");
  EXPECT_EQ(outcomeOf("run_1")["result_data"], 1234567890);
}

TEST_F(ProcessDriverTest, FloodOnStderrIsThinnedOut) {
  start(shellSpec("i=0; while [ $i -lt 3000 ]; do echo line $i >&2; i=$((i+1)); done; echo 1"));
  turn("run_1");
  EXPECT_EQ(outcomeOf("run_1")["status"], "completed");
  const std::size_t told = eventsOf("run_1", "progress").size();
  EXPECT_GE(told, 100U);
  EXPECT_LT(told, 1000U);
  EXPECT_EQ(eventsOf("run_1", "progress_dropped").at(0)["lines"].get<std::size_t>() + told, 3000U);
}

TEST_F(ProcessDriverTest, WhatTheProgramLeavesBehindIsEndedAndTold) {
  // One child in the group, one that made a session of its own; both keep stdout open.
  start(shellSpec("sleep 300 & setsid sleep 300 & echo 7"));
  turn("run_1");
  const Json outcome = outcomeOf("run_1");
  EXPECT_EQ(outcome["status"], "completed") << outcome;
  EXPECT_EQ(outcome["result_data"], 7);
  EXPECT_EQ(outcome["left_behind"]["members"], 2) << outcome;
  EXPECT_TRUE(outcome["left_behind"]["survivors"].empty());
  EXPECT_TRUE(markedProcesses(spec_.session_id).empty());
}

TEST_F(ProcessDriverTest, RunLongerThanItsTimeFailsAndIsGone) {
  HostSpec spec = shellSpec("trap '' TERM; while :; do sleep 1; done");
  spec.stop_grace_ms = 200;
  start(spec);
  turn("run_1", Json::object(), 3'000);  // enough to come as far as that trap
  const Json outcome = outcomeOf("run_1");
  EXPECT_EQ(outcome["status"], "failed");
  EXPECT_EQ(outcome["error_name"], "run_timeout");
  EXPECT_EQ(outcome["stop_report"]["signal_sent"], (Json{"SIGTERM", "SIGKILL"}));
  EXPECT_TRUE(markedProcesses(spec_.session_id).empty());
  waitForExit();
  EXPECT_EQ(exitJson()["reason"], "run_timeout");
}

}  // namespace
}  // namespace tutti::runner
