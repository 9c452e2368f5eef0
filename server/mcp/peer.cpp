#include "server/mcp/peer.hpp"

#include <utility>

namespace tutti::mcp {

void Peer::add(const rpc::Id& id, const std::shared_ptr<Pending>& pending) {
  in_flight_.emplace(id, pending);
  ++live_;
}

void Peer::remove(const rpc::Id& id) {
  if (in_flight_.erase(id) == 0 || !in_flight_.empty()) return;
  if (idle_callback_) idle_callback_();
}

void Peer::cancel(const rpc::Id& id) {
  const auto found = in_flight_.find(id);
  if (found == in_flight_.end()) return;
  if (const auto pending = found->second.lock()) pending->cancel();
}

void Peer::cancelAll() {
  std::vector<std::shared_ptr<Pending>> all;
  for (const auto& [id, weak] : in_flight_)
    if (auto pending = weak.lock()) all.push_back(std::move(pending));
  for (const auto& pending : all) pending->cancel();
}

}  // namespace tutti::mcp
