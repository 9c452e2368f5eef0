// What the real Claude Code printed (tests/fakes/claude/transcripts), read as a run.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "server/runner/drivers/claude_records.hpp"

namespace tutti::runner {
namespace {

using agents::RunStatus;
using Words = std::vector<std::string>;

constexpr char kSession[] = "11111111-2222-4333-8444-555555555555";
const Json kSchema = {{"type", "object"},
                      {"properties", {{"answer", {{"type", "integer"}}}}},
                      {"required", {"answer"}},
                      {"additionalProperties", false}};

struct Played {
  std::vector<ClaudeEvent> events;
  std::vector<ClaudeInit> inits;
  std::vector<ClaudeRequest> requests;
  std::vector<Json> results;

  Words types() const {
    Words types;
    for (const ClaudeEvent& event : events) types.push_back(event.type);
    return types;
  }
  const Json& data(std::size_t index) const { return events.at(index).data; }
  RunOutcome outcome(const Json& schema = nullptr, bool interrupted = false) const {
    return outcomeFromResult(results.at(0), schema, interrupted);
  }
};

Played play(const std::string& name) {
  Played played;
  ClaudeReader reader;
  std::ifstream file(std::string(TUTTI_SOURCE_DIR) + "/tests/fakes/claude/transcripts/" + name +
                     ".ndjson");
  EXPECT_TRUE(file.good()) << name;
  for (std::string line; std::getline(file, line);) {
    ClaudeReading reading = reader.read(line);
    if (reading.init) played.inits.push_back(*reading.init);
    if (reading.request) played.requests.push_back(*reading.request);
    if (reading.result.is_object()) played.results.push_back(reading.result);
    for (ClaudeEvent& event : reading.events) played.events.push_back(std::move(event));
  }
  return played;
}

TEST(ClaudeRecords, PlainTurn) {
  const Played played = play("plain_turn");
  EXPECT_EQ(played.inits.at(0).session_id, kSession);
  EXPECT_EQ(played.inits.at(0).model, "claude-opus-5-5");
  EXPECT_EQ(played.inits.at(0).version, "2.1.329");
  EXPECT_EQ(played.types(), (Words{"message"}));
  EXPECT_EQ(played.data(0)["role"], "assistant");
  EXPECT_EQ(played.data(0)["content"],
            (Json::array({{{"type", "text"}, {"text", "plain answer"}}})));
  const RunOutcome outcome = played.outcome();
  EXPECT_EQ(outcome.status, RunStatus::Completed);
  EXPECT_EQ(outcome.result_text, "plain answer");
  EXPECT_EQ((*outcome.more)["num_turns"], 1);
  EXPECT_DOUBLE_EQ((*outcome.more)["cost_usd"].get<double>(), 0.0008);
}

TEST(ClaudeRecords, EachTurnCostsItsOwn) {
  const Played played = play("two_turns");
  ASSERT_EQ(played.results.size(), 2U);
  const RunOutcome second = outcomeFromResult(played.results[1], nullptr, false);
  EXPECT_DOUBLE_EQ((*second.more)["cost_usd"].get<double>(), 0.0008);
  EXPECT_DOUBLE_EQ((*second.more)["cost_usd_total"].get<double>(), 0.0016);
  EXPECT_EQ(played.inits.size(), 2U);
}

TEST(ClaudeRecords, ToolCallsHaveNamesBeforeAndAfter) {
  const Played played = play("permission_allowed");
  EXPECT_EQ(played.types(), (Words{"pre_tool", "post_tool", "message"}));
  EXPECT_EQ(played.data(0)["tool_name"], "Write");
  EXPECT_EQ(played.data(0)["tool_input"]["content"], "hi");
  EXPECT_EQ(played.data(1)["tool_name"], "Write");
  EXPECT_EQ(played.data(1)["tool_use_id"], played.data(0)["tool_use_id"]);
  EXPECT_FALSE(played.data(1).contains("is_error"));
  EXPECT_EQ(played.requests.at(0).subtype, "can_use_tool");
  EXPECT_EQ(played.requests.at(0).tool_name, "Write");
  EXPECT_EQ(played.requests.at(0).input["content"], "hi");
}

TEST(ClaudeRecords, DenialsAreInTheOutcome) {
  const Played played = play("permission_denied");
  EXPECT_EQ(played.data(1)["is_error"], true);
  const RunOutcome outcome = played.outcome();
  EXPECT_EQ(outcome.status, RunStatus::Completed);
  EXPECT_EQ((*outcome.more)["permission_denials"].at(0)["tool_name"], "Write");
}

TEST(ClaudeRecords, StructuredOutputIsResultData) {
  const RunOutcome outcome = play("structured").outcome(kSchema);
  EXPECT_EQ(outcome.status, RunStatus::Completed);
  ASSERT_TRUE(outcome.result_data);
  EXPECT_EQ(*outcome.result_data, (Json{{"answer", 42}}));
}

TEST(ClaudeRecords, StructuredOutputIsCheckedHereToo) {
  const RunOutcome outcome = play("structured").outcome({{"required", {"other"}}});
  EXPECT_EQ(outcome.error_name, "output_schema_violation");
  EXPECT_FALSE(outcome.error_details.empty());
}

TEST(ClaudeRecords, WordsInsteadOfDataFail) {
  const RunOutcome outcome = play("structured_text_only").outcome(kSchema);
  EXPECT_EQ(outcome.status, RunStatus::Failed);
  EXPECT_EQ(outcome.error_name, "output_schema_violation");
  EXPECT_NE(outcome.error.find("just words"), std::string::npos) << outcome.error;
}

TEST(ClaudeRecords, UnknownConversationIsRecognised) {
  const Played played = play("resume_unknown");
  EXPECT_TRUE(isUnknownConversation(played.results.at(0)));
  EXPECT_FALSE(isUnknownConversation(play("plain_turn").results.at(0)));
  EXPECT_FALSE(isUnknownConversation(play("interrupt").results.at(0)));
}

TEST(ClaudeRecords, InterruptThatWasAskedForIsAStop) {
  const Played played = play("interrupt");
  EXPECT_EQ(played.outcome(nullptr, true).status, RunStatus::Stopped);
  EXPECT_EQ(played.outcome(nullptr, true).error_name, "agent_interrupted");
  EXPECT_EQ(played.outcome(nullptr, false).status, RunStatus::Failed);
  EXPECT_EQ(outcomeFromResult(played.results.at(1), nullptr, false).status, RunStatus::Completed);
}

struct Failure {
  const char* transcript;
  const char* error_name;
};
class ClaudeFailures : public testing::TestWithParam<Failure> {};

TEST_P(ClaudeFailures, HaveNamesAndAnExplanation) {
  const Played played = play(GetParam().transcript);
  const RunOutcome outcome = played.outcome();
  EXPECT_EQ(outcome.status, RunStatus::Failed);
  EXPECT_EQ(outcome.error_name, GetParam().error_name);
  EXPECT_FALSE(outcome.error.empty());
  EXPECT_FALSE(outcome.result_text.has_value()) << "an error's text is no result";
}

INSTANTIATE_TEST_SUITE_P(
    Transcripts, ClaudeFailures,
    testing::Values(Failure{"api_error_400", "agent_invalid_request"},
                    Failure{"api_error_401", "agent_auth_failed"},
                    Failure{"api_error_429", "agent_rate_limited"},
                    Failure{"api_error_529", "agent_overloaded"}, Failure{"max_turns", "max_turns"},
                    Failure{"max_budget", "max_budget"},
                    Failure{"structured_wrong", "output_schema_violation"},
                    Failure{"permission_denied_interrupt", "agent_interrupted"}),
    [](const auto& failure) { return std::string(failure.param.transcript); });

TEST(ClaudeRecords, RetriesAreTold) {
  const Played played = play("api_retry_then_ok");
  EXPECT_EQ(played.types(), (Words{"api_retry", "message"}));
  EXPECT_EQ(played.data(0)["error_status"], 500);
  EXPECT_EQ(played.outcome().status, RunStatus::Completed);
}

TEST(ClaudeRecords, ThinkingIsAnEventOfItsOwn) {
  const Played played = play("thinking");
  EXPECT_EQ(played.types(), (Words{"thinking", "message"}));
  EXPECT_EQ(played.data(0)["text"], "let me think");
}

TEST(ClaudeRecords, McpServersThatFailedAreNamed) {
  const Played played = play("mcp_server_missing");
  EXPECT_EQ(played.inits.at(0).mcp_servers,
            (Json::array({{{"name", "tutti"}, {"status", "failed"}}})));
}

TEST(ClaudeRecords, PartialMessagesAreNotDoubled) {
  EXPECT_EQ(play("partial_messages").types(), (Words{"message"}));
}

TEST(ClaudeRecords, GarbageBecomesOneShortEvent) {
  ClaudeReader reader;
  const ClaudeReading words = reader.read("Segmentation fault \xFF");
  ASSERT_EQ(words.events.size(), 1U);
  EXPECT_EQ(words.events[0].type, "agent_output");
  EXPECT_EQ(words.events[0].data["text"], "Segmentation fault \xEF\xBF\xBD");
  const ClaudeReading flood = reader.read(std::string(1'000'000, 'x'));
  EXPECT_LT(flood.events.at(0).data["text"].get<std::string>().size(), 600U);
  EXPECT_EQ(flood.events.at(0).data["bytes"], 1'000'000);
  EXPECT_EQ(reader.read("[1,2]").events.size(), 1U);
  EXPECT_TRUE(reader.read("").events.empty());
  EXPECT_TRUE(reader.read("{\"type\":\"tomorrow\"}").events.empty());
}

TEST(ClaudeRecords, OddShapesDoNoHarm) {
  ClaudeReader reader;
  for (const char* line :
       {R"({"type":"assistant"})", R"({"type":"assistant","message":{"content":[1,null,"x"]}})",
        R"({"type":"user","message":"text"})", R"({"type":"user","message":{"content":7}})",
        R"({"type":"system"})", R"({"type":"system","subtype":"init","mcp_servers":"none"})",
        R"({"type":"control_request","request":3})", R"({"type":"result"})",
        R"({"type":["result"]})"}) {
    const ClaudeReading reading = reader.read(line);
    if (reading.result.is_object()) {
      EXPECT_EQ(outcomeFromResult(reading.result, nullptr, false).status, RunStatus::Failed);
    }
  }
}

}  // namespace
}  // namespace tutti::runner
