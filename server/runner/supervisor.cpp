#include "server/runner/supervisor.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <nlohmann/json.hpp>

#include "server/base/log.hpp"
#include "server/runner/supervisor_impl.hpp"

namespace tutti::runner {

Supervisor::Supervisor(net::io_context& io, store::Store& store, Options options)
    : impl_(std::make_shared<Impl>(io, store, std::move(options))) {}

Supervisor::~Supervisor() {
  impl_->closing = true;
  impl_->idle = nullptr;
  impl_->departed = nullptr;
  for (auto& [id, follower] : impl_->followers) follower->abandon();
  impl_->followers.clear();
  impl_->blocking.stop();
  impl_->blocking.join();
  if (impl_->launcher) impl_->launcher->stop();
  if (impl_->launcher) impl_->launcher->join();
  impl_->replica.reset();
}

const std::string& Supervisor::replicaId() const {
  return impl_->replica->id();
}
bool Supervisor::isDead(const std::string& replica) const {
  return impl_->replica->isDead(replica);
}
void Supervisor::onDeparture(std::function<void(const std::string&)> departed) {
  impl_->departed = std::move(departed);
}
const agents::SessionLimits& Supervisor::limits() const {
  return impl_->options.limits;
}
const LaunchContext& Supervisor::launchContext() const {
  return impl_->options.launch;
}
void Supervisor::pump() {
  impl_->pump();
}
void Supervisor::pumpLaunches() {
  impl_->pumpLaunches();
}

Status Supervisor::start() {
  auto replica = Replica::join(impl_->io, impl_->layout.replicas());
  if (!replica.ok()) return std::move(replica).error();
  impl_->replica = std::move(*replica);
  // Watch first, look second: who dies between the two is seen by one of them.
  Status watching = impl_->replica->watchDepartures(
      *impl_->options.folders, [weak = std::weak_ptr(impl_)](const std::string& id) {
        const auto self = weak.lock();
        if (!self) return;
        id.empty() ? self->adoptAll() : self->adopt(id);
        if (self->departed) self->departed(id);
      });
  if (!watching.ok()) return watching;
  impl_->adoptAll();
  impl_->sweepLater();
  return ok();
}

void Supervisor::whenIdle(std::function<void()> idle, std::int64_t limit_ms) {
  impl_->idle = std::move(idle);
  auto timer = std::make_shared<net::steady_timer>(impl_->io, std::chrono::milliseconds(limit_ms));
  timer->async_wait([weak = std::weak_ptr(impl_), timer](boost::system::error_code) {
    auto self = weak.lock();
    if (!self || !self->idle) return;
    log::warning("leaving with unfinished intents", {{"count", self->active.size()}});
    std::exchange(self->idle, nullptr)();
  });
  impl_->pump();
}

// --- between the threads -------------------------------------------------------------------------

void Supervisor::Impl::write(store::Store::Work work, std::function<void(Status)> then) {
  store.write(std::move(work), [self = shared_from_this(), then = std::move(then)](Status status) {
    net::post(self->io, [self, then, status = std::move(status)] {
      if (!self->closing) then(status);
    });
  });
}

void Supervisor::Impl::read(store::Store::Work work, std::function<void(Status)> then) {
  store.read(std::move(work), [self = shared_from_this(), then = std::move(then)](Status status) {
    net::post(self->io, [self, then, status = std::move(status)] {
      if (!self->closing) then(status);
    });
  });
}

void Supervisor::Impl::onLauncher(std::function<Status()> work, std::function<void(Status)> then) {
  if (!launcher) launcher.emplace(1);
  net::post(*launcher, [self = shared_from_this(), work = std::move(work), then = std::move(then)] {
    net::post(self->io, [self, then, status = work()] {
      if (!self->closing) then(status);
    });
  });
}

void Supervisor::Impl::later(std::chrono::milliseconds delay, std::function<void()> then) {
  auto timer = std::make_shared<net::steady_timer>(io, delay);
  timer->async_wait(
      [weak = weak_from_this(), timer, then = std::move(then)](boost::system::error_code) {
        if (auto self = weak.lock(); self && !self->closing) then();
      });
}

}  // namespace tutti::runner
