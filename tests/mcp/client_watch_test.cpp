// The resources that a client wants to be told of.
#include "tests/mcp/client_fixture.hpp"

namespace tutti::mcp::client {
namespace {

const Json kSubscribe = {{"resources", {{"subscribe", true}}}};

TEST_F(ScriptedClient, AnOlderServerIsAskedForOneResourceAfterTheOther) {
  open();
  becomeLegacy(kSubscribe);
  client->watch({"a://1", "a://2"});
  const Json first = next();
  EXPECT_EQ(first.at("method"), "resources/subscribe");
  EXPECT_EQ(first.at("params").at("uri"), "a://1");
  EXPECT_TRUE(channel.sent.empty());
  client->watch({"a://2"});
  refuse(first, -32002, "Resource not found");
  const Json second = next();
  EXPECT_EQ(second.at("method"), "resources/unsubscribe");
  answer(second, Json::object());
  const Json third = next();
  EXPECT_EQ(third.at("params").at("uri"), "a://2");
  refuse(third, -32603, "no");
  EXPECT_TRUE(channel.sent.empty()) << "what was refused is not asked for again";
  notification("notifications/resources/updated", {{"uri", "a://2"}});
  EXPECT_EQ(told.updated, std::vector<std::string>{"a://2"});
}

TEST_F(ScriptedClient, AModernServerGetsASubscriptionThatIsOpenedAnewWhenOthersAreWatched) {
  open();
  becomeModern(kSubscribe);
  client->watch({"a://1"});
  const Json first = next();
  EXPECT_EQ(first.at("method"), "subscriptions/listen");
  EXPECT_EQ(first.at("params").at("notifications"), Json({{"resourceSubscriptions", {"a://1"}}}));
  EXPECT_EQ(client->inFlight(), 0U);
  client->watch({"a://1"});
  EXPECT_TRUE(channel.sent.empty());
  client->watch({"a://1", "a://2"});
  EXPECT_EQ(next().at("method"), "notifications/cancelled");
  const Json second = next();
  EXPECT_EQ(second.at("params").at("notifications").at("resourceSubscriptions").size(), 2U);
  answer(second, {{"resultType", "complete"}});
  EXPECT_TRUE(channel.sent.empty());
  passMs(1'500);
  EXPECT_EQ(next().at("method"), "subscriptions/listen") << "one that ended is opened again";
  client->watch({});
  EXPECT_EQ(next().at("method"), "notifications/cancelled");
  EXPECT_TRUE(channel.sent.empty());
}

TEST_F(ScriptedClient, AServerThatDoesNotOfferItIsNotAsked) {
  open();
  becomeLegacy({{"resources", Json::object()}});
  client->watch({"a://1"});
  EXPECT_TRUE(channel.sent.empty());
}

}  // namespace
}  // namespace tutti::mcp::client
