// An embeddings server under TLS, and connections that are used again.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "server/search/embeddings.hpp"
#include "tests/temp_folder.hpp"
#include "tests/transport/tls_client.hpp"

namespace tutti::search {
namespace {

/// Speaks /v1/embeddings under TLS, one connection after the other, each until the client or
/// `answers_max` ends it: then it takes one more request and hangs up without a word.
class TlsServer {
 public:
  explicit TlsServer(const fixture::Certificate& made, int answers_max = 1'000)
      : answers_max_(answers_max), context_(SSL_CTX_new(TLS_server_method()), SSL_CTX_free) {
    std::signal(SIGPIPE, SIG_IGN);
    SSL_CTX_use_certificate_chain_file(context_.get(), made.certificate.c_str());
    SSL_CTX_use_PrivateKey_file(context_.get(), made.key.c_str(), SSL_FILETYPE_PEM);
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* const any = static_cast<sockaddr*>(static_cast<void*>(&address));
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listener_, any, size), 0);
    EXPECT_EQ(::listen(listener_, 16), 0);
    ::getsockname(listener_, any, &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~TlsServer() {
    ending_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    const int open = connection_;
    if (open >= 0) ::shutdown(open, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  std::string url() const { return "https://localhost:" + std::to_string(port_); }
  int connections() const { return connections_; }
  int requests() const { return requests_; }

 private:
  using Ssl = std::unique_ptr<SSL, decltype(&SSL_free)>;

  void serve() {
    for (;;) {
      const int fd = ::accept(listener_, nullptr, nullptr);
      if (fd < 0) return;
      connection_ = fd;
      if (!ending_) {
        const Ssl ssl(SSL_new(context_.get()), SSL_free);
        SSL_set_fd(ssl.get(), fd);
        if (SSL_accept(ssl.get()) == 1) {
          ++connections_;
          for (int answers = 0; answers <= answers_max_; ++answers)
            if (!answerOne(ssl.get(), answers == answers_max_)) break;
        }
      }
      connection_ = -1;
      ::close(fd);
    }
  }
  /// False at the end of the connection.
  bool answerOne(SSL* ssl, bool hang_up) {
    std::string data;
    char block[4096];
    for (;;) {
      const std::size_t head = data.find("\r\n\r\n");
      const std::size_t length = data.find("Content-Length: ");
      if (head != std::string::npos && length != std::string::npos &&
          data.size() >= head + 4 + std::stoul(data.substr(length + 16)))
        break;
      const int got = SSL_read(ssl, block, sizeof block);
      if (got <= 0) return false;
      data.append(block, static_cast<std::size_t>(got));
    }
    ++requests_;
    if (hang_up) return false;
    const std::string body = R"({"data":[{"index":0,"embedding":[3,4]}]})";
    const std::string answer =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
        std::to_string(body.size()) + "\r\n\r\n" + body;
    return SSL_write(ssl, answer.data(), static_cast<int>(answer.size())) > 0;
  }

  const int answers_max_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> connection_ = -1;
  std::atomic<int> connections_ = 0;
  std::atomic<int> requests_ = 0;
  std::atomic<bool> ending_ = false;
  std::thread thread_;
};

class EmbeddingsTlsTest : public testing::Test {
 protected:
  std::unique_ptr<Embeddings> client(const TlsServer& server, const std::string& ca_file) {
    EmbeddingsOptions options;
    options.url = server.url();
    options.model = "m";
    options.ca_file = ca_file;
    auto made = Embeddings::create(options);
    EXPECT_TRUE(made.ok()) << made.error().text();
    return made.ok() ? std::move(*made) : nullptr;
  }
  static void expectVector(Embeddings& embeddings) {
    const std::vector<std::string> texts = {"text"};
    const auto vectors = embeddings.embed(texts);
    ASSERT_TRUE(vectors.ok()) << vectors.error().text();
    EXPECT_FLOAT_EQ((*vectors)[0].at(1), 0.8F);
  }

  fixture::TempFolder folder_;
  const fixture::Certificate certificate_{folder_.path()};
};

TEST_F(EmbeddingsTlsTest, OneConnectionAndOneLookAtWhatIsTrustedDoForManyRequests) {
  const TlsServer server(certificate_);
  const auto embeddings = client(server, certificate_.certificate);
  std::filesystem::remove(certificate_.certificate);  // whoever looks again finds nothing
  for (int i = 0; i < 5; ++i) expectVector(*embeddings);
  EXPECT_EQ(server.requests(), 5);
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(EmbeddingsTlsTest, AKeptConnectionThatIsHungUpIsNoFailure) {
  const TlsServer server(certificate_, 1);
  const auto embeddings = client(server, certificate_.certificate);
  for (int i = 0; i < 3; ++i) expectVector(*embeddings);
  EXPECT_EQ(server.connections(), 3);
  EXPECT_EQ(embeddings->pausedForMs(), 0);
}

TEST_F(EmbeddingsTlsTest, ACertificateThatNobodyTrustsIsRefusedAndSaysWhatToDo) {
  const TlsServer server(certificate_);
  const auto embeddings = client(server, "");
  const std::vector<std::string> texts = {"text"};
  const auto vectors = embeddings->embed(texts);
  ASSERT_FALSE(vectors.ok());
  EXPECT_EQ(vectors.error().name(), "embeddings_unreachable");
  EXPECT_NE(vectors.error().hint().find("--embeddings-ca-file"), std::string::npos);
  EXPECT_EQ(server.requests(), 0);
}

TEST_F(EmbeddingsTlsTest, AMissingFileOfAuthoritiesIsSaidAtOnce) {
  EmbeddingsOptions options;
  options.url = "https://localhost:1";
  options.model = "m";
  options.ca_file = folder_.path() / "missing.pem";
  const auto made = Embeddings::create(options);
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.error().name(), "tls_ca");
}

}  // namespace
}  // namespace tutti::search
