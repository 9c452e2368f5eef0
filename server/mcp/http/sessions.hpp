// Legacy sessions: what `initialize` over HTTP leaves behind.
#pragma once

#include <cstddef>
#include <deque>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "server/mcp/http/message.hpp"
#include "server/mcp/http/replay.hpp"
#include "server/mcp/peer.hpp"

namespace tutti::mcp::http {

struct Session {
  std::string id;  ///< 192 random bits as hex
  std::shared_ptr<Peer> peer;
  std::shared_ptr<HttpReply> stream;         ///< the standalone event stream, while a GET is open
  std::shared_ptr<Replay> replay = nullptr;  ///< of revisions whose streams can be taken up again
  std::deque<std::string> undelivered = {};

  /// What belongs to no request goes to the standalone stream. While there is none it waits, equal
  /// frames once: at most kUndeliveredMax, the oldest go first.
  void deliver(std::string frame);
  /// A GET has come: what waited goes out.
  void openStream(std::shared_ptr<HttpReply> reply);

  static constexpr std::size_t kUndeliveredMax = 64;
};

/// Bounded: a new session takes the place of the one that is idle the longest. Runs on the I/O
/// thread.
class Sessions {
 public:
  explicit Sessions(std::size_t sessions_max) : sessions_max_(sessions_max) {}
  /// Whoever still waits for a client's answer learns that none will come.
  ~Sessions();
  Sessions(const Sessions&) = delete;
  Sessions& operator=(const Sessions&) = delete;

  /// Makes room if need be. False when every session is busy.
  bool makeRoom();
  std::shared_ptr<Session> add(std::string id, std::shared_ptr<Peer> peer);
  /// nullptr when unknown or ended. Counts as use.
  std::shared_ptr<Session> find(std::string_view id);
  /// Cancels its requests and ends its stream.
  void end(const std::shared_ptr<Session>& session);
  void endStreams();
  void endAll();
  std::size_t size() const { return by_id_.size(); }

 private:
  using Order = std::list<std::shared_ptr<Session>>;  // the least recently used first
  const std::size_t sessions_max_;
  Order order_;
  std::unordered_map<std::string_view, Order::iterator> by_id_;  // keys live in the sessions
};

}  // namespace tutti::mcp::http
