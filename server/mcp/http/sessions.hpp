// Legacy sessions: what `initialize` over HTTP leaves behind.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "server/mcp/http/message.hpp"
#include "server/mcp/http/replay.hpp"
#include "server/mcp/keep_alive.hpp"
#include "server/mcp/peer.hpp"

namespace tutti::mcp::http {

struct Session {
  std::string id;  ///< 192 random bits as hex
  std::shared_ptr<Peer> peer;
  std::shared_ptr<HttpReply> stream;         ///< the standalone event stream, while a GET is open
  std::shared_ptr<Replay> replay = nullptr;  ///< of revisions whose streams can be taken up again
  Replay::Number standalone = 0;             ///< the number of the last standalone stream there
  std::deque<std::string> undelivered = {};
  std::shared_ptr<KeepAlive> keep_alive = nullptr;  ///< null: it is not pinged
  std::chrono::steady_clock::time_point used_at = {};

  /// Neither a request in flight nor a stream: nobody would notice at once that it is gone.
  bool idle() const { return peer->idle() && !stream; }

  /// What belongs to no request goes to the standalone stream. While there is none it waits, equal
  /// frames once: at most kUndeliveredMax, the oldest go first.
  void deliver(std::string frame);
  /// A GET has come: what waited goes out, on a stream that can be taken up again if there is a
  /// replay.
  void openStream(std::shared_ptr<HttpReply> reply);
  /// A GET has come for what followed that event. False when it cannot be had; see
  /// Replay::resume().
  bool resumeStream(std::string_view last_event_id, const std::shared_ptr<HttpReply>& reply);

  static constexpr std::size_t kUndeliveredMax = 64;
};

/// A clock that only goes forward; tests turn it by hand.
using SteadyNow = std::function<std::chrono::steady_clock::time_point()>;

struct SessionLimits {
  std::size_t sessions_max = 4096;
  std::chrono::seconds idle_max{3600};  ///< then a session ends: its client may be long gone
  SteadyNow now = std::chrono::steady_clock::now;
};

/// Bounded: a new session takes the place of the one that is idle the longest. Runs on the I/O
/// thread. There is no timer: endIdle() is called on every request.
class Sessions {
 public:
  explicit Sessions(SessionLimits limits) : limits_(std::move(limits)) {}
  /// Whoever still waits for a client's answer learns that none will come.
  ~Sessions();
  Sessions(const Sessions&) = delete;
  Sessions& operator=(const Sessions&) = delete;

  /// Ends the sessions that were idle longer than `idle_max`.
  void endIdle();
  /// Makes room if need be. False when every session is busy.
  bool makeRoom();
  std::shared_ptr<Session> add(std::string id, std::shared_ptr<Peer> peer);
  /// nullptr when unknown or ended. Counts as use.
  std::shared_ptr<Session> find(std::string_view id);
  /// What has just ended (a request, a stream) counts as use until now.
  void touch(const Session& session);
  /// Cancels its requests and ends its stream.
  void end(const std::shared_ptr<Session>& session);
  void endStreams();
  void endAll();
  std::size_t size() const { return by_id_.size(); }

 private:
  using Order = std::list<std::shared_ptr<Session>>;  // the least recently used first
  void use(Order::iterator place);

  const SessionLimits limits_;
  Order order_;
  std::unordered_map<std::string_view, Order::iterator> by_id_;  // keys live in the sessions
};

}  // namespace tutti::mcp::http
