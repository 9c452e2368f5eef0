// What the protocol core needs of a transport: a place for the answer to one message.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tutti::mcp {

/// One frame in three pieces. The views die with the call.
struct FrameParts {
  std::string_view head;
  std::string_view body;
  std::string_view tail;

  std::string joined() const;
};

/// Takes what belongs to one incoming message. Frames are one JSON text without newlines. Runs on
/// the I/O thread; every function may be called after the client has gone and does nothing then.
class Exchange {
 public:
  virtual ~Exchange() = default;
  /// Something to send before the answer: progress, a log record. On HTTP the first one turns the
  /// answer into an event stream.
  virtual void notify(std::string frame) = 0;
  /// The answer: once, last. `http_status` is a hint that byte streams ignore.
  virtual void reply(std::string frame, int http_status) = 0;
  /// reply() with status 200, for an answer of which most lay ready: sparing of copies where the
  /// transport can be.
  virtual void replyParts(const FrameParts& parts) { reply(parts.joined(), 200); }
  /// No answer will come: the client withdrew the request.
  virtual void abandon() = 0;
  /// Lets the client's connection go; it comes back for the rest after that time. Only where the
  /// transport can do that.
  virtual void release(std::int64_t /*retry_ms*/) {}
};

/// A request that is being worked on.
class Pending {
 public:
  virtual ~Pending() = default;
  /// The client withdrew or went away: no answer is sent any more.
  virtual void cancel() = 0;
  /// The handler threw: answers with an internal error.
  virtual void fail() = 0;
};

}  // namespace tutti::mcp
