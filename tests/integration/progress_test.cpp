// Signs of life of calls that wait, as a client sees them: on pipes and over HTTP, in both eras.
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>

#include "tests/integration/tutti_process.hpp"
#include "tests/transport/http_client.hpp"

namespace tutti::test {
namespace {

const std::string kOften = "TUTTI_PROGRESS_EVERY=0.05";
constexpr int kSignsWanted = 3;

/// A call that asks for progress; `modern` describes itself, the other era relies on its session.
enum class Era { Modern, Legacy };

Json callOf(const std::string& tool, Json arguments, Era era) {
  Json params = {{"name", tool}, {"arguments", std::move(arguments)}};
  params["_meta"]["progressToken"] = "p-1";
  if (era == Era::Modern) {
    params["_meta"]["io.modelcontextprotocol/protocolVersion"] = "2026-07-28";
    params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = Json::object();
  }
  return {{"jsonrpc", "2.0"}, {"id", 77}, {"method", "tools/call"}, {"params", params}};
}

Json initializeRequest() {
  return {{"jsonrpc", "2.0"},
          {"id", 1},
          {"method", "initialize"},
          {"params",
           {{"protocolVersion", "2025-11-25"},
            {"capabilities", Json::object()},
            {"clientInfo", {{"name", "test"}, {"version", "1"}}}}}};
}

class ProgressTest : public ::testing::Test {
 protected:
  /// A program that is over as soon as the gate is open.
  void SetUp() override {
    writeProgram(folder_, "gated",
                 "while [ ! -e \"" + gate() + "\" ]; do sleep 0.02; done\necho 1");
  }
  std::string gate() const { return (folder_.path() / "go").string(); }

  std::string startGated(TuttiProcess& tutti) {
    const Json handle =
        tutti.call("start_agent", {{"blueprint", "gated"}, {"parameters", Json::object()}});
    return handle.value("session_id", "");
  }

  /// Reads messages until the answer: several signs of life come first, each further than the one
  /// before; only then may the run end.
  template <class Next>
  Json answerAfterSigns(Next next) {
    double last = 0;
    int signs = 0;
    for (;;) {
      const Json message = next();
      if (message.empty() || message.contains("id")) {
        EXPECT_GE(signs, kSignsWanted);
        return message;
      }
      if (message.value("method", "") != "notifications/progress") continue;
      EXPECT_EQ(message["params"]["progressToken"], "p-1");
      EXPECT_GT(message["params"]["progress"].get<double>(), last);
      last = message["params"]["progress"].get<double>();
      if (++signs == kSignsWanted) folder_.write("go", "");
    }
  }

  /// get_result and wait_any of one gated run, each answered after its signs.
  void expectSignsOnPipes(Era era) {
    TuttiProcess tutti(folder_, {.arguments = {"stdio"}, .environment = {kOften}});
    if (era == Era::Legacy) {
      tutti.send(initializeRequest());
      EXPECT_EQ(tutti.receive()["result"]["protocolVersion"], "2025-11-25");
    }
    TuttiProcess helper(folder_);
    const std::string id = startGated(helper);
    tutti.send(callOf("get_result", {{"session_id", id}, {"wait_s", 50}}, era));
    const Json got = answerAfterSigns([&] { return tutti.receive(); });
    EXPECT_EQ(got["result"]["structuredContent"]["status"], "completed") << got.dump();
  }

  std::uint16_t serve() {
    const std::string file = (folder_.path() / "port").string();
    server_.emplace(folder_, Options{.arguments = {"serve", "--port", "0", "--port-file", file},
                                     .environment = {kOften}});
    EXPECT_TRUE(waitForFile(file));
    int port = 0;
    std::ifstream(file) >> port;
    return static_cast<std::uint16_t>(port);
  }

  TempFolder folder_;
  std::optional<TuttiProcess> server_;
};

std::string post(const Json& message, const std::string& headers) {
  const std::string body = message.dump();
  return "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
         "Accept: application/json, text/event-stream\r\n" +
         headers + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

/// The next message of an event stream; an empty one at its end.
Json nextEvent(fixture::HttpClient& http) {
  const std::string data = http.message();
  return data.empty() ? Json::object() : Json::parse(data, nullptr, false);
}

TEST_F(ProgressTest, AWaitOnPipesGivesSignsOfLife) {
  expectSignsOnPipes(Era::Modern);
}

TEST_F(ProgressTest, AWaitOnPipesGivesSignsOfLifeInTheLegacyEraToo) {
  expectSignsOnPipes(Era::Legacy);
}

TEST_F(ProgressTest, AWaitOverHttpIsAStreamOfSignsThatEndsWithTheResult) {
  fixture::HttpClient http(serve());
  TuttiProcess helper(folder_);
  const Json call =
      callOf("wait_any", {{"session_ids", {startGated(helper)}}, {"wait_s", 50}}, Era::Modern);
  http.send(post(call,
                 "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\n"
                 "Mcp-Name: wait_any\r\n"));
  const std::string head = http.readUntil("\r\n\r\n");
  EXPECT_NE(head.find("text/event-stream"), std::string::npos) << head;
  const Json got = answerAfterSigns([&] { return nextEvent(http); });
  EXPECT_EQ(got["result"]["structuredContent"]["finished"].size(), 1U) << got.dump();
}

TEST_F(ProgressTest, AWaitOverHttpIsAStreamOfSignsInTheLegacyEraToo) {
  fixture::HttpClient http(serve());
  http.send(post(initializeRequest(), ""));
  const std::string head = http.answer().head;
  const auto at = head.find("Mcp-Session-Id: ");
  ASSERT_NE(at, std::string::npos) << head;
  const std::string session = head.substr(at, head.find("\r\n", at) - at) + "\r\n";
  TuttiProcess helper(folder_);
  const Json call =
      callOf("get_result", {{"session_id", startGated(helper)}, {"wait_s", 50}}, Era::Legacy);
  http.send(post(call, session));
  http.readUntil("\r\n\r\n");
  const Json got = answerAfterSigns([&] { return nextEvent(http); });
  EXPECT_EQ(got["result"]["structuredContent"]["status"], "completed") << got.dump();
}

TEST_F(ProgressTest, AStopThatTakesLongGivesSignsOfLife) {
  writeProgram(folder_, "stubborn", "trap '' TERM\necho ready >&2\nwhile :; do sleep 0.1; done");
  TuttiProcess tutti(folder_, {.arguments = {"stdio"}, .environment = {kOften}});
  const Json handle =
      tutti.call("start_agent", {{"blueprint", "stubborn"}, {"parameters", Json::object()}});
  const Json ready =
      tutti.call("get_events",
                 {{"session_id", handle["session_id"]}, {"types", {"progress"}}, {"wait_s", 30}});
  ASSERT_FALSE(ready["events"].empty()) << ready.dump();
  tutti.send(callOf("stop", {{"session_id", handle["session_id"]}, {"wait_s", 30}}, Era::Modern));
  const Json got = answerAfterSigns([&] { return tutti.receive(); });
  EXPECT_EQ(got["result"]["structuredContent"]["stopped"], true) << got.dump();
}

TEST_F(ProgressTest, TheTimeBetweenSignsIsBounded) {
  const Ran help = runTutti(folder_, {"--help"});
  EXPECT_NE(help.out.find("--progress-every"), std::string::npos) << help.out;
  for (const char* value : {"16", "0", "-1", "soon"}) {
    const Ran refused = runTutti(folder_, {"tools", "--progress-every", value});
    EXPECT_EQ(refused.status, 2) << value;
    EXPECT_NE(refused.err.find("progress-every"), std::string::npos) << refused.err;
  }
}

}  // namespace
}  // namespace tutti::test
