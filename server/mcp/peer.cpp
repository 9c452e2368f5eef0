#include "server/mcp/peer.hpp"

#include <utility>

namespace tutti::mcp {

void Peer::add(const rpc::Id& id, const std::shared_ptr<Pending>& pending) {
  ++live_;
  if (spare_.empty()) {
    in_flight_.emplace(id, pending);
    return;
  }
  spare_.key() = id;
  spare_.mapped() = pending;
  auto added = in_flight_.insert(std::move(spare_));
  spare_ = std::move(added.node);
}

void Peer::remove(const rpc::Id& id) {
  auto removed = in_flight_.extract(id);
  if (removed.empty()) return;
  constexpr std::size_t kKeptIdBytesMax = 64;
  if (removed.key().capacity() <= kKeptIdBytesMax) {
    spare_ = std::move(removed);
    spare_.mapped().reset();
  }
  if (!in_flight_.empty()) return;
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
