// Routes beside MCP on the same HTTP server. A face implements HttpService and is given to
// HttpServer::addService(); bytes flow both ways in bounded memory.
//
// One request: request() is told its head and says how it takes the body (HttpBodyPlan); the answer
// goes to the HttpExchange, then or later. Everything runs on the I/O thread and must not block:
// who has work elsewhere keeps the exchange and answers by a task posted to the I/O thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tutti::transport {

struct HttpField {
  std::string_view name;  ///< as sent; compare without case
  std::string_view value;
};

/// Who asks. What the server demands of every client (Host, Origin, token) has passed before.
struct HttpPeer {
  std::string address;         ///< numeric, without port; empty on a Unix socket
  bool tls = false;            ///< the request came sealed
  bool authenticated = false;  ///< bore the server's token; false where the server has none
};

/// The head of a request. Views live as long as the call that passes them.
struct HttpRequestHead {
  std::string_view method;            ///< "GET"; methods in any spelling arrive as sent
  std::string_view target;            ///< path and query as sent, escapes and all
  std::span<const HttpField> fields;  ///< in order; without Transfer-Encoding and Expect
  /// Bytes of the body; nothing when it comes in chunks.
  std::optional<std::uint64_t> content_length;
  HttpPeer peer;

  std::string_view path() const { return target.substr(0, target.find('?')); }
  /// What follows the first '?', escapes and all; empty without one.
  std::string_view query() const;
  /// The first field of that name, whatever its case.
  std::optional<std::string_view> header(std::string_view name) const;
};

/// Why a body ended before its end.
enum class HttpCut {
  Gone,      ///< the client left, or the server ends
  TooLarge,  ///< above bytes_max; unless the service answers in cut(), the answer is 413
  TimedOut,  ///< no byte for request_max_s; the answer is 408
  Faulty,    ///< not valid HTTP; the answer is 400
};

/// Takes one body. After end() or cut() nothing more is called, and it is destroyed soon.
class HttpBodySink {
 public:
  virtual ~HttpBodySink() = default;
  /// What to do after a piece.
  enum class Flow {
    Go,
    Pause  ///< nothing more until HttpExchange::resumeBody(); the client is made to wait
  };
  /// The next bytes, at most 64 KB. The view dies with the call.
  virtual Flow data(std::string_view bytes) = 0;
  /// All of it has come.
  virtual void end() = 0;
  virtual void cut(HttpCut why) = 0;
};

/// Makes one answer's body, piece by piece, as the client takes it. Destroyed when the answer is
/// complete or the client has gone.
class HttpBodySource {
 public:
  virtual ~HttpBodySource() = default;
  enum class State {
    More,   ///< ask again when there is room
    Wait,   ///< nothing now; HttpExchange::resumeAnswer() asks again
    End,    ///< that was all
    Failed  ///< cannot go on: the connection is cut, so that the client sees that bytes are missing
  };
  /// Appends at most `bytes_max` bytes to `to`. More without a byte appended counts as Wait.
  virtual State read(std::string& to, std::size_t bytes_max) = 0;
};

/// An answer. Content-Length, Transfer-Encoding, Connection, Date and the CORS headers of an
/// allowed Origin are the transport's; HEAD gets the same head and no body.
struct HttpAnswer {
  int status = 200;
  std::string content_type = "application/json";  ///< empty: no such header
  /// More headers. Line ends in names and values become spaces.
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;                        ///< all of it, unless there is a source
  std::unique_ptr<HttpBodySource> source;  ///< may be null
  std::optional<std::uint64_t> length;     ///< bytes the source will make; nothing: chunked
  /// Sent whenever nothing else was for 15 s, and tells whether the client is there: ":\n\n" for
  /// event streams. Only with a source without length.
  std::string idle_text;
};

/// The answering side of one request. Keep it as long as needed: every call is harmless after the
/// answer is complete, the client has gone or the server has ended.
class HttpExchange {
 public:
  virtual ~HttpExchange() = default;
  /// Once; later calls are ignored. What of the body has not come by then is discarded, and not
  /// told to the sink; the connection closes after the answer if the body is still incomplete then.
  virtual void respond(HttpAnswer answer) = 0;
  /// After Flow::Pause: the sink takes more.
  virtual void resumeBody() = 0;
  /// After State::Wait: the source has more, or has ended.
  virtual void resumeAnswer() = 0;
  /// `callback` runs once if the connection ends before the answer is complete; at once if it has.
  /// A client that only waits is noticed when it has reset the connection or something is sent.
  virtual void onGone(std::function<void()> callback) = 0;
};

/// How a service takes the body of one request.
struct HttpBodyPlan {
  std::uint64_t bytes_max = 0;  ///< above it: HttpCut::TooLarge, before any byte if it is announced
  /// Null: the body means nothing. `Expect: 100-continue` is granted when there is a sink.
  std::unique_ptr<HttpBodySink> sink;

  /// The body in one piece: `whole` runs once with all of it, and not at all if it is cut off.
  static HttpBodyPlan whole(std::size_t bytes_max, std::function<void(std::string body)> whole);
};

/// What serves the requests below some path prefixes. Outlives the HttpServer.
class HttpService {
 public:
  virtual ~HttpService() = default;
  /// Called when the head has come. `exchange` may be answered at once, from the sink, or later.
  virtual HttpBodyPlan request(const HttpRequestHead& head,
                               const std::shared_ptr<HttpExchange>& exchange) = 0;
  /// The server drains: streams without end should end now, so that it can.
  virtual void drain() {}
};

}  // namespace tutti::transport
