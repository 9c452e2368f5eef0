// The stream of the HTTP+SSE transport of 2024-11-05, as a client has it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/base/result.hpp"
#include "server/transport/http_link.hpp"

namespace tutti::transport {

struct OldSseOptions {
  std::vector<std::pair<std::string, std::string>> headers;
  std::size_t message_bytes_max = 16U * 1024 * 1024;
  std::int64_t connect_max_ms = 10'000;
  std::int64_t endpoint_max_ms = 10'000;
};

struct OldSseTold {
  /// Once, first: where messages are to be POSTed, on the same server.
  std::function<void(std::string target)> on_endpoint;
  std::function<void(std::string_view message)> on_message;
  /// Once, last, unless it was closed. Errors: Unavailable "http_unreachable", "tls_failed",
  /// "stream_ended", "no_endpoint"; Internal "bad_endpoint" for one on another server.
  std::function<void(Error why)> on_end;
};

/// Runs on the I/O thread only. Tells nothing from within open().
class OldSse {
 public:
  static std::shared_ptr<OldSse> open(boost::asio::io_context& io, std::shared_ptr<HttpLinks> links,
                                      OldSseOptions options, OldSseTold told);
  virtual ~OldSse() = default;
  /// Nothing is told any more.
  virtual void close() = 0;
};

/// What an endpoint event names, as the target of a request to `base`. Errors: Internal
/// "bad_endpoint" when it is on another server, or no URL.
Result<std::string> endpointTarget(const HttpAddress& base, std::string_view endpoint);

}  // namespace tutti::transport
