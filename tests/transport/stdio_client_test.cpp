// The pipes of a server that is a child, here with both ends in one process.
#include "server/transport/stdio_client.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <csignal>
#include <optional>

#include "server/base/log.hpp"
#include "server/mcp/client/client.hpp"
#include "server/transport/transport.hpp"
#include "tests/mcp/fixture.hpp"

namespace tutti::transport {
namespace {

namespace client = mcp::client;

struct Told final : client::Events {
  void onReady() override { ready = true; }
  void onLost(const Error& error) override { lost = error; }
  bool ready = false;
  std::optional<Error> lost;
};

class StdioClientTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::signal(SIGPIPE, SIG_IGN);
    log::configure(log::Level::Off);
    int up[2];
    int down[2];
    ASSERT_EQ(::pipe2(up, O_CLOEXEC), 0);
    ASSERT_EQ(::pipe2(down, O_CLOEXEC), 0);
    server_in.reset(up[0]);
    to_server.reset(up[1]);
    from_server.reset(down[0]);
    server_out.reset(down[1]);
  }
  void open(StdioClientOptions options = {}, client::Options client_options = {}) {
    channel.emplace(io, std::move(from_server), std::move(to_server), options);
    client.emplace(*channel, client_options, told);
    channel->start(*client);
    client->start();
  }
  void serve() {
    fixture::addTools(server, held);
    StdioOptions options;
    options.input_fd = server_in.get();
    options.output_fd = server_out.get();
    stdio.emplace(io, server, options, [this] { server_done = true; });
    stdio->start();
  }
  /// Runs the loop until `condition` holds; false after a minute.
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
  void say(const std::string& text) const {
    ASSERT_EQ(::write(server_out.get(), text.data(), text.size()),
              static_cast<ssize_t>(text.size()));
  }

  boost::asio::io_context io{1};
  Fd server_in;
  Fd to_server;
  Fd from_server;
  Fd server_out;
  fixture::Held held;
  mcp::Server server{fixture::options()};
  std::optional<StdioServer> stdio;
  bool server_done = false;
  Told told;
  std::optional<StdioClient> channel;
  std::optional<client::Client> client;
};

TEST_F(StdioClientTest, CallsGoThroughAndTheEndOfItsInputEndsTheServer) {
  serve();
  open();
  ASSERT_TRUE(until([&] { return told.ready; }));
  std::optional<Result<client::Reply>> large;
  client->call({"blob", {{"size", 3'000'000}}}, {},
               [&](Result<client::Reply> reply) { large.emplace(std::move(reply)); });
  ASSERT_TRUE(until([&] { return large.has_value(); }));
  ASSERT_TRUE(large->ok());
  EXPECT_GT((*large)->text.size(), 3'000'000U);
  channel->closeInput();
  EXPECT_TRUE(until([&] { return server_done; }));
  stdio.reset();
  server_out.reset();
  ASSERT_TRUE(until([&] { return told.lost.has_value(); }));
  EXPECT_EQ(told.lost->name(), "server_lost");
}

TEST_F(StdioClientTest, ALineAboveTheLimitIsSkippedAndTheNextIsRead) {
  client::Options quick;
  quick.era = client::Era::Modern;
  open({.line_bytes_max = 500}, quick);
  say(std::string(2'000, 'x') + "\n");
  say(R"({"jsonrpc":"2.0","id":1,"result":{"supportedVersions":["2026-07-28"],"capabilities":{}}})"
      "\n");
  EXPECT_TRUE(until([&] { return told.ready; }));
}

TEST_F(StdioClientTest, AServerThatDoesNotReadIsGivenUpAtABound) {
  client::Options quick;
  quick.era = client::Era::Modern;
  open({.output_bytes_max = 1'000'000}, quick);
  say(R"({"jsonrpc":"2.0","id":1,"result":{"supportedVersions":["2026-07-28"],"capabilities":{}}})"
      "\n");
  ASSERT_TRUE(until([&] { return told.ready; }));
  int ended = 0;
  client->call({"echo", {{"text", std::string(2'000'000, 'x')}}}, {},
               [&](Result<client::Reply>) { ++ended; });
  ASSERT_TRUE(until([&] { return told.lost.has_value(); }));
  EXPECT_NE(told.lost->message().find("output_bytes_max"), std::string::npos);
  EXPECT_EQ(ended, 1);
}

TEST_F(StdioClientTest, AServerThatSaysNothingRunsOutOfTime) {
  client::Options quick;
  quick.probe_max_ms = 5;
  quick.handshake_max_ms = 20;
  open({}, quick);
  ASSERT_TRUE(until([&] { return told.lost.has_value(); }));
  EXPECT_EQ(told.lost->name(), "handshake_timeout");
}

TEST_F(StdioClientTest, AFloodIsReadNoFasterThanItsLimit) {
  client::Options quick;
  quick.garbage_max = 1'000'000;
  open({.input_bytes_per_s_max = 65'536}, quick);
  // More than the limit is there to be read, all at once: a pipe holds 64 KiB, and is filled twice.
  ::fcntl(server_out.get(), F_SETFL, O_NONBLOCK);
  const std::string junk(4'096, '\n');
  std::size_t written = 0;
  const auto pour = [&] {
    for (ssize_t n = 0; (n = ::write(server_out.get(), junk.data(), junk.size())) > 0;)
      written += static_cast<std::size_t>(n);
  };
  const auto begin = std::chrono::steady_clock::now();
  const auto end = begin + std::chrono::milliseconds(300);
  while (std::chrono::steady_clock::now() < end) {
    pour();
    io.restart();
    io.run_one_for(std::chrono::milliseconds(20));
  }
  // 300 ms touch two seconds at most, and as many more as the machine kept this waiting: each lets
  // through the limit and one block more.
  const auto took = std::chrono::steady_clock::now() - begin;
  const auto seconds = static_cast<std::size_t>(took / std::chrono::seconds(1)) + 2;
  EXPECT_LE(written, seconds * (65'536U + 65'536U) + 65'536U);
}

}  // namespace
}  // namespace tutti::transport
