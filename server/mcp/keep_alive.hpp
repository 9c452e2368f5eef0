// Pings to a legacy client, so that one which is gone without a word is noticed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "server/mcp/peer.hpp"
#include "server/mcp/server.hpp"
#include "server/mcp/timers.hpp"

namespace tutti::mcp {

/// How often to ask, and how long to wait.
struct KeepAliveTimes {
  std::int64_t every_ms = 0;     ///< 0: never
  std::int64_t wait_max_ms = 0;  ///< for one answer
};

KeepAliveTimes keepAliveTimes(const ServerOptions& options);

/// The way to one client.
struct KeepAliveWay {
  std::function<std::shared_ptr<void>()> stream;  ///< what reaches the client now; null: nothing
  std::function<void(std::string frame)> send;
  std::function<void()> lost;  ///< the client did not answer; may destroy the KeepAlive
};

/// One ping at a time, answered by any response, also an error. A client that holds no stream when
/// it would be asked, or another one by the time an answer is due, is left in peace. Ends with its
/// destruction, with the first loss, and when the client says that it answers no more. Runs on the
/// I/O thread only.
class KeepAlive : public std::enable_shared_from_this<KeepAlive> {
 public:
  /// Null when there is nothing to do: no timers, or never.
  static std::shared_ptr<KeepAlive> start(std::shared_ptr<Timers> timers, KeepAliveTimes times,
                                          const std::shared_ptr<Peer>& peer, KeepAliveWay way);

 private:
  KeepAlive(std::shared_ptr<Timers> timers, KeepAliveTimes times, std::weak_ptr<Peer> peer,
            KeepAliveWay way);
  void wait();
  void ask();
  void answered(bool ended);
  void late();

  const std::shared_ptr<Timers> timers_;
  const KeepAliveTimes times_;
  const std::weak_ptr<Peer> peer_;
  const KeepAliveWay way_;
  std::shared_ptr<void> alarm_;
  std::weak_ptr<void> asked_on_;
  rpc::Id asked_;  ///< empty: no ping is unanswered
};

}  // namespace tutti::mcp
