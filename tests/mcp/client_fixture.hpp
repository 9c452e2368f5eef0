// A client on a channel that a test plays by hand, and one that talks to the real server.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/mcp/client/client.hpp"
#include "server/mcp/connection.hpp"
#include "tests/mcp/fixture.hpp"

namespace tutti::mcp::client {

/// Keeps what is sent, and the time.
struct FakeChannel final : Channel {
  void send(Outgoing message) override { sent.push_back(std::move(message)); }
  void withdraw(const rpc::Id& id) override { withdrawn.push_back(id); }
  bool withdrawalCancels() const override { return over_http; }
  void established() override { ++established_count; }
  std::int64_t nowMs() const override { return now_ms; }
  void wakeAt(std::int64_t at_ms) override { wake_ms = at_ms; }

  std::deque<Outgoing> sent;
  std::vector<rpc::Id> withdrawn;
  bool over_http = false;
  int established_count = 0;
  std::int64_t now_ms = 1'000;
  std::int64_t wake_ms = 0;
};

struct Told final : Events {
  void onReady() override { ++ready; }
  void onLost(const Error& error) override { lost.push_back(error); }
  void onAsked(std::shared_ptr<Question> question) override {
    questions.push_back(std::move(question));
  }
  void onListChanged(ListKind kind) override { changed.push_back(kind); }
  void onResourceUpdated(const std::string& uri) override { updated.push_back(uri); }
  void onLog(const LogRecord& record) override { logs.push_back(record); }

  int ready = 0;
  std::vector<Error> lost;
  std::vector<std::shared_ptr<Question>> questions;
  std::vector<ListKind> changed;
  std::vector<std::string> updated;
  std::vector<LogRecord> logs;
};

/// What requests ended with. A request may outlive it.
struct Ended {
  std::shared_ptr<std::vector<Result<Reply>>> kept = std::make_shared<std::vector<Result<Reply>>>();
  std::vector<Result<Reply>>& all = *kept;
  Done done() {
    return [into = kept](Result<Reply> reply) { into->push_back(std::move(reply)); };
  }
  const Error& error() const { return all.at(0).error(); }
  const Json& value() const { return all.at(0).value().value; }
};

inline Options allOptions() {
  Options options;
  options.sampling = options.elicit_form = options.elicit_url = options.roots = true;
  return options;
}

/// The test is the server.
class ScriptedClient : public ::testing::Test {
 protected:
  void open(Options options = allOptions()) {
    client = std::make_unique<Client>(channel, std::move(options), told);
    client->start();
  }
  /// The oldest message not looked at yet.
  Json next() {
    if (channel.sent.empty()) {
      ADD_FAILURE() << "nothing was sent";
      return Json::object();
    }
    last = channel.sent.front();
    channel.sent.pop_front();
    return Json::parse(last.text);
  }
  void give(const Json& message) { client->receive(message.dump()); }
  void answer(const Json& request, const Json& result) {
    give({{"jsonrpc", "2.0"}, {"id", request.at("id")}, {"result", result}});
  }
  void refuse(const Json& request, int code, const std::string& message) {
    give({{"jsonrpc", "2.0"},
          {"id", request.at("id")},
          {"error", {{"code", code}, {"message", message}}}});
  }
  void notification(const std::string& method, const Json& params = Json::object()) {
    give({{"jsonrpc", "2.0"}, {"method", method}, {"params", params}});
  }
  void passMs(std::int64_t ms) {
    channel.now_ms += ms;
    if (channel.now_ms >= channel.wake_ms) client->tick();
  }
  void becomeLegacy(const Json& capabilities = {{"tools", Json::object()}}) {
    refuse(next(), -32601, "Method not found");
    answer(next(), {{"protocolVersion", "2025-11-25"},
                    {"capabilities", capabilities},
                    {"serverInfo", {{"name", "old"}, {"version", "1"}}}});
    EXPECT_EQ(next().at("method"), "notifications/initialized");
  }
  void becomeModern(const Json& capabilities = {{"tools", Json::object()}}) {
    answer(next(), {{"resultType", "complete"},
                    {"supportedVersions", {"2026-07-28"}},
                    {"capabilities", capabilities}});
  }

  FakeChannel channel;
  Told told;
  std::unique_ptr<Client> client;
  Outgoing last;
};

}  // namespace tutti::mcp::client
