// Who gets in, and over what: bearer tokens, Unix sockets, TLS.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/temp_folder.hpp"
#include "tests/transport/http_client.hpp"
#include "tests/transport/server_thread.hpp"
#include "tests/transport/tls_client.hpp"

namespace tutti::fixture {
namespace {

std::string echo(const std::string& text, const std::string& more_headers = {}) {
  const std::string body =
      R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"text":")" +
      text +
      R"("},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}})";
  return "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
         "Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\n"
         "Mcp-Method: tools/call\r\nMcp-Name: echo\r\n" +
         more_headers + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

class HttpAccessTest : public testing::Test {
 protected:
  Status start(transport::HttpOptions options) {
    options.port = 0;
    return thread.ask<Status>([&]() -> Status {
      thread.http = std::make_unique<transport::HttpServer>(thread.io, thread.server, options);
      return thread.http->start();
    });
  }
  void serve(const transport::HttpOptions& options) {
    const Status started = start(options);
    ASSERT_TRUE(started.ok()) << started.error().text();
    port = thread.ask<std::uint16_t>([this] { return thread.http->port(); });
  }
  void serveTls(std::int64_t request_max_s = 30) {
    const Certificate made(folder.path());
    transport::HttpOptions options;
    options.tls_certificate = made.certificate;
    options.tls_key = made.key;
    options.request_max_s = request_max_s;
    serve(options);
  }
  std::string file(const std::string& name, const std::string& content = {}) const {
    std::ofstream(folder.path() / name) << content;
    return folder.path() / name;
  }

  TempFolder folder;
  std::uint16_t port = 0;
  ServerThread thread;
};

// --- tokens ---

TEST_F(HttpAccessTest, WithoutTheTokenThereIsA401ThatSaysHow) {
  transport::HttpOptions options;
  options.token = "s3cret";
  serve(options);
  HttpClient client(port);
  client.send(echo("hi"));
  const Answer missing = client.answer();
  EXPECT_TRUE(missing.has("HTTP/1.1 401 Unauthorized\r\n")) << missing.head;
  EXPECT_TRUE(missing.has("WWW-Authenticate: Bearer realm=\"tutti\"\r\n")) << missing.head;
  EXPECT_NE(missing.body.find("Authorization: Bearer TOKEN"), std::string::npos);
  for (const char* wrong : {"Bearer s3cre", "Bearer s3crets", "Bearer S3CRET", "Basic s3cret",
                            "Bearer", "Bearer ", "s3cret"}) {
    client.send(echo("hi", std::string("Authorization: ") + wrong + "\r\n"));
    const Answer answer = client.answer();
    EXPECT_EQ(answer.status, 401) << wrong;
    EXPECT_TRUE(answer.has("error=\"invalid_token\"")) << wrong;
    EXPECT_EQ(answer.body.find("s3cret"), std::string::npos);
  }
}

TEST_F(HttpAccessTest, WithTheTokenEverythingWorks) {
  transport::HttpOptions options;
  options.token = "s3cret";
  serve(options);
  HttpClient client(port);
  for (const char* right : {"Bearer s3cret", "bearer s3cret", "Bearer   s3cret"}) {
    client.send(echo("hi", std::string("Authorization: ") + right + "\r\n"));
    EXPECT_EQ(client.answer().status, 200) << right;
  }
}

TEST_F(HttpAccessTest, HealthAndPreflightsNeedNoToken) {
  transport::HttpOptions options;
  options.token = "s3cret";
  serve(options);
  HttpClient client(port);
  client.send("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(client.answer().status, 200);
  client.send("OPTIONS /mcp HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost:1\r\n\r\n");
  EXPECT_EQ(client.answer().status, 204);
  for (const char* method : {"GET", "DELETE"}) {
    client.send(std::string(method) + " /mcp HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_EQ(client.answer().status, 401) << method;
  }
}

// --- Unix sockets ---

TEST_F(HttpAccessTest, AUnixSocketIsForItsOwnerAndGoesWithTheServer) {
  transport::HttpOptions options;
  options.socket_path = folder.path() / "mcp.sock";
  serve(options);
  struct stat found {};
  ASSERT_EQ(::stat(options.socket_path.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777U, 0600U);
  HttpClient client(options.socket_path);
  client.send(echo("hi"));
  EXPECT_EQ(client.answer().status, 200);
  thread.run([this] { thread.http.reset(); });
  EXPECT_FALSE(std::filesystem::exists(options.socket_path));
}

TEST_F(HttpAccessTest, ASocketFileThatNobodyListensOnIsReplaced) {
  transport::HttpOptions options;
  options.socket_path = folder.path() / "mcp.sock";
  {
    const Fd dead(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    options.socket_path.copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(dead.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  serve(options);
  HttpClient client(options.socket_path);
  client.send(echo("hi"));
  EXPECT_EQ(client.answer().status, 200);
}

TEST_F(HttpAccessTest, SocketPathsThatCannotBeUsedAreNamed) {
  transport::HttpOptions options;
  options.socket_path = folder.path() / "mcp.sock";
  serve(options);
  transport::HttpOptions second = options;
  const std::string path = options.socket_path;
  thread.run([&] {
    transport::HttpServer other(thread.io, thread.server, second);
    const Status taken = other.start();
    ASSERT_FALSE(taken.ok());
    EXPECT_EQ(taken.error().name(), "address_in_use");
    EXPECT_NE(taken.error().message().find(path), std::string::npos);

    second.socket_path = file("notes.txt", "precious");
    const Status no_socket = transport::HttpServer(thread.io, thread.server, second).start();
    ASSERT_FALSE(no_socket.ok());
    EXPECT_EQ(no_socket.error().name(), "socket_path");
    EXPECT_TRUE(std::filesystem::exists(second.socket_path));

    second.socket_path = folder.path() / std::string(120, 'x');
    const Status too_long = transport::HttpServer(thread.io, thread.server, second).start();
    ASSERT_FALSE(too_long.ok());
    EXPECT_EQ(too_long.error().name(), "socket_path");
  });
  HttpClient client(path);
  client.send(echo("still here"));
  EXPECT_EQ(client.answer().status, 200);
}

// --- TLS ---

TEST_F(HttpAccessTest, CallsWorkOverTlsAndKeepTheConnection) {
  serveTls();
  HttpClient socket(port);
  TlsStream client(socket.socket());
  ASSERT_TRUE(client.connected());
  EXPECT_STREQ(client.version(), "TLSv1.3");
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(client.send(echo("hi")));
    EXPECT_TRUE(client.answer().starts_with("HTTP/1.1 200"));
  }
}

TEST_F(HttpAccessTest, ALargeAnswerOverTlsArrivesWhole) {
  serveTls();
  HttpClient socket(port);
  TlsStream client(socket.socket());
  ASSERT_TRUE(client.send(echo(std::string(700'000, 'x'), "Connection: close\r\n")));
  const std::string answer = client.read(std::string::npos);
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200")) << answer.substr(0, 200);
  EXPECT_GT(answer.size(), 1'400'000U) << "as text and as structured content";
  EXPECT_TRUE(client.saidGoodbye()) << "the end must not look like a cut";
}

TEST_F(HttpAccessTest, PipelinedRequestsAndAGoodbyeOverTlsAreAnswered) {
  serveTls();
  HttpClient socket(port);
  TlsStream client(socket.socket());
  std::string all;
  for (int i = 0; i < 20; ++i) all += echo("p" + std::to_string(i));
  ASSERT_TRUE(client.send(all));
  client.finishSending();
  const std::string answers = client.read(std::string::npos);
  for (int i = 0; i < 20; ++i)
    EXPECT_NE(answers.find("\"text\":\"p" + std::to_string(i) + "\""), std::string::npos) << i;
}

TEST_F(HttpAccessTest, PlainHttpOnATlsPortHarmsNobody) {
  serveTls();
  HttpClient plain(port);
  plain.send(echo("hi"));
  plain.readAll();
  EXPECT_TRUE(plain.ended());
  HttpClient socket(port);
  TlsStream client(socket.socket());
  ASSERT_TRUE(client.send(echo("hi", "Connection: close\r\n")));
  EXPECT_TRUE(client.read(std::string::npos).starts_with("HTTP/1.1 200"));
}

TEST_F(HttpAccessTest, AHandshakeThatIsNeverFinishedIsGivenUp) {
  serveTls(/*request_max_s=*/1);
  HttpClient silent(port);
  EXPECT_TRUE(silent.ended());
}

TEST_F(HttpAccessTest, ClientsThatOnlySpeakHttp2AreRefusedInTheHandshake) {
  serveTls();
  HttpClient socket(port);
  EXPECT_FALSE(TlsStream(socket.socket(), "\x02h2").connected());
  HttpClient other(port);
  EXPECT_TRUE(TlsStream(other.socket(), "\x02h2\x08http/1.1").connected());
}

TEST_F(HttpAccessTest, CertificatesThatCannotBeUsedAreNamed) {
  const Certificate made(folder.path());
  transport::HttpOptions options;
  options.tls_certificate = folder.path() / "missing.pem";
  options.tls_key = made.key;
  const Status missing = start(options);
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().name(), "tls_certificate");
  EXPECT_NE(missing.error().message().find("missing.pem"), std::string::npos);

  options.tls_certificate = made.certificate;
  options.tls_key = file("bad.pem", "no key at all");
  const Status bad = start(options);
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.error().name(), "tls_key");
  EXPECT_NE(bad.error().message().find("bad.pem"), std::string::npos);
}

}  // namespace
}  // namespace tutti::fixture
