// Routes beside MCP: bodies in, answers out, both in bounded memory, behind the same guards.
#include "server/transport/http_service.hpp"

#include <gtest/gtest.h>
#include <poll.h>

#include <map>

#include "tests/transport/http_client.hpp"
#include "tests/transport/server_thread.hpp"

namespace tutti::fixture {
namespace {

using transport::HttpAnswer;
using transport::HttpBodyPlan;
using transport::HttpBodySink;
using transport::HttpBodySource;
using transport::HttpCut;
using transport::HttpExchange;
using transport::HttpRequestHead;

/// What the service has seen and holds. Touched on the server's thread only.
struct Seen {
  std::uint64_t bytes = 0;
  std::uint64_t asked = 0;  // of a source
  bool ended = false;
  bool gone = false;
  bool drained = false;
  int slow = 0;        // requests that kept the thread
  int slow_then = -1;  // how many had been at the first request for nothing in particular
  std::uint64_t asked_then = 0;
  bool source_dropped = false;
  bool stop = false;    // the feed ends
  std::string feed;     // what the feed says next
  bool pauses = false;  // the sink pauses after each piece
  std::optional<HttpCut> cut;
  std::string head;
  std::shared_ptr<HttpExchange> exchange;
};

class Counter final : public HttpBodySink {
 public:
  Counter(Seen& seen, std::shared_ptr<HttpExchange> exchange)
      : seen_(seen), exchange_(std::move(exchange)) {}
  Flow data(std::string_view bytes) override {
    seen_.bytes += bytes.size();
    return seen_.pauses ? Flow::Pause : Flow::Go;
  }
  void end() override {
    seen_.ended = true;
    HttpAnswer answer;
    answer.body = std::to_string(seen_.bytes);
    exchange_->respond(std::move(answer));
  }
  void cut(HttpCut why) override { seen_.cut = why; }

 private:
  Seen& seen_;
  std::shared_ptr<HttpExchange> exchange_;
};

/// `size` bytes, "abc…" over and over.
class Letters final : public HttpBodySource {
 public:
  Letters(Seen& seen, std::uint64_t size) : seen_(seen), left_(size) {}
  ~Letters() override { seen_.source_dropped = true; }
  State read(std::string& to, std::size_t bytes_max) override {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(bytes_max, left_));
    for (std::size_t i = 0; i < size; ++i) to += static_cast<char>('a' + (at_++ % 26));
    left_ -= size;
    seen_.asked += size;
    return left_ == 0 ? State::End : State::More;
  }

 private:
  Seen& seen_;
  std::uint64_t left_;
  std::uint64_t at_ = 0;
};

class Feed final : public HttpBodySource {
 public:
  explicit Feed(Seen& seen) : seen_(seen) {}
  ~Feed() override { seen_.source_dropped = true; }
  State read(std::string& to, std::size_t) override {
    to += std::exchange(seen_.feed, {});
    return seen_.stop ? State::End : State::Wait;
  }

 private:
  Seen& seen_;
};

std::uint64_t numberIn(std::string_view text) {
  return std::strtoull(std::string(text).c_str(), nullptr, 10);
}

class TestService final : public transport::HttpService {
 public:
  explicit TestService(Seen& seen) : seen_(seen) {}

  HttpBodyPlan request(const HttpRequestHead& head,
                       const std::shared_ptr<HttpExchange>& exchange) override {
    seen_.exchange = exchange;
    seen_.head = std::string(head.method) + " " + std::string(head.path()) + " " +
                 std::string(head.query()) + " " +
                 std::string(head.header("x-thing").value_or("-"));
    const std::string_view path = head.path().substr(head.path().rfind('/') + 1);
    HttpAnswer answer;
    if (path == "count") return {2'000'000'000, std::make_unique<Counter>(seen_, exchange)};
    if (path == "small")
      return HttpBodyPlan::whole(10, [exchange](std::string body) {
        HttpAnswer echoed;
        echoed.body = std::move(body);
        exchange->respond(std::move(echoed));
      });
    if (path == "slow") {
      const auto ends = std::chrono::steady_clock::now() + std::chrono::milliseconds(2);
      while (std::chrono::steady_clock::now() < ends) {
      }
      ++seen_.slow;
    }
    if (path == "hold") {
      exchange->onGone([this] { seen_.gone = true; });
      return {};
    }
    if (path == "letters" || path == "short") {
      const std::uint64_t size = numberIn(head.query());
      answer.source = std::make_unique<Letters>(seen_, path == "short" ? size - 1 : size);
      answer.length = size;
    } else if (path == "chunks") {
      answer.source = std::make_unique<Letters>(seen_, numberIn(head.query()));
    } else if (path == "feed") {
      answer.content_type = "text/event-stream";
      answer.source = std::make_unique<Feed>(seen_);
      answer.idle_text = ":\n\n";
      exchange->onGone([this] { seen_.gone = true; });
    } else if (path == "split") {
      answer.headers = {{"X-Name", "a\r\nSet-Cookie: b"}};
      answer.status = 201;
    } else {
      if (path == "things" && seen_.slow_then < 0) {
        seen_.slow_then = seen_.slow;
        seen_.asked_then = seen_.asked;
      }
      answer.body = head.peer.address + (head.peer.authenticated ? " known" : " unknown");
    }
    exchange->respond(std::move(answer));
    return {};
  }
  void drain() override {
    seen_.drained = true;
    seen_.stop = true;
    if (seen_.exchange) seen_.exchange->resumeAnswer();
  }

 private:
  Seen& seen_;
};

class HttpServiceTest : public testing::Test {
 protected:
  ~HttpServiceTest() override {
    thread.run([this] {
      thread.http.reset();
      seen.exchange.reset();
    });
  }
  void serve(transport::HttpOptions options = {}, const std::string& prefix = "/things") {
    options.port = 0;
    thread.run([&] {
      thread.http = std::make_unique<transport::HttpServer>(thread.io, thread.server, options);
      thread.http->addService(prefix, service);
      ASSERT_TRUE(thread.http->start().ok());
      port = thread.http->port();
    });
  }
  static std::string request(const std::string& line, const std::string& more = {},
                             const std::string& body = {}) {
    return line + " HTTP/1.1\r\nHost: localhost\r\n" + more + "\r\n" + body;
  }
  static std::string length(std::uint64_t size) {
    return "Content-Length: " + std::to_string(size) + "\r\n";
  }
  template <class Value>
  Value look(Value Seen::*member) {
    return thread.ask<Value>([&] { return seen.*member; });
  }

  Seen seen;
  TestService service{seen};
  std::uint16_t port = 0;
  ServerThread thread;
};

// --- routes and heads ---

TEST_F(HttpServiceTest, AServiceHasItsPrefixAndWhatIsBelowAndMcpTheRest) {
  serve();
  HttpClient client(port);
  for (const char* path : {"/things", "/things/7", "/things?x=1"}) {
    client.send(request(std::string("GET ") + path));
    EXPECT_EQ(client.answer().body, "127.0.0.1 unknown") << path;
  }
  for (const char* path : {"/thing", "/thingsmore", "/"}) {
    client.send(request(std::string("GET ") + path));
    EXPECT_EQ(client.answer().status, 404) << path;
  }
  client.send(request("GET /health"));
  EXPECT_EQ(client.answer().body, R"({"status":"ok"})");
}

TEST_F(HttpServiceTest, TheRootTakesAllButMcpAndHealth) {
  serve({}, "/");
  HttpClient client(port);
  client.send(request("GET /any/where"));
  EXPECT_EQ(client.answer().body, "127.0.0.1 unknown");
  client.send(request("GET /health"));
  EXPECT_EQ(client.answer().body, R"({"status":"ok"})");
  client.send(request("PUT /mcp"));
  EXPECT_EQ(client.answer().status, 405);
}

TEST_F(HttpServiceTest, AServerWithoutMcpHasOnlyServices) {
  thread.run([&] {
    transport::HttpOptions options;
    options.port = 0;
    thread.http = std::make_unique<transport::HttpServer>(thread.io, options);
    thread.http->addService("/things", service);
    ASSERT_TRUE(thread.http->start().ok());
    port = thread.http->port();
  });
  HttpClient client(port);
  client.send(request("POST /mcp", length(0)));
  EXPECT_EQ(client.answer().status, 404);
  client.send(request("GET /things/a"));
  EXPECT_EQ(client.answer().status, 200);
}

TEST_F(HttpServiceTest, TheHeadIsToldWithQueryAndEveryHeader) {
  serve();
  HttpClient client(port);
  client.send(request("DELETE /things/a%20b?q=1&r", "X-Thing: some value\r\n"));
  EXPECT_EQ(client.answer().status, 200);
  EXPECT_EQ(look(&Seen::head), "DELETE /things/a%20b q=1&r some value");
}

TEST_F(HttpServiceTest, HeadersOfAnAnswerStayOnTheirLine) {
  serve();
  HttpClient client(port);
  client.send(request("GET /things/split"));
  const Answer answer = client.answer();
  EXPECT_TRUE(answer.has("HTTP/1.1 201 Created\r\n")) << answer.head;
  EXPECT_TRUE(answer.has("X-Name: a  Set-Cookie: b\r\n")) << answer.head;
}

// --- guards ---

TEST_F(HttpServiceTest, TheTokenAndTheHostAreAskedForAsEverywhere) {
  transport::HttpOptions options;
  options.token = "s3cret";
  serve(options);
  HttpClient client(port);
  client.send(request("GET /things"));
  EXPECT_EQ(client.answer().status, 401);
  client.send(request("GET /things", "Authorization: Bearer s3cret\r\n"));
  EXPECT_EQ(client.answer().body, "127.0.0.1 known");
  client.send("GET /things HTTP/1.1\r\nHost: evil.example\r\n\r\n");
  EXPECT_EQ(client.answer().status, 403);
  client.send(request("OPTIONS /things",
                      "Origin: http://localhost:3000\r\nAccess-Control-Request-Method: PUT\r\n"));
  const Answer preflight = client.answer();
  EXPECT_EQ(preflight.status, 204);
  EXPECT_TRUE(preflight.has("Access-Control-Allow-Origin: http://localhost:3000\r\n"));
  client.send(request("OPTIONS /things"));
  EXPECT_EQ(client.answer().status, 401);
  EXPECT_EQ(look(&Seen::head), "GET /things  -");
}

TEST_F(HttpServiceTest, ARefusedUploadIsNotReadOn) {
  transport::HttpOptions options;
  options.token = "s3cret";
  serve(options);
  HttpClient client(port);
  client.send(request("PUT /things/count", length(1'000'000'000), "some"));
  const Answer answer = client.answer();
  EXPECT_EQ(answer.status, 401);
  EXPECT_TRUE(answer.has("Connection: close\r\n")) << answer.head;
  EXPECT_TRUE(client.ended());
}

// --- bodies ---

TEST_F(HttpServiceTest, AnUploadIsHandedOnInPiecesAndTheConnectionKept) {
  serve();
  HttpClient client(port);
  const std::string piece(1U << 20, 'x');
  client.send(request("PUT /things/count", length(40 * piece.size())));
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(client.send(piece));
  EXPECT_EQ(client.answer().body, std::to_string(40 * piece.size()));
  client.send(request("PUT /things/count", "Transfer-Encoding: chunked\r\n",
                      "5\r\nhello\r\n3;x=y\r\nyou\r\n0\r\n\r\n") +
              request("GET /things"));
  EXPECT_EQ(client.answer().body, std::to_string(40 * piece.size() + 8));
  EXPECT_EQ(client.answer().status, 200);
}

TEST_F(HttpServiceTest, AWholeBodyIsBoundedByTheService) {
  serve();
  HttpClient client(port);
  client.send(request("POST /things/small", length(10), "0123456789"));
  EXPECT_EQ(client.answer().body, "0123456789");
  client.send(request("POST /things/small", length(0)));
  EXPECT_EQ(client.answer().body, "");
  client.send(request("POST /things/small", "Expect: 100-continue\r\n" + length(11)));
  EXPECT_EQ(client.answer().status, 413) << "at once, and without 100 Continue";
  HttpClient chunking(port);
  chunking.send(
      request("POST /things/small", "Transfer-Encoding: chunked\r\n", "b\r\n0123456789a\r\n"));
  EXPECT_EQ(chunking.answer().status, 413);
}

TEST_F(HttpServiceTest, AClientThatAsksFirstIsToldToContinue) {
  serve();
  HttpClient client(port);
  client.send(request("POST /things/small", "Expect: 100-continue\r\n" + length(4)));
  EXPECT_EQ(client.readUntil("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("body");
  EXPECT_EQ(client.answer().body, "body");
}

TEST_F(HttpServiceTest, AServiceThatPausesMakesTheClientWait) {
  seen.pauses = true;
  serve();
  HttpClient client(port);
  constexpr std::size_t kBytes = 64U << 20;
  client.send(request("PUT /things/count", length(kBytes)));
  const int small = 64 * 1024;
  ::setsockopt(client.socket(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
  const std::string piece(kBytes, 'x');
  std::thread sender([&] { client.send(piece); });
  ASSERT_TRUE(thread.eventually([this] { return seen.bytes > 0; }));
  // It would all be there soon, were it taken; each resume takes one piece.
  std::uint64_t before = 0;
  for (int i = 0; i < 20; ++i) {
    thread.run([&] {
      EXPECT_LE(seen.bytes - before, 128U * 1024);
      before = seen.bytes;
      seen.exchange->resumeBody();
    });
  }
  thread.run([this] {
    seen.pauses = false;
    seen.exchange->resumeBody();
  });
  sender.join();
  EXPECT_EQ(client.answer().body, std::to_string(kBytes));
}

TEST_F(HttpServiceTest, AnUploadCutOffIsToldToTheService) {
  serve();
  HttpClient client(port);
  client.send(request("PUT /things/count", length(100), "only this"));
  ASSERT_TRUE(thread.eventually([this] { return seen.bytes == 9; }));
  client.close();
  ASSERT_TRUE(thread.eventually([this] { return seen.cut.has_value(); }));
  EXPECT_EQ(*look(&Seen::cut), HttpCut::Gone);
  EXPECT_FALSE(look(&Seen::ended));
}

TEST_F(HttpServiceTest, AFaultyChunkIsABadRequestAndTheEnd) {
  serve();
  HttpClient client(port);
  client.send(request("PUT /things/count", "Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n"));
  ASSERT_TRUE(thread.eventually([this] { return seen.bytes == 5; }));
  client.send("nonsense\r\n\r\n");
  EXPECT_EQ(client.answer().status, 400);
  EXPECT_EQ(*look(&Seen::cut), HttpCut::Faulty);
  EXPECT_TRUE(client.ended());
}

TEST_F(HttpServiceTest, AnUploadThatStopsIsGivenUpAndOneThatFlowsIsNot) {
  transport::HttpOptions options;
  options.request_max_s = 4;
  serve(options);
  HttpClient flowing(port);
  flowing.send(request("PUT /things/count", "Transfer-Encoding: chunked\r\n"));
  ASSERT_TRUE(thread.eventually([this] { return seen.exchange != nullptr; }));
  HttpClient stopped(port);
  stopped.send(request("POST /things/small", length(4), "a"));
  // The one that flows began before the one that stops, and sends until that is given up: longer
  // than request_max_s in all, and never nearly that long without a byte.
  int pieces = 0;
  pollfd given_up{stopped.socket(), POLLIN, 0};
  do ASSERT_TRUE(flowing.send("1\r\nx\r\n"));
  while (++pieces < 10'000 && ::poll(&given_up, 1, 20) == 0);
  EXPECT_EQ(stopped.answer().status, 408);
  flowing.send("0\r\n\r\n");
  EXPECT_EQ(flowing.answer().body, std::to_string(pieces));
}

TEST_F(HttpServiceTest, AnAnswerBeforeTheBodyHasComeClosesAfterwards) {
  serve();
  HttpClient client(port);
  client.send(request("PUT /things/other", length(1000), "x"));
  const Answer answer = client.answer();
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.has("Connection: close\r\n")) << answer.head;
  HttpClient complete(port);
  complete.send(request("PUT /things/other", length(1), "x") + request("GET /things"));
  EXPECT_EQ(complete.answer().status, 200);
  EXPECT_EQ(complete.answer().status, 200) << "the body was all there: the connection is kept";
}

// --- fairness ---

TEST_F(HttpServiceTest, AClientThatPipelinesTakesTurnsWithTheOthers) {
  serve();
  HttpClient flood(port);
  HttpClient quiet(port);
  constexpr int kRequests = 200;
  std::string many;
  for (int i = 0; i < kRequests; ++i) many += request("GET /things/slow");
  thread.whileItStands([&] {
    flood.send(many);
    quiet.send(request("GET /things"));
  });
  EXPECT_EQ(quiet.answer().status, 200);
  EXPECT_LT(look(&Seen::slow_then), kRequests / 2);
  for (int i = 0; i < kRequests; ++i) ASSERT_EQ(flood.answer().status, 200) << i;
}

TEST_F(HttpServiceTest, ALongDownloadTakesTurnsWithTheOthers) {
  serve();
  HttpClient greedy(port);
  HttpClient quiet(port);
  constexpr std::uint64_t kBytes = 256U << 20;
  std::thread reader;
  thread.whileItStands([&] {
    greedy.send(request("GET /things/letters?" + std::to_string(kBytes)));
    reader = std::thread([&] { greedy.readAll(); });
    quiet.send(request("GET /things"));
  });
  EXPECT_EQ(quiet.answer().status, 200);
  EXPECT_LT(look(&Seen::asked_then), kBytes);
  ::shutdown(greedy.socket(), SHUT_RDWR);
  reader.join();
}

// --- answers ---

TEST_F(HttpServiceTest, ALongAnswerIsMadeAsItIsTaken) {
  serve();
  HttpClient client(port);
  constexpr std::uint64_t kBytes = 200U << 20;
  client.send(request("GET /things/letters?" + std::to_string(kBytes)));
  const std::string head = client.readUntil("\r\n\r\n");
  EXPECT_NE(head.find("Content-Length: " + std::to_string(kBytes)), std::string::npos) << head;
  // What the kernel holds for a client that does not read, and no more, has been made.
  EXPECT_LT(look(&Seen::asked), 32U << 20);
  for (int i = 0; i < 200; ++i) {
    const std::string part = client.read(1U << 20);
    ASSERT_EQ(part.size(), 1U << 20);
    ASSERT_EQ(part[0], 'a' + static_cast<char>((std::uint64_t{1U << 20} * i) % 26));
  }
  client.send(request("GET /things"));
  EXPECT_EQ(client.answer().status, 200);
  EXPECT_TRUE(look(&Seen::source_dropped));
}

TEST_F(HttpServiceTest, AnAnswerOfUnknownLengthComesInChunks) {
  serve();
  HttpClient client(port);
  client.send(request("GET /things/chunks?300000"));
  const Answer answer = client.answer();
  EXPECT_TRUE(answer.has("Transfer-Encoding: chunked\r\n")) << answer.head;
  EXPECT_EQ(answer.body.size(), 300000U);
  client.send("GET /things/chunks?300000 HTTP/1.0\r\n\r\n");
  const std::string old = client.readAll();
  EXPECT_EQ(old.size() - old.find("\r\n\r\n") - 4, 300000U);
}

TEST_F(HttpServiceTest, HeadHasTheSameHeadAndNoBody) {
  serve();
  HttpClient client(port);
  client.send(request("HEAD /things/letters?5000") + request("HEAD /things/chunks?5") +
              request("GET /things"));
  const std::string first = client.readUntil("\r\n\r\n");
  EXPECT_NE(first.find("Content-Length: 5000\r\n"), std::string::npos) << first;
  EXPECT_NE(client.readUntil("\r\n\r\n").find("chunked"), std::string::npos);
  EXPECT_EQ(client.answer().body, "127.0.0.1 unknown");
}

TEST_F(HttpServiceTest, AnAnswerThatBecomesTooShortCutsTheConnection) {
  serve();
  HttpClient client(port);
  client.send(request("GET /things/short?1000"));
  const std::string all = client.readAll();
  EXPECT_EQ(all.size() - all.find("\r\n\r\n") - 4, 999U);
}

TEST_F(HttpServiceTest, ADownloadThatIsLeftIsToldToTheService) {
  serve();
  {
    HttpClient client(port);
    client.send(request("GET /things/letters?1000000000"));
    client.read(1000);
  }
  EXPECT_TRUE(thread.eventually([this] { return seen.source_dropped; }));
  EXPECT_LT(look(&Seen::asked), 1'000'000'000U);
}

TEST_F(HttpServiceTest, AFeedSaysWhatThereIsUntilTheServerDrains) {
  serve();
  HttpClient client(port);
  client.send(request("GET /things/feed"));
  EXPECT_NE(client.readUntil("\r\n\r\n").find("text/event-stream"), std::string::npos);
  for (const char* text : {"one", "two"}) {
    thread.run([&] {
      seen.feed = std::string("data: ") + text + "\n\n";
      seen.exchange->resumeAnswer();
    });
    EXPECT_EQ(client.event(), text);
  }
  bool drained = false;
  thread.run([&] { thread.http->drain([&] { drained = true; }); });
  EXPECT_EQ(client.event(), "");
  EXPECT_TRUE(client.ended());
  EXPECT_TRUE(thread.eventually([&] { return drained; }));
  EXPECT_FALSE(look(&Seen::gone));
}

TEST_F(HttpServiceTest, AClientThatLeavesWhileItWaitsIsToldToTheService) {
  serve();
  for (const char* path : {"/things/hold", "/things/feed"}) {
    thread.run([this] { seen.gone = false; });
    HttpClient client(port);
    client.send(request(std::string("GET ") + path));
    ASSERT_TRUE(thread.eventually([&] { return seen.head == std::string("GET ") + path + "  -"; }));
    client.close();
    EXPECT_TRUE(thread.eventually([this] { return seen.gone; })) << path;
  }
}

TEST_F(HttpServiceTest, AnswersAfterTheEndOfTheServerAreHarmless) {
  serve();
  HttpClient client(port);
  client.send(request("GET /things/hold"));
  ASSERT_TRUE(thread.eventually([this] { return seen.exchange != nullptr; }));
  thread.run([this] {
    thread.http.reset();
    EXPECT_TRUE(seen.gone);
    seen.exchange->respond({});
    seen.exchange->resumeBody();
    seen.exchange->resumeAnswer();
  });
}

}  // namespace
}  // namespace tutti::fixture
