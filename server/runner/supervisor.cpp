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

Status Supervisor::start() {
  auto replica = Replica::join(impl_->io, impl_->layout.replicas());
  if (!replica.ok()) return std::move(replica).error();
  impl_->replica = std::move(*replica);
  // Watch first, look second: who dies between the two is seen by one of them.
  Status watching =
      impl_->replica->watchDepartures([weak = std::weak_ptr(impl_)](const std::string& id) {
        const auto self = weak.lock();
        if (!self) return;
        self->adopt(id);
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

// --- intents -------------------------------------------------------------------------------------

void Supervisor::Impl::pump() {
  if (!replica) return;
  if (pumping) {
    pump_again = true;
    return;
  }
  pumping = true;
  auto intents = std::make_shared<std::vector<Intent>>();
  read(
      [intents, me = replica->id()](store::Connection& db) -> Status {
        *intents = agents::intentsOf(db, me);
        return ok();
      },
      [this, intents](Status) {
        pumping = false;
        for (const Intent& intent : *intents)
          if (active.emplace(intent.id, intent).second) begin(intent);
        if (std::exchange(pump_again, false)) return pump();
        checkIdle();
      });
}

void Supervisor::Impl::begin(const Intent& intent) {
  auto found = std::make_shared<Situation>();
  read(
      [found, intent](store::Connection& db) -> Status {
        auto session = agents::findSession(db, intent.session_id);
        if (!session.ok()) return std::move(session).error();
        found->session = std::move(*session);
        auto run = intent.run_id.empty() ? agents::latestRun(db, intent.session_id)
                                         : agents::findRun(db, intent.run_id);
        if (!run.ok()) return std::move(run).error();
        found->run = std::move(*run);
        return ok();
      },
      [this, found, intent](Status status) {
        if (!status.ok()) return end(intent);  // deleted meanwhile: nothing is left to do
        if (intent.kind == "stop") return stop(intent, *found);
        launch(intent, *found);
      });
}

void Supervisor::Impl::end(const Intent& intent) {
  spawns.erase(intent.run_id);
  startDone(intent.id);
  write(
      [id = intent.id](store::Tx& tx) -> Status {
        agents::removeIntent(tx, id);
        return ok();
      },
      [this, id = intent.id](Status) {
        active.erase(id);
        checkIdle();
      });
}

void Supervisor::Impl::startDone(std::int64_t intent_id) {
  if (starting.erase(intent_id) == 0 || queued_starts.empty()) return;
  const Intent next = queued_starts.front();
  queued_starts.pop_front();
  claimHost(next);
}

void Supervisor::Impl::checkIdle() {
  if (idle && active.empty() && !pumping) std::exchange(idle, nullptr)();
}

}  // namespace tutti::runner
