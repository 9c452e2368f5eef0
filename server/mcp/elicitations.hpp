// Which client's user was sent to which page, for the word that the visit is over.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>

#include "server/mcp/peer.hpp"

namespace tutti::mcp {

/// Clients of 2025-11-25 by the ids of elicitations; the oldest are forgotten first. Runs on the
/// I/O thread only.
class Elicitations {
 public:
  explicit Elicitations(std::size_t count_max) : count_max_(count_max) {}

  /// Knows the peer weakly. An empty id and a peer of another revision are ignored; an id that is
  /// there already is the new peer's.
  void add(const std::string& id, const std::shared_ptr<Peer>& peer);
  /// Tells the peer, and forgets the id. False when nobody is told.
  bool complete(const std::string& id);

 private:
  const std::size_t count_max_;
  std::unordered_map<std::string, std::weak_ptr<Peer>> peers_;
  std::deque<std::string> order_;  // of peers_'s keys, each once
};

}  // namespace tutti::mcp
