// The client against our own server, in each era.
#include "tests/mcp/client_fixture.hpp"

namespace tutti::mcp::client {
namespace {

struct Inbox final : Exchange {
  void notify(std::string frame) override { frames.push_back(std::move(frame)); }
  void reply(std::string frame, int) override { frames.push_back(std::move(frame)); }
  void abandon() override {}
  std::deque<std::string> frames;
};

class OwnServer : public ::testing::TestWithParam<Era> {
 protected:
  void SetUp() override {
    fixture::addTools(server, held);
    Options options;
    options.era = GetParam();
    client = std::make_unique<Client>(channel, options, told);
    client->start();
    pump();
  }
  /// Carries messages both ways until there are none.
  void pump() {
    while (!channel.sent.empty() || !inbox->frames.empty()) {
      for (const Outgoing& message : std::exchange(channel.sent, {}))
        connection.receive(message.text);
      for (const std::string& frame : std::exchange(inbox->frames, {})) client->receive(frame);
    }
  }

  fixture::Held held;
  Server server{fixture::options()};
  std::shared_ptr<Inbox> inbox = std::make_shared<Inbox>();
  Connection connection{server, inbox, {}};
  FakeChannel channel;
  Told told;
  std::unique_ptr<Client> client;
};

TEST_P(OwnServer, IsListedCalledAndCancelled) {
  ASSERT_EQ(told.ready, 1);
  EXPECT_EQ(isModern(client->facts().revision), GetParam() != Era::Legacy);
  EXPECT_EQ(client->facts().name, "fixture");

  std::vector<ListEntry> tools;
  client->list(ListKind::Tools, [&](auto list) { tools = std::move(*list); });
  pump();
  ASSERT_GE(tools.size(), 6U);
  EXPECT_EQ(tools[0].value.at("name"), "echo");

  Ended echo;
  client->call({"echo", {{"text", "hi"}}}, {}, echo.done());
  pump();
  EXPECT_EQ(echo.value().at("structuredContent"), Json({{"text", "hi"}}));

  Ended slow;
  int steps = 0;
  const Ticket ticket =
      client->call({"slow"}, {.on_progress = [&](const Progress&) { ++steps; }}, slow.done());
  pump();
  EXPECT_EQ(steps, 2);
  EXPECT_EQ(client->inFlight(), 1U);
  client->cancel(ticket, "enough");
  pump();
  EXPECT_EQ(held.cancelled, 1);
  EXPECT_EQ(slow.error().code(), Code::Cancelled);
}

INSTANTIATE_TEST_SUITE_P(Eras, OwnServer, ::testing::Values(Era::Either, Era::Legacy, Era::Modern));

}  // namespace
}  // namespace tutti::mcp::client
