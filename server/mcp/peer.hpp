// One client as far as it has a memory here: a stdio process or a legacy HTTP session.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "server/mcp/exchange.hpp"
#include "server/mcp/revision.hpp"
#include "server/mcp/tool.hpp"
#include "server/rpc/message.hpp"

namespace tutti::mcp {

/// Handshake state and the requests in flight. Requests keep it alive; it knows them weakly.
/// Runs on the I/O thread only.
class Peer {
 public:
  explicit Peer(std::size_t in_flight_max) : in_flight_max_(in_flight_max) {}

  // What `initialize` settled; legacy only.
  std::optional<Revision> negotiated;
  std::string client_name;
  LogLevel log_level = LogLevel::Info;
  Json client_capabilities;
  std::string agent_session_id;
  bool over_http = false;

  bool inFlight(const rpc::Id& id) const { return !in_flight_.empty() && in_flight_.contains(id); }
  /// Full also counts cancelled requests whose handlers still hold on to them, so that a client
  /// cannot pile up work by cancelling it.
  bool full() const { return live_ >= in_flight_max_; }
  std::size_t inFlightMax() const { return in_flight_max_; }
  bool idle() const { return in_flight_.empty(); }

  /// `pending` is owed an answer from now on.
  void add(const rpc::Id& id, const std::shared_ptr<Pending>& pending);
  /// The answer is sent or given up. Safe for ids that were never added.
  void remove(const rpc::Id& id);
  /// The handler has let go of the request.
  void release() { --live_; }

  /// Cancels one request; unknown ids are ignored, as they may have been answered a moment ago.
  void cancel(const rpc::Id& id);
  void cancelAll();

  /// Runs whenever the last request in flight is gone.
  void onIdle(std::function<void()> callback) { idle_callback_ = std::move(callback); }

 private:
  const std::size_t in_flight_max_;
  std::size_t live_ = 0;
  std::unordered_map<rpc::Id, std::weak_ptr<Pending>> in_flight_;
  decltype(in_flight_)::node_type spare_;  // the last one removed: most calls end before the next
  std::function<void()> idle_callback_;
};

}  // namespace tutti::mcp
