// One HTTP request and the place for its answer, as the transport hands them over.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tutti::mcp::http {

/// The headers that mean something here.
enum class Header {
  Accept,
  AgentSessionId,
  Authorization,
  ContentType,
  Host,
  LastEventId,
  McpMethod,
  McpName,
  Origin,
  PreflightMethod,  ///< Access-Control-Request-Method
  ProtocolVersion,
  SessionId,
};
inline constexpr std::size_t kHeaderCount = 12;

/// The header of that name, whatever its case; nothing for one that means nothing here.
std::optional<Header> headerNamed(std::string_view name);
/// Does the name begin with `mcp-param-`, whatever its case?
bool isParameterHeader(std::string_view name);

/// A request whose body has arrived. The views live as long as the call that passes them.
struct HttpRequest {
  std::string_view method;  ///< "POST"
  std::string_view target;  ///< path and query as sent
  std::string_view body;

  /// Absent is nothing, present and empty is "". Without the spaces around it.
  const std::optional<std::string_view>& header(Header name) const {
    return headers_[static_cast<std::size_t>(name)];
  }
  void setHeader(Header name, std::string_view value);
  /// The value of an `mcp-param-…` header by its lower-case name.
  std::optional<std::string_view> parameter(std::string_view name) const;
  void addParameter(std::string_view name, std::string_view value);
  /// A header came twice with two values: nobody can say which one counts.
  bool contradictory() const { return contradictory_; }
  /// The target without its query.
  std::string_view path() const { return target.substr(0, target.find('?')); }

 private:
  std::array<std::optional<std::string_view>, kHeaderCount> headers_;
  std::vector<std::pair<std::string_view, std::string_view>> parameters_;
  bool contradictory_ = false;
};

/// What tells callers apart who show a credential, whatever checked it: who shows another one is
/// somebody else. Nobody can get at the credential from it. Empty when none is shown.
std::string credentialOf(const HttpRequest& request);

/// A whole answer. `extra_headers` are complete lines with CRLF.
struct HttpResponse {
  int status = 200;
  std::string_view content_type = "application/json";
  std::string_view body;
  std::string_view extra_headers;
};

/// One event of a stream. Without data and without an id it is nothing but its `retry_ms`.
struct ServerEvent {
  std::string_view data;              ///< one line
  std::string_view name = "message";  ///< of an event with data
  std::string_view id = {};           ///< empty: none
  std::int64_t retry_ms =
      0;  ///< after which a client that has lost the stream comes back; 0: as it likes
};

/// Where one request's answer goes: respond() once, or openStream(), event()…, endStream().
/// Runs on the I/O thread; every call is harmless after the client has gone.
class HttpReply {
 public:
  virtual ~HttpReply() = default;
  virtual void respond(const HttpResponse& response) = 0;
  /// respond() with a body that has something before and something behind it.
  virtual void respondAround(const HttpResponse& response, std::string_view before,
                             std::string_view behind);
  /// Status 200 and text/event-stream.
  virtual void openStream(std::string_view extra_headers) = 0;
  virtual void event(const ServerEvent& event) = 0;
  virtual void endStream() = 0;
  /// `callback` runs once if the client disconnects before the answer is complete; at once if it
  /// has.
  virtual void onGone(std::function<void()> callback) = 0;
};

}  // namespace tutti::mcp::http
