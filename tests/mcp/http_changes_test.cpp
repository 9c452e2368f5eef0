// What is told without being asked, over HTTP: listens, standalone streams; and arguments that are
// repeated as headers.
#include <gtest/gtest.h>

#include "server/mcp/http/sessions.hpp"
#include "server/mcp/server_impl.hpp"
#include "tests/mcp/fixture_offers.hpp"
#include "tests/mcp/http_fixture.hpp"

namespace tutti::fixture {
namespace {

const std::string kToolsChanged =
    R"({"jsonrpc":"2.0","method":"notifications/tools/list_changed"})";

struct HttpChangesTest : testing::Test {
  explicit HttpChangesTest(std::size_t listeners_max = 1024) : http({}, with(listeners_max)) {
    addOffers(http.server());
  }
  static mcp::ServerOptions with(std::size_t listeners_max) {
    mcp::ServerOptions made = options();
    made.listeners_max = listeners_max;
    return made;
  }
  std::shared_ptr<RecordedReply> listen(const Json& id, const Json& wanted) {
    return http.post(modern(id, "subscriptions/listen", {{"notifications", wanted}}),
                     modernHeaders("subscriptions/listen"));
  }
  std::shared_ptr<RecordedReply> callRegion(const Json& arguments, Headers more) {
    mcp::Tool tool;
    tool.name = "region";
    tool.description = "Takes a region.";
    tool.input_schema =
        R"({"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"}}})";
    if (http.server().impl().tools.find("region") == nullptr)
      must(http.server().addTool(tool, [](const std::shared_ptr<mcp::ToolCall>& call) {
        call->finish(mcp::ToolOutput{nullptr, "ok"});
      }));
    Headers headers = modernHeaders("tools/call", "region");
    headers.merge(more);
    return http.post(modern(1, "tools/call", {{"name", "region"}, {"arguments", arguments}}),
                     headers);
  }

  HttpFixture http;
};

TEST_F(HttpChangesTest, AListenIsAStreamThatBeginsWithItsAcknowledgement) {
  const auto reply = listen(7, {{"toolsListChanged", true}});
  ASSERT_TRUE(reply->stream);
  EXPECT_FALSE(reply->done);
  ASSERT_EQ(reply->events.size(), 1U);
  const Json first = Json::parse(reply->events.front());
  EXPECT_EQ(first["method"], "notifications/subscriptions/acknowledged");
  EXPECT_EQ(first["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"], 7);
  http.server().toolsChanged();
  http.server().promptsChanged();
  ASSERT_EQ(reply->events.size(), 2U);
  EXPECT_EQ(Json::parse(reply->events[1])["method"], "notifications/tools/list_changed");
}

TEST_F(HttpChangesTest, EqualIdsOfTwoConnectionsAreTwoStreams) {
  const auto one = listen(7, {{"toolsListChanged", true}});
  const auto two = listen(7, {{"promptsListChanged", true}});
  http.server().toolsChanged();
  EXPECT_EQ(one->events.size(), 2U);
  EXPECT_EQ(two->events.size(), 1U);
  one->gone();
  http.server().toolsChanged();
  http.server().promptsChanged();
  EXPECT_EQ(one->events.size(), 2U) << "nothing for a client that is gone";
  EXPECT_EQ(two->events.size(), 2U);
}

TEST_F(HttpChangesTest, EndingTheStreamsAnswersEveryListen) {
  const auto reply = listen("x", {{"toolsListChanged", true}});
  http.endpoint().endStreams();
  ASSERT_TRUE(reply->done);
  const Json last = Json::parse(reply->events.back());
  EXPECT_EQ(last["id"], "x");
  EXPECT_EQ(last["result"]["resultType"], "complete");
  EXPECT_EQ(last["result"]["_meta"]["io.modelcontextprotocol/subscriptionId"], "x");
  EXPECT_TRUE(last["result"]["_meta"].contains("io.modelcontextprotocol/serverInfo"));
  const auto count = reply->events.size();
  http.server().toolsChanged();
  EXPECT_EQ(reply->events.size(), count);
}

struct HttpFewListenersTest : HttpChangesTest {
  HttpFewListenersTest() : HttpChangesTest(2) {}
};

TEST_F(HttpFewListenersTest, OneTooManyIsRefusedUntilOneLeaves) {
  const auto one = listen(1, {{"toolsListChanged", true}});
  const auto two = listen(2, {{"toolsListChanged", true}});
  const auto three = listen(3, {{"toolsListChanged", true}});
  EXPECT_EQ(three->code(), -32603);
  EXPECT_EQ(three->json()["error"]["data"]["name"], "listeners_max");
  one->gone();
  EXPECT_TRUE(listen(4, {{"toolsListChanged", true}})->stream);
}

TEST_F(HttpChangesTest, TooManyResourcesInOneListenAreRefused) {
  Json uris = Json::array();
  for (int i = 0; i < 1025; ++i) uris.push_back("test://item/" + std::to_string(i));
  const auto reply = listen(1, {{"resourceSubscriptions", uris}});
  EXPECT_EQ(reply->json()["error"]["data"]["name"], "watched_max");
}

TEST_F(HttpChangesTest, AStandaloneStreamTellsWhatChangesInItsSession) {
  const std::string session = http.open();
  const auto stream = http.get(session);
  http.server().toolsChanged();
  ASSERT_EQ(stream->events.size(), 1U);
  EXPECT_EQ(stream->events.front(), kToolsChanged);
  http.post(request(2, "resources/subscribe", {{"uri", "test://note"}}),
            {{"Mcp-Session-Id", session}});
  const std::string other = http.open();
  const auto other_stream = http.get(other);
  http.server().resourceUpdated("test://note");
  EXPECT_EQ(stream->events.size(), 2U);
  EXPECT_EQ(other_stream->events.size(), 0U) << "only who subscribed";
}

TEST_F(HttpChangesTest, WhatHappensWithoutAStreamWaitsForOneOnceAndBounded) {
  const std::string session = http.open();
  http.server().toolsChanged();
  http.server().toolsChanged();
  for (int i = 0; i < 70; ++i) {
    const std::string uri = "test://item/" + std::to_string(i);
    http.post(request(i, "resources/subscribe", {{"uri", uri}}), {{"Mcp-Session-Id", session}});
    http.server().resourceUpdated(uri);
  }
  const auto stream = http.get(session);
  ASSERT_EQ(stream->events.size(), mcp::http::Session::kUndeliveredMax);
  EXPECT_NE(stream->events.back().find("test://item/69"), std::string::npos) << "the newest stay";
  EXPECT_EQ(stream->events.front().find("list_changed"), std::string::npos) << "the oldest go";
}

TEST_F(HttpChangesTest, AStandaloneStreamIsTakenUpWhereItsClientLostIt) {
  const std::string session = http.open();
  const auto lost = http.get(session);
  http.server().toolsChanged();
  const std::string last_seen = lost->ids.back();
  lost->gone();
  http.server().promptsChanged();
  const auto resumed = http.get(session, last_seen);
  ASSERT_EQ(resumed->events.size(), 1U) << "what was missed, and nothing twice";
  EXPECT_NE(resumed->events.front().find("prompts/list_changed"), std::string::npos);
  http.server().resourcesChanged();
  EXPECT_EQ(resumed->events.size(), 2U);
  EXPECT_EQ(http.get(session)->status, 409) << "it is the session's standalone stream again";
  resumed->gone();
  EXPECT_EQ(http.get(session)->status, 200);
}

TEST_F(HttpChangesTest, AClientThatOpensAnotherStandaloneStreamMissesNothingEither) {
  const std::string session = http.open();
  const auto lost = http.get(session);
  lost->gone();
  http.server().promptsChanged();
  http.server().promptsChanged();
  const auto next = http.get(session);
  ASSERT_EQ(next->events.size(), 1U);
  EXPECT_NE(next->events.front().find("prompts/list_changed"), std::string::npos);
}

TEST_F(HttpChangesTest, AMarkedArgumentMustBeRepeatedAsItsHeader) {
  const Json region = {{"region", "eu"}};
  EXPECT_EQ(callRegion(region, {{"mcp-PARAM-region", " eu "}})->code(), 0);
  for (const Headers& bad : {Headers{}, Headers{{"Mcp-Param-Region", "us"}},
                             Headers{{"Mcp-Param-Region", "=?base64?!?="}}}) {
    const auto reply = callRegion(region, bad);
    EXPECT_EQ(reply->status, 400);
    EXPECT_EQ(reply->code(), -32020);
    EXPECT_EQ(reply->json()["id"], 1);
  }
  EXPECT_EQ(callRegion(Json::object(), {})->code(), 0);
  EXPECT_EQ(callRegion(Json::object(), {{"Mcp-Param-Region", "eu"}})->code(), 0);
  EXPECT_EQ(callRegion(region, {{"Mcp-Param-Region", "eu"}, {"Mcp-Param-Other", "x"}})->code(), 0);
}

}  // namespace
}  // namespace tutti::fixture
