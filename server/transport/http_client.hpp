// A server reached over streamable HTTP.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/base/result.hpp"
#include "server/mcp/client/channel.hpp"

namespace boost::asio {
class io_context;
}
namespace tutti::mcp::client {
class Client;
}

namespace tutti::transport {

struct HttpClientOptions {
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;  ///< with every request
  std::string ca_file;       ///< PEM: whom to trust over https, instead of whom the system trusts
  bool old_sse = false;      ///< the HTTP+SSE transport of 2024-11-05 and no other
  std::size_t idle_max = 8;  ///< connections kept for the next requests
  std::int64_t idle_ms = 4'000;           ///< how long
  std::int64_t endpoint_max_ms = 10'000;  ///< until an HTTP+SSE server says where to POST
  std::size_t message_bytes_max = 16U * 1024 * 1024;
  std::int64_t connect_max_ms = 10'000;
  /// How long the first requests wait until a legacy server has answered the GET that listens.
  std::int64_t listen_wait_ms = 500;
  std::int64_t retry_ms = 1'000;       ///< before a stream is taken up again, if it does not say
  std::int64_t retry_min_ms = 100;     ///< at least, whatever it says
  std::int64_t retry_max_ms = 60'000;  ///< at most, whatever it says
  int resumes_max = 10;                ///< of one request's stream in a row without an event
  int polls_max = 1'000;               ///< in a row without a message, though with events
};

/// One message a POST; answers as JSON or as an event stream. Legacy: keeps the session, takes up a
/// broken stream by Last-Event-ID, listens on a GET stream. Modern: says in headers what is in the
/// message, and ends a stream to cancel. A server that refuses `initialize` as one that does not
/// know this transport is tried with HTTP+SSE. Connections are used again.
///
/// Runs on the I/O thread only. Outlives its client, as every channel does; stop() cuts them apart.
class HttpClient final : public mcp::client::Channel {
 public:
  /// Errors: those of HttpAddress::parse() and HttpLinks::create().
  static Result<std::unique_ptr<HttpClient>> create(boost::asio::io_context& io,
                                                    HttpClientOptions options);
  ~HttpClient() override;

  void start(mcp::client::Client& client);
  /// Ends every stream, and the session if there is one. The client hears nothing any more.
  void stop();

  void send(mcp::client::Outgoing message) override;
  void withdraw(const rpc::Id& id) override;
  bool withdrawalCancels() const override { return true; }
  void established() override;
  std::int64_t nowMs() const override;
  void wakeAt(std::int64_t at_ms) override;

 private:
  struct Impl;
  explicit HttpClient(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<Impl> impl_;
};

}  // namespace tutti::transport
