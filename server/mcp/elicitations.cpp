#include "server/mcp/elicitations.hpp"

#include <algorithm>

#include "server/mcp/json_members.hpp"
#include "server/rpc/codec.hpp"

namespace tutti::mcp {

void Elicitations::add(const std::string& id, const std::shared_ptr<Peer>& peer) {
  if (id.empty() || !peer || peer->negotiated != Revision::k2025_11_25) return;
  if (!peers_.insert_or_assign(id, peer).second) return;
  order_.push_back(id);
  if (order_.size() <= count_max_) return;
  peers_.erase(order_.front());
  order_.pop_front();
}

bool Elicitations::complete(const std::string& id) {
  const auto found = peers_.extract(id);
  if (found.empty()) return false;
  order_.erase(std::find(order_.begin(), order_.end(), id));
  const auto peer = found.mapped().lock();
  if (!peer || !peer->unsolicited) return false;
  std::string params = "{";
  appendTextMember(params, "elicitationId", id);
  params += '}';
  peer->unsolicited(rpc::notificationFrame("notifications/elicitation/complete", params));
  return true;
}

}  // namespace tutti::mcp
