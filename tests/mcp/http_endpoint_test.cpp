// Sessions, streams and answers over HTTP, without a socket.
#include <gtest/gtest.h>

#include "server/base/log.hpp"
#include "tests/mcp/http_fixture.hpp"

namespace tutti::fixture {
namespace {

Headers in(const std::string& session) {
  return {{"Mcp-Session-Id", session}};
}
Json slowCall(const Json& id, Json params = {{"name", "slow"}}) {
  return request(id, "tools/call", std::move(params));
}

TEST(HttpEndpointTest, InitializeOpensASessionWithAnUnguessableVisibleId) {
  HttpFixture http;
  const std::string first = http.open();
  const std::string second = http.open();
  EXPECT_GE(first.size(), 32U);
  EXPECT_NE(first, second);
  for (const char c : first) EXPECT_TRUE(c > 0x20 && c < 0x7F);
  EXPECT_EQ(http.post(request(2, "ping"), in(first))->body,
            R"({"jsonrpc":"2.0","id":2,"result":{}})");
}

TEST(HttpEndpointTest, FailedInitializeOpensNothing) {
  HttpFixture http;
  const auto reply = http.post(request(1, "initialize", {{"protocolVersion", 5}}));
  EXPECT_EQ(reply->status, 200);
  EXPECT_EQ(reply->code(), -32602);
  EXPECT_TRUE(reply->headers.empty());
  EXPECT_EQ(http.endpoint().sessionCount(), 0U);
}

TEST(HttpEndpointTest, InitializeMayCarryAnyLegacyVersionHeaderAndIgnoresMcpMethod) {
  HttpFixture http;
  const auto reply =
      http.post(request(1, "initialize", {{"protocolVersion", "2025-11-25"}}),
                {{"MCP-Protocol-Version", "2025-11-25"}, {"Mcp-Method", "initialize"}});
  EXPECT_EQ(reply->status, 200);
  EXPECT_EQ(reply->json()["result"]["protocolVersion"], "2025-11-25");
}

TEST(HttpEndpointTest, RequestsWithoutSessionAre400AndUnknownSessionsAre404) {
  HttpFixture http;
  const auto none = http.post(request(1, "tools/list"));
  EXPECT_EQ(none->status, 400);
  EXPECT_EQ(none->code(), -32000);
  EXPECT_FALSE(none->json().contains("id"));
  const auto unknown = http.post(request(1, "tools/list"), in("nobody"));
  EXPECT_EQ(unknown->status, 404);
  EXPECT_EQ(unknown->code(), -32001);
}

TEST(HttpEndpointTest, UnsupportedVersionHeaderIs400AndAnotherSupportedOneIsFine) {
  HttpFixture http;
  const std::string session = http.open("2025-06-18");
  Headers headers = in(session);
  headers["MCP-Protocol-Version"] = "2025-03-26";
  EXPECT_EQ(http.post(request(1, "ping"), headers)->status, 200);
  headers["MCP-Protocol-Version"] = "v7";
  const auto reply = http.post(request(1, "ping"), headers);
  EXPECT_EQ(reply->status, 400);
  EXPECT_EQ(reply->code(), -32000);
}

TEST(HttpEndpointTest, LegacyErrorsOfDispatchedRequestsAre200) {
  HttpFixture http;
  const auto reply = http.post(request(1, "resources/list"), in(http.open()));
  EXPECT_EQ(reply->status, 200);
  EXPECT_EQ(reply->code(), -32601);
}

TEST(HttpEndpointTest, NotificationsAndAnswersOfASessionAre202) {
  HttpFixture http;
  const std::string session = http.open();
  EXPECT_EQ(
      http.post(Json{{"jsonrpc", "2.0"}, {"method", "notifications/initialized"}}, in(session))
          ->status,
      202);
  EXPECT_EQ(http.post(Json{{"jsonrpc", "2.0"}, {"id", 9}, {"result", Json::object()}}, in(session))
                ->status,
            202);
}

TEST(HttpEndpointTest, DeleteEndsASessionOnceAndForAll) {
  HttpFixture http;
  const std::string session = http.open();
  EXPECT_EQ(http.send("DELETE", "", in(session))->status, 204);
  EXPECT_EQ(http.send("DELETE", "", in(session))->status, 404);
  EXPECT_EQ(http.post(request(1, "tools/list"), in(session))->status, 404);
}

TEST(HttpEndpointTest, DeleteEndsTheStandaloneStreamAndCancelsCalls) {
  HttpFixture http;
  const std::string session = http.open();
  const auto stream = http.get(session);
  const auto call = http.post(slowCall(1), in(session));
  EXPECT_FALSE(stream->done);
  http.send("DELETE", "", in(session));
  EXPECT_TRUE(stream->done);
  EXPECT_TRUE(call->done);
  EXPECT_EQ(http.held.cancelled, 1);
}

TEST(HttpEndpointTest, OneStandaloneStreamPerSessionAndAFreshOneAfterItIsGone) {
  HttpFixture http;
  const std::string session = http.open();
  const auto first = http.get(session);
  EXPECT_TRUE(first->stream);
  EXPECT_EQ(http.get(session)->status, 409);
  first->gone();
  EXPECT_TRUE(http.get(session)->stream);
}

TEST(HttpEndpointTest, GetNeedsASessionAndAnAcceptedStream) {
  HttpFixture http;
  EXPECT_EQ(http.send("GET", "", {{"Accept", "text/event-stream"}})->status, 400);
  EXPECT_EQ(http.send("GET", "", {{"Accept", "text/html"}})->status, 406);
  EXPECT_EQ(http.send("GET", "", {})->status, 406);
}

TEST(HttpEndpointTest, OtherMethodsAre405WithAllow) {
  HttpFixture http;
  const auto reply = http.send("PUT", "", {});
  EXPECT_EQ(reply->status, 405);
  EXPECT_NE(reply->headers.find("Allow: "), std::string::npos);
}

TEST(HttpEndpointTest, ProgressTurnsTheAnswerIntoAStreamThatEndsWithTheResult) {
  HttpFixture http;
  const auto reply =
      http.post(modern(1, "tools/call", {{"name", "slow"}, {"arguments", {{"steps_only", true}}}}),
                modernHeaders("tools/call", "slow"));
  EXPECT_FALSE(reply->stream) << "without token and log level nothing precedes the result";
  Json params{{"name", "slow"}, {"arguments", {{"steps_only", true}}}, {"_meta", modernMeta()}};
  params["_meta"]["progressToken"] = 4;
  const auto stream =
      http.post(request(2, "tools/call", params), modernHeaders("tools/call", "slow"));
  ASSERT_TRUE(stream->stream);
  ASSERT_EQ(stream->events.size(), 3U);
  EXPECT_EQ(Json::parse(stream->events[0])["params"]["progressToken"], 4);
  EXPECT_EQ(Json::parse(stream->events[2])["id"], 2);
  EXPECT_TRUE(stream->done);
}

TEST(HttpEndpointTest, ModernDisconnectCancelsAndNothingIsDelivered) {
  HttpFixture http;
  const auto reply =
      http.post(modern(1, "tools/call", {{"name", "slow"}}), modernHeaders("tools/call", "slow"));
  ASSERT_EQ(http.held.calls.size(), 1U);
  const auto call = http.held.calls.front();
  reply->gone();
  EXPECT_EQ(http.held.cancelled, 1);
  EXPECT_TRUE(call->cancelled());
  call->finish(mcp::ToolOutput{Json{{"done", true}}, ""});
  EXPECT_TRUE(reply->body.empty());
}

TEST(HttpEndpointTest, LegacyDisconnectDoesNotCancel) {
  HttpFixture http;
  const auto reply = http.post(slowCall(1), in(http.open()));
  EXPECT_FALSE(reply->gone);
  EXPECT_EQ(http.held.calls.size(), 1U);
  EXPECT_EQ(http.held.cancelled, 0);
}

TEST(HttpEndpointTest, LegacyCancelEndsTheWaitingPostWithoutAResponse) {
  HttpFixture http;
  const std::string session = http.open();
  const auto reply = http.post(slowCall(5), in(session));
  http.post(Json{{"jsonrpc", "2.0"},
                 {"method", "notifications/cancelled"},
                 {"params", {{"requestId", 5}}}},
            in(session));
  EXPECT_EQ(http.held.cancelled, 1);
  EXPECT_TRUE(reply->done);
  for (const std::string& event : reply->events) EXPECT_FALSE(Json::parse(event).contains("id"));
}

TEST(HttpEndpointTest, SameIdOnTwoModernRequestsIsNobodysBusiness) {
  HttpFixture http;
  const auto headers = modernHeaders("tools/call", "slow");
  http.post(modern(1, "tools/call", {{"name", "slow"}}), headers);
  const auto second = http.post(modern(1, "tools/call", {{"name", "slow"}}), headers);
  EXPECT_FALSE(second->done);
  EXPECT_EQ(http.held.calls.size(), 2U);
}

TEST(HttpEndpointTest, SameIdTwiceInASessionIsRefused) {
  HttpFixture http;
  const std::string session = http.open();
  http.post(slowCall(1), in(session));
  EXPECT_EQ(http.post(slowCall(1), in(session))->code(), -32600);
  EXPECT_EQ(http.post(slowCall(1), in(http.open()))->code(), 0)
      << "another session, another id space";
}

TEST(HttpEndpointTest, BatchOfAnEarlySessionIsAnsweredAsOneArray) {
  HttpFixture http;
  const std::string session = http.open("2025-03-26");
  const Json batch = Json::array({request(1, "ping"), request("b", "nope")});
  const auto reply = http.post(batch, in(session));
  EXPECT_EQ(reply->status, 200);
  EXPECT_EQ(reply->json().size(), 2U);
  const Json notices = Json::array({Json{{"jsonrpc", "2.0"}, {"method", "notifications/x"}}});
  EXPECT_EQ(http.post(notices, in(session))->status, 202);
  EXPECT_EQ(http.post(batch, in(http.open("2025-06-18")))->status, 400);
}

TEST(HttpEndpointTest, AgentIdComesFromItsHeaderInBothEras) {
  HttpFixture http;
  Headers headers = modernHeaders("tools/call", "whoami");
  headers["X-Agent-Session-Id"] = "ses_1";
  const auto modern_reply = http.post(modern(1, "tools/call", {{"name", "whoami"}}), headers);
  EXPECT_EQ(modern_reply->json()["result"]["structuredContent"]["agent_session_id"], "ses_1");
  EXPECT_EQ(modern_reply->json()["result"]["structuredContent"]["over_http"], true);
  Headers legacy = in(http.open());
  legacy["X-Agent-Session-Id"] = "ses_2";
  const auto legacy_reply = http.post(request(1, "tools/call", {{"name", "whoami"}}), legacy);
  EXPECT_EQ(legacy_reply->json()["result"]["structuredContent"]["agent_session_id"], "ses_2");
}

TEST(HttpEndpointTest, ASessionIsUnknownToWhoShowsAnotherCredential) {
  HttpFixture http;
  const std::string session = http.open();
  Headers other = in(session);
  other["Authorization"] = "Bearer somebody-else";
  EXPECT_EQ(http.post(request(1, "ping"), other)->status, 404);
  EXPECT_EQ(http.post(request(1, "ping"), in(session))->status, 200);
}

TEST(CallerTest, ItsPrincipalIsItsCredentialAndItsAgent) {
  const mcp::Caller nobody;
  mcp::Caller agent;
  agent.agent_session_id = "ses_1";
  mcp::Caller holder = agent;
  holder.credential = "credential:x";
  EXPECT_EQ(nobody.principal(), "");
  EXPECT_EQ(agent.principal(), "ses_1");
  EXPECT_EQ(holder.principal(), "credential:x/ses_1");
}

TEST(HttpEndpointTest, AtSessionsMaxTheLongestIdleSessionGoes) {
  HttpFixture http({.sessions = {.sessions_max = 2}});
  const std::string first = http.open();
  const std::string second = http.open();
  http.post(request(1, "ping"), in(first));  // now the second is the older one
  const std::string third = http.open();
  EXPECT_EQ(http.post(request(1, "ping"), in(first))->status, 200);
  EXPECT_EQ(http.post(request(1, "ping"), in(second))->status, 404);
  EXPECT_EQ(http.post(request(1, "ping"), in(third))->status, 200);
}

TEST(HttpEndpointTest, AtSessionsMaxWithAllBusyANewOneIsRefusedByName) {
  HttpFixture http({.sessions = {.sessions_max = 1}});
  const std::string only = http.open();
  http.post(slowCall(1), in(only));
  const auto reply = http.post(request(1, "initialize", {{"protocolVersion", "2025-11-25"}}));
  EXPECT_EQ(reply->status, 503);
  EXPECT_NE(reply->body.find("sessions_max"), std::string::npos);
  EXPECT_EQ(http.post(request(2, "ping"), in(only))->status, 200);
}

/// Sessions that end after an hour, and the hand of their clock.
class HttpIdleSessionTest : public testing::Test {
 protected:
  static mcp::http::EndpointOptions limits(const std::chrono::steady_clock::time_point& now) {
    mcp::http::EndpointOptions made;
    made.sessions.idle_max = std::chrono::hours(1);
    made.sessions.now = [&now] { return now; };
    return made;
  }
  int ping(const std::string& session) {
    return http_.post(request(1, "ping"), in(session))->status;
  }

  std::chrono::steady_clock::time_point now_ = std::chrono::steady_clock::now();
  HttpFixture http_{limits(now_)};
};

TEST_F(HttpIdleSessionTest, ASessionEndsAfterItsIdleTimeAndEachUseBeginsItAnew) {
  const std::string used = http_.open();
  const std::string unused = http_.open();
  now_ += std::chrono::minutes(59);
  EXPECT_EQ(ping(used), 200);
  now_ += std::chrono::minutes(2);
  EXPECT_EQ(ping(used), 200);
  EXPECT_EQ(http_.endpoint().sessionCount(), 1U);
  const auto reply = http_.post(request(1, "ping"), in(unused));
  EXPECT_EQ(reply->status, 404);
  EXPECT_EQ(reply->code(), -32001);
}

TEST_F(HttpIdleSessionTest, RequestsOfOthersAreEnoughForIdleSessionsToGo) {
  http_.open();
  http_.open();
  now_ += std::chrono::minutes(61);
  http_.post(modern(1, "tools/list"), modernHeaders("tools/list"));
  EXPECT_EQ(http_.endpoint().sessionCount(), 0U);
}

TEST_F(HttpIdleSessionTest, AStreamThatIsOpenKeepsItsSessionForAnHourAfterItsEndToo) {
  const std::string session = http_.open();
  const auto stream = http_.get(session);
  now_ += std::chrono::hours(3);
  http_.open();
  EXPECT_FALSE(stream->done);
  now_ += std::chrono::minutes(59);
  stream->gone();
  now_ += std::chrono::minutes(59);
  EXPECT_EQ(ping(session), 200);
  now_ += std::chrono::minutes(61);
  EXPECT_EQ(ping(session), 404);
}

TEST_F(HttpIdleSessionTest, ACallThatTakesLongerThanTheIdleTimeKeepsItsSession) {
  const std::string session = http_.open();
  const auto call = http_.post(slowCall(1), in(session));
  now_ += std::chrono::minutes(90);
  http_.open();
  now_ += std::chrono::minutes(59);
  http_.held.finishOne();
  EXPECT_TRUE(call->done);
  now_ += std::chrono::minutes(59);
  EXPECT_EQ(ping(session), 200);
}

TEST(HttpEndpointTest, AtInFlightMaxACallIsRefusedByNameAndCancelledOnesStillCount) {
  log::configure(log::Level::Off);
  mcp::ServerOptions few = options();
  few.in_flight_max = 2;
  HttpFixture http({}, few);
  const std::string session = http.open();
  http.post(slowCall(1), in(session));
  http.post(slowCall(2), in(session));
  const auto reply = http.post(slowCall(3), in(session));
  EXPECT_NE(reply->body.find("in_flight_max"), std::string::npos);
  const auto kept = http.held.calls.front();  // a handler that does not let go
  const Json cancel{
      {"jsonrpc", "2.0"}, {"method", "notifications/cancelled"}, {"params", {{"requestId", 1}}}};
  http.post(cancel, in(session));
  EXPECT_NE(http.post(slowCall(4), in(session))->body.find("in_flight_max"), std::string::npos);
  http.held.finishOne();
  EXPECT_FALSE(http.post(slowCall(5), in(session))->done);
}

TEST(HttpEndpointTest, ThrowingHandlerIsAnInternalErrorInBothEras) {
  log::configure(log::Level::Off);
  HttpFixture http;
  const Json params{{"name", "fail"}, {"arguments", {{"how", "throw"}}}};
  const auto reply =
      http.post(modern(1, "tools/call", params), modernHeaders("tools/call", "fail"));
  EXPECT_EQ(reply->status, 200);
  EXPECT_EQ(reply->code(), -32603);
  EXPECT_EQ(http.post(request(1, "tools/call", params), in(http.open()))->code(), -32603);
}

TEST(HttpEndpointTest, ClosingTheEndpointEndsEverySession) {
  HttpFixture http;
  const std::string session = http.open();
  const auto stream = http.get(session);
  http.post(slowCall(1), in(session));
  http.endpoint().close();
  EXPECT_TRUE(stream->done);
  EXPECT_EQ(http.held.cancelled, 1);
  EXPECT_EQ(http.endpoint().sessionCount(), 0U);
}

}  // namespace
}  // namespace tutti::fixture
