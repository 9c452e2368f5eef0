#include "server/runner/waiter.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

namespace tutti::runner {
namespace net = boost::asio;
using std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;

namespace {

class RunningWait final : public Waiter::Wait, public std::enable_shared_from_this<RunningWait> {
 public:
  RunningWait(net::io_context& io, store::Store& store, WaitRequest request)
      : io_(io), store_(store), request_(std::move(request)), limit_(io), progress_(io) {}

  void start(store::Notifier& notifier) {
    // Subscribe first, look second: a change between the two is seen by one of them.
    if (request_.limit.count() > 0) subscribe(notifier);
    look();
  }

  void cancel() override {
    if (!end()) return;
    request_.done = nullptr;
  }

 private:
  void subscribe(store::Notifier& notifier) {
    const auto look_again = [weak = weak_from_this()] {
      if (auto self = weak.lock()) self->look();
    };
    for (const std::string& id : request_.session_ids)
      watches_.push_back(notifier.watch(id, look_again));
    if (request_.commits) watches_.push_back(notifier.watchCommits(look_again));
    armLimit(request_.limit);
    armProgress();
  }

  void armLimit(milliseconds limit) {
    limit_.expires_after(limit);
    limit_.async_wait([self = shared_from_this()](boost::system::error_code error) {
      if (!error) self->limitPassed();
    });
  }

  /// A look that is under way writes what `done` reads: it ends first.
  void limitPassed() {
    limit_passed_ = true;
    if (!looking_) finish(false);
  }

  void armProgress() {
    if (!request_.progress || over_) return;
    progress_.expires_after(request_.progress_every);
    progress_.async_wait([self = shared_from_this()](boost::system::error_code error) {
      if (error || self->over_) return;
      const auto progress = self->request_.progress;  // it may cancel, which drops the member
      progress(std::chrono::duration_cast<milliseconds>(SteadyClock::now() - self->began_));
      self->armProgress();
    });
  }

  void look() {
    if (over_) return;
    if (looking_) {
      again_ = true;
      return;
    }
    looking_ = true;
    auto found = std::make_shared<Result<bool>>(false);
    store_.read(
        [look = request_.look, found](store::Connection& db) -> Status {
          *found = look(db);
          return ok();
        },
        [self = shared_from_this(), found](Status status) mutable {
          if (!status.ok()) *found = std::move(status).error();
          net::io_context& io = self->io_;  // the wait is moved there, and ends on its thread
          net::post(io, [self = std::move(self), found] { self->looked(std::move(*found)); });
        });
  }

  void looked(Result<bool> found) {
    looking_ = false;
    if (over_) return;
    if (!found.ok() || found.value()) return finish(std::move(found));
    if (request_.limit.count() == 0 || limit_passed_) return finish(false);
    if (const auto before_waiting = std::exchange(request_.before_waiting, nullptr)) {
      const milliseconds limit = before_waiting();  // it may cancel
      if (over_) return;
      if (limit != request_.limit) armLimit(limit);
    }
    if (std::exchange(again_, false)) look();
  }

  /// False when it was over already.
  bool end() {
    if (std::exchange(over_, true)) return false;
    limit_.cancel();
    progress_.cancel();
    request_.progress = nullptr;
    request_.before_waiting = nullptr;
    // A watch may be calling us at this moment; end it from the loop.
    net::post(io_, [self = shared_from_this()] { self->watches_.clear(); });
    return true;
  }

  void finish(Result<bool> found) {
    if (!end()) return;
    if (auto done = std::exchange(request_.done, nullptr)) done(std::move(found));
  }

  net::io_context& io_;
  store::Store& store_;
  WaitRequest request_;
  net::steady_timer limit_;
  net::steady_timer progress_;
  std::vector<store::Notifier::Watch> watches_;
  const SteadyClock::time_point began_ = SteadyClock::now();
  bool looking_ = false;
  bool again_ = false;
  bool limit_passed_ = false;
  bool over_ = false;
};

}  // namespace

std::shared_ptr<Waiter::Wait> Waiter::begin(WaitRequest request) {
  auto wait = std::make_shared<RunningWait>(io_, store_, std::move(request));
  wait->start(notifier_);
  return wait;
}

}  // namespace tutti::runner
