// One client as far as it has a memory here: a stdio process or a legacy HTTP session.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
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
  std::string credential;  ///< Caller::credential of `initialize`
  bool over_http = false;
  /// Takes what belongs to no request, for the client to find when it can.
  std::function<void(std::string frame)> unsolicited;
  std::unordered_set<std::string> watched;  ///< URIs of resources/subscribe
  bool in_audience = false;                 ///< see Audience::join()

  bool inFlight(const rpc::Id& id) const {
    return (!in_flight_.empty() && in_flight_.contains(id)) ||
           (!standing_.empty() && standing_.contains(id));
  }
  /// Full also counts cancelled requests whose handlers still hold on to them, so that a client
  /// cannot pile up work by cancelling it.
  bool full() const { return live_ >= in_flight_max_; }
  std::size_t inFlightMax() const { return in_flight_max_; }
  bool idle() const { return in_flight_.empty(); }

  /// `pending` is owed an answer from now on. With an id in flight it takes the place of what was
  /// there: the next round of the same request.
  void add(const rpc::Id& id, const std::shared_ptr<Pending>& pending);
  /// `pending` stays open until somebody ends it. It can be cancelled, but idle() does not wait for
  /// it and no bound of requests in flight counts it.
  void addStanding(const rpc::Id& id, const std::shared_ptr<Pending>& pending) {
    standing_.emplace(id, pending);
  }
  /// The answer is sent or given up. Safe for ids that were never added.
  void remove(const rpc::Id& id);
  /// Who is owed the answer with that id; null when nobody is.
  std::shared_ptr<Pending> pendingOf(const rpc::Id& id) const;
  /// The handler has let go of the request.
  void release() { --live_; }

  /// Cancels one request; unknown ids are ignored, as they may have been answered a moment ago.
  void cancel(const rpc::Id& id);
  void cancelAll();

  /// A name for this client among those that have tasks: random, made when first needed.
  const std::string& taskSession();

  /// What a client says to a request of ours; nothing when it will never answer.
  using Answered = std::function<void(std::optional<rpc::Message> response)>;
  /// A new id of ours, whose answer goes to `answered`, once. Empty when `in_flight_max` of our
  /// requests wait already.
  rpc::Id ask(Answered answered);
  /// Nobody waits for that answer any more.
  void forget(const rpc::Id& id) { asked_.erase(id); }
  /// The client has answered. Late and unknown answers are dropped.
  void answered(rpc::Message response);
  /// The client can answer no more: tells all who wait.
  void endAnswers();

  /// Runs whenever the last request in flight is gone.
  void onIdle(std::function<void()> callback) { idle_callback_ = std::move(callback); }

 private:
  const std::size_t in_flight_max_;
  std::size_t live_ = 0;
  std::unordered_map<rpc::Id, std::weak_ptr<Pending>> in_flight_;
  decltype(in_flight_)::node_type spare_;  // the last one removed: most calls end before the next
  std::unordered_map<rpc::Id, Answered> asked_;
  std::uint64_t last_asked_ = 0;
  bool answers_ended_ = false;
  std::string task_session_;
  std::unordered_map<rpc::Id, std::weak_ptr<Pending>> standing_;
  std::function<void()> idle_callback_;
};

}  // namespace tutti::mcp
