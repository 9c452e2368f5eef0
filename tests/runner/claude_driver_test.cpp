// The claude driver against the fake that speaks the real one's wire (tests/fakes/claude).
#include <signal.h>

#include <cstdlib>

#include "server/base/file.hpp"
#include "server/base/ids.hpp"
#include "tests/runner/host_fixture.hpp"

namespace tutti::runner {
namespace {

using Words = std::vector<std::string>;

class ClaudeDriverTest : public HostTest {
 protected:
  void SetUp() override {
    const char* fakes = std::getenv("TUTTI_FAKES");
    const auto beside = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "fakes";
    fake_ = (fakes != nullptr ? std::filesystem::path(fakes) : beside) / "claude_fake";
    ASSERT_TRUE(std::filesystem::exists(fake_)) << fake_ << " is missing: build claude_fake";
  }

  HostSpec claudeSpec() {
    HostSpec spec = shellSpec("");
    spec.driver = "claude";
    spec.command = {fake_.string()};
    spec.new_executor_session_id = newUuid();
    return spec;
  }
  void prompt(const std::string& run_id, const std::string& text, std::int64_t timeout_ms = 0) {
    turn(run_id, {{"prompt", text}}, timeout_ms, text);
  }
  Json ask(const std::string& run_id, const std::string& text) {
    prompt(run_id, text);
    return outcomeOf(run_id);
  }
  /// Ends the host and begins the next generation, which continues `executor_session_id`.
  void restart(HostSpec spec, const std::string& executor_session_id) {
    ::kill(host_pid_, SIGTERM);
    waitForExit();
    link_.reset();
    messages_.clear();
    spec.generation = spec_.generation + 1;
    spec.environment["TUTTI_GENERATION"] = std::to_string(spec.generation);
    spec.executor_session_id = executor_session_id;
    start(spec);
  }
  Json bindOf(const std::string& run_id) {
    const std::vector<Json> binds = eventsOf(run_id, "bind");
    EXPECT_EQ(binds.size(), 1U);
    return binds.empty() ? Json::object() : binds.front();
  }

  std::filesystem::path fake_;
};

TEST_F(ClaudeDriverTest, OneTurn) {
  start(claudeSpec());
  const Json outcome = ask("run_1", "say:hello there");
  EXPECT_EQ(outcome["status"], "completed") << outcome;
  EXPECT_EQ(outcome["session_status"], "idle");
  EXPECT_EQ(outcome["result_text"], "hello there");
  EXPECT_TRUE(outcome.contains("cost_usd"));
  EXPECT_EQ(eventTypes("run_1"),
            (Words{"run_start", "message", "agent_started", "bind", "message", "usage", "result"}));
  const Json bound = bindOf("run_1");
  EXPECT_EQ(bound["executor_session_id"], spec_.new_executor_session_id);
  EXPECT_FALSE(bound.contains("resume_mode"));
  EXPECT_EQ(eventsOf("run_1", "message").at(0)["role"], "user");
  EXPECT_EQ(eventsOf("run_1", "message").at(1)["role"], "assistant");
}

TEST_F(ClaudeDriverTest, McpSecretsGoWithTheHost) {
  HostSpec spec = claudeSpec();
  spec.mcp_servers = {{"x", {{"command", "/nonexistent"}, {"env", {{"KEY", "secret"}}}}}};
  start(spec);
  EXPECT_EQ(ask("run_1", "option:mcp-config")["status"], "completed");
  const auto file = layout_.host(spec.session_id, 1) / "mcp.json";
  EXPECT_TRUE(std::filesystem::exists(file)) << "the agent may read it again while it lives";
  send({{"cmd", "stop"}});
  waitForExit();
  EXPECT_FALSE(std::filesystem::exists(file));
}

TEST_F(ClaudeDriverTest, FurtherTurnsGoToTheLivingProcess) {
  start(claudeSpec());
  const std::string first = ask("run_0", "pid")["result_text"].get<std::string>();
  for (int i = 1; i <= 20; ++i) {
    const std::string run_id = "run_" + std::to_string(i);
    EXPECT_EQ(ask(run_id, "pid")["result_text"], first);
    EXPECT_EQ(bindOf(run_id)["resume_mode"], "resumed");
  }
}

TEST_F(ClaudeDriverTest, ANewProcessResumesTheConversation) {
  start(claudeSpec());
  const std::string id = spec_.new_executor_session_id;
  ask("run_1", "say:one");
  restart(spec_, id);
  const Json outcome = ask("run_2", "prompts");
  EXPECT_EQ(bindOf("run_2")["resume_mode"], "resumed") << bindOf("run_2");
  EXPECT_EQ(bindOf("run_2")["executor_session_id"], id);
  EXPECT_NE(outcome["result_text"].get<std::string>().find("say:one"), std::string::npos);
}

TEST_F(ClaudeDriverTest, AnUnknownConversationBeginsAfreshAndSaysSo) {
  HostSpec spec = claudeSpec();
  spec.executor_session_id = newUuid();
  start(spec);
  const Json outcome = ask("run_1", "say:new");
  EXPECT_EQ(outcome["status"], "completed") << outcome;
  const Json bound = bindOf("run_1");
  EXPECT_EQ(bound["resume_mode"], "fresh");
  EXPECT_NE(bound["resume_reason"].get<std::string>().find("No conversation found"),
            std::string::npos);
  EXPECT_EQ(bound["executor_session_id"], spec.new_executor_session_id);
  EXPECT_EQ(ask("run_2", "say:more")["status"], "completed");
  EXPECT_EQ(bindOf("run_2")["resume_mode"], "resumed");
}

TEST_F(ClaudeDriverTest, AnotherModelIsALossyResume) {
  HostSpec spec = claudeSpec();
  spec.model = "opus-one";
  start(spec);
  ask("run_1", "say:one");
  spec.model = "haiku-two";
  restart(spec, spec.new_executor_session_id);
  ask("run_2", "say:two");
  EXPECT_EQ(bindOf("run_2")["resume_mode"], "resumed_lossy");
  EXPECT_EQ(bindOf("run_2")["resume_reason"], "the model changed from opus-one to haiku-two");
}

TEST_F(ClaudeDriverTest, AConversationForkedElsewhereIsALossyResume) {
  // An agent that answers in another conversation than the one it was told to continue.
  const auto forker = script("forker", R"(#!/bin/sh
read -r prompt
echo '{"type":"system","subtype":"init","session_id":"other","model":"m","cwd":"/"}'
echo '{"type":"result","subtype":"success","is_error":false,"result":"x","session_id":"other"}'
read -r more)");
  HostSpec spec = claudeSpec();
  spec.command = {forker.string()};
  spec.executor_session_id = "asked-for";
  start(spec);
  EXPECT_EQ(ask("run_1", "go")["status"], "completed");
  EXPECT_EQ(bindOf("run_1")["resume_mode"], "resumed_lossy");
  EXPECT_EQ(bindOf("run_1")["resume_reason"],
            "the agent continued conversation asked-for as other");
  EXPECT_EQ(bindOf("run_1")["executor_session_id"], "other");
}

TEST_F(ClaudeDriverTest, AnIdInUseIsReplaced) {
  HostSpec spec = claudeSpec();
  start(spec);
  ask("run_1", "say:one");
  restart(spec, "");
  const Json outcome = ask("run_2", "say:two");
  EXPECT_EQ(outcome["status"], "completed") << outcome;
  EXPECT_NE(bindOf("run_2")["executor_session_id"], spec.new_executor_session_id);
}

TEST_F(ClaudeDriverTest, StructuredOutputIsHeldToTheSchema) {
  HostSpec spec = claudeSpec();
  spec.output_schema = {{"type", "object"}, {"properties", {{"n", {{"type", "integer"}}}}}};
  start(spec);
  const Json good = ask("run_1", R"(structured:{"n":5})");
  EXPECT_EQ(good["status"], "completed");
  EXPECT_EQ(good["result_data"], (Json{{"n", 5}}));
  EXPECT_FALSE(good.contains("result_text"));
  const Json bad = ask("run_2", R"(structured:{"n":"five"})");
  EXPECT_EQ(bad["error_name"], "output_schema_violation");
  EXPECT_EQ(bad["session_status"], "idle");
}

TEST_F(ClaudeDriverTest, FailedTurnsLeaveTheSessionUsable) {
  start(claudeSpec());
  const Json failed = ask("run_1", "fail:no luck");
  EXPECT_EQ(failed["status"], "failed");
  EXPECT_EQ(ask("run_2", "say:better")["status"], "completed");
  EXPECT_EQ(ask("run_3", "error:error_max_turns:Reached maximum")["error_name"], "max_turns");
}

TEST_F(ClaudeDriverTest, GarbageIsTurnedIntoEventsAndHarmsNothing) {
  start(claudeSpec());
  const Json outcome = ask("run_1", "garbage\nsay:still here");
  EXPECT_EQ(outcome["status"], "completed");
  EXPECT_FALSE(eventsOf("run_1", "agent_output").empty());
}

TEST_F(ClaudeDriverTest, FiftyMegabyteLineIsSkipped) {
  HostSpec spec = claudeSpec();
  start(spec);
  const Json outcome = ask("run_1", "bigline:50000000\nsay:after");
  EXPECT_EQ(outcome["status"], "completed") << outcome;
  const Json skipped = eventsOf("run_1", "line_too_long").at(0);
  EXPECT_GT(skipped["bytes"].get<std::int64_t>(), 50'000'000);
  EXPECT_EQ(skipped["line_bytes_max"], spec.line_bytes_max);
}

TEST_F(ClaudeDriverTest, LineBelowTheLimitIsTaken) {
  start(claudeSpec());
  EXPECT_EQ(ask("run_1", "bigline:8000000\nsay:after")["status"], "completed");
  EXPECT_TRUE(eventsOf("run_1", "line_too_long").empty());
  EXPECT_EQ(events("run_1").size(), 8U);
}

TEST_F(ClaudeDriverTest, ExitWithoutAResultIsNamed) {
  start(claudeSpec());
  const Json outcome = ask("run_1", "exit0-without-result");
  EXPECT_EQ(outcome["error_name"], "agent_no_result");
  EXPECT_EQ(outcome["session_status"], "failed");
  waitForExit();
}

TEST_F(ClaudeDriverTest, ExitWithAStatusShowsStderr) {
  start(claudeSpec());
  const Json outcome = ask("run_1", "stderr:license expired\nexit:7");
  EXPECT_EQ(outcome["error_name"], "agent_exited");
  EXPECT_EQ(outcome["error"], "the agent exited with status 7 without a result: license expired");
}

TEST_F(ClaudeDriverTest, KilledAgentIsNamed) {
  start(claudeSpec());
  const Json outcome = ask("run_1", "kill-self");
  EXPECT_EQ(outcome["error_name"], "agent_exited");
  EXPECT_NE(outcome["error"].get<std::string>().find("signal 9"), std::string::npos);
}

TEST_F(ClaudeDriverTest, KilledBetweenTurnsEndsTheHost) {
  start(claudeSpec());
  ask("run_1", "say:x");
  const int agent = eventsOf("run_1", "agent_started").at(0)["pid"].get<int>();
  ::kill(agent, SIGKILL);
  waitForExit();
  EXPECT_EQ(exitJson()["session_status"], "failed");
  EXPECT_EQ(exitJson()["signal"], 9);
}

TEST_F(ClaudeDriverTest, MissingProgramIsNamed) {
  HostSpec spec = claudeSpec();
  spec.command = {"/nonexistent/claude"};
  start(spec);
  EXPECT_EQ(ask("run_1", "x")["error_name"], "agent_not_found");
}

TEST_F(ClaudeDriverTest, SilentAgentRunsIntoItsTimeLimit) {
  HostSpec spec = claudeSpec();
  spec.stop_grace_ms = 200;
  start(spec);
  prompt("run_1", "ignore-sigterm\nsilent", 300);
  const Json outcome = outcomeOf("run_1");
  EXPECT_EQ(outcome["error_name"], "run_timeout");
  EXPECT_TRUE(markedProcesses(spec_.session_id).empty());
}

TEST_F(ClaudeDriverTest, ClosedOutputIsNoticed) {
  start(claudeSpec());
  const Json outcome = ask("run_1", "close-stdout\nsleep:60000");
  EXPECT_EQ(outcome["error_name"], "agent_no_result") << outcome;
}

TEST_F(ClaudeDriverTest, GrandchildrenGoWithAStop) {
  start(claudeSpec());
  prompt("run_1", "grandchild:setsid,stubborn\nhang");
  waitForEvent("run_1", "message");
  ASSERT_TRUE(pollUntil([&] { return markedProcesses(spec_.session_id).size() >= 2; }));
  send({{"cmd", "stop"}, {"grace_ms", 200}});
  const Json outcome = outcomeOf("run_1");
  EXPECT_EQ(outcome["status"], "stopped");
  EXPECT_TRUE(outcome["stop_report"]["survivors"].empty());
  EXPECT_TRUE(markedProcesses(spec_.session_id).empty());
}

TEST_F(ClaudeDriverTest, InterruptEndsTheTurnAndKeepsTheSession) {
  start(claudeSpec());
  prompt("run_1", "hang");
  waitForEvent("run_1", "bind");
  send({{"cmd", "interrupt"}});
  EXPECT_EQ(waitForAck("interrupt")["ok"], true);
  const Json outcome = outcomeOf("run_1");
  EXPECT_EQ(outcome["status"], "stopped") << outcome;
  EXPECT_EQ(outcome["session_status"], "idle");
  EXPECT_EQ(outcome["error_name"], "agent_interrupted");
  EXPECT_EQ(ask("run_2", "say:go on")["status"], "completed");
  messages_.clear();
  send({{"cmd", "interrupt"}});
  EXPECT_EQ(waitForAck("interrupt")["error_name"], "no_turn");
}

TEST_F(ClaudeDriverTest, RulesOfTheBlueprintAnswerFirst) {
  HostSpec spec = claudeSpec();
  spec.allowed_tools = {"Bash(git *)"};
  spec.disallowed_tools = {"Write"};
  start(spec);
  EXPECT_EQ(ask("run_1", R"(ask-permission:Bash {"command":"git status"})")["result_text"],
            "allowed");
  EXPECT_EQ(eventsOf("run_1", "permission_decision").at(0)["by"], "rule");
  EXPECT_TRUE(eventsOf("run_1", "permission_request").empty());
  const Json denied = ask("run_2", R"(ask-permission:Write {"file_path":"/x"})");
  EXPECT_EQ(denied["result_text"], "denied: denied by the blueprint's rule Write");
  EXPECT_EQ(denied["permission_denials"].at(0)["tool_name"], "Write");
}

TEST_F(ClaudeDriverTest, APersonMayAllow) {
  start(claudeSpec());
  prompt("run_1", R"(ask-permission:Write {"file_path":"/x"})");
  const Json asked = waitForEvent("run_1", "permission_request");
  EXPECT_EQ(asked["tool_input"]["file_path"], "/x");
  send({{"cmd", "approve"}, {"request_id", "no-such"}, {"behavior", "allow"}});
  EXPECT_EQ(waitForAck("approve")["error_name"], "request_not_found");
  send({{"cmd", "approve"}, {"request_id", asked["request_id"]}, {"behavior", "allow"}});
  EXPECT_EQ(outcomeOf("run_1")["result_text"], "allowed");
  EXPECT_EQ(eventsOf("run_1", "permission_decision").at(0)["by"], "caller");
}

TEST_F(ClaudeDriverTest, APersonMayDenyWithAReason) {
  start(claudeSpec());
  prompt("run_1", R"(ask-permission:Write {"file_path":"/x"})");
  const Json asked = waitForEvent("run_1", "permission_request");
  send({{"cmd", "approve"},
        {"request_id", asked["request_id"]},
        {"behavior", "deny"},
        {"message", "not there"}});
  EXPECT_EQ(outcomeOf("run_1")["result_text"], "denied: not there");
}

TEST_F(ClaudeDriverTest, UnansweredRequestIsDeniedAfterTheLimit) {
  HostSpec spec = claudeSpec();
  spec.permission_timeout_ms = 60;
  start(spec);
  const Json outcome = ask("run_1", R"(ask-permission:Write {"file_path":"/x"})");
  EXPECT_EQ(outcome["status"], "completed");
  const std::string why = "no rule of the blueprint allows Write and nobody answered within 60 ms";
  EXPECT_EQ(outcome["result_text"], "denied: " + why);
  const Json decision = eventsOf("run_1", "permission_decision").at(0);
  EXPECT_EQ(decision["by"], "timeout");
  EXPECT_EQ(decision["reason"], why);
}

TEST_F(ClaudeDriverTest, FloodIsBoundedByTheSpool) {
  HostSpec spec = claudeSpec();
  spec.events_max = 100;
  start(spec);
  const Json outcome = ask("run_1", "flood:5000");
  EXPECT_EQ(outcome["status"], "completed");
  EXPECT_EQ(events("run_1").size(), 100U);
  EXPECT_GT(outcome["events_dropped"], 4'900);
}

TEST_F(ClaudeDriverTest, IdleAgentIsEnded) {
  HostSpec spec = claudeSpec();
  spec.idle_max_ms = 1'500;
  start(spec);
  ask("run_1", "say:x");
  waitForExit();
  EXPECT_EQ(exitJson()["reason"], "idle");
  EXPECT_EQ(exitJson()["session_status"], "finished");
  EXPECT_TRUE(markedProcesses(spec.session_id).empty());
}

}  // namespace
}  // namespace tutti::runner
