// Which intents begin when. They stay in the store until they are done; here are only those under
// way, so that a burst of thousands costs each look no more than the few that it can begin.
#include <nlohmann/json.hpp>

#include <algorithm>

#include "server/base/log.hpp"
#include "server/runner/supervisor_impl.hpp"

namespace tutti::runner {

namespace {
constexpr std::chrono::seconds kRetry{1};
constexpr std::int64_t kOthersAtOnce = 64;  // turns and stops that one look begins
constexpr std::int64_t kOthersMax = 1024;   // of them under way; more wait in the store

/// So many writes wait when callers do: a host or two and their events alone make fewer.
constexpr std::size_t kBacklog = 4;
constexpr std::chrono::milliseconds kBacklogLasts{30};
constexpr std::chrono::milliseconds kBusyPause{25};  // from launch to launch in the meantime

void addFound(store::Connection& db, Look& look, const std::vector<Intent>& intents,
              std::int64_t room) {
  for (const Intent& intent : intents) {
    if (room == 0) return;
    if (look.active.contains(intent.id)) continue;
    look.found.push_back({intent, situationOf(db, intent)});
    --room;
  }
}

/// What is for a live host first: its caller waits for one message, not for a process.
void lookFor(store::Connection& db, Look& look) {
  look.found.clear();
  if (look.others_room > 0)
    addFound(db, look, agents::hostIntents(db, look.owner, look.others + look.others_room),
             look.others_room);
  if (look.launches_room > 0)
    addFound(db, look, agents::launchIntents(db, look.owner, look.launches + look.launches_room),
             look.launches_room);
}

bool isLaunch(const Intent& intent) {
  return intent.kind == "launch";
}
}  // namespace

Result<Situation> situationOf(store::Connection& db, const Intent& intent) {
  auto session = agents::findSession(db, intent.session_id);
  if (!session.ok()) return std::move(session).error();
  auto run = intent.run_id.empty() ? agents::latestRun(db, intent.session_id)
                                   : agents::findRun(db, intent.run_id);
  if (!run.ok()) return std::move(run).error();
  return Situation{std::move(*session), std::move(*run)};
}

std::int64_t Supervisor::Impl::launchesActive() const {
  return std::count_if(active.begin(), active.end(),
                       [](const auto& entry) { return isLaunch(entry.second); });
}

bool Supervisor::Impl::isLaunching(const std::string& session_id) const {
  return std::any_of(active.begin(), active.end(), [&](const auto& entry) {
    return entry.second.session_id == session_id && entry.second.kind != "stop";
  });
}

// Callers wait for a commit each, and a launch costs as much as a hundred of those: while there are
// many callers, launches begin one at a time and at a distance, and go on at full speed after them.
std::int64_t Supervisor::Impl::launchesRoom() {
  const auto now = std::chrono::steady_clock::now();
  if (store.writesWaiting() >= kBacklog) busy_until = now + kBacklogLasts;
  const bool busy = now < busy_until && !idle;  // who leaves has no callers any more
  const bool too_soon = busy && now < launched_at + kBusyPause;
  if (too_soon) pumpLater(kBusyPause);
  const std::int64_t allowed = busy ? options.starts_busy_max : options.starts_max;
  return too_soon ? 0 : std::max<std::int64_t>(allowed - launchesActive(), 0);
}

void Supervisor::Impl::pumpLaunches() {
  if (launchesRoom() > 0) pump();
}

void Supervisor::Impl::pump() {
  if (!replica) return;
  if (pumping) {
    pump_again = true;
    return;
  }
  pumping = true;
  auto look = std::make_shared<Look>();
  look->owner = replica->id();
  for (const auto& [id, intent] : active) look->active.insert(id);
  look->launches = launchesActive();
  look->launches_room = launchesRoom();
  look->others = std::ssize(active) - look->launches;
  look->others_room = std::clamp<std::int64_t>(kOthersMax - look->others, 0, kOthersAtOnce);
  read(
      [look](store::Connection& db) -> Status {
        lookFor(db, *look);
        return ok();
      },
      [this, look](Status status) {
        pumping = false;
        if (!status.ok()) return pumpLater(kRetry);
        looked(*look);
      });
}

void Supervisor::Impl::pumpLater(std::chrono::milliseconds delay) {
  if (!pumps_due.insert(delay).second) return;
  later(delay, [this, delay] {
    pumps_due.erase(delay);
    pump();
  });
}

void Supervisor::Impl::looked(const Look& look) {
  const std::size_t active_before = active.size();
  std::int64_t others_found = 0;
  for (const auto& [intent, situation] : look.found) {
    if (!isLaunch(intent)) ++others_found;
    if (active.emplace(intent.id, intent).second) begin(intent, situation);
  }
  // There may be more than one look begins; but some that were found must wait for something else.
  if (others_found == kOthersAtOnce && active.size() > active_before) pump_again = true;
  if (std::exchange(pump_again, false)) return pump();
  const bool saw_all = look.launches_room > 0 && look.others_room > 0 && look.found.empty();
  if (idle && active.empty() && saw_all) std::exchange(idle, nullptr)();
}

void Supervisor::Impl::begin(const Intent& intent, const Result<Situation>& found) {
  if (!found.ok()) return end(intent);  // deleted meanwhile: nothing is left to do
  if (intent.kind == "stop") return stop(intent, *found);
  if (isLaunch(intent)) launched_at = std::chrono::steady_clock::now();
  launch(intent, *found);
}

// The intent is active until it is gone from the store: it must not be found again there.
void Supervisor::Impl::end(const Intent& intent) {
  spawns.erase(intent.run_id);
  startDone(intent.id);
  write(
      [id = intent.id](store::Tx& tx) -> Status {
        agents::removeIntent(tx, id);
        return ok();
      },
      [this, intent](Status status) {
        if (!status.ok()) return later(kRetry, [this, intent] { end(intent); });
        active.erase(intent.id);
        pump();
      });
}

void Supervisor::Impl::startDone(std::int64_t intent_id) {
  if (starting.erase(intent_id) == 0 || queued_starts.empty()) return;
  const Intent next = queued_starts.front();
  queued_starts.pop_front();
  claimHost(next);
}

}  // namespace tutti::runner
