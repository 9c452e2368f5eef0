// Several processes of the real program over one store, and the one copy of a server they share.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <set>
#include <thread>

#include "tests/integration/fakes.hpp"
#include "tests/integration/tutti_process.hpp"

namespace tutti::test {
namespace {

namespace fs = std::filesystem;

class SharedServersTest : public ::testing::Test {
 protected:
  std::string config(Json own = Json::object()) {
    Json entry = {
        {"command", fakeProgram("mcp_fake")},
        {"args", {"--resources", "2", "--notes", notes().string(), "--gate", gate().string()}}};
    if (!own.empty()) entry["tutti"] = std::move(own);
    return folder_.write("mcp.json", Json({{"mcpServers", {{"fake", entry}}}}).dump()).string();
  }
  fs::path notes() const { return folder_.path() / "notes"; }
  /// A server that starts while this file is there waits until it is gone.
  fs::path gate() const { return folder_.path() / "gate"; }
  static Json callOf(const std::string& id, const std::string& tool, Json meta = Json::object()) {
    meta["io.modelcontextprotocol/protocolVersion"] = "2026-07-28";
    meta["io.modelcontextprotocol/clientInfo"] = {{"name", "t"}, {"version", "1"}};
    meta["io.modelcontextprotocol/clientCapabilities"] = Json::object();
    return {{"jsonrpc", "2.0"},
            {"id", id},
            {"method", "tools/call"},
            {"params", {{"name", tool}, {"arguments", Json::object()}, {"_meta", meta}}}};
  }
  std::unique_ptr<TuttiProcess> start(const std::string& file, std::vector<std::string> more = {}) {
    Options options;
    options.arguments = {"stdio", "--mcp-config", file};
    options.arguments.insert(options.arguments.end(), more.begin(), more.end());
    return std::make_unique<TuttiProcess>(folder_, std::move(options));
  }
  int noted(const std::string& line) const {
    std::ifstream in(notes());
    int count = 0;
    for (std::string each; std::getline(in, each);) count += each == line ? 1 : 0;
    return count;
  }
  template <class Condition>
  static bool until(Condition condition) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > limit) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return true;
  }
  static Json entry(TuttiProcess& tutti) { return tutti.call("list_tool_servers")["servers"][0]; }
  static bool ready(TuttiProcess& tutti) {
    return until([&] {
      const Json each = entry(tutti);
      return each.value("status", "") == "ready" && each.value("tools", 0) > 0;
    });
  }
  /// The copy's own process.
  static int serverOf(TuttiProcess& tutti) { return tutti.call("fake__limits").value("pid", 0); }
  static int ownerOf(TuttiProcess& tutti) { return entry(tutti).value("owner_pid", 0); }

  TempFolder folder_;
};

TEST_F(SharedServersTest, AllProcessesOfOneStoreUseOneCopy) {
  const std::string file = config();
  const auto first = start(file);
  ASSERT_TRUE(ready(*first));
  const auto second = start(file);
  Options serve;
  serve.arguments = {"serve", "--port", "0", "--mcp-config", file};
  const TuttiProcess third(folder_, serve);
  ASSERT_TRUE(ready(*second));
  EXPECT_EQ(ownerOf(*first), first->pid());
  EXPECT_EQ(ownerOf(*second), first->pid());
  EXPECT_EQ(entry(*second).at("shared"), true);
  EXPECT_EQ(entry(*second).at("server_name"), "fake");
  EXPECT_EQ(serverOf(*first), serverOf(*second));
  const Ran ran = runTutti(folder_, {"--mcp-config", file, "call", "fake__limits"});
  EXPECT_EQ(Json::parse(ran.out).at("pid"), serverOf(*first)) << ran.err;
  EXPECT_EQ(noted("started"), 1);
  for (const auto& each : fs::directory_iterator(folder_.path() / "data" / "mounts")) {
    struct stat info {};
    ASSERT_EQ(::stat(each.path().c_str(), &info), 0);
    if (!S_ISSOCK(info.st_mode)) continue;
    EXPECT_EQ(info.st_mode & 0777, 0600U);
  }
}

TEST_F(SharedServersTest, OfFiveThatStartAtOnceOneRunsTheServer) {
  const std::string file = config();
  std::vector<std::unique_ptr<TuttiProcess>> all;
  for (int i = 0; i < 5; ++i) all.push_back(start(file));
  std::set<int> owners;
  for (const auto& each : all) {
    ASSERT_TRUE(ready(*each));
    owners.insert(ownerOf(*each));
  }
  EXPECT_EQ(owners.size(), 1U);
  EXPECT_EQ(noted("started"), 1);
}

TEST_F(SharedServersTest, AnotherTakesOverWhenTheOwnerIsKilledAndCallsUnderWayAreToldSo) {
  const std::string file = config();
  auto first = start(file);
  ASSERT_TRUE(ready(*first));
  const auto second = start(file);
  const auto third = start(file);
  ASSERT_TRUE(ready(*second) && ready(*third));
  const int old_server = serverOf(*second);
  second->send(callOf("slow", "fake__slow"));
  ASSERT_TRUE(until([&] { return noted("slow began") == 1; }));
  first->kill(SIGKILL);
  const Json answer = second->receive();
  EXPECT_EQ(answer.at("id"), "slow");
  const Json error = answer["result"]["structuredContent"]["error"];
  EXPECT_EQ(error.value("code", ""), "unavailable") << answer;
  EXPECT_EQ(error.value("name", ""), "server_lost") << answer;
  ASSERT_TRUE(until([&] { return serverOf(*second) != old_server && serverOf(*second) != 0; }));
  EXPECT_EQ(serverOf(*second), serverOf(*third));
  EXPECT_EQ(ownerOf(*second), ownerOf(*third));
  EXPECT_TRUE(ownerOf(*second) == second->pid() || ownerOf(*second) == third->pid());
  EXPECT_EQ(noted("started"), 2);
}

TEST_F(SharedServersTest, ACallThatWaitsForTheServerToStartWaitsForTheNextOwnerToo) {
  const std::string file = config();
  auto first = start(file);
  ASSERT_TRUE(ready(*first));
  auto second = start(file);
  auto third = start(file);
  ASSERT_TRUE(ready(*second) && ready(*third));
  folder_.write("gate", "");
  first->kill(SIGKILL);
  ASSERT_TRUE(until([&] { return noted("started") == 2; })) << "another has taken over";
  ASSERT_TRUE(until([&] {
    const int owner = ownerOf(*second);
    return owner == second->pid() || owner == third->pid();
  }));
  if (ownerOf(*second) == second->pid()) std::swap(second, third);
  second->send(callOf("waits", "fake__limits"));
  EXPECT_EQ(entry(*second).at("status"), "starting") << "and has the call before it";
  third->kill(SIGKILL);
  ASSERT_TRUE(until([&] { return noted("started") == 3; })) << "the one that is left takes over";
  fs::remove(gate());
  const Json answer = second->receive();
  EXPECT_EQ(answer.at("id"), "waits");
  EXPECT_GT(answer["result"]["structuredContent"].value("pid", 0), 0) << answer;
}

TEST_F(SharedServersTest, AnOwnerThatIsStoppedKeepsNobodyWaiting) {
  const std::string file = config({{"timeout_s", 1}});
  const auto first = start(file);
  ASSERT_TRUE(ready(*first));
  const auto second = start(file);
  ASSERT_TRUE(ready(*second));
  first->kill(SIGSTOP);
  const auto third = start(file);
  EXPECT_EQ(second->call("fake__limits")["error"].value("name", ""), "request_timeout");
  std::set<int> servers;
  for (const auto* each : {&second, &third}) {
    ASSERT_TRUE(until([&] { return entry(**each).at("shared") == false && ready(**each); }));
    const Json seen = entry(**each);
    EXPECT_EQ(countOf(seen.value("note", ""), std::to_string(first->pid())), 1) << seen;
    servers.insert(serverOf(**each));
  }
  first->kill(SIGCONT);
  ASSERT_TRUE(ready(*first));
  servers.insert(serverOf(*first));
  EXPECT_EQ(servers.size(), 3U) << "each has its own";
  EXPECT_EQ(noted("started"), 3);
}

TEST_F(SharedServersTest, AProcessThatIsStoppedDoesNotMakeTheOwnerKeepWhatItNeverReads) {
  const std::string file = config({{"limits", {{"message_mb", 1}}}});
  const auto first = start(file);
  ASSERT_TRUE(ready(*first));
  const auto second = start(file);
  ASSERT_TRUE(ready(*second));
  second->send(callOf("pour", "fake__pour", {{"progressToken", 1}}));
  ASSERT_TRUE(until([&] { return noted("pour began") == 1; }));
  second->kill(SIGSTOP);
  first->call("fake__poured", {{"count", 400}});  // 24 MB
  EXPECT_TRUE(until([&] { return noted("cancelled") == 1; })) << "its call is given up";
  second->kill(SIGCONT);
  Json answer = second->receive();
  while (answer.value("id", "") != "pour") answer = second->receive();
  EXPECT_EQ(answer["result"]["structuredContent"]["error"].value("name", ""), "server_lost")
      << answer;
  EXPECT_TRUE(until([&] { return serverOf(*second) == serverOf(*first); }));
}

TEST_F(SharedServersTest, WhatAKilledProcessHasLeftKeepsNobodyOut) {
  const std::string file = config();
  auto first = start(file);
  ASSERT_TRUE(ready(*first));
  first->kill(SIGKILL);
  first->wait();
  const auto second = start(file);
  ASSERT_TRUE(ready(*second));
  EXPECT_EQ(ownerOf(*second), second->pid());
}

TEST_F(SharedServersTest, AServerThatDiesIsStartedAgainForAll) {
  const std::string file = config();
  const auto first = start(file);
  ASSERT_TRUE(ready(*first));
  const auto second = start(file);
  ASSERT_TRUE(ready(*second));
  const int old_server = serverOf(*second);
  second->call("fake__crash");
  ASSERT_TRUE(until([&] {
    const int now = serverOf(*first);
    return now != 0 && now != old_server;
  }));
  EXPECT_TRUE(until([&] { return serverOf(*second) == serverOf(*first); }));
  EXPECT_EQ(entry(*second).at("starts"), 2);
  EXPECT_EQ(entry(*second).at("owner_pid"), first->pid());
}

TEST_F(SharedServersTest, AnAgentIsLedToTheSameCopyInSpiteOfItsSmallerEnvironment) {
  const std::string file = config();
  writeProgram(folder_, "caller",
               "exec " + std::string(std::getenv("TUTTI_BIN")) + " --mcp-config " + file +
                   " call fake__limits");
  Options options{{"stdio", "--mcp-config", file}, {"NOT_FOR_AGENTS=1", "LC_ALL=C"}, {}};
  TuttiProcess tutti(folder_, options);
  ASSERT_TRUE(ready(tutti));
  const Json handle =
      tutti.call("start_agent", {{"blueprint", "caller"}, {"parameters", Json::object()}});
  const Json got =
      tutti.call("get_result", {{"session_id", handle.value("session_id", "")}, {"wait_s", 50}});
  EXPECT_EQ(got["status"], "completed") << got.dump();
  EXPECT_EQ(got["result_data"].value("pid", 0), serverOf(tutti)) << got.dump();
  EXPECT_EQ(noted("started"), 1);
}

TEST_F(SharedServersTest, ResourcesAreReadAndWatchedThroughTheOwnerUnderOnePrefix) {
  const std::string file = config();
  const auto first = start(file);
  ASSERT_TRUE(ready(*first));
  const auto second = start(file);
  for (const auto* each : {&first, &second})
    EXPECT_TRUE(until([&] {  // each list comes when it comes
      const Json seen = entry(**each);
      return seen.value("resources", 0) == 2 && seen.value("resource_templates", 0) == 1 &&
             seen.value("prompts", 0) == 3;
    })) << entry(**each);
  const std::string uri = "tutti://mounted/fake/note:///1";
  for (const auto* each : {&first, &second}) {
    const Json read = (*each)->request("resources/read", {{"uri", uri}});
    ASSERT_TRUE(read.contains("result")) << read;
    EXPECT_EQ(read["result"]["contents"][0]["uri"], uri);
    EXPECT_EQ(read["result"]["contents"][0]["text"], "text of note:///1");
    const std::string all = (*each)->request("resources/list").dump();
    EXPECT_EQ(countOf(all, "\"" + uri + "\""), 1) << all;
    EXPECT_EQ(countOf(all, "mounted/fake/tutti"), 0) << all;
  }
  second->send({{"jsonrpc", "2.0"},
                {"id", "watch"},
                {"method", "subscriptions/listen"},
                {"params",
                 {{"notifications", {{"resourceSubscriptions", {uri}}}},
                  {"_meta",
                   {{"io.modelcontextprotocol/protocolVersion", "2026-07-28"},
                    {"io.modelcontextprotocol/clientCapabilities", Json::object()}}}}}});
  ASSERT_TRUE(until([&] { return noted("subscribe note:///1") == 1; }));
  first->call("fake__touch", {{"uri", "note:///1"}});  // another's call changes it
  Json told = second->receive();
  while (told.value("method", "") != "notifications/resources/updated") told = second->receive();
  EXPECT_EQ(told["params"]["uri"], uri);
}

TEST_F(SharedServersTest, QuestionsAndLogRecordsReachTheProcessWhoseCallCausedThem) {
  const std::string file = config();
  const auto first = start(file);
  ASSERT_TRUE(ready(*first));
  const auto second = start(file);
  ASSERT_TRUE(ready(*second));
  Json params = {
      {"name", "fake__sample"},
      {"arguments", Json::object()},
      {"_meta", {{"io.modelcontextprotocol/clientCapabilities", {{"sampling", Json::object()}}}}}};
  const Json round = second->request("tools/call", params)["result"];
  ASSERT_EQ(round.value("resultType", ""), "input_required") << round;
  ASSERT_EQ(round["inputRequests"].size(), 1U) << round;
  const std::string key = round["inputRequests"].begin().key();
  EXPECT_EQ(round["inputRequests"][key]["method"], "sampling/createMessage");
  const Json answer = {
      {"role", "assistant"}, {"content", {{"type", "text"}, {"text", "4"}}}, {"model", "m"}};
  params["inputResponses"] = {{key, answer}};
  params["requestState"] = round["requestState"];
  const Json result = second->request("tools/call", params)["result"];
  EXPECT_EQ(countOf(result.dump(), "answered: "), 1) << result;

  second->request("tools/call", {{"name", "fake__log"},
                                 {"arguments", {{"level", "warning"}, {"text", "mine"}}},
                                 {"_meta", {{"io.modelcontextprotocol/logLevel", "info"}}}});
  ASSERT_EQ(second->notifications().size(), 1U);
  const Json record = second->notifications()[0];
  EXPECT_EQ(record["params"]["logger"], "fake/work") << record;
  EXPECT_EQ(record["params"]["data"]["said"], "mine");
}

TEST_F(SharedServersTest, SharingCanBeTurnedOff) {
  const std::string file = config({{"share", false}});
  const auto first = start(file);
  const auto second = start(file);
  ASSERT_TRUE(ready(*first) && ready(*second));
  EXPECT_NE(serverOf(*first), serverOf(*second));
  EXPECT_EQ(entry(*first).at("shared"), false);
  EXPECT_FALSE(entry(*first).contains("owner_pid"));
}

TEST_F(SharedServersTest, OtherCredentialsAreAnotherCopy) {
  Json servers = {
      {"fake", {{"command", fakeProgram("mcp_fake")}, {"env", {{"TOKEN", "${TOKEN}"}}}}}};
  const std::string file =
      folder_.write("mcp.json", Json({{"mcpServers", servers}}).dump()).string();
  Options mine{{"stdio", "--mcp-config", file}, {"TOKEN=mine-and-secret"}, {}};
  Options yours{{"stdio", "--mcp-config", file}, {"TOKEN=yours-and-secret"}, {}};
  TuttiProcess first(folder_, mine);
  TuttiProcess second(folder_, yours);
  ASSERT_TRUE(ready(first) && ready(second));
  EXPECT_NE(serverOf(first), serverOf(second));
  EXPECT_EQ(second.call("fake__environment").at("TOKEN"), "yours-and-secret");
}

TEST_F(SharedServersTest, ALongPathOfTheStoreIsNoObstacle) {
  const std::string file = config();
  const std::string deep = (folder_.path() / std::string(120, 'd') / std::string(60, 'e')).string();
  const auto first = start(file, {"--data", deep});
  const auto second = start(file, {"--data", deep});
  ASSERT_TRUE(ready(*first) && ready(*second));
  EXPECT_EQ(serverOf(*first), serverOf(*second));
}

}  // namespace
}  // namespace tutti::test
