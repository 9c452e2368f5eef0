// The real program with mounted MCP servers.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <fstream>
#include <memory>
#include <thread>

#include "tests/integration/fakes.hpp"
#include "tests/integration/tutti_process.hpp"

namespace tutti::test {
namespace {

class MountedServersTest : public ::testing::Test {
 protected:
  std::string config(const Json& servers) const {
    return folder_.write("mcp.json", Json({{"mcpServers", servers}}).dump()).string();
  }
  static Json fake(const Json& arguments = Json::array()) {
    return {{"command", fakeProgram("mcp_fake")}, {"args", arguments}};
  }
  /// One that starts when there is a client to be told of it, see open().
  Json gatedFake() const { return fake({"--gate", gate().string()}); }
  std::filesystem::path gate() const { return folder_.path() / "gate"; }
  /// A session with a tutti that mounts these, up to the news that a gated one is there.
  std::unique_ptr<TuttiProcess> open(const Json& servers) const {
    folder_.write("gate", "");
    const Options options{.arguments = {"stdio", "--mcp-config", config(servers)}};
    auto tutti = std::make_unique<TuttiProcess>(folder_, options);
    initialize(*tutti);
    EXPECT_TRUE(tutti->request("tools/list").contains("result"));
    std::filesystem::remove(gate());
    Json told = Json::object({{"method", ""}});
    while (!told.empty() && told.value("method", "") != "notifications/tools/list_changed")
      told = tutti->receive();
    return tutti;
  }
  /// By hand: the requests of TuttiProcess describe themselves and make no session.
  static void initialize(TuttiProcess& tutti) {
    tutti.send({{"jsonrpc", "2.0"},
                {"id", "init"},
                {"method", "initialize"},
                {"params",
                 {{"protocolVersion", "2025-11-25"},
                  {"capabilities", Json::object()},
                  {"clientInfo", {{"name", "t"}, {"version", "1"}}}}}});
    EXPECT_TRUE(tutti.receive().contains("result"));
    tutti.send({{"jsonrpc", "2.0"}, {"method", "notifications/initialized"}});
  }
  static bool gone(int pid) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    for (;;) {
      std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
      std::string text;
      if (!std::getline(stat, text) || text.find(") Z ") != std::string::npos) return true;
      if (std::chrono::steady_clock::now() > limit) return false;
      std::this_thread::yield();
    }
  }

  TempFolder folder_;
};

TEST_F(MountedServersTest, ACommandCallsAToolOfAMountedServer) {
  const std::string file = config({{"fake", fake()}});
  const Ran ran =
      runTutti(folder_, {"--mcp-config", file, "call", "fake__echo", R"({"text":"hi"})"});
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_EQ(Json::parse(ran.out), Json({{"text", "hi"}}));
  EXPECT_EQ(runTutti(folder_, {"--mcp-config", file, "call", "fake__fail"}).status, 1);
  EXPECT_EQ(runTutti(folder_, {"--mcp-config", file, "call", "fake__nope"}).status, 2);
  const Ran tools = runTutti(folder_, {"--mcp-config", file, "tools"});
  EXPECT_NE(tools.out.find("fake__echo"), std::string::npos);
  EXPECT_NE(tools.out.find("list_tool_servers"), std::string::npos);
}

TEST_F(MountedServersTest, AFileThatCannotBeReadIsSaidAtOnce) {
  const Ran missing = runTutti(folder_, {"--mcp-config", "/nonexistent.json", "tools"});
  EXPECT_EQ(missing.status, 2);
  EXPECT_NE(missing.err.find("/nonexistent.json"), std::string::npos) << missing.err;
  const std::string file = folder_.write("mcp.json", "{}").string();
  const Ran wrong = runTutti(folder_, {"--mcp-config", file, "tools"});
  EXPECT_EQ(wrong.status, 2);
  EXPECT_NE(wrong.err.find("mcpServers"), std::string::npos) << wrong.err;
}

TEST_F(MountedServersTest, AServerThatHangsDelaysNoAnswerAndTheOthersAppear) {
  const auto tutti = open({{"hung", fake({"--hang"})}, {"fake", gatedFake()}});
  EXPECT_EQ(tutti->call("fake__echo", {{"text", "hi"}}), Json({{"text", "hi"}}));
  const Json servers = tutti->call("list_tool_servers").at("servers");
  ASSERT_EQ(servers.size(), 2U);
  for (const Json& server : servers)
    EXPECT_EQ(server.at("status"), server.at("name") == "fake" ? "ready" : "starting");
}

TEST_F(MountedServersTest, ResourcesOfAMountedServerAreReadAndCounted) {
  const std::string file = config({{"notes", fake({"--resources", "2"})}});
  TuttiProcess tutti(folder_, {.arguments = {"stdio", "--mcp-config", file}});
  initialize(tutti);
  const std::string uri = "tutti://mounted/notes/note:///2";
  while (tutti.request("resources/list").dump().find(uri) == std::string::npos) tutti.receive();
  const Json read = tutti.request("resources/read", {{"uri", uri}});
  EXPECT_EQ(read["result"]["contents"][0]["text"], "text of note:///2");
  const auto limit = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  Json server;
  do {  // each list comes when it comes
    server = tutti.call("list_tool_servers").at("servers")[0];
  } while (server.value("prompts", 0) != 3 && std::chrono::steady_clock::now() < limit);
  EXPECT_EQ(server.at("resources"), 2);  // one has no URI
  EXPECT_EQ(server.at("prompts"), 3);
}

TEST_F(MountedServersTest, KilledOrAskedTuttiLeavesNothingOfAServerBehind) {
  for (const int signal : {SIGKILL, SIGTERM}) {
    const auto tutti = open({{"fake", gatedFake()}});
    const int server = tutti->call("fake__limits").at("pid").get<int>();
    const int guard = tutti->call("list_tool_servers").at("servers")[0].at("pid").get<int>();
    const Json spawned = tutti->request("tools/call", {{"name", "fake__spawn"}});
    const int grandchild = std::stoi(spawned["result"]["content"][0]["text"].get<std::string>());
    tutti->kill(signal);
    for (const int pid : {server, grandchild, guard}) EXPECT_TRUE(gone(pid)) << pid;
  }
}

TEST_F(MountedServersTest, AKilledGuardTakesItsServerAlongAndBothAreStartedAgain) {
  const auto tutti = open({{"fake", gatedFake()}});
  const int server = tutti->call("fake__limits").at("pid").get<int>();
  const int guard = tutti->call("list_tool_servers").at("servers")[0].at("pid").get<int>();
  ::kill(guard, SIGKILL);
  EXPECT_TRUE(gone(server));
  Json answer;
  const auto limit = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  do {
    answer = tutti->call("fake__echo", {{"text", "back"}});
  } while (answer.contains("error") && std::chrono::steady_clock::now() < limit);
  EXPECT_EQ(answer, Json({{"text", "back"}}));
}

}  // namespace
}  // namespace tutti::test
