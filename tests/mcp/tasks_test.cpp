// Tasks as the extension of 2026-07-28 has them.
#include <gtest/gtest.h>

#include "server/base/log.hpp"
#include "server/mcp/tasks/memory_store.hpp"
#include "tests/mcp/client.hpp"

namespace tutti::mcp {
namespace {

using fixture::accepted;

constexpr const char* kExtension = "io.modelcontextprotocol/tasks";

class TasksTest : public testing::Test {
 protected:
  explicit TasksTest(std::size_t tasks_max = 10)
      : store_(
            std::make_shared<MemoryTaskStore>(MemoryTaskStore::Options{tasks_max, clock_.get()})),
        server_(options()) {
    log::configure(log::Level::Off);
    fixture::addTaskTools(server_, held_);
    client_ = std::make_unique<fixture::StreamClient>(server_);
  }
  ServerOptions options() {
    ServerOptions options = fixture::options();
    options.clock = clock_.get();
    options.timers = clock_;
    options.task_store = store_;
    return options;
  }
  Json call(const std::string& tool, Json arguments = Json::object()) {
    return client_->ask(fixture::modernCall(++id_, tool, {{"arguments", std::move(arguments)}},
                                            fixture::withTasks()));
  }
  Json ask(const std::string& method, const Json& task_id, Json more = Json::object()) {
    more["taskId"] = task_id;
    return client_->ask(
        fixture::modernRequest(++id_, method, std::move(more), fixture::withTasks()));
  }
  Json status(const Json& task_id) { return ask("tasks/get", task_id)["result"]; }
  Json start(Json arguments = Json::object()) {
    return call("job", std::move(arguments))["result"]["taskId"];
  }

  int id_ = 0;
  fixture::Held held_;
  std::shared_ptr<fixture::HandClock> clock_ = std::make_shared<fixture::HandClock>();
  std::shared_ptr<MemoryTaskStore> store_;
  Server server_;
  std::unique_ptr<fixture::StreamClient> client_;
};

TEST_F(TasksTest, ACallIsAnsweredWithAHandleAndTheResultIsFetched) {
  const Json made = call("job")["result"];
  EXPECT_EQ(made["resultType"], "task");
  EXPECT_EQ(made["status"], "working");
  EXPECT_EQ(made["ttlMs"], 60000);
  EXPECT_EQ(made["pollIntervalMs"], 200);
  EXPECT_EQ(made["taskId"].get<std::string>().size(), 32U);
  for (const char* key : {"task", "result", "error", "inputRequests", "requestState", "ttl"})
    EXPECT_FALSE(made.contains(key)) << key;
  EXPECT_TRUE(client_->connection().idle());

  const Json working = status(made["taskId"]);
  EXPECT_EQ(working["resultType"], "complete");
  EXPECT_EQ(working["statusMessage"], "begun");
  held_.finishOne();
  const Json done = status(made["taskId"]);
  EXPECT_EQ(done["status"], "completed");
  EXPECT_EQ(done["result"]["structuredContent"]["done"], true);
  EXPECT_FALSE(done["result"]
                   .value("_meta", Json::object())
                   .contains("io.modelcontextprotocol/related-task"));
}

TEST_F(TasksTest, AFailedToolCompletesAndARefusedRequestFails) {
  const Json failed = start();
  held_.calls.front()->finish(Error(Code::NotFound, "nothing there"));
  EXPECT_EQ(status(failed)["status"], "completed");
  EXPECT_EQ(status(failed)["result"]["isError"], true);
  held_.calls.clear();

  const Json refused = start();
  held_.calls.front()->refuse(Error(Code::InvalidArgument, "not this one"));
  EXPECT_EQ(status(refused)["status"], "failed");
  EXPECT_EQ(status(refused)["error"]["code"], -32602);
  EXPECT_FALSE(status(refused).contains("result"));
  held_.calls.clear();

  const Json dropped = start();
  held_.calls.clear();
  EXPECT_EQ(status(dropped)["error"]["code"], -32603);
}

TEST_F(TasksTest, WithoutTheExtensionTheCallIsAnsweredAsEver) {
  client_->send(fixture::modernCall(1, "job"));
  EXPECT_EQ(client_->next(), Json());
  held_.finishOne();
  EXPECT_EQ(client_->next()["result"]["resultType"], "complete");
  const Json refused = client_->ask(fixture::modernCall(2, "job_only"));
  EXPECT_EQ(refused["error"]["code"], -32021);
  EXPECT_EQ(refused["error"]["data"]["requiredCapabilities"]["extensions"],
            (Json{{kExtension, Json::object()}}));
}

TEST_F(TasksTest, AToolThatIsNoTaskIsNone) {
  EXPECT_EQ(call("no_job"), Json());
  held_.finishOne();
  EXPECT_EQ(client_->next()["result"]["resultType"], "complete");
}

TEST_F(TasksTest, TheTaskMemberOfTheOlderFormIsIgnored) {
  client_->send(fixture::modernCall(1, "job", {{"task", {{"ttl", 1}}}}));
  held_.finishOne();
  EXPECT_EQ(client_->next()["result"]["resultType"], "complete");
}

TEST_F(TasksTest, TasksAreForClientsThatDeclareThemAndCapabilityComesBeforeExistence) {
  const Json id = start();
  for (const char* method : {"tasks/get", "tasks/update", "tasks/cancel"}) {
    for (const Json& known : {id, Json("unknown")}) {
      const Json frame = client_->ask(fixture::modernRequest(50, method, {{"taskId", known}}));
      EXPECT_EQ(frame["error"]["code"], -32021) << method;
    }
    EXPECT_EQ(ask(method, "unknown")["error"]["code"], -32602) << method;
    EXPECT_EQ(ask(method, 7)["error"]["code"], -32602) << method;
  }
  for (const char* method : {"tasks/result", "tasks/list"})
    EXPECT_EQ(ask(method, id)["error"]["code"], -32601) << method;
  held_.finishOne();
}

TEST_F(TasksTest, AnothersTaskIsUnknown) {
  const Json id = start();
  fixture::StreamClient other(server_, "ses_other");
  const Json frame =
      other.ask(fixture::modernRequest(1, "tasks/get", {{"taskId", id}}, fixture::withTasks()));
  EXPECT_EQ(frame["error"]["code"], -32602);
  fixture::StreamClient same(server_);
  EXPECT_TRUE(
      same.ask(fixture::modernRequest(1, "tasks/get", {{"taskId", id}}, fixture::withTasks()))
          .contains("result"));
  held_.finishOne();
}

TEST_F(TasksTest, InputIsAskedAndGivenThroughTheTask) {
  const Json id = start({{"ask", {"name", "color"}}});
  Json shown = status(id);
  EXPECT_EQ(shown["status"], "input_required");
  EXPECT_EQ(shown["inputRequests"]["name"]["method"], "elicitation/create");
  const Json acknowledged =
      ask("tasks/update", id, {{"inputResponses", {{"name", accepted("name", "Ada")}}}})["result"];
  EXPECT_EQ(acknowledged["resultType"], "complete");
  EXPECT_FALSE(acknowledged.contains("taskId"));
  shown = status(id);
  EXPECT_TRUE(shown["inputRequests"].contains("color"));
  EXPECT_FALSE(shown["inputRequests"].contains("name"));
  ask("tasks/update", id, {{"inputResponses", {{"color", accepted("color", "red")}}}});
  EXPECT_EQ(status(id)["status"], "working");
  held_.finishOne();
  EXPECT_EQ(status(id)["status"], "completed");
}

TEST_F(TasksTest, AnswersMayComeOneByOneAndUselessOnesAreIgnored) {
  const Json id = start({{"ask", {"name", "color"}}, {"together", true}});
  EXPECT_EQ(status(id)["inputRequests"].size(), 2U);
  for (const Json& responses :
       {Json{{"unknown", {{"ignored", true}}}}, Json{{"name", 7}}, Json::object()}) {
    EXPECT_TRUE(ask("tasks/update", id, {{"inputResponses", responses}}).contains("result"));
    EXPECT_EQ(status(id)["inputRequests"].size(), 2U);
  }
  ask("tasks/update", id, {{"inputResponses", {{"color", accepted("color", "red")}}}});
  EXPECT_EQ(status(id)["status"], "input_required");
  EXPECT_FALSE(status(id)["inputRequests"].contains("color"));
  ask("tasks/update", id, {{"inputResponses", {{"name", accepted("name", "Ada")}}}});
  EXPECT_EQ(held_.calls.size(), 1U);
  held_.finishOne();
}

TEST_F(TasksTest, AKeyIsNeverUsedTwice) {
  const Json id = start({{"ask", {"name"}}});
  ask("tasks/update", id, {{"inputResponses", {{"name", {{"action", "decline"}}}}}});
  const Json asked = status(id)["inputRequests"];
  EXPECT_FALSE(asked.contains("name"));
  ASSERT_TRUE(asked.contains("name_2"));
  ask("tasks/update", id, {{"inputResponses", {{"name_2", accepted("name", "Ada")}}}});
  EXPECT_EQ(held_.calls.size(), 1U);
  held_.finishOne();
}

TEST_F(TasksTest, CancellingReachesTheHandlerAndStays) {
  const Json id = start();
  const auto call_kept = held_.calls.front();
  EXPECT_EQ(ask("tasks/cancel", id)["result"]["resultType"], "complete");
  EXPECT_EQ(held_.cancelled, 1);
  EXPECT_TRUE(call_kept->cancelled());
  call_kept->finish(ToolOutput{nullptr, "too late"});
  EXPECT_EQ(status(id)["status"], "cancelled");
  EXPECT_TRUE(ask("tasks/cancel", id).contains("result")) << "once more does no harm";

  const Json waiting = start({{"ask", {"name"}}});
  ask("tasks/cancel", waiting);
  EXPECT_EQ(status(waiting)["status"], "cancelled");
  EXPECT_FALSE(status(waiting).contains("inputRequests"));
}

TEST_F(TasksTest, TheCallersDepartureIsNotTheTasksEnd) {
  const Json id = start();
  client_->send(
      {{"jsonrpc", "2.0"}, {"method", "notifications/cancelled"}, {"params", {{"requestId", 1}}}});
  client_->connection().close();
  client_ = std::make_unique<fixture::StreamClient>(server_);
  EXPECT_EQ(status(id)["status"], "working");
  held_.finishOne();
  EXPECT_EQ(status(id)["status"], "completed");
}

TEST_F(TasksTest, AnExpiredTaskIsCancelledAndForgotten) {
  const Json id = start();
  clock_->pass(std::chrono::milliseconds(59'999));
  EXPECT_EQ(status(id)["status"], "working");
  clock_->pass(std::chrono::milliseconds(1));
  EXPECT_EQ(held_.cancelled, 1);
  EXPECT_EQ(ask("tasks/get", id)["error"]["code"], -32602);
}

TEST_F(TasksTest, AnEndedTaskIsKeptUntilItsTimeIsUp) {
  const Json id = start();
  held_.finishOne();
  clock_->pass(std::chrono::milliseconds(59'999));
  EXPECT_EQ(status(id)["status"], "completed");
}

TEST_F(TasksTest, WhatTheClientCannotAnswerFailsTheTask) {
  Json capabilities{{"extensions", {{kExtension, Json::object()}}}};
  const Json id = client_->ask(fixture::modernCall(1, "job", {{"arguments", {{"ask", {"name"}}}}},
                                                   capabilities))["result"]["taskId"];
  EXPECT_EQ(status(id)["error"]["code"], -32021);
}

struct FewTasks : TasksTest {
  FewTasks() : TasksTest(1) {}
};

TEST_F(FewTasks, MoreThanAreKeptAreRefusedAndTheHandlerIsTold) {
  start();
  const Json refused = call("job");
  EXPECT_NE(refused["error"]["message"].get<std::string>().find("tasks_max (1)"),
            std::string::npos);
  EXPECT_TRUE(held_.calls.back()->cancelled());
  held_.calls.pop_back();
  clock_->pass(std::chrono::milliseconds(60'000));
  EXPECT_TRUE(call("job")["result"].contains("taskId"));
  held_.finishOne();
}

TEST(NoTaskStore, ThenThereAreNoTasks) {
  log::configure(log::Level::Off);
  fixture::Held held;
  Server server(fixture::options());
  fixture::addTaskTools(server, held);
  fixture::StreamClient client(server);
  EXPECT_EQ(client.ask(fixture::modernCall(1, "job_only", Json::object(), fixture::withTasks())),
            Json());
  held.finishOne();
  EXPECT_EQ(client.next()["result"]["resultType"], "complete");
  EXPECT_EQ(client.ask(fixture::modernRequest(2, "tasks/get", {{"taskId", "x"}},
                                              fixture::withTasks()))["error"]["code"],
            -32601);
}

}  // namespace
}  // namespace tutti::mcp
