// Tasks and states over HTTP, with the real program: who may have them, and what outlives a server.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <optional>

#include "tests/integration/fakes.hpp"
#include "tests/integration/tutti_process.hpp"
#include "tests/transport/http_client.hpp"

namespace tutti::test {
namespace {

constexpr auto kWaitMax = std::chrono::seconds(60);

/// A modern client over HTTP that takes tasks and shows a credential.
class Holder {
 public:
  Holder(std::uint16_t port, std::string credential)
      : port_(port), credential_(std::move(credential)) {}

  Json ask(const std::string& method, const Json& params) {
    fixture::HttpClient http(port_);
    send(http, method, params);
    const auto answer = http.answer();
    return Json::parse(answer.body, nullptr, false);
  }
  Json call(const std::string& tool, const Json& arguments, Json more = Json::object()) {
    more["name"] = tool;
    more["arguments"] = arguments;
    return ask("tools/call", more);
  }
  Json task(const Json& id) { return ask("tasks/get", {{"taskId", id}}); }
  /// Polls, as a client does, until the task has ended.
  Json ended(const Json& id) {
    const auto deadline = std::chrono::steady_clock::now() + kWaitMax;
    Json now = task(id)["result"];
    while (now.value("status", "") == "working" && std::chrono::steady_clock::now() < deadline) {
      ::usleep(5'000);
      now = task(id)["result"];
    }
    return now;
  }
  /// Opens a stream of what happens to that task; the acknowledgement has come.
  std::unique_ptr<fixture::HttpClient> listen(const Json& id) {
    auto http = std::make_unique<fixture::HttpClient>(port_);
    send(*http, "subscriptions/listen", {{"notifications", {{"taskIds", Json::array({id})}}}});
    http->readUntil("\r\n\r\n");
    const Json first = Json::parse(http->message(), nullptr, false);
    EXPECT_EQ(first["params"]["notifications"]["taskIds"], Json::array({id})) << first.dump();
    return http;
  }

 private:
  void send(fixture::HttpClient& http, const std::string& method, Json params) {
    std::string headers = "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: " + method + "\r\n";
    for (const char* name : {"name", "taskId"})
      if (params.contains(name)) headers += "Mcp-Name: " + params[name].get<std::string>() + "\r\n";
    if (!credential_.empty()) headers += "Authorization: Bearer " + credential_ + "\r\n";
    params["_meta"] = {{"io.modelcontextprotocol/protocolVersion", "2026-07-28"},
                       {"io.modelcontextprotocol/clientCapabilities",
                        {{"elicitation", {{"form", Json::object()}}},
                         {"extensions", {{"io.modelcontextprotocol/tasks", Json::object()}}}}}};
    const std::string body =
        Json{{"jsonrpc", "2.0"}, {"id", ++id_}, {"method", method}, {"params", params}}.dump();
    http.send(
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        "Accept: application/json, text/event-stream\r\n" +
        headers + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  }

  const std::uint16_t port_;
  const std::string credential_;
  int id_ = 0;
};

class HttpTasksTest : public ::testing::Test {
 protected:
  /// A program that says that it runs, goes on until the file `go` is there, then prints.
  void SetUp() override {
    writeProgram(folder_, "gated",
                 "echo run >> \"" + (folder_.path() / "begun").string() + "\"\nwhile [ ! -e \"" +
                     (folder_.path() / "go").string() +
                     "\" ]; do sleep 0.05; done\necho '{\"done\":true}'");
  }
  void open() { folder_.write("go", ""); }
  /// Serves over HTTP; the server before it, if any, has ended.
  std::uint16_t serve(std::vector<std::string> more = {}) {
    const auto file = folder_.path() / ("port" + std::to_string(++served_));
    std::vector<std::string> arguments = {"serve", "--port", "0", "--port-file", file.string()};
    arguments.insert(arguments.begin(), more.begin(), more.end());
    server_.emplace(folder_, Options{.arguments = std::move(arguments)});
    EXPECT_TRUE(waitForFile(file));
    int port = 0;
    std::ifstream(file) >> port;
    return static_cast<std::uint16_t>(port);
  }
  static Json startSync(Holder& client) {
    const Json made = client.call(
        "start_agent",
        {{"blueprint", "gated"}, {"parameters", Json::object()}, {"mode", "sync"}})["result"];
    EXPECT_EQ(made["resultType"], "task") << made.dump(1);
    return made["taskId"];
  }
  static void expectDone(const Json& ended) {
    EXPECT_EQ(ended["status"], "completed") << ended.dump(1);
    const Json report = ended.value("result", Json::object())["structuredContent"];
    EXPECT_EQ(report["result_data"], Json({{"done", true}})) << ended.dump(1);
  }
  void killHard() {
    server_->kill(SIGKILL);
    EXPECT_EQ(server_->wait(), 128 + SIGKILL);
    server_.reset();
  }

  TempFolder folder_;
  std::optional<TuttiProcess> server_;
  int served_ = 0;
};

TEST_F(HttpTasksTest, TheNextServerAnswersForTheTaskOfAKilledOneAndEndsIt) {
  Holder before(serve(), "");
  const Json id = startSync(before);
  ASSERT_TRUE(waitForFile(folder_.path() / "begun"));
  killHard();
  Holder after(serve(), "");
  EXPECT_EQ(after.task(id)["result"]["status"], "working");
  open();
  expectDone(after.ended(id));
  std::ifstream runs(folder_.path() / "begun");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(runs), {}), "run\n");
}

TEST_F(HttpTasksTest, AListenerHearsOfATaskThatAnotherProcessBringsToItsEnd) {
  Holder listener(serve(), "");
  TuttiProcess other(folder_);
  Json call{
      {"name", "start_agent"},
      {"arguments", {{"blueprint", "gated"}, {"parameters", Json::object()}, {"mode", "sync"}}}};
  call["_meta"]["io.modelcontextprotocol/clientCapabilities"] = {
      {"extensions", {{"io.modelcontextprotocol/tasks", Json::object()}}}};
  const Json made = other.request("tools/call", call)["result"];
  const auto stream = listener.listen(made["taskId"]);
  open();
  Json told;
  do {
    const std::string data = stream->message();
    if (data.empty()) break;
    told = Json::parse(data, nullptr, false)["params"];
  } while (told.value("status", "") == "working");
  EXPECT_EQ(told["taskId"], made["taskId"]) << told.dump(1);
  expectDone(told);
}

TEST_F(HttpTasksTest, WhoShowsAnotherCredentialKnowsNothingOfATask) {
  const std::uint16_t port = serve();
  Holder owner(port, "one");
  const Json id = startSync(owner);
  for (const char* shown : {"two", ""}) {
    Holder other(port, shown);
    EXPECT_EQ(other.task(id)["error"]["code"], -32602) << shown;
    EXPECT_EQ(other.ask("tasks/cancel", {{"taskId", id}})["error"]["code"], -32602) << shown;
  }
  open();
  expectDone(owner.ended(id));
}

TEST_F(HttpTasksTest, TheOwnerOfATaskIsTheSameOneAfterAKill) {
  Holder before(serve(), "one");
  const Json id = startSync(before);
  ASSERT_TRUE(waitForFile(folder_.path() / "begun"));
  killHard();
  const std::uint16_t port = serve();
  EXPECT_EQ(Holder(port, "two").task(id)["error"]["code"], -32602);
  open();
  expectDone(Holder(port, "one").ended(id));
}

TEST_F(HttpTasksTest, AStateIsOfNoUseToWhoShowsAnotherCredential) {
  const Json fake = {{"command", fakeProgram("mcp_fake")}};
  const auto config = folder_.write("mcp.json", Json({{"mcpServers", {{"fake", fake}}}}).dump());
  const std::uint16_t port = serve({"--mcp-config", config.string()});
  Holder owner(port, "one");
  Json asked;
  const auto deadline = std::chrono::steady_clock::now() + kWaitMax;
  do {  // the mounted server may not have said yet what it offers
    asked = owner.call("fake__ask", Json::object());
  } while (asked.contains("error") && std::chrono::steady_clock::now() < deadline);
  asked = asked["result"];
  ASSERT_EQ(asked["resultType"], "input_required") << asked.dump(1);
  Json answers{{"requestState", asked["requestState"]}, {"inputResponses", Json::object()}};
  for (const auto& [key, request] : asked["inputRequests"].items())
    answers["inputResponses"][key] = {{"action", "accept"}, {"content", Json::object()}};
  for (const char* shown : {"two", ""})
    EXPECT_EQ(Holder(port, shown).call("fake__ask", Json::object(), answers)["error"]["code"],
              -32602)
        << shown;
  const Json done = owner.call("fake__ask", Json::object(), answers);
  EXPECT_EQ(done["result"]["resultType"], "complete") << done.dump(1);
}

}  // namespace
}  // namespace tutti::test
