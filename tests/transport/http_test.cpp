// Real sockets on loopback against a server on its own thread.
#include <gtest/gtest.h>

#include <ostream>

#include "tests/transport/http_client.hpp"
#include "tests/transport/server_thread.hpp"

namespace tutti::fixture {
namespace {

const std::string kMeta =
    R"("_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}})";

std::string call(const std::string& name, const std::string& arguments, int id = 1) {
  return R"({"jsonrpc":"2.0","id":)" + std::to_string(id) +
         R"(,"method":"tools/call","params":{"name":")" + name + R"(","arguments":)" + arguments +
         "," + kMeta + "}}";
}

std::string head(const std::string& tool, const std::string& framing) {
  return "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
         "Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\n"
         "Mcp-Method: tools/call\r\nMcp-Name: " +
         tool + "\r\n" + framing + "\r\n";
}

std::string post(const std::string& tool, const std::string& arguments, int id = 1) {
  const std::string body = call(tool, arguments, id);
  return head(tool, "Content-Length: " + std::to_string(body.size()) + "\r\n") + body;
}

class HttpTest : public testing::Test {
 protected:
  void serve(transport::HttpOptions options = {}) {
    options.port = 0;
    thread.run([&] {
      thread.http = std::make_unique<transport::HttpServer>(thread.io, thread.server, options);
      const Status started = thread.http->start();
      ASSERT_TRUE(started.ok()) << started.error().text();
      port = thread.http->port();
    });
  }
  HttpClient connect() const { return HttpClient(port); }
  bool held(std::size_t count) {
    return thread.eventually([this, count] { return thread.held.calls.size() == count; });
  }
  bool cancelled(int count) {
    return thread.eventually([this, count] { return thread.held.cancelled == count; });
  }
  void finishOne() {
    thread.run([this] { thread.held.finishOne(); });
  }

  std::uint16_t port = 0;
  ServerThread thread;
};

TEST_F(HttpTest, AnswersAndKeepsTheConnection) {
  serve();
  HttpClient client = connect();
  for (int i = 0; i < 3; ++i) {
    client.send(post("echo", R"({"text":"hi"})", i));
    const Answer answer = client.answer();
    EXPECT_EQ(answer.status, 200);
    EXPECT_TRUE(answer.has("Content-Type: application/json\r\n"));
    EXPECT_TRUE(answer.has("Date: "));
    EXPECT_EQ(Json::parse(answer.body)["id"], i);
  }
}

TEST_F(HttpTest, HealthUnknownPathsAndMethods) {
  transport::HttpOptions options;
  options.health = [] { return std::string(R"({"status":"fine"})"); };
  serve(options);
  HttpClient client = connect();
  client.send("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(client.answer().body, R"({"status":"fine"})");
  client.send("HEAD /health?x=1 HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_NE(client.readUntil("\r\n\r\n").find("Content-Length: 17"), std::string::npos);
  client.send("POST /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(client.answer().status, 405);
  client.send("GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(client.answer().status, 404);
  client.send("OPTIONS /mcp HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost:1\r\n\r\n");
  const Answer preflight = client.answer();
  EXPECT_EQ(preflight.status, 204);
  EXPECT_TRUE(preflight.has("Access-Control-Allow-Origin: http://localhost:1\r\n"));
}

TEST_F(HttpTest, ForeignHostAndOriginAre403) {
  serve();
  HttpClient client = connect();
  client.send("GET /health HTTP/1.1\r\nHost: evil.example.com\r\n\r\n");
  EXPECT_EQ(client.answer().status, 403);
  client.send("GET /health HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example.com\r\n\r\n");
  const Answer answer = client.answer();
  EXPECT_EQ(answer.status, 403);
  EXPECT_FALSE(answer.has("Access-Control-Allow-Origin"));
}

TEST_F(HttpTest, RequestsMayComeByteByByte) {
  serve();
  HttpClient client = connect();
  for (const char c : post("echo", R"({"text":"slow"})")) client.send({&c, 1});
  EXPECT_EQ(client.answer().status, 200);
}

TEST_F(HttpTest, ChunkedBodiesWithTrailersWork) {
  serve();
  HttpClient client = connect();
  const std::string body = call("echo", R"({"text":"chunks"})");
  std::string bytes = head("echo", "Transfer-Encoding: chunked\r\n");
  for (std::size_t at = 0; at < body.size(); at += 10) {
    const std::string part = body.substr(at, 10);
    char size[16];
    std::snprintf(size, sizeof size, "%zx;ext=1\r\n", part.size());
    bytes += size + part + "\r\n";
  }
  client.send(bytes + "0\r\nMcp-Name: somebody-else\r\n\r\n");
  const Answer answer = client.answer();
  EXPECT_EQ(answer.status, 200) << "a trailer cannot change what a header said" << answer.body;
}

TEST_F(HttpTest, AChunkedBodyMayEndByteByByte) {
  serve();
  HttpClient client = connect();
  const std::string body = call("echo", R"({"text":"chunks"})");
  char size[16];
  std::snprintf(size, sizeof size, "%zx\r\n", body.size());
  client.send(head("echo", "Transfer-Encoding: chunked\r\n") + size + body + "\r\n");
  for (const char c : std::string("0\r\n\r\n")) client.send({&c, 1});
  EXPECT_EQ(client.answer().status, 200);
  client.send(head("echo", "Transfer-Encoding: chunked\r\n"));
  for (const char c : std::string("0\r\n\r\n")) client.send({&c, 1});
  EXPECT_EQ(client.answer().status, 400) << "no body is no message";
}

TEST_F(HttpTest, FiftyPipelinedRequestsAreAnsweredInOrder) {
  serve();
  HttpClient client = connect();
  std::string all;
  for (int i = 0; i < 50; ++i) all += post("echo", R"({"text":"p"})", i);
  client.send(all);
  for (int i = 0; i < 50; ++i) ASSERT_EQ(Json::parse(client.answer().body)["id"], i);
}

TEST_F(HttpTest, ARequestBehindAWaitingOneWaitsForIt) {
  serve();
  HttpClient client = connect();
  client.send(post("slow", "{}", 1) + post("echo", R"({"text":"x"})", 2));
  ASSERT_TRUE(held(1));
  finishOne();
  EXPECT_EQ(Json::parse(client.answer().body)["id"], 1);
  EXPECT_EQ(Json::parse(client.answer().body)["id"], 2);
}

TEST_F(HttpTest, HalfCloseAfterTheRequestStillGetsTheAnswer) {
  serve();
  HttpClient client = connect();
  client.send(post("echo", R"({"text":"x"})", 1) + post("echo", R"({"text":"x"})", 2));
  client.finishSending();
  EXPECT_EQ(client.answer().status, 200);
  EXPECT_EQ(client.answer().status, 200);
  EXPECT_TRUE(client.ended());
}

TEST_F(HttpTest, HalfCloseWhileACallWaitsIsNoDisconnect) {
  serve();
  HttpClient client = connect();
  client.send(post("slow", "{}"));
  ASSERT_TRUE(held(1));
  client.finishSending();
  const Answer probe_head{0, client.readUntil("\r\n\r\n"), {}};
  EXPECT_TRUE(probe_head.has("text/event-stream"));
  EXPECT_EQ(client.event(), ":\n\n");
  finishOne();
  EXPECT_EQ(Json::parse(client.event())["id"], 1);
  EXPECT_EQ(client.event(), "");
  EXPECT_TRUE(client.ended());
}

TEST_F(HttpTest, ModernClientThatGoesCancelsItsCall) {
  serve();
  HttpClient client = connect();
  client.send(post("slow", "{}"));
  ASSERT_TRUE(held(1));
  client.close();
  EXPECT_TRUE(cancelled(1));
}

TEST_F(HttpTest, LegacyClientThatGoesDoesNotCancel) {
  serve();
  HttpClient client = connect();
  const auto legacy = [](const std::string& body, const std::string& extra) {
    return "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + extra +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  };
  client.send(legacy(
      R"({"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25"}})",
      ""));
  const Answer opened = client.answer();
  const auto at = opened.head.find("Mcp-Session-Id: ");
  ASSERT_NE(at, std::string::npos);
  const std::string session = opened.head.substr(at, opened.head.find("\r\n", at) + 2 - at);
  client.send(legacy(R"({"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"slow"}})",
                     session));
  ASSERT_TRUE(held(1));
  client.close();
  HttpClient other = connect();
  other.send(legacy(R"({"jsonrpc":"2.0","id":3,"method":"ping"})", session));
  EXPECT_EQ(other.answer().status, 200);
  EXPECT_EQ(thread.ask<int>([&] { return thread.held.cancelled; }), 0);
  finishOne();
}

TEST_F(HttpTest, StandaloneStreamStaysOpenAndEndsWithItsSession) {
  serve();
  HttpClient client = connect();
  const std::string body =
      R"({"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25"}})";
  client.send(
      "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
      "application/json\r\nContent-Length: " +
      std::to_string(body.size()) + "\r\n\r\n" + body);
  const Answer opened = client.answer();
  const auto at = opened.head.find("Mcp-Session-Id: ");
  const std::string session = opened.head.substr(at, opened.head.find("\r\n", at) + 2 - at);
  const std::string get =
      "GET /mcp HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n" + session + "\r\n";
  HttpClient stream = connect();
  stream.send(get);
  EXPECT_NE(stream.readUntil("\r\n\r\n").find("200 OK"), std::string::npos);
  EXPECT_EQ(stream.event(), "") << "the first event says nothing but its id";
  client.send(get);
  EXPECT_EQ(client.answer().status, 409);
  client.send("DELETE /mcp HTTP/1.1\r\nHost: localhost\r\n" + session + "\r\n");
  EXPECT_EQ(client.answer().status, 204);
  EXPECT_EQ(stream.event(), "") << "the stream has ended";
}

TEST_F(HttpTest, AnswersOfTwoMegabytesArriveWhole) {
  serve();
  HttpClient client = connect();
  client.send(post("blob", R"({"size":2000000})"));
  const Answer answer = client.answer();
  EXPECT_EQ(Json::parse(answer.body)["result"]["content"][0]["text"].get<std::string>().size(),
            2'000'000U);
}

TEST_F(HttpTest, ASlowReaderOfPipelinedAnswersLosesNothing) {
  serve();
  HttpClient client = connect();
  std::string all;
  for (int i = 0; i < 100; ++i) all += post("blob", R"({"size":500000})", i);
  std::thread writer([&] { client.send(all); });
  HttpClient other = connect();  // is served while the first one's answers pile up
  other.send(post("echo", R"({"text":"x"})"));
  EXPECT_EQ(other.answer().status, 200);
  int next = 0;
  for (Answer answer = client.answer(); answer.status == 200; answer = client.answer()) {
    EXPECT_EQ(Json::parse(answer.body)["id"], next);
    if (++next == 100) break;
  }
  EXPECT_EQ(next, 100);
  writer.join();
}

TEST_F(HttpTest, BodyIsTakenAtItsBoundAndRefusedAboveIt) {
  transport::HttpOptions options;
  const std::string body = call("echo", R"({"text":"x"})");
  options.body_bytes_max = body.size();
  serve(options);
  HttpClient client = connect();
  client.send(post("echo", R"({"text":"x"})"));
  EXPECT_EQ(client.answer().status, 200);
  client.send(post("echo", R"({"text":"xy"})"));
  const Answer answer = client.answer();
  EXPECT_EQ(answer.status, 413);
  EXPECT_NE(answer.body.find("body_bytes_max"), std::string::npos);
  EXPECT_TRUE(client.ended());
}

TEST_F(HttpTest, AHundredMegabytesAreRefusedBeforeTheyAreReadAndTheAnswerArrives) {
  serve();
  HttpClient client = connect();
  constexpr std::size_t kSize = 100U * 1024 * 1024;
  client.send(head("echo", "Content-Length: " + std::to_string(kSize) + "\r\n"));
  const std::string block(1024 * 1024, 'x');
  for (std::size_t sent = 0; sent < kSize && client.send(block); sent += block.size()) {
  }
  EXPECT_EQ(client.answer().status, 413);
}

TEST_F(HttpTest, ChunkedBodyAboveTheBoundIsRefused) {
  transport::HttpOptions options;
  options.body_bytes_max = 1000;
  serve(options);
  HttpClient client = connect();
  client.send(head("echo", "Transfer-Encoding: chunked\r\n"));
  for (int i = 0; i < 20; ++i) client.send("64\r\n" + std::string(100, 'x') + "\r\n");
  EXPECT_EQ(client.answer().status, 413);
}

TEST_F(HttpTest, HeaderAboveTheBoundIs431) {
  serve();
  HttpClient client = connect();
  client.send("GET /health HTTP/1.1\r\nHost: localhost\r\nX-Long: " + std::string(40'000, 'x') +
              "\r\n\r\n");
  EXPECT_EQ(client.answer().status, 431);
  HttpClient drip = connect();
  drip.send("GET /health HTTP/1.1\r\nHost: localhost\r\n");
  for (int i = 0; i < 1000 && drip.send("X-Many: " + std::string(100, 'x') + "\r\n"); ++i) {
  }
  EXPECT_EQ(drip.answer().status, 431);
}

TEST_F(HttpTest, ExpectContinueIsAnsweredBeforeTheBody) {
  serve();
  HttpClient client = connect();
  const std::string body = call("echo", R"({"text":"x"})");
  client.send(head(
      "echo", "Expect: 100-continue\r\nContent-Length: " + std::to_string(body.size()) + "\r\n"));
  EXPECT_EQ(client.readUntil("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send(body);
  EXPECT_EQ(client.answer().status, 200);
  client.send(head("echo", "Expect: 100-continue\r\nContent-Length: 999999999\r\n"));
  EXPECT_EQ(client.answer().status, 413) << "no body is asked for that would be refused";
}

struct Smuggle {
  const char* name;
  std::string bytes;
  int status;
};

void PrintTo(const Smuggle& smuggle, std::ostream* to) {
  *to << smuggle.name;
}

class SmuggleTest : public HttpTest, public testing::WithParamInterface<Smuggle> {};

TEST_P(SmuggleTest, IsRefusedAndTheConnectionClosed) {
  serve();
  HttpClient client = connect();
  client.send(GetParam().bytes + "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(client.answer().status, GetParam().status);
  EXPECT_TRUE(client.ended()) << "nothing behind it is taken for a request";
}

INSTANTIATE_TEST_SUITE_P(
    Cases, SmuggleTest,
    testing::Values(
        Smuggle{"LengthAndChunked",
                head("echo", "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n") + "0\r\n\r\n",
                400},
        Smuggle{"ChunkedAndLength",
                head("echo", "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n") + "0\r\n\r\n",
                400},
        Smuggle{"TwoLengths", head("echo", "Content-Length: 4\r\nContent-Length: 5\r\n") + "{}  ",
                400},
        Smuggle{"NegativeLength", head("echo", "Content-Length: -1\r\n"), 400},
        Smuggle{"PlusLength", head("echo", "Content-Length: +4\r\n"), 400},
        Smuggle{"UnknownCoding", head("echo", "Transfer-Encoding: gzip\r\n"), 501},
        Smuggle{"CodingList", head("echo", "Transfer-Encoding: gzip, chunked\r\n"), 501},
        Smuggle{"ChunkedTwice",
                head("echo", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400},
        Smuggle{"ChunkedInOldHttp",
                "POST /mcp HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
        Smuggle{"SpaceBeforeColon", "POST /mcp HTTP/1.1\r\nHost : localhost\r\n\r\n", 400},
        Smuggle{"BadChunkSize", head("echo", "Transfer-Encoding: chunked\r\n") + "zz\r\n", 400},
        Smuggle{"NotHttp", "hello there\r\n\r\n", 400},
        Smuggle{"OldVersion", "GET / HTTP/0.9\r\n\r\n", 505}),
    [](const auto& param_info) { return param_info.param.name; });

TEST_F(HttpTest, DifferentValuesOfOneHeaderAre400) {
  serve();
  HttpClient client = connect();
  client.send("GET /health HTTP/1.1\r\nHost: localhost\r\nHost: other\r\n\r\n");
  EXPECT_EQ(client.answer().status, 400);
}

TEST_F(HttpTest, OldHttpIsAnsweredAndClosed) {
  serve();
  HttpClient client = connect();
  client.send("GET /health HTTP/1.0\r\n\r\n");
  EXPECT_EQ(client.answer().status, 200);
  EXPECT_TRUE(client.ended());
}

TEST_F(HttpTest, ConnectionCloseIsHonoured) {
  serve();
  HttpClient client = connect();
  client.send("GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  const Answer answer = client.answer();
  EXPECT_TRUE(answer.has("Connection: close"));
  EXPECT_TRUE(client.ended());
}

TEST_F(HttpTest, AboveConnectionsMaxTheAnswerNamesTheLimit) {
  transport::HttpOptions options;
  options.connections_max = 1;
  serve(options);
  HttpClient first = connect();
  first.send("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(first.answer().status, 200);
  HttpClient second = connect();
  const Answer answer = second.answer();
  EXPECT_EQ(answer.status, 503);
  EXPECT_NE(answer.body.find("connections_max"), std::string::npos);
}

TEST_F(HttpTest, UnfinishedRequestsAre408AndIdleConnectionsEnd) {
  transport::HttpOptions options;
  options.request_max_s = 1;
  options.idle_max_s = 1;
  serve(options);
  HttpClient unfinished = connect();
  unfinished.send("GET /health HT");
  HttpClient idle = connect();
  const Answer answer = unfinished.answer();
  EXPECT_EQ(answer.status, 408);
  EXPECT_NE(answer.body.find("request_max_s"), std::string::npos);
  EXPECT_TRUE(idle.ended());
}

TEST_F(HttpTest, APortInUseIsAConflictThatNamesIt) {
  serve();
  thread.run([&] {
    transport::HttpOptions options;
    options.port = port;
    transport::HttpServer second(thread.io, thread.server, options);
    const Status started = second.start();
    ASSERT_FALSE(started.ok());
    EXPECT_EQ(started.error().code(), Code::Conflict);
    EXPECT_EQ(started.error().name(), "address_in_use");
    EXPECT_EQ(started.error().message(),
              "the address 127.0.0.1:" + std::to_string(port) + " is in use");
  });
}

TEST_F(HttpTest, DrainLetsTheCallInFlightFinishAndTakesNothingNew) {
  serve();
  HttpClient busy = connect();
  HttpClient idle = connect();
  busy.send(post("slow", "{}"));
  ASSERT_TRUE(held(1));
  std::promise<void> drained;
  thread.run([&] { thread.http->drain([&] { drained.set_value(); }); });
  EXPECT_TRUE(idle.ended());
  auto future = drained.get_future();
  EXPECT_EQ(future.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  finishOne();
  EXPECT_EQ(busy.answer().status, 200);
  EXPECT_TRUE(busy.ended());
  EXPECT_EQ(future.wait_for(std::chrono::minutes(1)), std::future_status::ready);
}

TEST_F(HttpTest, DrainWithoutConnectionsIsDoneAtOnceAndTwiceIsFine) {
  serve();
  std::promise<void> drained;
  thread.run([&] { thread.http->drain([] {}); });
  thread.run([&] { thread.http->drain([&] { drained.set_value(); }); });
  EXPECT_EQ(drained.get_future().wait_for(std::chrono::minutes(1)), std::future_status::ready);
}

TEST_F(HttpTest, DestroyingTheServerCancelsModernCalls) {
  serve();
  HttpClient client = connect();
  client.send(post("slow", "{}"));
  ASSERT_TRUE(held(1));
  thread.run([&] { thread.http.reset(); });
  EXPECT_EQ(thread.ask<int>([&] { return thread.held.cancelled; }), 1);
  EXPECT_TRUE(client.ended());
}

}  // namespace
}  // namespace tutti::fixture
