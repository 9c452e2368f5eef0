// One HTTP request of ours and its answer.
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

namespace boost::asio {
class io_context;
}

namespace tutti::transport {

struct HttpCall {
  std::string method;
  std::string target;  ///< empty: the address has it
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::int64_t connect_max_ms = 10'000;  ///< name, connection and sending
  std::int64_t answer_max_ms = 0;        ///< until the head of the answer; 0: no limit
  /// Interim answers (100, 102, 103) that may precede the answer; they are read and not told. A
  /// change of protocol (101) was not asked for, and is an error.
  std::size_t interim_max = 16;
};

/// What comes back. All on the I/O thread, none from within start().
struct HttpTold {
  struct Head {
    int status = 0;
    std::string content_type;  ///< lower case, without parameters
    std::string session_id;    ///< Mcp-Session-Id
    std::string retry_after;
  };
  std::function<void(const Head&)> on_head;
  std::function<void(std::string_view)> on_body;
  /// Once, last: the answer is complete, or why it is not.
  std::function<void(Status)> on_end;
};

/// Runs until on_end or abort(). A request is never sent twice: whether the first one had an effect
/// cannot be told. Runs on the I/O thread only.
class HttpRequest {
 public:
  static std::shared_ptr<HttpRequest> start(boost::asio::io_context& io,
                                            std::shared_ptr<HttpLinks> links, HttpCall call,
                                            HttpTold told);
  virtual ~HttpRequest() = default;
  /// Closes the connection; nothing is told any more.
  virtual void abort() = 0;
  /// Nothing is told any more, but what little is left of the answer is read, for a second at most,
  /// so that its connection can be used again.
  virtual void leave() = 0;
};

}  // namespace tutti::transport
