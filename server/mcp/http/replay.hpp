// Event streams that outlive their connection: a client of 2025-11-25 comes back with the id of the
// last event that it saw.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "server/mcp/exchange.hpp"
#include "server/mcp/http/message.hpp"

namespace tutti::mcp::http {

/// How much may be kept for clients that come back, for all sessions together. A bound of one
/// session stands in ReplayLimits.
struct ReplayBudget {
  std::size_t bytes_max = 64U * 1024 * 1024;
  std::size_t bytes = 0;
};

struct ReplayLimits {
  std::size_t session_bytes_max = 1024U * 1024;
};

/// The streams of one session. Event ids are "<stream>_<event>", and a stream's first event is
/// empty and says only its id. Past the bounds the oldest events are forgotten; a stream with a gap
/// cannot be taken up before it. Runs on the I/O thread only.
class Replay {
 public:
  Replay(std::shared_ptr<ReplayBudget> budget, ReplayLimits limits)
      : budget_(std::move(budget)), limits_(limits) {}
  ~Replay();
  Replay(const Replay&) = delete;
  Replay& operator=(const Replay&) = delete;

  using Number = std::uint64_t;
  /// A new stream on `reply`, with its first event.
  Number open(std::shared_ptr<HttpReply> reply);
  /// Sent if somebody reads, kept in any case.
  void send(Number stream, std::string data);
  /// Nothing more will come.
  void end(Number stream);
  /// Ends the connection but not the stream: the client is to come back after `retry_ms`.
  void release(Number stream, std::int64_t retry_ms);

  /// Opens `reply` with what the stream has had since that event; what is yet to come follows, and
  /// whoever read it until now reads no more. False, and nothing is done, for an id that is not of
  /// this session or whose following events are not all kept.
  bool resume(std::string_view last_event_id, const std::shared_ptr<HttpReply>& reply);
  /// The stream that an event id speaks of; 0 for a text that is none.
  static Number streamOf(std::string_view event_id);

  std::size_t bytes() const { return bytes_; }

 private:
  struct Event {
    std::uint64_t number;
    std::string data;
  };
  struct Stream {
    std::deque<Event> events;
    std::uint64_t last = 0;
    std::uint64_t forgotten = 0;  ///< the newest event that is no longer kept
    std::shared_ptr<HttpReply> reply;
    bool ended = false;
  };

  bool makeRoom(std::size_t bytes);
  void forgetOldest();
  void give(std::size_t bytes);

  const std::shared_ptr<ReplayBudget> budget_;
  const ReplayLimits limits_;
  std::unordered_map<Number, Stream> streams_;
  std::deque<Number> order_;  // the streams of all kept events, the oldest event first
  Number last_stream_ = 0;
  std::size_t bytes_ = 0;
};

/// The answer to one POST of a session with a Replay: JSON, or a stream that can be taken up again.
class ReplayExchange final : public Exchange {
 public:
  ReplayExchange(std::shared_ptr<HttpReply> reply, std::shared_ptr<Replay> replay)
      : reply_(std::move(reply)), replay_(std::move(replay)) {}

  void notify(std::string frame) override;
  void reply(std::string frame, int http_status) override;
  void abandon() override;
  void release(std::int64_t retry_ms) override;

 private:
  Replay::Number stream();

  std::shared_ptr<HttpReply> reply_;  // null once it belongs to the stream
  const std::shared_ptr<Replay> replay_;
  Replay::Number stream_ = 0;
};

}  // namespace tutti::mcp::http
