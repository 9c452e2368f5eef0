#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "server/base/file.hpp"
#include "server/base/ids.hpp"
#include "server/runner/pipe_reader.hpp"
#include "server/runner/spec.hpp"
#include "server/runner/spool.hpp"
#include "server/runner/spool_writer.hpp"

namespace tutti::runner {
namespace {

class SpoolTest : public testing::Test {
 protected:
  SpoolTest() : folder_(std::filesystem::temp_directory_path() / ("tutti-spool-" + randomHex(6))) {
    std::filesystem::create_directories(folder_);
  }
  ~SpoolTest() override { std::filesystem::remove_all(folder_); }

  SpoolWriter open(SpoolLimits limits = {1'000'000'000, 1'000}) {
    return SpoolWriter::open(folder_, limits).value();
  }
  agents::SpoolChunk read(std::int64_t from = 0, std::size_t bytes_max = 1U << 20) {
    return readSpool(folder_, "ses_1", "run_1", 3, from, bytes_max).value();
  }
  void append(const std::string& bytes) {
    std::ofstream(folder_ / "events.ndjson", std::ios::app) << bytes;
  }
  void outcome(const std::string& text) { std::ofstream(folder_ / "outcome.json") << text; }

  std::filesystem::path folder_;
};

TEST_F(SpoolTest, WhatIsWrittenIsRead) {
  SpoolWriter writer = open();
  ASSERT_TRUE(writer.append("message", {{"role", "user"}}).ok());
  const agents::SpoolChunk chunk = read();
  ASSERT_EQ(chunk.events.size(), 1U);
  EXPECT_EQ(chunk.events[0].event_type, "message");
  EXPECT_EQ(chunk.events[0].data, R"({"role":"user"})");
  EXPECT_EQ(chunk.events[0].session_id, "ses_1");
  EXPECT_EQ(chunk.events[0].run_id, "run_1");
  EXPECT_EQ(chunk.events[0].timestamp.size(), 32U);
  EXPECT_EQ(chunk.to, writer.bytes());
  EXPECT_EQ(chunk.generation, 3);
}

TEST_F(SpoolTest, NoSpoolIsNotFound) {
  const auto chunk = readSpool(folder_, "ses_1", "run_1", 1, 0);
  ASSERT_FALSE(chunk.ok());
  EXPECT_EQ(chunk.error().code(), Code::NotFound);
}

TEST_F(SpoolTest, TornLastLineWaits) {
  append("{\"event_type\":\"a\",\"data\":{}}\n{\"event_type\":\"b\"");
  agents::SpoolChunk chunk = read();
  ASSERT_EQ(chunk.events.size(), 1U);
  const std::int64_t seen = chunk.to;
  EXPECT_TRUE(read(seen).events.empty());
  EXPECT_EQ(read(seen).to, seen);
  append(",\"data\":{\"x\":1}}\n");
  chunk = read(seen);
  ASSERT_EQ(chunk.events.size(), 1U);
  EXPECT_EQ(chunk.events[0].event_type, "b");
}

TEST_F(SpoolTest, TornLineOfADeadHostIsSealedByTheNext) {
  append("{\"event_type\":\"half");
  SpoolWriter writer = open();
  ASSERT_TRUE(writer.append("next", Json::object()).ok());
  const agents::SpoolChunk chunk = read();
  ASSERT_EQ(chunk.events.size(), 2U);
  EXPECT_EQ(chunk.events[0].event_type, "spool_garbage");
  EXPECT_EQ(chunk.events[1].event_type, "next");
  EXPECT_EQ(chunk.to, writer.bytes());
}

TEST_F(SpoolTest, GarbageIsAnEventToo) {
  append("no json\n[1]\n{\"event_type\":7}\n\n{\"event_type\":\"ok\"}\n");
  const agents::SpoolChunk chunk = read();
  ASSERT_EQ(chunk.events.size(), 4U);
  EXPECT_EQ(chunk.events[0].event_type, "spool_garbage");
  EXPECT_EQ(chunk.events[0].data, R"({"line":"no json"})");
  EXPECT_EQ(chunk.events[3].event_type, "ok");
  EXPECT_EQ(chunk.events[3].data, "{}");
}

TEST_F(SpoolTest, ReadsInPiecesAndPastALongLine) {
  SpoolWriter writer = open();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(writer.append("e", {{"i", i}}).ok());
  ASSERT_TRUE(writer.append("long", {{"text", std::string(5'000, 'x')}}).ok());
  std::int64_t from = 0;
  std::size_t count = 0;
  for (;;) {
    const agents::SpoolChunk chunk = read(from, 200);
    if (chunk.events.empty()) break;
    count += chunk.events.size();
    from = chunk.to;
  }
  EXPECT_EQ(count, 21U);
  EXPECT_EQ(from, writer.bytes());
}

TEST_F(SpoolTest, LastEventSaysWhatWasDropped) {
  SpoolWriter writer = open({1'000'000, 3});
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(writer.append("e", Json::object()).ok());
  ASSERT_TRUE(writer.finish().ok());
  const agents::SpoolChunk chunk = read();
  ASSERT_EQ(chunk.events.size(), 3U);
  EXPECT_EQ(chunk.events[2].event_type, "events_dropped");
  EXPECT_EQ(chunk.events[2].data, R"({"dropped":3,"limit":"events_max","value":3})");
}

TEST_F(SpoolTest, HugeEventIsCut) {
  SpoolWriter writer = open();
  ASSERT_TRUE(writer
                  .append("post_tool",
                          {{"tool_name", "Bash"}, {"tool_output", std::string(2'000'000, 'x')}})
                  .ok());
  EXPECT_LT(writer.bytes(), 100'000);
  const Json data = json::parse(read().events.at(0).data).value();
  EXPECT_EQ(data["tool_name"], "Bash");
  EXPECT_EQ(data["cut"], true);
  EXPECT_GT(data["bytes"], 2'000'000);
}

TEST_F(SpoolTest, OutcomeIsReadWhole) {
  EXPECT_FALSE(readOutcome(folder_).value().has_value());
  outcome(
      R"({"status":"stopped","session_status":"idle","error":"e","error_name":"n","error_hint":"h",
              "result_text":"t","result_data":[1],"completed_at":"now","cost_usd":1})");
  const auto read = readOutcome(folder_).value();
  ASSERT_TRUE(read);
  EXPECT_EQ(read->status, agents::RunStatus::Stopped);
  EXPECT_EQ(read->session_status, agents::SessionStatus::Idle);
  EXPECT_EQ(read->error + read->error_name + read->error_hint, "enh");
  EXPECT_EQ(read->result_text, "t");
  EXPECT_EQ(read->result_data, "[1]");
  EXPECT_EQ(read->completed_at, "now");
  EXPECT_NE(read->json.find("cost_usd"), std::string::npos);
}

TEST_F(SpoolTest, UnreadableOutcomeIsAnError) {
  outcome("{\"status\":");
  EXPECT_EQ(readOutcome(folder_).error().name(), "outcome_unreadable");
}

TEST_F(SpoolTest, ExitIsRead) {
  EXPECT_FALSE(readHostExit(folder_).has_value());
  std::ofstream(folder_ / "exit.json") << R"({"session_status":"finished","reason":"idle"})";
  EXPECT_EQ(readHostExit(folder_)->session_status, agents::SessionStatus::Finished);
}

TEST(Specs, SurviveTheWayThroughJson) {
  HostSpec host;
  host.session_id = "s";
  host.generation = 4;
  host.driver = "claude";
  host.command = {"/c", "x"};
  host.environment = {{"A", "1"}, {"B", ""}};
  host.output_schema = {{"type", "object"}};
  host.max_budget_usd = 1.5;
  host.tools = {"Bash"};
  host.idle_max_ms = 7;
  const Json text = toJson(host);
  const Result<HostSpec> back = hostSpecFromJson(text);
  ASSERT_TRUE(back.ok()) << back.error().text();
  EXPECT_EQ(toJson(*back), text);
  RunSpec run{"r", "s", 4, {{"prompt", "x"}}, "x", 9};
  EXPECT_EQ(toJson(runSpecFromJson(toJson(run)).value()), toJson(run));
}

TEST(Specs, WrongOnesAreNamed) {
  EXPECT_FALSE(hostSpecFromJson(Json::array()).ok());
  EXPECT_FALSE(runSpecFromJson(Json::object()).ok());
  const auto wrong = hostSpecFromJson(
      {{"session_id", "s"}, {"driver", "d"}, {"command", {"c"}}, {"environment", {{"A", 1}}}});
  ASSERT_FALSE(wrong.ok());
  EXPECT_EQ(wrong.error().message(), "'environment/A' is not a string");
  EXPECT_EQ(hostSpecFromJson({{"session_id", "s"}, {"driver", "d"}}).error().message(),
            "'command' is missing");
}

struct Lines {
  explicit Lines(std::size_t line_bytes_max)
      : splitter(
            line_bytes_max, [this](std::string_view line) { taken.emplace_back(line); },
            [this](std::size_t bytes) { skipped.push_back(bytes); }) {}
  std::vector<std::string> taken;
  std::vector<std::size_t> skipped;
  LineSplitter splitter;
};

TEST(LineSplitter, JoinsBlocksAndCutsLines) {
  Lines lines(100);
  for (const char* block : {"a", "b\nc", "\n\nd"}) lines.splitter.feed(block);
  EXPECT_EQ(lines.taken, (std::vector<std::string>{"ab", "c", ""}));
  lines.splitter.finish();
  EXPECT_EQ(lines.taken.back(), "d");
}

TEST(LineSplitter, SkipsWhatIsTooLongOnceAndGoesOn) {
  Lines lines(5);
  for (const char* block : {"12345\n", "123456\n", "123", "456", "789\n", "ok\n"})
    lines.splitter.feed(block);
  EXPECT_EQ(lines.taken, (std::vector<std::string>{"12345", "ok"}));
  EXPECT_EQ(lines.skipped, (std::vector<std::size_t>{6, 9}));
}

}  // namespace
}  // namespace tutti::runner
