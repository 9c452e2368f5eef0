// Tasks as 2025-11-25 has them.
#include <gtest/gtest.h>

#include "server/base/log.hpp"
#include "server/mcp/tasks/memory_store.hpp"
#include "tests/mcp/client.hpp"

namespace tutti::mcp {
namespace {

using fixture::accepted;
using fixture::answerTo;
using fixture::legacyRequest;

class LegacyTasksTest : public testing::Test {
 protected:
  LegacyTasksTest()
      : store_(std::make_shared<MemoryTaskStore>(MemoryTaskStore::Options{10, clock_.get()})),
        server_(options()) {
    log::configure(log::Level::Off);
    fixture::addTaskTools(server_, held_);
    client_ = std::make_unique<fixture::StreamClient>(server_);
    client_->ask(fixture::hello("2025-11-25"));
  }
  ServerOptions options() {
    ServerOptions options = fixture::options();
    options.clock = clock_.get();
    options.timers = clock_;
    options.task_store = store_;
    options.list_page_max = 2;
    return options;
  }
  Json call(const std::string& tool, Json arguments = Json::object(), Json task = Json::object()) {
    Json params{{"name", tool}, {"arguments", std::move(arguments)}};
    if (!task.is_null()) params["task"] = std::move(task);
    return client_->ask(legacyRequest(++id_, "tools/call", std::move(params)));
  }
  Json start(Json arguments = Json::object()) {
    return call("job", std::move(arguments))["result"]["task"]["taskId"];
  }
  Json ask(const std::string& method, const Json& task_id) {
    return client_->ask(legacyRequest(++id_, method, {{"taskId", task_id}}));
  }
  static Json related(const Json& object) {
    return object.at("_meta").at("io.modelcontextprotocol/related-task").at("taskId");
  }

  int id_ = 0;
  fixture::Held held_;
  std::shared_ptr<fixture::HandClock> clock_ = std::make_shared<fixture::HandClock>();
  std::shared_ptr<MemoryTaskStore> store_;
  Server server_;
  std::unique_ptr<fixture::StreamClient> client_;
};

TEST_F(LegacyTasksTest, ACallThatAsksForItIsATask) {
  const Json made = call("job", Json::object(), {{"ttl", 5000}})["result"];
  EXPECT_EQ(made["task"]["status"], "working");
  EXPECT_EQ(made["task"]["ttl"], 5000);
  EXPECT_TRUE(made["task"].contains("pollInterval"));
  const Json id = made["task"]["taskId"];
  EXPECT_EQ(ask("tasks/get", id)["result"]["statusMessage"], "begun");
  held_.finishOne();
  EXPECT_EQ(ask("tasks/get", id)["result"]["status"], "completed");
  const Json result = ask("tasks/result", id)["result"];
  EXPECT_EQ(result["structuredContent"]["done"], true);
  EXPECT_EQ(related(result), id);
}

TEST_F(LegacyTasksTest, WhoMadeATaskIsToldOfEachStateItComesTo) {
  fixture::StreamClient other(server_);
  other.ask(fixture::hello("2025-11-25"));
  const Json id = start({{"ask", {"name"}}});
  EXPECT_EQ(client_->next(), Json());
  const auto asked = client_->takeTaskStates();
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(asked[0]["taskId"], id);
  EXPECT_EQ(asked[0]["status"], "input_required");
  client_->send(answerTo(ask("tasks/result", id), accepted("name", "Ada")));
  held_.finishOne();
  EXPECT_TRUE(client_->next().contains("result"));
  EXPECT_EQ(client_->next(), Json());
  const auto ended = client_->takeTaskStates();
  ASSERT_EQ(ended.size(), 2U);
  EXPECT_EQ(ended[0]["status"], "working");
  EXPECT_EQ(ended[1]["status"], "completed");
  EXPECT_EQ(ended[1]["ttl"], 300'000) << "the whole task is told";
  EXPECT_EQ(other.next(), Json());
  EXPECT_TRUE(other.takeTaskStates().empty()) << "it is nobody else's task";
}

TEST_F(LegacyTasksTest, ATaskGoesOnWhenWhoMadeItHasLeft) {
  const Json id = start();
  client_->leave();
  held_.finishOne();
  fixture::StreamClient other(server_);
  other.ask(fixture::hello("2025-11-25"));
  EXPECT_EQ(other.ask(legacyRequest(1, "tasks/get", {{"taskId", id}}))["result"]["status"],
            "completed");
}

TEST_F(LegacyTasksTest, ACallThatDoesNotAskIsAnswered) {
  EXPECT_EQ(call("job", Json::object(), nullptr)["method"], Json());
  held_.finishOne();
  EXPECT_TRUE(client_->next()["result"].contains("content"));
}

TEST_F(LegacyTasksTest, WhatAToolForbidsOrRequiresIsKept) {
  EXPECT_EQ(call("no_job")["error"]["code"], -32601);
  EXPECT_EQ(call("job_only", Json::object(), nullptr)["error"]["code"], -32601);
  EXPECT_TRUE(call("job_only")["result"].contains("task"));
  held_.finishOne();
}

TEST_F(LegacyTasksTest, TheResultIsWaitedFor) {
  const Json id = start();
  EXPECT_EQ(ask("tasks/result", id), Json());
  EXPECT_FALSE(client_->connection().idle());
  held_.finishOne();
  EXPECT_EQ(related(client_->next()["result"]), id);
  EXPECT_TRUE(client_->connection().idle());
}

TEST_F(LegacyTasksTest, AToolsErrorIsAFailureAndItsResultIsKept) {
  const Json id = start();
  held_.calls.front()->finish(Error(Code::NotFound, "nothing there"));
  held_.calls.clear();
  EXPECT_EQ(ask("tasks/get", id)["result"]["status"], "failed");
  EXPECT_EQ(ask("tasks/result", id)["result"]["isError"], true);
  const Json refused = start();
  held_.calls.front()->refuse(Error(Code::InvalidArgument, "not this one"));
  held_.calls.clear();
  const Json frame = ask("tasks/result", refused);
  EXPECT_EQ(frame["id"], id_);
  EXPECT_EQ(frame["error"]["message"], "not this one");
}

TEST_F(LegacyTasksTest, InputIsAskedOnTheStreamThatWaitsForTheResult) {
  const Json id = start({{"ask", {"name", "color"}}});
  EXPECT_EQ(client_->next(), Json()) << "nobody waits yet";
  EXPECT_EQ(ask("tasks/get", id)["result"]["status"], "input_required");
  const Json name = ask("tasks/result", id);
  const int waiting = id_;
  EXPECT_EQ(name["method"], "elicitation/create");
  EXPECT_EQ(related(name["params"]), id);
  const Json color = client_->ask(answerTo(name, accepted("name", "Ada")));
  EXPECT_EQ(color["params"]["message"], "color?");
  EXPECT_EQ(client_->ask(answerTo(color, accepted("color", "red"))), Json());
  EXPECT_EQ(ask("tasks/get", id)["result"]["status"], "working");
  held_.finishOne();
  EXPECT_EQ(client_->next()["id"], waiting);
}

TEST_F(LegacyTasksTest, WhoStopsWaitingIsAskedAgainWhenItWaitsAgain) {
  const Json id = start({{"ask", {"name"}}});
  const Json first = ask("tasks/result", id);
  client_->send({{"jsonrpc", "2.0"},
                 {"method", "notifications/cancelled"},
                 {"params", {{"requestId", id_}}}});
  EXPECT_EQ(client_->next(), Json());
  EXPECT_EQ(client_->ask(answerTo(first, accepted("name", "late"))), Json());
  const Json second = ask("tasks/result", id);
  EXPECT_EQ(second["method"], "elicitation/create");
  EXPECT_NE(second["id"], first["id"]);
  client_->send(answerTo(second, accepted("name", "Ada")));
  held_.finishOne();
  EXPECT_TRUE(client_->next().contains("result"));
}

TEST_F(LegacyTasksTest, ARefusalFailsTheTask) {
  const Json id = start({{"ask", {"name"}}});
  const Json asked = ask("tasks/result", id);
  const Json frame = client_->ask(
      {{"jsonrpc", "2.0"}, {"id", asked["id"]}, {"error", {{"code", -1}, {"message", "no"}}}});
  EXPECT_TRUE(frame.contains("error"));
  EXPECT_EQ(ask("tasks/get", id)["result"]["status"], "failed");
}

TEST_F(LegacyTasksTest, CancellingEndsItOnceAndForAll) {
  const Json id = start();
  ask("tasks/result", id);
  const int waiting = id_;
  client_->send(legacyRequest(++id_, "tasks/cancel", {{"taskId", id}}));
  const Json waited = client_->next();
  EXPECT_EQ(waited["id"], waiting);
  EXPECT_EQ(waited["error"]["code"], -32602);
  EXPECT_EQ(client_->next()["result"]["status"], "cancelled");
  EXPECT_EQ(held_.cancelled, 1);
  EXPECT_EQ(ask("tasks/cancel", id)["error"]["code"], -32602);
}

TEST_F(LegacyTasksTest, WhoWaitsLearnsThatATaskHasExpired) {
  const Json id = call("job", Json::object(), {{"ttl", 5000}})["result"]["task"]["taskId"];
  ask("tasks/result", id);
  clock_->pass(std::chrono::milliseconds(5000));
  EXPECT_EQ(client_->next()["error"]["code"], -32602);
  EXPECT_TRUE(client_->connection().idle());
}

TEST_F(LegacyTasksTest, TheListHasTheSessionsOwnTasksPageByPage) {
  fixture::StreamClient other(server_);
  other.ask(fixture::hello("2025-11-25"));
  const Json first = start();
  const Json second = start();
  const Json third = start();
  const Json page = client_->ask(legacyRequest(++id_, "tasks/list"))["result"];
  ASSERT_EQ(page["tasks"].size(), 2U);
  EXPECT_EQ(page["tasks"][0]["taskId"], first);
  EXPECT_EQ(page["tasks"][1]["taskId"], second);
  const Json rest =
      client_->ask(legacyRequest(++id_, "tasks/list", {{"cursor", page["nextCursor"]}}))["result"];
  ASSERT_EQ(rest["tasks"].size(), 1U);
  EXPECT_EQ(rest["tasks"][0]["taskId"], third);
  EXPECT_FALSE(rest.contains("nextCursor"));
  EXPECT_TRUE(other.ask(legacyRequest(1, "tasks/list"))["result"]["tasks"].empty());
  EXPECT_EQ(other.ask(legacyRequest(2, "tasks/list", {{"cursor", first}}))["error"]["code"],
            -32602);
  while (!held_.calls.empty()) held_.finishOne();
}

TEST_F(LegacyTasksTest, TheCapabilityAndTheToolsSaySo) {
  const Json hello = client_->ask(fixture::hello("2025-11-25"))["result"];
  EXPECT_TRUE(hello["capabilities"]["tasks"]["requests"]["tools"].contains("call"));
  EXPECT_FALSE(hello["capabilities"].contains("extensions"));
  const Json tools = client_->ask(legacyRequest(1, "tools/list"))["result"]["tools"];
  EXPECT_EQ(tools[0]["execution"]["taskSupport"], "optional");
  EXPECT_EQ(tools[1]["execution"]["taskSupport"], "required");
  fixture::StreamClient older(server_);
  EXPECT_FALSE(older.ask(fixture::hello("2025-06-18"))["result"]["capabilities"].contains("tasks"));
  const Json found = older.ask(fixture::modernRequest(2, "server/discover"))["result"];
  EXPECT_TRUE(found["capabilities"]["extensions"].contains(std::string(kTasksExtension)));
  EXPECT_FALSE(found["capabilities"].contains("tasks"));
}

TEST_F(LegacyTasksTest, OlderRevisionsKnowNothingOfIt) {
  fixture::StreamClient older(server_);
  older.ask(fixture::hello("2025-06-18"));
  for (const char* method : {"tasks/get", "tasks/result", "tasks/list", "tasks/cancel"})
    EXPECT_EQ(older.ask(legacyRequest(1, method, {{"taskId", "x"}}))["error"]["code"], -32601);
  older.send(legacyRequest(2, "tools/call", {{"name", "job"}, {"task", Json::object()}}));
  held_.finishOne();
  EXPECT_TRUE(older.next()["result"].contains("content"));
}

}  // namespace
}  // namespace tutti::mcp
