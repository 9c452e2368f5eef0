// HTTP+SSE as 2024-11-05 had it: one stream carries all, POSTs are only taken.
#include "server/mcp/http/sse_endpoint.hpp"

#include <gtest/gtest.h>

#include "tests/mcp/http_fixture.hpp"

namespace tutti::fixture {
namespace {

class SseEndpointTest : public testing::Test {
 protected:
  SseEndpointTest() { addTools(server_, held); }

  std::shared_ptr<RecordedReply> send(const std::string& method, const std::string& target,
                                      const std::string& body, const Headers& headers) {
    mcp::http::HttpRequest http;
    http.method = method;
    http.target = target;
    http.body = body;
    for (const auto& [name, value] : headers)
      if (const auto known = mcp::http::headerNamed(name)) http.setHeader(*known, value);
    auto reply = std::make_shared<RecordedReply>();
    endpoint().handle(http, reply);
    return reply;
  }
  std::shared_ptr<RecordedReply> open() {
    return send("GET", "/sse", "", {{"Accept", "text/event-stream"}});
  }
  std::shared_ptr<RecordedReply> post(const std::string& target, const Json& body) {
    return send("POST", target, body.dump(), {{"Content-Type", "application/json"}});
  }
  mcp::http::SseEndpoint& endpoint() {
    if (!endpoint_) endpoint_.emplace(server_, mcp::http::SseOptions{"/sse", 2});
    return *endpoint_;
  }

  Held held;
  mcp::Server server_{options()};
  std::optional<mcp::http::SseEndpoint> endpoint_;
};

TEST_F(SseEndpointTest, TheFirstEventSaysWhereToPostAndAnswersComeOnTheStream) {
  const auto stream = open();
  ASSERT_EQ(stream->events.size(), 1U);
  EXPECT_EQ(stream->names[0], "endpoint");
  const std::string where = stream->events[0];
  EXPECT_TRUE(where.starts_with("/sse?session_id=")) << where;
  EXPECT_GE(where.size(), std::string("/sse?session_id=").size() + 32) << "unguessable";
  const auto taken = post(where, request(1, "initialize", {{"protocolVersion", "2024-11-05"}}));
  EXPECT_EQ(taken->status, 202);
  EXPECT_EQ(taken->body, "");
  ASSERT_EQ(stream->events.size(), 2U);
  EXPECT_EQ(stream->names[1], "message");
  EXPECT_EQ(Json::parse(stream->events[1])["result"]["protocolVersion"], "2024-11-05");
}

TEST_F(SseEndpointTest, ProgressAndTheResultAreEventsOfTheirOwn) {
  const auto stream = open();
  post(stream->events[0], request("a", "tools/call",
                                  {{"name", "slow"},
                                   {"arguments", {{"steps_only", true}}},
                                   {"_meta", {{"progressToken", 7}}}}));
  const Json last = Json::parse(stream->events.back());
  EXPECT_EQ(last["id"], "a");
  EXPECT_EQ(Json::parse(stream->events[1])["method"], "notifications/progress");
}

TEST_F(SseEndpointTest, BatchesAreAnsweredAsOneArray) {
  const auto stream = open();
  post(stream->events[0], request(1, "initialize", {{"protocolVersion", "2024-11-05"}}));
  post(stream->events[0], Json::array({request(2, "ping"), request(3, "ping")}));
  EXPECT_EQ(Json::parse(stream->events.back()).size(), 2U) << stream->events.back();
}

TEST_F(SseEndpointTest, WhenTheStreamGoesSoDoesTheSessionWithWhatIsInFlight) {
  const auto stream = open();
  const std::string where = stream->events[0];
  post(where, request(1, "tools/call", {{"name", "slow"}, {"arguments", Json::object()}}));
  ASSERT_EQ(held.calls.size(), 1U);
  stream->gone();
  EXPECT_EQ(held.cancelled, 1);
  EXPECT_EQ(endpoint().sessionCount(), 0U);
  const auto late = post(where, request(2, "ping"));
  EXPECT_EQ(late->status, 404);
  EXPECT_EQ(late->code(), -32001);
}

TEST_F(SseEndpointTest, SessionsAreApartAndBounded) {
  const auto one = open();
  const auto two = open();
  EXPECT_NE(one->events[0], two->events[0]);
  post(two->events[0], request(1, "ping"));
  EXPECT_EQ(one->events.size(), 1U);
  EXPECT_EQ(two->events.size(), 2U);
  const auto third = open();
  EXPECT_EQ(third->status, 503);
  EXPECT_NE(third->body.find("sessions_max"), std::string::npos) << third->body;
}

TEST_F(SseEndpointTest, ASessionIsOfTheCredentialThatOpenedItsStream) {
  const auto stream =
      send("GET", "/sse", "", {{"Accept", "text/event-stream"}, {"Authorization", "Bearer one"}});
  const std::string body = request(1, "ping").dump();
  const auto post_as = [&](const std::string& shown) {
    Headers headers{{"Content-Type", "application/json"}};
    if (!shown.empty()) headers["Authorization"] = shown;
    return send("POST", stream->events[0], body, headers);
  };
  EXPECT_EQ(post_as("Bearer two")->status, 404);
  EXPECT_EQ(post_as("")->status, 404);
  EXPECT_EQ(stream->events.size(), 1U) << "nothing was answered to them";
  EXPECT_EQ(post_as("Bearer one")->status, 202);
  EXPECT_EQ(stream->events.size(), 2U);
}

TEST_F(SseEndpointTest, WhatIsNoGoodPostIsRefusedWithTheReason) {
  const auto stream = open();
  const std::string body = request(1, "ping").dump();
  EXPECT_EQ(send("POST", "/sse", body, {{"Content-Type", "application/json"}})->status, 400);
  EXPECT_EQ(send("POST", "/sse?session_id=1", body, {{"Content-Type", "application/json"}})->status,
            404);
  EXPECT_EQ(send("POST", stream->events[0], body, {{"Content-Type", "text/plain"}})->status, 415);
  EXPECT_EQ(send("GET", "/sse", "", {{"Accept", "application/json"}})->status, 406);
  EXPECT_EQ(send("DELETE", stream->events[0], "", {})->status, 405);
  const auto garbage = send("POST", stream->events[0], "{", {{"Content-Type", "application/json"}});
  EXPECT_EQ(garbage->status, 202);
  EXPECT_EQ(Json::parse(stream->events.back())["error"]["code"], -32700);
}

TEST_F(SseEndpointTest, DrainingEndsTheStreams) {
  const auto stream = open();
  post(stream->events[0],
       request(1, "tools/call", {{"name", "slow"}, {"arguments", Json::object()}}));
  endpoint().endAll();
  EXPECT_TRUE(stream->done);
  EXPECT_EQ(held.cancelled, 1);
  EXPECT_EQ(endpoint().sessionCount(), 0U);
}

}  // namespace
}  // namespace tutti::fixture
