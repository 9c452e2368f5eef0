// Who is told when something that is offered changes.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "server/mcp/peer.hpp"

namespace tutti::mcp {

enum class Change { Tools, Prompts, Resources };

/// A modern client's subscriptions/listen, open until somebody ends it.
class Listener : public Pending {
 public:
  virtual void changed(Change change) = 0;
  virtual void updated(std::string_view uri) = 0;
  virtual const std::string& agentSession() const = 0;  ///< whose it is; "" for a person's client
  /// Adds the resources it wants to hear of.
  virtual void collectWatched(std::set<std::string>& uris) const = 0;
  /// The server ends it: the client gets the result that the request is still owed.
  virtual void end() = 0;
  virtual bool overHttp() const = 0;
};

/// Legacy peers are told without asking once their handshake is done, of a resource only if they
/// watch it; listeners by what they asked for. Runs on the I/O thread only; every function may be
/// called from within a notification.
class Audience {
 public:
  explicit Audience(std::size_t listeners_max) : listeners_max_(listeners_max) {}

  /// Knows the peer weakly.
  void join(const std::shared_ptr<Peer>& peer);
  bool full() const { return listeners_.size() >= listeners_max_; }
  std::size_t listenersMax() const { return listeners_max_; }
  std::size_t listening() const { return listeners_.size(); }
  /// Keeps the listener until remove().
  void add(std::shared_ptr<Listener> listener);
  void remove(const Listener* listener) { listeners_.erase(listener); }

  void changed(Change change);
  /// Who may hear of something, by its agent session ("" is a person's client); empty: everybody.
  using MayHear = std::function<bool(const std::string& agent_session_id)>;
  void updated(std::string_view uri, const MayHear& may_hear = {});
  /// To legacy peers, by the level of each.
  void log(LogLevel level, std::string_view logger, const Json& data);
  /// `callback` runs at watchChanged().
  void onWatched(std::function<void()> callback) { on_watched_ = std::move(callback); }
  /// Somebody wants to hear of other resources than before.
  void watchChanged() const {
    if (on_watched_) on_watched_();
  }
  /// The resources that somebody wants to hear of, in order.
  std::vector<std::string> watched();
  /// The agent sessions of those who want to hear of some.
  std::set<std::string> watchingSessions();
  /// Ends the listeners that came over HTTP.
  void endOverHttp();

 private:
  std::vector<std::shared_ptr<Listener>> listeners() const;
  std::vector<std::shared_ptr<Peer>> peers();

  const std::size_t listeners_max_;
  std::unordered_map<const Listener*, std::shared_ptr<Listener>> listeners_;
  std::vector<std::weak_ptr<Peer>> peers_;
  std::function<void()> on_watched_;
  std::size_t sweep_at_ = 64;  ///< peers; then those that are gone are forgotten
};

}  // namespace tutti::mcp
