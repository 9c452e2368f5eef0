// How a server is reached: under TLS, on connections that are used again, by the older transport.
#include <signal.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <cstdlib>
#include <functional>

#include "server/transport/old_sse.hpp"
#include "server/transport/transport.hpp"
#include "tests/mcp/fixture.hpp"
#include "tests/temp_folder.hpp"
#include "tests/transport/client_world.hpp"
#include "tests/transport/tls_client.hpp"

namespace tutti::transport {
namespace {

namespace http = boost::beast::http;
using fixture::Certificate;

// --- TLS ---------------------------------------------------------------------------------------

class HttpsTest : public HttpClientTest {
 protected:
  void serve(const Certificate& made) {
    ::signal(SIGPIPE, SIG_IGN);
    fixture::addTools(server, held);
    HttpOptions options;
    options.port = 0;
    options.tls_certificate = made.certificate;
    options.tls_key = made.key;
    https.emplace(io, server, options);
    ASSERT_TRUE(https->start().ok());
  }
  void reach(const std::string& host, const std::string& ca_file) {
    HttpClientOptions options;
    options.url = "https://" + host + ":" + std::to_string(https->port()) + "/mcp";
    options.ca_file = ca_file;
    openUrl(client::Era::Either, std::move(options));
    ASSERT_TRUE(until([&] { return told.ready || told.lost; }));
  }
  void expectRefused(const std::string& why) const {
    ASSERT_TRUE(told.lost.has_value()) << "it was talked to";
    EXPECT_EQ(told.lost->code(), Code::Unavailable);
    EXPECT_EQ(told.lost->name(), "tls_failed");
    EXPECT_NE(told.lost->message().find(why), std::string::npos) << told.lost->message();
  }
  void TearDown() override {
    HttpClientTest::TearDown();
    https.reset();
  }

  fixture::TempFolder folder;
  fixture::Held held;
  mcp::Server server{fixture::options()};
  std::optional<HttpServer> https;
};

TEST_F(HttpsTest, AServerWhoseCertificateIsTrustedIsCalled) {
  const Certificate made(folder.path());
  serve(made);
  reach("localhost", made.certificate);
  ASSERT_TRUE(told.ready) << told.lost->text();
  const auto echo = call({"echo", {{"text", "hi"}}});
  ASSERT_TRUE(echo->ok());
  EXPECT_EQ((*echo)->value.at("structuredContent").at("text"), "hi");
  const auto large = call({"blob", {{"size", 2'000'000}}});
  ASSERT_TRUE(large->ok());
  EXPECT_GT((*large)->text.size(), 2'000'000U);
  const auto sent = call({"echo", {{"text", std::string(1'000'000, 'x')}}});
  EXPECT_TRUE(sent->ok());
}

TEST_F(HttpsTest, ACertificateOfSomebodyElseIsRefused) {
  const Certificate made(folder.path(), {.host = "elsewhere.example"});
  serve(made);
  reach("localhost", made.certificate);
  expectRefused("hostname mismatch");
}

TEST_F(HttpsTest, ACertificateOfANameIsNotOneOfAnAddress) {
  const Certificate made(folder.path());
  serve(made);
  reach("127.0.0.1", made.certificate);
  expectRefused("IP address mismatch");
}

TEST_F(HttpsTest, ACertificateThatNobodyVouchesForIsRefused) {
  const Certificate made(folder.path());
  serve(made);
  reach("localhost", "");
  expectRefused("self-signed certificate");
}

TEST_F(HttpsTest, AnExpiredCertificateIsRefused) {
  const Certificate made(folder.path(), {.valid_from_s = -7200, .valid_to_s = -3600});
  serve(made);
  reach("localhost", made.certificate);
  expectRefused("expired");
}

TEST_F(HttpsTest, AFileWithoutCertificatesIsNamed) {
  HttpClientOptions options;
  options.url = "https://localhost/";
  options.ca_file = folder.path() / "missing.pem";
  const auto made = HttpClient::create(io, options);
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.error().name(), "tls_ca");
  EXPECT_NE(made.error().message().find("missing.pem"), std::string::npos);
}

// --- Connections that are used again -----------------------------------------------------------

/// Answers every request of a legacy client, on as many connections as it makes.
class CountingServer {
 public:
  explicit CountingServer(net::io_context& io)
      : acceptor_(io, {net::ip::address_v4::loopback(), 0}) {
    accept();
  }
  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  void stop() { acceptor_.close(); }
  int connections = 0;
  int requests = 0;
  bool by_stream = false;
  bool closes = false;  // after each answer, having said nothing of it

 private:
  struct Peer {
    explicit Peer(net::ip::tcp::socket given) : socket(std::move(given)) {}
    net::ip::tcp::socket socket;
    boost::beast::flat_buffer buffer;
    http::request<http::string_body> request;
    http::response<http::string_body> response;
  };
  void accept() {
    acceptor_.async_accept([this](boost::system::error_code error, net::ip::tcp::socket socket) {
      if (error) return;
      ++connections;
      serve(std::make_shared<Peer>(std::move(socket)));
      accept();
    });
  }
  void serve(const std::shared_ptr<Peer>& peer) {
    peer->request = {};
    http::async_read(peer->socket, peer->buffer, peer->request,
                     [this, peer](boost::system::error_code error, std::size_t) {
                       if (!error) answer(peer);
                     });
  }
  void answer(const std::shared_ptr<Peer>& peer) {
    ++requests;
    peer->response = {};
    peer->response.version(11);
    const auto message = json::parse(peer->request.body());
    const bool is_post = peer->request.method() == http::verb::post;
    if (!is_post) {
      peer->response.result(http::status::method_not_allowed);
    } else if (!message->contains("id")) {
      peer->response.result(http::status::accepted);
    } else {
      Json result = {{"content", Json::array()}};
      if (message->at("method") == "initialize")
        result = {{"protocolVersion", "2025-06-18"},
                  {"capabilities", Json::object()},
                  {"serverInfo", {{"name", "counting"}, {"version", "1"}}}};
      const std::string text =
          json::dump({{"jsonrpc", "2.0"}, {"id", message->at("id")}, {"result", result}});
      peer->response.set(http::field::content_type,
                         by_stream ? "text/event-stream" : "application/json");
      peer->response.body() = by_stream ? "data: " + text + "\n\n" : text;
    }
    peer->response.prepare_payload();
    http::async_write(peer->socket, peer->response,
                      [this, peer](boost::system::error_code error, std::size_t) {
                        if (!error && !closes) serve(peer);
                      });
  }
  net::ip::tcp::acceptor acceptor_;
};

class KeepAliveTest : public HttpClientTest {
 protected:
  void reach(HttpClientOptions options = {}) {
    open(counting.port(), client::Era::Legacy, std::move(options));
    ASSERT_TRUE(until([&] { return told.ready && counting.requests >= 3; }));
  }
  CountingServer counting{io};
};

TEST_F(KeepAliveTest, RequestsOneAfterTheOtherShareAConnection) {
  for (const bool by_stream : {false, true}) {
    counting.by_stream = by_stream;
    counting.requests = counting.connections = 0;
    reach();
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(call({"x"})->ok());
    EXPECT_EQ(counting.requests, 23);
    EXPECT_LE(counting.connections, 2) << by_stream;
    TearDown();
    told = {};
  }
}

TEST_F(KeepAliveTest, NoMoreThanIdleMaxAreKept) {
  HttpClientOptions options;
  options.idle_max = 0;
  reach(options);
  const int before = counting.connections;
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(call({"x"})->ok());
  EXPECT_EQ(counting.connections, before + 5);
}

TEST_F(KeepAliveTest, AConnectionThatTheServerHasClosedIsNotUsedAgain) {
  counting.closes = true;
  reach();
  for (int i = 0; i < 10; ++i) {
    const auto ended = call({"x"});
    ASSERT_TRUE(ended->ok()) << ended->error().text();
    io.restart();
    io.poll();  // its goodbye arrives
  }
}

// --- HTTP+SSE ----------------------------------------------------------------------------------

class OldServer : public HttpClientTest {
 protected:
  void SetUp() override {
    HttpClientTest::SetUp();
    fixture::addTools(server, held);
    HttpOptions options;
    options.port = 0;
    options.mcp_path = "/not-here";
    options.sse_path = "/sse";  // at /sse a POST without a session is refused with 4xx
    http.emplace(io, server, options);
    ASSERT_TRUE(http->start().ok());
  }
  void reach(client::Era era, bool old_sse, const std::string& path = "/sse") {
    HttpClientOptions options;
    options.url = "http://127.0.0.1:" + std::to_string(http->port()) + path;
    options.old_sse = old_sse;
    openUrl(era, std::move(options));
    ASSERT_TRUE(until([&] { return told.ready || told.lost; }));
  }
  void expectItServes() {
    ASSERT_TRUE(told.ready) << told.lost->text();
    const auto echo = call({"echo", {{"text", "hi"}}});
    ASSERT_TRUE(echo->ok()) << echo->error().text();
    EXPECT_EQ((*echo)->value.at("content").at(0).at("text"), R"({"text":"hi"})");
    std::vector<std::string> steps;
    bool ended = false;
    client->call({"slow", {{"steps_only", true}}},
                 {.on_progress = [&](const client::Progress& p) { steps.push_back(p.message); }},
                 [&](Result<client::Reply> reply) { ended = reply.ok(); });
    ASSERT_TRUE(until([&] { return ended; }));
    EXPECT_EQ(steps.size(), 2U);
  }
  void TearDown() override {
    HttpClientTest::TearDown();
    http.reset();
  }
  fixture::Held held;
  mcp::Server server{fixture::options()};
  std::optional<HttpServer> http;
};

TEST_F(OldServer, IsFoundWhenItRefusesTheNewTransport) {
  reach(client::Era::Either, false);
  expectItServes();
}

TEST_F(OldServer, IsReachedDirectlyWhenItIsSaidToBeOld) {
  reach(client::Era::Legacy, true);
  expectItServes();
}

TEST_F(OldServer, ACancelledCallIsCancelledThere) {
  reach(client::Era::Legacy, true);
  ASSERT_TRUE(told.ready);
  const auto ticket = client->call({"slow"}, {}, [](const Result<client::Reply>&) {});
  ASSERT_TRUE(until([&] { return held.calls.size() == 1; }));
  client->cancel(ticket, "enough");
  EXPECT_TRUE(until([&] { return held.cancelled == 1; }));
}

TEST_F(OldServer, WhenItEndsTheConnectionIsLost) {
  reach(client::Era::Legacy, true);
  ASSERT_TRUE(told.ready);
  http.reset();
  ASSERT_TRUE(until([&] { return told.lost.has_value(); }));
  EXPECT_EQ(told.lost->code(), Code::Unavailable);
}

TEST_F(OldServer, AServerThatIsNeitherIsLostWithItsFirstRefusal) {
  reach(client::Era::Either, false, "/nothing");
  ASSERT_TRUE(told.lost.has_value());
  EXPECT_FALSE(told.lost->text().empty());
  EXPECT_NE(told.lost->name(), "no_endpoint");
}

TEST(EndpointTargetTest, OnlyPlacesOnTheSameServerAreTaken) {
  const HttpAddress base = *HttpAddress::parse("http://h:8080/a/sse?x=1");
  EXPECT_EQ(*endpointTarget(base, "/messages?id=1"), "/messages?id=1");
  EXPECT_EQ(*endpointTarget(base, "messages"), "/a/messages");
  EXPECT_EQ(*endpointTarget(base, "?id=1"), "/a/sse?id=1");
  EXPECT_EQ(*endpointTarget(base, "http://h:8080/m"), "/m");
  for (const char* bad : {"http://other:8080/m", "https://h:8080/m", "//other/m", "", "a b"}) {
    const auto target = endpointTarget(base, bad);
    ASSERT_FALSE(target.ok()) << bad;
    EXPECT_EQ(target.error().name(), "bad_endpoint");
  }
}

}  // namespace
}  // namespace tutti::transport
