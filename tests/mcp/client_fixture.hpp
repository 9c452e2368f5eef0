// A client on a channel that a test plays by hand, and one that talks to the real server.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "server/mcp/connection.hpp"
#include "tests/mcp/client_fakes.hpp"
#include "tests/mcp/fixture.hpp"

namespace tutti::mcp::client {

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
