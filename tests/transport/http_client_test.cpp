// A server reached over HTTP: our own in both eras, and a scripted one that breaks streams.
#include "server/transport/http_client.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <deque>
#include <optional>
#include <utility>

#include "server/base/log.hpp"
#include "server/mcp/client/client.hpp"
#include "server/transport/header_value.hpp"
#include "server/transport/http_request.hpp"
#include "server/transport/sse_reader.hpp"
#include "server/transport/transport.hpp"
#include "tests/mcp/fixture.hpp"
#include "tests/transport/client_world.hpp"

namespace tutti::transport {
namespace {

// --- Our own server ----------------------------------------------------------------------------

class OwnHttpServer : public HttpClientTest, public ::testing::WithParamInterface<client::Era> {
 protected:
  void SetUp() override {
    HttpClientTest::SetUp();
    fixture::addTools(server, held);
    HttpOptions options;
    options.port = 0;
    http.emplace(io, server, options);
    ASSERT_TRUE(http->start().ok());
    open(http->port(), GetParam());
    ASSERT_TRUE(until([&] { return told.ready; }));
  }
  void TearDown() override {
    HttpClientTest::TearDown();
    held.calls.clear();
  }
  fixture::Held held;
  mcp::Server server{fixture::options()};
  std::optional<HttpServer> http;
};

TEST_P(OwnHttpServer, IsCalledWithJsonAndWithAStream) {
  EXPECT_EQ(isModern(client->facts().revision), GetParam() != client::Era::Legacy);
  const auto echo = call({"echo", {{"text", "hi"}}});
  ASSERT_TRUE(echo->ok());
  EXPECT_EQ((*echo)->value.at("structuredContent").at("text"), "hi");
  const auto large = call({"blob", {{"size", 2'000'000}}});
  ASSERT_TRUE(large->ok());
  EXPECT_GT((*large)->text.size(), 2'000'000U);

  std::vector<std::string> steps;
  bool ended = false;
  client->call({"slow", {{"steps_only", true}}},
               {.on_progress = [&](const client::Progress& p) { steps.push_back(p.message); }},
               [&](Result<client::Reply> reply) { ended = reply.ok(); });
  ASSERT_TRUE(until([&] { return ended; }));
  EXPECT_EQ(steps, (std::vector<std::string>{"one", "two"}));
}

TEST_P(OwnHttpServer, ACancelledCallIsCancelledThere) {
  bool ended = false;
  const auto ticket = client->call({"slow"}, {}, [&](Result<client::Reply>) { ended = true; });
  ASSERT_TRUE(until([&] { return held.calls.size() == 1; }));
  client->cancel(ticket, "enough");
  EXPECT_TRUE(ended);
  EXPECT_TRUE(until([&] { return held.cancelled == 1; }));
}

TEST_P(OwnHttpServer, AnErrorOfTheProtocolComesThroughWhateverItsStatus) {
  const auto unknown = call({"nope"});
  ASSERT_FALSE(unknown->ok());
  EXPECT_EQ(unknown->error().name(), "server_error");
  std::optional<Error> error;
  client->request("no/such", Json::object(), {}, [&](Result<client::Reply> reply) {
    if (!reply.ok()) error = reply.error();
  });
  ASSERT_TRUE(until([&] { return error.has_value(); }));
  EXPECT_EQ(error->code(), Code::NotFound);
}

TEST_P(OwnHttpServer, AChangedListIsTold) {
  // The server says so only to those who listen by now.
  const auto listening = call({"echo", {{"text", "x"}}});
  ASSERT_TRUE(until([&] {
    server.toolsChanged();
    return told.changed > 0;
  }));
}

INSTANTIATE_TEST_SUITE_P(Eras, OwnHttpServer,
                         ::testing::Values(client::Era::Either, client::Era::Legacy));

// --- A scripted server -------------------------------------------------------------------------

/// Takes one request after the other and answers each with the next text.
class Scripted : public HttpClientTest {
 protected:
  void SetUp() override {
    HttpClientTest::SetUp();
    accept();
  }
  std::uint16_t port() const { return acceptor.local_endpoint().port(); }
  void accept() {
    acceptor.async_accept([this](boost::system::error_code error, net::ip::tcp::socket socket) {
      if (error) return;
      auto kept = std::make_shared<net::ip::tcp::socket>(std::move(socket));
      auto text = std::make_shared<std::string>();
      net::async_read_until(*kept, net::dynamic_buffer(*text), "\r\n\r\n",
                            [this, kept, text](boost::system::error_code, std::size_t) {
                              seen.push_back(*text);
                              unanswered = kept;
                              if (answers.empty()) return;
                              reply(std::exchange(answers.front(), {}));
                              answers.pop_front();
                            });
      accept();
    });
  }
  /// Answers what was asked last.
  void reply(std::string text) {
    const auto socket = std::exchange(unanswered, nullptr);
    auto answer = std::make_shared<std::string>(std::move(text));
    net::async_write(*socket, net::buffer(*answer), [socket, answer](auto, auto) {});
  }
  /// The same, and the connection stays open.
  void replyAndStay(std::string text) {
    staying.push_back(unanswered);
    reply(std::move(text));
  }
  /// The same, a byte at a time.
  void replySlowly(std::string text) {
    const auto socket = std::exchange(unanswered, nullptr);
    socket->set_option(net::ip::tcp::no_delay(true));
    writeFrom(socket, std::make_shared<std::string>(std::move(text)), 0);
  }
  void writeFrom(std::shared_ptr<net::ip::tcp::socket> socket, std::shared_ptr<std::string> text,
                 std::size_t at) {
    if (at == text->size()) return;
    auto& to = *socket;
    net::async_write(to, net::buffer(text->data() + at, 1),
                     [this, socket, text, at](boost::system::error_code error, std::size_t) {
                       if (!error) writeFrom(socket, text, at + 1);
                     });
  }
  static std::string interim(int code) {
    return "HTTP/1.1 " + std::to_string(code) + " X\r\nLink: </style.css>\r\n\r\n";
  }
  static std::string json(const std::string& body, const std::string& headers = "") {
    return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + headers +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }
  static std::string stream(const std::string& events) {
    return "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\r\n" + events;
  }
  static std::string status(int code) {
    return "HTTP/1.1 " + std::to_string(code) + " X\r\nContent-Length: 0\r\n\r\n";
  }
  /// A legacy session, with a GET stream that is not offered.
  void openLegacy(HttpClientOptions options = {}) {
    openUnheard(std::move(options));
    answers.push_back(status(405));
    ASSERT_TRUE(until([&] { return seen.size() == 3 && answers.empty(); }));
  }
  /// A legacy session whose GET has no answer yet.
  void openUnheard(HttpClientOptions options) {
    answers = {json(R"({"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25",)"
                    R"("capabilities":{"tools":{}},"serverInfo":{"name":"s","version":"1"}}})",
                    "Mcp-Session-Id: abc\r\n"),
               status(202)};
    open(port(), client::Era::Legacy, std::move(options));
    ASSERT_TRUE(until([&] { return told.ready; }));
  }
  bool asked(std::size_t index, const std::string& text) const {
    return seen.size() > index && seen[index].find(text) != std::string::npos;
  }

  net::ip::tcp::acceptor acceptor{io, {net::ip::address_v4::loopback(), 0}};
  std::vector<std::string> seen;
  std::deque<std::string> answers;
  std::shared_ptr<net::ip::tcp::socket> unanswered;
  std::vector<std::shared_ptr<net::ip::tcp::socket>> staying;
};

TEST_F(Scripted, ASessionIsKeptAndSaid) {
  openLegacy();
  EXPECT_FALSE(asked(0, "Mcp-Session-Id"));
  EXPECT_TRUE(asked(1, "Mcp-Session-Id: abc"));
  EXPECT_TRUE(asked(2, "GET /mcp"));
  EXPECT_TRUE(asked(2, "MCP-Protocol-Version: 2025-11-25"));
  client.reset();
  channel.reset();
  ASSERT_TRUE(until([&] { return seen.size() == 4; }));
  EXPECT_TRUE(asked(3, "DELETE /mcp"));
}

TEST_F(Scripted, TheFirstRequestGoesOutWhenTheStreamThatListensIsThere) {
  HttpClientOptions patient;
  patient.listen_wait_ms = 60'000;
  openUnheard(patient);
  const auto ended = begin({"x"});
  ASSERT_TRUE(until([&] { return seen.size() == 3; }));
  io.poll();
  EXPECT_EQ(seen.size(), 3U) << "the GET has no answer yet";
  answers = {json(R"({"jsonrpc":"2.0","id":2,"result":{"content":[]}})")};
  reply(status(405));
  ASSERT_TRUE(until([&] { return ended->has_value(); }));
  EXPECT_TRUE((*ended)->ok());
}

TEST_F(Scripted, AServerThatTakesInitializedWithAnEndlessStreamKeepsNobodyWaiting) {
  answers = {json(R"({"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25",)"
                  R"("capabilities":{"tools":{}},"serverInfo":{"name":"s","version":"1"}}})")};
  open(port(), client::Era::Legacy);
  ASSERT_TRUE(until([&] { return seen.size() == 2; }));
  EXPECT_TRUE(asked(1, "notifications/initialized"));
  replyAndStay(stream(": nothing yet\n\n"));
  ASSERT_TRUE(until([&] { return seen.size() == 3; }));
  EXPECT_TRUE(asked(2, "GET /mcp"));
  answers = {json(R"({"jsonrpc":"2.0","id":2,"result":{"content":[]}})")};
  reply(status(405));
  EXPECT_TRUE(call({"x"})->ok());
}

TEST_F(Scripted, AStreamThatIsNotAnsweredKeepsTheFirstRequestForAMoment) {
  HttpClientOptions hasty;
  hasty.listen_wait_ms = 20;
  openUnheard(hasty);
  ASSERT_TRUE(until([&] { return seen.size() == 3; }));
  answers = {json(R"({"jsonrpc":"2.0","id":2,"result":{"content":[]}})")};
  EXPECT_TRUE(call({"x"})->ok());
  EXPECT_TRUE(asked(3, "tools/call"));
}

TEST_F(Scripted, ABrokenStreamIsTakenUpWhereItBrokeOff) {
  openLegacy();
  answers = {
      stream("retry: 30\nid: e1\ndata:\n\n"),
      stream("id: e2\ndata: {\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"content\":[]}}\n\n")};
  const auto began = std::chrono::steady_clock::now();
  const auto ended = call({"long"});
  EXPECT_GE(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(30));
  ASSERT_TRUE(ended->ok());
  EXPECT_TRUE(asked(4, "GET /mcp"));
  EXPECT_TRUE(asked(4, "Last-Event-ID: e1"));
}

TEST_F(Scripted, AStreamWithoutIdsThatEndsFailsItsRequest) {
  openLegacy();
  answers = {stream("data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"}\n\n")};
  EXPECT_EQ(call({"long"})->error().name(), "stream_ended");
}

TEST_F(Scripted, AStreamThatNeverAnswersIsNotTakenUpForEver) {
  HttpClientOptions options;
  options.resumes_max = 2;
  options.retry_ms = 1;
  openLegacy(options);
  answers = {stream("id: e1\ndata:\n\n"), stream(""), stream("")};
  EXPECT_EQ(call({"long"})->error().name(), "stream_ended");
  EXPECT_EQ(seen.size(), 6U);
}

TEST_F(Scripted, AServerThatPutsOffWithoutAPauseIsAskedSlowlyAndNotForEver) {
  HttpClientOptions options;
  options.retry_min_ms = 20;
  options.polls_max = 3;
  openLegacy(options);
  for (int i = 0; i < 12; ++i)
    answers.push_back(stream("retry: 0\nid: e" + std::to_string(i) + "\ndata:\n\n"));
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(call({"long"})->error().name(), "stream_ended");
  EXPECT_GE(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(3 * 20));
  EXPECT_EQ(seen.size(), 3U + 1U + 3U) << "the handshake's, the call, and three resumptions";
}

TEST_F(Scripted, AMessageOnAStreamMakesTheNextPauseANewOne) {
  HttpClientOptions options;
  options.retry_min_ms = 1;
  options.polls_max = 1;
  openLegacy(options);
  const std::string note = "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"}\n\n";
  answers = {
      stream("retry: 0\nid: e1\ndata:\n\n"), stream("id: e2\n" + note), stream("id: e3\n" + note),
      stream("id: e4\ndata: {\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"content\":[]}}\n\n")};
  EXPECT_TRUE(call({"long"})->ok());
}

TEST_F(Scripted, ALostSessionIsALostConnection) {
  openLegacy();
  answers = {status(404)};
  EXPECT_EQ(call({"x"})->error().name(), "session_lost");
  EXPECT_EQ(told.lost->name(), "session_lost");
}

TEST_F(Scripted, AnAnswerToSomethingElseFailsTheRequest) {
  openLegacy();
  answers = {json(R"({"jsonrpc":"2.0","id":77,"result":{}})"), json("<html>"), status(500)};
  EXPECT_EQ(call({"x"})->error().name(), "invalid_answer");
  EXPECT_EQ(call({"x"})->error().name(), "invalid_answer");
  EXPECT_EQ(call({"x"})->error().name(), "http_status");
}

TEST_F(Scripted, AnAnswerAboveTheLimitFailsTheRequest) {
  HttpClientOptions options;
  options.message_bytes_max = 1'000;
  openLegacy(options);
  const std::string large(2'000, 'x');
  answers = {json(large), stream("data: " + large + "\n\n")};
  EXPECT_EQ(call({"x"})->error().name(), "message_bytes_max");
  EXPECT_EQ(call({"x"})->error().name(), "message_bytes_max");
}

TEST_F(Scripted, InterimAnswersAreSkippedHoweverTheirBytesArrive) {
  openLegacy();
  const std::string result = R"({"jsonrpc":"2.0","id":2,"result":{"content":[]}})";
  answers = {interim(100) + interim(102) + interim(103) + json(result)};
  EXPECT_TRUE(call({"joined"})->ok());

  const auto split = begin({"split"});
  ASSERT_TRUE(until([&] { return seen.size() == 5; }));
  replySlowly(interim(100) + interim(103) + json(R"({"jsonrpc":"2.0","id":3,"result":{}})"));
  ASSERT_TRUE(until([&] { return split->has_value(); }));
  EXPECT_TRUE((*split)->ok());

  answers = {interim(103) +
             stream("data: {\"jsonrpc\":\"2.0\",\"id\":4,\"result\":{\"content\":[]}}\n\n")};
  EXPECT_TRUE(call({"stream"})->ok());
}

TEST_F(Scripted, InterimAnswersAreTakenUpToTheirBoundAndRefusedAboveIt) {
  openLegacy();
  std::string most;
  for (std::size_t i = 0; i < HttpCall{}.interim_max; ++i) most += interim(102);
  answers = {most + json(R"({"jsonrpc":"2.0","id":2,"result":{"content":[]}})"),
             most + interim(102) + json(R"({"jsonrpc":"2.0","id":3,"result":{"content":[]}})")};
  EXPECT_TRUE(call({"at"})->ok());
  const auto above = call({"above"});
  ASSERT_FALSE(above->ok());
  EXPECT_NE(above->error().message().find("interim_max"), std::string::npos)
      << above->error().text();
}

TEST_F(Scripted, AChangeOfProtocolThatNobodyAskedForFailsTheRequest) {
  openLegacy();
  answers = {interim(101) + json(R"({"jsonrpc":"2.0","id":2,"result":{"content":[]}})")};
  const auto refused = call({"x"});
  ASSERT_FALSE(refused->ok());
  EXPECT_NE(refused->error().message().find("101"), std::string::npos) << refused->error().text();
}

TEST_F(Scripted, WithoutAccessTheHandshakeIsNotTriedInOtherWays) {
  answers = {status(401)};
  open(port(), client::Era::Either);
  ASSERT_TRUE(until([&] { return told.lost.has_value(); }));
  EXPECT_EQ(told.lost->name(), "not_authorized");
  EXPECT_EQ(seen.size(), 1U);
}

TEST_F(Scripted, WhereNobodyListensThatIsSaid) {
  // Taken, so that nobody else on this machine comes to listen there.
  const net::ip::tcp::socket taken(io, {net::ip::address_v4::loopback(), 0});
  open(taken.local_endpoint().port(), client::Era::Either);
  ASSERT_TRUE(until([&] { return told.lost.has_value(); }));
  EXPECT_EQ(told.lost->name(), "http_unreachable");
}

// --- Parts -------------------------------------------------------------------------------------

TEST(SseReaderTest, EventsAreReadHoweverTheirBytesArrive) {
  const std::string text =
      "\xEF\xBB\xBF: hello\r\nid: 1\r\ndata: a\r\ndata:b\r\n\r\nretry: 7\nevent: x\n\n"
      "data\n\nid: 2\n\rdata: c\r\rdata: unfinished";
  for (std::size_t step : {1U, 2U, 3U, 1000U}) {
    std::vector<SseEvent> events;
    SseReader reader(100, [&](SseEvent event) { events.push_back(std::move(event)); });
    for (std::size_t at = 0; at < text.size(); at += step)
      EXPECT_TRUE(reader.read(std::string_view(text).substr(at, step)));
    ASSERT_EQ(events.size(), 4U) << step;
    EXPECT_EQ(events[0].data, "a\nb");
    EXPECT_EQ(events[0].id, "1");
    EXPECT_EQ(events[1].data, "");
    EXPECT_EQ(events[2].id, "2");
    EXPECT_EQ(events[3].data, "c");
    EXPECT_EQ(reader.retryMs(), 7);
  }
}

TEST(SseReaderTest, AnEventAboveTheLimitEndsTheReading) {
  SseReader reader(10, [](SseEvent) {});
  EXPECT_TRUE(reader.read("data: abc"));
  EXPECT_FALSE(reader.read("defghijkl"));
}

TEST(HttpAddressTest, UrlsAreTakenApartOrRefused) {
  const auto address = HttpAddress::parse("HTTP://[::1]:8080/a?b#c");
  ASSERT_TRUE(address.ok());
  EXPECT_EQ(address->host, "::1");
  EXPECT_EQ(address->target, "/a?b");
  EXPECT_EQ(address->hostHeader(), "[::1]:8080");
  EXPECT_EQ(HttpAddress::parse("http://h")->hostHeader(), "h");
  EXPECT_EQ(HttpAddress::parse("http://h?x")->target, "/?x");
  EXPECT_TRUE(HttpAddress::parse("https://h/")->tls);
  EXPECT_EQ(HttpAddress::parse("https://h/")->port, "443");
  EXPECT_EQ(HttpAddress::parse("https://h:8443/")->origin(), "https://h:8443");
  for (const char* bad : {"ftp://h", "http://", "http://h:x/", "http://[::1", "http://u:p@h/",
                          "http://h/a b", "http://h:123456/"})
    EXPECT_EQ(HttpAddress::parse(bad).error().code(), Code::InvalidArgument) << bad;
}

TEST(HeaderValueTest, WhatCannotStandInAHeaderIsEncoded) {
  EXPECT_EQ(headerValue("plain text"), "plain text");
  EXPECT_EQ(headerValue(""),
            "=?base64?"
            "?=");
  EXPECT_EQ(headerValue(" a"), "=?base64?IGE=?=");
  EXPECT_EQ(headerValue("a\nb"), "=?base64?YQpi?=");
  EXPECT_EQ(headerValue("Grüße"), "=?base64?R3LDvMOfZQ==?=");
  EXPECT_EQ(headerValue("=?base64?YQ==?="), "=?base64?PT9iYXNlNjQ/WVE9PT89?=");
}

}  // namespace
}  // namespace tutti::transport
