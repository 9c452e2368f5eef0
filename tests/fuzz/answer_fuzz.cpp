// Any bytes as the HTTP answers of a server, over loopback: whatever they are, every request of the
// client ends once, and soon. The parts between bytes 0x1E are the answers to one connection after
// the other; the last one is the answer to all that follow.
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "server/base/log.hpp"
#include "server/transport/http_client.hpp"
#include "tests/fuzz/require.hpp"
#include "tests/mcp/client_fakes.hpp"

namespace tutti::fuzz {
namespace {
namespace asio = boost::asio;
using asio::ip::tcp;

constexpr std::size_t kInputBytesMax = 16U * 1024;
constexpr std::size_t kMessageBytesMax = 8U * 1024;
constexpr char kPartEnd = 0x1E;
constexpr auto kWaitMax = std::chrono::seconds(5);  // below libFuzzer's own limit of an input

/// Answers every request with the next part, and hangs up.
class Answering {
 public:
  Answering(asio::io_context& io, std::string_view answers, std::uint32_t number)
      : acceptor_(io, {asio::ip::address_v4(0x7F000002U + number % 0xFFFFF0U), 0}),
        answers_(answers) {
    accept();
  }
  std::string url() const {
    const auto where = acceptor_.local_endpoint();
    return "http://" + where.address().to_string() + ":" + std::to_string(where.port()) + "/mcp";
  }
  void close() { acceptor_.close(); }

 private:
  struct Connection {
    explicit Connection(tcp::socket accepted) : socket(std::move(accepted)) {}
    tcp::socket socket;
    std::array<char, 4096> request{};
    std::string_view answer;
  };

  void accept() {
    acceptor_.async_accept([this](boost::system::error_code error, tcp::socket socket) {
      if (error) return;
      const auto connection = std::make_shared<Connection>(std::move(socket));
      const auto end = answers_.find(kPartEnd);
      connection->answer = answers_.substr(0, end);
      if (end != answers_.npos) answers_.remove_prefix(end + 1);
      asio::async_write(connection->socket, asio::buffer(connection->answer),
                        [connection](boost::system::error_code, std::size_t) {
                          boost::system::error_code ignored;
                          connection->socket.shutdown(tcp::socket::shutdown_send, ignored);
                          drain(connection);
                        });
      accept();
    });
  }
  /// Without reading, the end of the connection would be a reset that may overtake the answer.
  static void drain(const std::shared_ptr<Connection>& connection) {
    connection->socket.async_read_some(asio::buffer(connection->request),
                                       [connection](boost::system::error_code error, std::size_t) {
                                         if (!error) drain(connection);
                                       });
  }

  tcp::acceptor acceptor_;
  std::string_view answers_;
};

/// Calls a tool as soon as it can.
struct Owner final : mcp::client::Events {
  void onReady() override {
    client->call({"echo", Json::object()}, {}, [this](const auto&) { ++ended; });
    called = 1;
  }
  void onLost(const Error&) override { ++lost; }
  bool over() const { return lost > 0 || (called > 0 && ended == called); }

  mcp::client::Client* client = nullptr;
  int called = 0;
  int ended = 0;
  int lost = 0;
};

void converse(asio::io_context& io, std::string_view answers) {
  // Another address of loopback for each input: no port runs out.
  static std::uint32_t number = 0;
  Answering server(io, answers, ++number);
  transport::HttpClientOptions where;
  where.url = server.url();
  where.message_bytes_max = kMessageBytesMax;
  where.retry_ms = where.retry_min_ms = where.retry_max_ms = 1;
  where.idle_ms = 1;  // an input is over when the connections that were kept are
  where.resumes_max = 2;
  where.polls_max = 20;
  const auto channel = transport::HttpClient::create(io, where);
  require(channel.ok(), "the address is good");
  Owner owner;
  auto options = mcp::client::allOptions();
  options.message_bytes_max = kMessageBytesMax;
  // A server may put a client off for as long as the request may take: it gives events, no answer.
  options.probe_max_ms = options.request_max_ms = 100;
  options.handshake_max_ms = 200;
  auto client = std::make_unique<mcp::client::Client>(**channel, options, owner);
  owner.client = client.get();
  (*channel)->start(*client);
  client->start();
  const auto until = std::chrono::steady_clock::now() + kWaitMax;
  io.restart();
  while (!owner.over() && io.run_one_until(until) > 0) continue;
  require(owner.over(), "every answer, and every hang-up, comes to an end");
  server.close();
  (*channel)->stop();
  client.reset();
  require(owner.ended == owner.called, "a request ends once");
  io.restart();
  io.run_for(kWaitMax);
  require(io.stopped(), "nothing goes on after the end");
}

}  // namespace
}  // namespace tutti::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > tutti::fuzz::kInputBytesMax) return 0;
  static boost::asio::io_context io;  // its thread that looks up names is started once
  tutti::log::configure(tutti::log::Level::Off);
  tutti::fuzz::converse(io, {reinterpret_cast<const char*>(data), size});
  return 0;
}
