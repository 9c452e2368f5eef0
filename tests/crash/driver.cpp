#include "tests/crash/driver.hpp"

#include <poll.h>

#include <chrono>
#include <map>

namespace tutti::crash {
namespace {
using Moment = std::chrono::steady_clock::time_point;
using std::chrono::milliseconds;

constexpr int kLeaveMaxMs = 30'000;
constexpr int kBetweenCallsMaxMs = 60;

Moment later(std::int64_t ms) {
  return std::chrono::steady_clock::now() + milliseconds(ms);
}

int msUntil(Moment moment) {
  const auto left = moment - std::chrono::steady_clock::now();
  const auto ms = std::chrono::duration_cast<milliseconds>(left).count();
  return static_cast<int>(std::clamp<std::int64_t>(ms, 0, 60'000));
}

/// Some die while they start, some at their first call, some after a while.
std::int64_t lifeMs(Random& random) {
  const std::int64_t dice = below(random, 10);
  if (dice < 1) return below(random, 15);
  if (dice < 4) return below(random, 100);
  return below(random, 900);
}

class Life {
 public:
  Life(const World& world, Ledger& ledger, Random& random)
      : ledger_(ledger),
        random_(random),
        client_(world, below(random, 5) == 0 ? Client::Face::Http : Client::Face::Stdio) {}

  /// Works until `end`; false when the server went by itself.
  bool work(Moment end) {
    Moment next_call = later(0);
    bool open = client_.up();
    while (open && msUntil(end) > 0) {
      const bool room = pending_.size() < client_.callsMax();
      if (room && msUntil(next_call) == 0) {
        if (!act()) return false;
        next_call = later(below(random_, kBetweenCallsMaxMs));
      }
      const Moment wake = room ? std::min(end, next_call) : end;
      for (const Answer& answer : client_.receive(msUntil(wake), open)) take(answer);
    }
    return open;
  }

  /// SIGKILL, now. What it had answered before is in the pipe and counts.
  void kill() {
    client_.kill();
    drain();
  }

  std::optional<int> leave() {
    const auto status = client_.leave(kLeaveMaxMs);
    drain();
    return status;
  }

 private:
  struct Call {
    std::string tool;
    std::string tag;
  };

  bool act() {
    const std::int64_t dice = below(random_, 10);
    if (dice < 2) {
      const auto run = ledger_.toAwait(random_);
      if (!run) return true;
      const double wait_s = static_cast<double>(below(random_, 3)) / 2;
      return send({"get_result", {}}, Json::object({{"run_id", *run}, {"wait_s", wait_s}}));
    }
    if (dice == 2 && below(random_, 2) == 0) {
      const auto session = ledger_.toStop(random_);
      if (!session) return true;
      return send({"stop", {}}, Json::object({{"session_id", *session}, {"wait_s", 0.5}}));
    }
    const auto order = ledger_.next(random_);
    if (!order) return true;
    return send({order->tool, order->tag}, order->arguments);
  }

  bool send(Call call, const Json& arguments) {
    const auto id = client_.send(call.tool, arguments);
    if (!id && !call.tag.empty()) ledger_.lost(call.tag);
    if (id) pending_.emplace(*id, std::move(call));
    return id.has_value();
  }

  void take(const Answer& answer) {
    const auto found = pending_.find(answer.id);
    if (found == pending_.end())
      return ledger_.problem("an answer to nothing: " + json::dump(answer.body));
    const Call call = std::move(found->second);
    pending_.erase(found);
    if (!call.tag.empty() && answer.is_error) return ledger_.refused(call.tag, answer.body);
    if (!call.tag.empty()) return ledger_.answered(call.tag, answer.body);
    if (answer.is_error) return ledger_.problem(call.tool + " failed: " + json::dump(answer.body));
    if (call.tool == "get_result") ledger_.told(answer.body);
  }

  void drain() {
    bool open = true;
    for (bool more = true; open && more;) {
      const auto answers = client_.receive(0, open);
      for (const Answer& answer : answers) take(answer);
      more = !answers.empty();
    }
    for (const auto& [id, call] : pending_)
      if (!call.tag.empty()) ledger_.lost(call.tag);
  }

  Ledger& ledger_;
  Random& random_;
  Client client_;
  std::map<std::int64_t, Call> pending_;
};

}  // namespace

void drive(const World& world, Ledger& ledger, Counts& counts, std::uint64_t seed,
           const std::atomic<bool>& over) {
  Random random(seed);
  while (!over) {
    ++counts.lives;
    Life life(world, ledger, random);
    const std::int64_t ms = lifeMs(random);
    if (!life.work(later(ms))) {
      ledger.problem("a server ended by itself, or did not start");
      life.kill();
      continue;
    }
    if (below(random, 10) == 0) {
      ++counts.left;
      const auto status = life.leave();
      if (status != 0)
        ledger.problem("a server left with " + (status ? std::to_string(*status) : "nothing"));
      continue;
    }
    life.kill();
    ++counts.killed;
  }
}

void killHosts(const World& world, Counts& counts, std::uint64_t seed,
               const std::atomic<bool>& over) {
  Random random(seed);
  while (!over) {
    const auto hosts = world.hosts();
    if (!hosts.empty()) {
      const auto which = static_cast<std::size_t>(below(random, std::ssize(hosts)));
      if (killMember(world, hosts[which])) ++counts.hosts_killed;
    }
    ::poll(nullptr, 0, static_cast<int>(below(random, 400)));  // the next random moment
  }
}

}  // namespace tutti::crash
