// Clients that hold a stream and are asked whether they are still there.
#include "server/mcp/keep_alive.hpp"

#include <gtest/gtest.h>

#include "server/base/log.hpp"
#include "tests/mcp/client.hpp"
#include "tests/mcp/http_fixture.hpp"

namespace tutti::mcp {
namespace {

using fixture::Headers;
using std::chrono::seconds;

Json response(const Json& ping) {
  return Json{{"jsonrpc", "2.0"}, {"id", ping.at("id")}, {"result", Json::object()}};
}

class KeepAliveTest : public testing::Test {
 protected:
  KeepAliveTest() { log::configure(log::Level::Off); }
  ServerOptions pinging() {
    ServerOptions options = fixture::options();
    options.clock = clock_.get();
    options.timers = clock_;
    options.ping_every_s = 30;
    options.ping_wait_max_s = 10;
    return options;
  }
  std::shared_ptr<fixture::HandClock> clock_ = std::make_shared<fixture::HandClock>();
};

/// A client on a byte stream that keeps a call waiting.
class StreamKeepAliveTest : public KeepAliveTest {
 protected:
  void begin(ServerOptions options, const Json& hello) {
    client_.reset();
    server_.emplace(std::move(options));
    fixture::addTools(*server_, held_);
    client_.emplace(*server_);
    client_->connection().onLost([this] { ++lost_; });
    client_->ask(hello);
  }
  fixture::Held held_;
  std::optional<Server> server_;
  std::optional<fixture::StreamClient> client_;
  int lost_ = 0;
};

TEST_F(StreamKeepAliveTest, AClientThatAnswersIsAskedAgainAndKept) {
  begin(pinging(), fixture::hello("2024-11-05"));
  for (int round = 0; round < 3; ++round) {
    clock_->pass(seconds(29));
    EXPECT_EQ(client_->next(), Json());
    clock_->pass(seconds(1));
    const Json ping = client_->next();
    ASSERT_EQ(ping.value("method", ""), "ping") << round;
    EXPECT_FALSE(ping.contains("params"));
    client_->send(response(ping));
  }
  EXPECT_EQ(lost_, 0);
}

TEST_F(StreamKeepAliveTest, AnErrorIsAnAnswerToo) {
  begin(pinging(), fixture::hello("2025-11-25"));
  clock_->pass(seconds(30));
  const Json ping = client_->next();
  client_->send(Json{{"jsonrpc", "2.0"},
                     {"id", ping.at("id")},
                     {"error", {{"code", -32601}, {"message", "Method not found"}}}});
  clock_->pass(seconds(29));
  EXPECT_EQ(lost_, 0);
}

TEST_F(StreamKeepAliveTest, AClientThatIsSilentIsLetGoWithWhatItWaitsFor) {
  begin(pinging(), fixture::hello("2025-06-18"));
  client_->send(fixture::legacyCall(7, "slow"));
  while (client_->next() != Json()) continue;
  clock_->pass(seconds(30 + 9));
  EXPECT_EQ(lost_, 0);
  clock_->pass(seconds(1));
  EXPECT_EQ(lost_, 1);
  EXPECT_EQ(held_.cancelled, 1);
  clock_->pass(seconds(1000));
  EXPECT_EQ(lost_, 1);
}

TEST_F(StreamKeepAliveTest, WithoutTheOptionAndWithoutAHandshakeNobodyIsAsked) {
  ServerOptions off = pinging();
  off.ping_every_s = 0;
  begin(std::move(off), fixture::hello("2025-11-25"));
  clock_->pass(seconds(1000));
  EXPECT_EQ(client_->next(), Json());
  begin(pinging(), fixture::modern(1, "server/discover"));
  clock_->pass(seconds(1000));
  EXPECT_EQ(client_->next(), Json());
  EXPECT_EQ(lost_, 0);
}

TEST_F(StreamKeepAliveTest, AClientThatOnlyReadsOnIsLeftInPeace) {
  begin(pinging(), fixture::hello("2025-11-25"));
  clock_->pass(seconds(30));
  client_->connection().inputEnded();
  clock_->pass(seconds(1000));
  EXPECT_EQ(lost_, 0);
}

/// A legacy session over HTTP.
class HttpKeepAliveTest : public KeepAliveTest {
 protected:
  void SetUp() override {
    http_.emplace(http::EndpointOptions{}, pinging());
    session_ = http_->open();
  }
  std::shared_ptr<fixture::RecordedReply> answer(const std::string& ping) {
    return http_->post(response(Json::parse(ping)), {{"Mcp-Session-Id", session_}});
  }
  std::optional<fixture::HttpFixture> http_;
  std::string session_;
};

TEST_F(HttpKeepAliveTest, OnlyWhoHoldsAStandaloneStreamIsAsked) {
  clock_->pass(seconds(990));
  const auto stream = http_->get(session_);
  EXPECT_TRUE(stream->events.empty());
  clock_->pass(seconds(30));
  ASSERT_EQ(stream->events.size(), 1U);
  EXPECT_EQ(Json::parse(stream->events[0])["method"], "ping");
  EXPECT_EQ(stream->ids.size(), 1U) << "the stream's own first event: a ping is not replayed";
  EXPECT_EQ(answer(stream->events[0])->status, 202);
  clock_->pass(seconds(30));
  EXPECT_EQ(stream->events.size(), 2U);
  EXPECT_EQ(http_->endpoint().sessionCount(), 1U);
}

TEST_F(HttpKeepAliveTest, ASilentOneLosesItsStreamAndItsSession) {
  const auto stream = http_->get(session_);
  http_->post(fixture::legacyCall(7, "slow"), {{"Mcp-Session-Id", session_}});
  clock_->pass(seconds(40));
  EXPECT_TRUE(stream->done);
  EXPECT_EQ(http_->held.cancelled, 1);
  EXPECT_EQ(http_->endpoint().sessionCount(), 0U);
  EXPECT_EQ(http_->post(fixture::request(2, "ping"), {{"Mcp-Session-Id", session_}})->status, 404);
}

TEST_F(HttpKeepAliveTest, APingThatWentDownWithItsStreamIsNoSilence) {
  const auto first = http_->get(session_);
  clock_->pass(seconds(30));
  ASSERT_EQ(first->events.size(), 1U);
  first->gone();
  const auto second = http_->get(session_);
  clock_->pass(seconds(10));
  EXPECT_EQ(http_->endpoint().sessionCount(), 1U);
  EXPECT_FALSE(second->done);
  clock_->pass(seconds(30));
  EXPECT_EQ(second->events.size(), 1U);
}

}  // namespace
}  // namespace tutti::mcp
