#include "server/mcp/peer.hpp"

#include <utility>

#include "server/base/ids.hpp"

namespace tutti::mcp {

void Peer::add(const rpc::Id& id, const std::shared_ptr<Pending>& pending) {
  ++live_;
  if (spare_.empty()) {
    in_flight_.insert_or_assign(id, pending);
    return;
  }
  spare_.key() = id;
  spare_.mapped() = pending;
  auto added = in_flight_.insert(std::move(spare_));
  if (!added.inserted) added.position->second = pending;
  spare_ = std::move(added.node);
}

std::shared_ptr<Pending> Peer::pendingOf(const rpc::Id& id) const {
  const auto found = in_flight_.find(id);
  return found == in_flight_.end() ? nullptr : found->second.lock();
}

void Peer::remove(const rpc::Id& id) {
  if (!standing_.empty() && standing_.erase(id) != 0) return;
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
  for (auto* requests : {&in_flight_, &standing_}) {
    const auto found = requests->find(id);
    if (found == requests->end()) continue;
    if (const auto pending = found->second.lock()) pending->cancel();
    return;
  }
}

void Peer::cancelAll() {
  std::vector<std::shared_ptr<Pending>> all;
  for (const auto* requests : {&in_flight_, &standing_})
    for (const auto& [id, weak] : *requests)
      if (auto pending = weak.lock()) all.push_back(std::move(pending));
  for (const auto& pending : all) pending->cancel();
}

const std::string& Peer::taskSession() {
  if (task_session_.empty()) task_session_ = randomHex(16);
  return task_session_;
}

rpc::Id Peer::ask(Answered answered) {
  if (answers_ended_ || asked_.size() >= in_flight_max_) return {};
  rpc::Id id = std::to_string(++last_asked_);
  asked_.emplace(id, std::move(answered));
  return id;
}

void Peer::answered(rpc::Message response) {
  auto waiting = asked_.extract(response.id);
  if (!waiting.empty()) waiting.mapped()(std::move(response));
}

void Peer::endAnswers() {
  answers_ended_ = true;
  while (!asked_.empty()) {
    auto waiting = asked_.extract(asked_.begin());
    waiting.mapped()(std::nullopt);
  }
}

}  // namespace tutti::mcp
