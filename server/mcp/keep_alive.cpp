#include "server/mcp/keep_alive.hpp"

#include <utility>

namespace tutti::mcp {

KeepAliveTimes keepAliveTimes(const ServerOptions& options) {
  constexpr std::int64_t kMillis = 1000;
  return {options.ping_every_s * kMillis, options.ping_wait_max_s * kMillis};
}

std::shared_ptr<KeepAlive> KeepAlive::start(std::shared_ptr<Timers> timers, KeepAliveTimes times,
                                            const std::shared_ptr<Peer>& peer, KeepAliveWay way) {
  if (!timers || times.every_ms <= 0) return nullptr;
  const std::shared_ptr<KeepAlive> made(
      new KeepAlive(std::move(timers), times, peer, std::move(way)));
  made->wait();
  return made;
}

KeepAlive::KeepAlive(std::shared_ptr<Timers> timers, KeepAliveTimes times, std::weak_ptr<Peer> peer,
                     KeepAliveWay way)
    : timers_(std::move(timers)), times_(times), peer_(std::move(peer)), way_(std::move(way)) {}

void KeepAlive::wait() {
  alarm_ = timers_->after(times_.every_ms, [weak = weak_from_this()] {
    if (const auto alive = weak.lock()) alive->ask();
  });
}

void KeepAlive::ask() {
  const auto peer = peer_.lock();
  if (!peer) return;
  const auto stream = way_.stream();
  if (!stream) return wait();
  asked_ = peer->ask([weak = weak_from_this()](const std::optional<rpc::Message>& response) {
    if (const auto alive = weak.lock()) alive->answered(!response.has_value());
  });
  if (asked_.empty()) return wait();  // it leaves other questions unanswered already
  asked_on_ = stream;
  alarm_ = timers_->after(times_.wait_max_ms, [weak = weak_from_this()] {
    if (const auto alive = weak.lock()) alive->late();
  });
  way_.send("{\"jsonrpc\":\"2.0\",\"id\":" + asked_ + ",\"method\":\"ping\"}");
}

void KeepAlive::answered(bool ended) {
  asked_.clear();
  alarm_ = nullptr;
  if (!ended) wait();
}

void KeepAlive::late() {
  const auto kept = shared_from_this();
  if (const auto peer = peer_.lock()) peer->forget(std::exchange(asked_, {}));
  const auto stream = way_.stream();
  if (!stream || stream != asked_on_.lock()) return wait();  // the ping went down with its stream
  alarm_ = nullptr;
  way_.lost();
}

}  // namespace tutti::mcp
