// Calls as tasks, by clients that take them: what is told survives the process that told it.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <functional>
#include <iterator>

#include "tests/integration/tutti_process.hpp"

namespace tutti::test {
namespace {

Json withTasks(Json params) {
  params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = {
      {"extensions", {{"io.modelcontextprotocol/tasks", Json::object()}}}};
  return params;
}

class TasksTest : public ::testing::Test {
 protected:
  /// A program that says that it runs, goes on until the file `go` is there, then prints.
  void SetUp() override {
    writeProgram(folder_, "gated",
                 "echo run >> \"" + (folder_.path() / "begun").string() + "\"\nwhile [ ! -e \"" +
                     (folder_.path() / "go").string() +
                     "\" ]; do sleep 0.05; done\necho '{\"done\":true}'");
  }
  void open() { folder_.write("go", ""); }
  bool begun() const { return waitForFile(folder_.path() / "begun"); }
  /// How often the program was started.
  std::string runs() const {
    std::ifstream file(folder_.path() / "begun");
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static Json callAsTask(TuttiProcess& tutti, const std::string& tool, Json arguments) {
    return tutti.request(
        "tools/call", withTasks({{"name", tool}, {"arguments", std::move(arguments)}}))["result"];
  }
  static Json startSync(TuttiProcess& tutti) {
    return callAsTask(tutti, "start_agent",
                      {{"blueprint", "gated"}, {"parameters", Json::object()}, {"mode", "sync"}});
  }
  static std::string start(TuttiProcess& tutti) {
    return tutti.call("start_agent", {{"blueprint", "gated"}, {"parameters", Json::object()}})
        .value("session_id", "");
  }
  static Json task(TuttiProcess& tutti, const Json& id) {
    return tutti.request("tasks/get", withTasks({{"taskId", id}}))["result"];
  }
  /// Polls, as a client does, until the task has ended.
  static Json ended(TuttiProcess& tutti, const Json& id) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    Json now = task(tutti, id);
    for (; now.value("status", "") == "working"; now = task(tutti, id)) {
      if (std::chrono::steady_clock::now() > deadline) break;
      ::usleep(5'000);
    }
    return now;
  }
  static void expectDone(const Json& ended) {
    EXPECT_EQ(ended["status"], "completed") << ended.dump(1);
    const Json report = ended.value("result", Json::object())["structuredContent"];
    EXPECT_EQ(report["status"], "completed") << ended.dump(1);
    EXPECT_EQ(report["result_data"], Json({{"done", true}}));
  }
  static void waitForRunEnd(TuttiProcess& tutti) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    Json sessions;
    do {
      sessions = tutti.call("list_sessions")["sessions"];
    } while (sessions[0]["status"] != "finished" && std::chrono::steady_clock::now() < deadline);
    EXPECT_EQ(sessions[0]["status"], "finished") << sessions.dump(1);
  }
  static void killHard(TuttiProcess& tutti) {
    tutti.kill(SIGKILL);
    EXPECT_EQ(tutti.wait(), 128 + SIGKILL);
  }
  /// Kills one tutti after the other, each a little later after it has acknowledged the task that
  /// `make` asks for. The next one ends that: as lost, or as `expect` has it. Nothing runs twice.
  void killAtEachMoment(int moments, const std::function<Json(TuttiProcess&)>& make,
                        const std::function<void(const Json&)>& expect) {
    open();
    std::string expected_runs;
    for (int moment = 0; moment < moments; ++moment) {
      TuttiProcess first(folder_);
      const Json made = make(first);  // acknowledged: from now on nothing may be lost
      ::usleep(static_cast<useconds_t>(moment * 300));
      killHard(first);
      TuttiProcess second(folder_);
      const Json end = ended(second, made["taskId"]);
      if (end["status"] == "failed") {
        EXPECT_EQ(end["error"]["data"]["name"], "process_lost") << end.dump(1);
      } else {
        expect(end);
        expected_runs += "run\n";
      }
    }
    EXPECT_EQ(runs(), expected_runs);
  }

  TempFolder folder_;
};

TEST_F(TasksTest, ASyncStartIsATaskAndGivesItsResult) {
  TuttiProcess tutti(folder_);
  const Json made = startSync(tutti);
  EXPECT_EQ(made["resultType"], "task") << made.dump(1);
  EXPECT_EQ(task(tutti, made["taskId"])["status"], "working");
  open();
  expectDone(ended(tutti, made["taskId"]));
}

TEST_F(TasksTest, WhatIsOverAtTheFirstLookIsAnsweredAtOnce) {
  TuttiProcess tutti(folder_);
  open();
  const std::string id = start(tutti);
  EXPECT_EQ(tutti.call("get_result", {{"session_id", id}, {"wait_s", 50}})["status"], "completed");
  const Json got = callAsTask(tutti, "get_result", {{"session_id", id}});
  EXPECT_EQ(got["resultType"], "complete");
  EXPECT_EQ(got["structuredContent"]["finished"], true);
}

TEST_F(TasksTest, ATaskLivesForItsWaitAndTheFetchingOfItsResult) {
  TuttiProcess tutti(folder_);
  const std::string id = start(tutti);
  EXPECT_EQ(callAsTask(tutti, "get_result", {{"session_id", id}})["ttlMs"], 86'400'000);
  EXPECT_EQ(callAsTask(tutti, "get_result", {{"session_id", id}, {"wait_s", 30}})["ttlMs"],
            30'000 + 900'000);
  const Json brief = callAsTask(tutti, "get_result", {{"session_id", id}, {"wait_s", 0.1}});
  const Json over = ended(tutti, brief["taskId"]);
  EXPECT_EQ(over["status"], "completed");
  EXPECT_EQ(over["result"]["structuredContent"]["finished"], false) << over.dump(1);
}

TEST_F(TasksTest, NoMoreAreKeptThanTheOptionSays) {
  Options options;
  options.arguments = {"--tasks-max", "1", "stdio"};
  TuttiProcess tutti(folder_, options);
  const std::string id = start(tutti);
  EXPECT_EQ(callAsTask(tutti, "get_result", {{"session_id", id}})["resultType"], "task");
  const Json refused = tutti.request(
      "tools/call", withTasks({{"name", "get_result"}, {"arguments", {{"session_id", id}}}}));
  EXPECT_EQ(refused["error"]["data"]["name"], "tasks_max") << refused.dump(1);
  open();
}

TEST_F(TasksTest, WithoutTheExtensionAHandleIsAHandle) {
  TuttiProcess tutti(folder_);
  const Json handle = tutti.call(
      "start_agent",
      {{"blueprint", "gated"}, {"parameters", Json::object()}, {"mode", "sync"}, {"wait_s", 0.05}});
  EXPECT_EQ(handle["finished"], false) << handle.dump(1);
  const Json got =
      tutti.call("get_result", {{"session_id", handle["session_id"]}, {"wait_s", 0.05}});
  EXPECT_EQ(got["finished"], false) << got.dump(1);
}

TEST_F(TasksTest, WaitingForTheFirstOfSeveralIsATaskToo) {
  TuttiProcess tutti(folder_);
  const std::string id = start(tutti);
  const Json made = callAsTask(tutti, "wait_any", {{"session_ids", {id}}});
  EXPECT_EQ(made["resultType"], "task") << made.dump(1);
  open();
  const Json done = ended(tutti, made["taskId"]);
  EXPECT_EQ(done["result"]["structuredContent"]["finished"][0]["session_id"], id) << done.dump(1);
}

TEST_F(TasksTest, TheProgressOfATaskIsItsStatusMessage) {
  TuttiProcess tutti(folder_, {{"stdio", "--progress-every", "0.05"}, {}});
  const Json made = startSync(tutti);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  Json now = task(tutti, made["taskId"]);
  while (!now.contains("statusMessage") && std::chrono::steady_clock::now() < deadline)
    now = task(tutti, made["taskId"]);
  EXPECT_NE(now.value("statusMessage", "").find("still running"), std::string::npos) << now.dump(1);
}

TEST_F(TasksTest, TheNextTuttiGivesTheResultOfATaskOfAKilledOne) {
  Json id;
  {
    TuttiProcess first(folder_);
    id = startSync(first)["taskId"];
    ASSERT_TRUE(begun());
    killHard(first);
  }
  TuttiProcess second(folder_);
  EXPECT_EQ(task(second, id)["status"], "working");
  open();
  expectDone(ended(second, id));
  EXPECT_EQ(runs(), "run\n");
}

TEST_F(TasksTest, ALiveTuttiTakesTheTasksOfAKilledOneOver) {
  TuttiProcess first(folder_);
  TuttiProcess second(folder_);
  const std::string session = start(first);
  const Json id = callAsTask(first, "get_result", {{"session_id", session}})["taskId"];
  EXPECT_EQ(task(second, id)["status"], "working");
  killHard(first);
  open();
  expectDone(ended(second, id));
}

TEST_F(TasksTest, ATuttiWithoutTheToolsLeavesTasksToOneThatHasThem) {
  Json id;
  {
    TuttiProcess first(folder_);
    TuttiProcess without(folder_, {{"stdio", "--toolsets", "sessions"}, {}});
    without.request("server/discover");
    id = callAsTask(first, "get_result", {{"session_id", start(first)}})["taskId"];
    killHard(first);
    open();
    // It adopts the run, and brings it to its end; the task stays as it is.
    waitForRunEnd(without);
    EXPECT_EQ(task(without, id)["status"], "working");
  }
  TuttiProcess second(folder_);
  expectDone(ended(second, id));
}

TEST_F(TasksTest, AKillAtAnyMomentOfTheStartLosesAndRepeatsNothing) {
  killAtEachMoment(
      12,
      [](TuttiProcess& first) {
        first.request("server/discover");
        first.send(
            Json{{"jsonrpc", "2.0"},
                 {"id", 77},
                 {"method", "tools/call"},
                 {"params",
                  {{"name", "start_agent"},
                   {"arguments",
                    {{"blueprint", "gated"}, {"parameters", Json::object()}, {"mode", "sync"}}},
                   {"_meta",
                    {{"io.modelcontextprotocol/protocolVersion", "2026-07-28"},
                     {"io.modelcontextprotocol/clientCapabilities",
                      {{"extensions", {{"io.modelcontextprotocol/tasks", Json::object()}}}}}}}}}});
        return first.receive()["result"];
      },
      expectDone);
}

TEST_F(TasksTest, ATaskOutlivesAClientThatLeaves) {
  Json id;
  {
    TuttiProcess first(folder_);
    id = startSync(first)["taskId"];
    ASSERT_TRUE(begun());
    first.closeInput();
    EXPECT_EQ(first.wait(), 0);
  }
  open();
  TuttiProcess second(folder_);
  expectDone(ended(second, id));
}

TEST_F(TasksTest, CancellingTheTaskAnywhereEndsTheWaitAndNotTheAgent) {
  TuttiProcess first(folder_);
  TuttiProcess second(folder_);
  const std::string session = start(first);
  const Json id = callAsTask(first, "get_result", {{"session_id", session}})["taskId"];
  EXPECT_EQ(second.request("tasks/cancel", withTasks({{"taskId", id}}))["result"]["resultType"],
            "complete");
  EXPECT_EQ(task(first, id)["status"], "cancelled");
  open();
  EXPECT_EQ(first.call("get_result", {{"session_id", session}, {"wait_s", 50}})["status"],
            "completed");
  EXPECT_EQ(task(second, id)["status"], "cancelled");
}

TEST_F(TasksTest, ATuttiWithOneToolsetTakesItsTasksOverWithoutTheOthers) {
  const Options agents{{"stdio", "--toolsets", "agents"}, {}};
  Json id;
  {
    TuttiProcess first(folder_, agents);
    id = startSync(first)["taskId"];
    ASSERT_TRUE(begun());
    killHard(first);
  }
  open();
  TuttiProcess second(folder_, agents);
  expectDone(ended(second, id));
}

/// The gated program, as the one whom a request is for.
class RouteTasksTest : public TasksTest {
 protected:
  void SetUp() override {
    TasksTest::SetUp();
    const auto agent = folder_.path() / "blueprints/agents/gated/agent.json";
    std::ifstream file(agent);
    Json blueprint = Json::parse(file);
    blueprint["description"] = "Waters the flowers of the garden";
    blueprint["examples"] = {kRequest, "water the roses"};
    folder_.write("blueprints/agents/gated/agent.json", blueprint.dump());
  }
  static Json dispatchSync(TuttiProcess& tutti, Json more = Json::object()) {
    Json arguments = {{"request", kRequest}, {"dispatch", true}, {"mode", "sync"}};
    arguments.update(more);
    return callAsTask(tutti, "route_request", arguments);
  }
  /// The agent may have ended by its store's row before its decision has.
  static void expectRouted(const Json& ended) {
    EXPECT_EQ(ended["status"], "completed") << ended.dump(1);
    const Json report = ended.value("result", Json::object())["structuredContent"];
    EXPECT_EQ(report["status"], "succeeded") << ended.dump(1);
    EXPECT_EQ(report["agent"], "gated");
    EXPECT_EQ(report["result"]["result_data"], Json({{"done", true}}));
  }
  static constexpr const char* kRequest = "water the flowers in the garden";
};

TEST_F(RouteTasksTest, ADispatchThatWaitsIsATaskAndGivesItsResult) {
  TuttiProcess tutti(folder_);
  const Json made = dispatchSync(tutti);
  ASSERT_EQ(made["resultType"], "task") << made.dump(1);
  EXPECT_EQ(task(tutti, made["taskId"])["status"], "working");
  open();
  expectRouted(ended(tutti, made["taskId"]));
}

TEST_F(RouteTasksTest, ADecisionAloneAndWhatIsWrongAreAnsweredAtOnce) {
  TuttiProcess tutti(folder_);
  EXPECT_EQ(dispatchSync(tutti, {{"dispatch", false}})["resultType"], "complete");
  EXPECT_EQ(dispatchSync(tutti, {{"candidates", {"gatd"}}})["resultType"], "complete");
  EXPECT_EQ(dispatchSync(tutti, {{"project_dir", "/none"}})["resultType"], "complete");
  EXPECT_TRUE(tutti.call("list_sessions")["sessions"].empty());
}

TEST_F(RouteTasksTest, TheNextTuttiGivesTheResultOfATaskOfAKilledOne) {
  Json id;
  {
    TuttiProcess first(folder_);
    id = dispatchSync(first)["taskId"];
    ASSERT_TRUE(begun());
    killHard(first);
  }
  TuttiProcess second(folder_);
  EXPECT_EQ(task(second, id)["status"], "working");
  open();
  expectRouted(ended(second, id));
  EXPECT_EQ(runs(), "run\n");
  EXPECT_EQ(second.call("explain_route")["decisions"].size(), 1U);
}

TEST_F(RouteTasksTest, AKillAtAnyMomentOfTheDispatchLosesAndRepeatsNothing) {
  killAtEachMoment(
      8, [](TuttiProcess& first) { return dispatchSync(first); }, expectRouted);
}

TEST_F(RouteTasksTest, CancellingTheTaskEndsTheWaitAndNotTheAgent) {
  TuttiProcess tutti(folder_);
  const Json id = dispatchSync(tutti)["taskId"];
  ASSERT_TRUE(begun());
  tutti.request("tasks/cancel", withTasks({{"taskId", id}}));
  EXPECT_EQ(task(tutti, id)["status"], "cancelled");
  open();
  waitForRunEnd(tutti);
}

/// A client of 2025-11-25.
class OlderClient {
 public:
  explicit OlderClient(TuttiProcess& tutti) : tutti_(tutti) {
    ask("initialize", {{"protocolVersion", "2025-11-25"},
                       {"capabilities", Json::object()},
                       {"clientInfo", {{"name", "test"}, {"version", "1"}}}});
    tutti_.send(Json{{"jsonrpc", "2.0"}, {"method", "notifications/initialized"}});
  }
  void send(const std::string& method, Json params) {
    tutti_.send(
        Json{{"jsonrpc", "2.0"}, {"id", ++id_}, {"method", method}, {"params", std::move(params)}});
  }
  Json ask(const std::string& method, Json params) {
    send(method, std::move(params));
    return tutti_.receive();
  }

 private:
  TuttiProcess& tutti_;
  int id_ = 0;
};

TEST_F(TasksTest, TheOlderFormWaitsForAResultThatAnotherTuttiBrings) {
  TuttiProcess first(folder_);
  TuttiProcess second(folder_);
  OlderClient maker(first);
  const Json made = maker.ask(
      "tools/call",
      {{"name", "start_agent"},
       {"arguments", {{"blueprint", "gated"}, {"parameters", Json::object()}, {"mode", "sync"}}},
       {"task", Json::object()}});
  const Json id = made["result"]["task"]["taskId"];
  ASSERT_TRUE(id.is_string()) << made.dump(1);
  OlderClient waiter(second);
  waiter.send("tasks/result", {{"taskId", id}});
  open();
  const Json got = second.receive()["result"];
  EXPECT_EQ(got["structuredContent"]["result_data"], Json({{"done", true}})) << got.dump(1);
  EXPECT_EQ(got["_meta"]["io.modelcontextprotocol/related-task"]["taskId"], id);
}

TEST_F(TasksTest, TheOlderFormSurvivesAKillToo) {
  TuttiProcess second(folder_);
  Json id;
  {
    TuttiProcess first(folder_);
    OlderClient maker(first);
    const std::string session = start(second);
    id = maker.ask("tools/call", {{"name", "get_result"},
                                  {"arguments", {{"session_id", session}}},
                                  {"task", {{"ttl", 600'000}}}})["result"]["task"]["taskId"];
    killHard(first);
  }
  OlderClient waiter(second);
  waiter.send("tasks/result", {{"taskId", id}});
  open();
  const Json got = second.receive()["result"];
  EXPECT_EQ(got["structuredContent"]["result_data"], Json({{"done", true}})) << got.dump(1);
}

}  // namespace
}  // namespace tutti::test
