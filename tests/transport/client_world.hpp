// A client over HTTP and its loop; the servers are the tests' own.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <memory>
#include <optional>

#include "server/base/log.hpp"
#include "server/mcp/client/client.hpp"
#include "server/transport/http_client.hpp"

namespace tutti::transport {

namespace client = mcp::client;
namespace net = boost::asio;

struct Told final : client::Events {
  void onReady() override { ready = true; }
  void onLost(const Error& error) override { lost = error; }
  void onListChanged(client::ListKind) override { ++changed; }
  bool ready = false;
  int changed = 0;
  std::optional<Error> lost;
};

class HttpClientTest : public ::testing::Test {
 protected:
  void SetUp() override { log::configure(log::Level::Off); }
  void open(std::uint16_t port, client::Era era, HttpClientOptions options = {}) {
    options.url = "http://127.0.0.1:" + std::to_string(port) + "/mcp";
    openUrl(era, std::move(options));
  }
  void openUrl(client::Era era, HttpClientOptions options) {
    auto made = HttpClient::create(io, std::move(options));
    ASSERT_TRUE(made.ok());
    channel = std::move(*made);
    client::Options chosen;
    chosen.era = era;
    client.emplace(*channel, chosen, told);
    channel->start(*client);
    client->start();
  }
  void TearDown() override {
    client.reset();
    channel.reset();
  }
  template <class Condition>
  bool until(Condition condition) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > limit) return false;
      io.restart();
      io.run_one_for(std::chrono::milliseconds(50));
    }
    return true;
  }
  using Ended = std::shared_ptr<std::optional<Result<client::Reply>>>;
  Ended begin(client::ToolRequest tool) {
    auto ended = std::make_shared<std::optional<Result<client::Reply>>>();
    client->call(std::move(tool), {},
                 [ended](Result<client::Reply> reply) { ended->emplace(std::move(reply)); });
    return ended;
  }
  std::optional<Result<client::Reply>> call(client::ToolRequest tool) {
    const Ended ended = begin(std::move(tool));
    EXPECT_TRUE(until([&] { return ended->has_value(); }));
    return *ended;
  }

  net::io_context io{1};
  Told told;
  std::unique_ptr<HttpClient> channel;
  std::optional<client::Client> client;
};

}  // namespace tutti::transport
