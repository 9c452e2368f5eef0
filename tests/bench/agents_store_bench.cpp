// What the store alone makes of start_agent: the writes of a burst, without tools, transport or
// hosts.
//
//   build/release/tests/bench/bench_agents_store [STARTS [CALLERS]]
//
// Prints one line: starts per second, and the writer's CPU per start. Runs in a folder below
// $TMPDIR.
#include <sys/resource.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>

#include "server/agents/blueprint.hpp"
#include "server/agents/migrations.hpp"
#include "server/agents/sessions.hpp"
#include "server/base/clock.hpp"
#include "server/store/store.hpp"

namespace tutti::bench {
namespace {
namespace fs = std::filesystem;
using SteadyClock = std::chrono::steady_clock;

double processCpuSeconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// As many calls under way as there are callers.
class Callers {
 public:
  explicit Callers(int callers) : free_(callers) {}

  void take() {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [this] { return free_ > 0; });
    --free_;
  }
  void giveBack(const Status& status) {
    const std::scoped_lock lock(mutex_);
    if (!status.ok()) std::fprintf(stderr, "%s\n", status.error().text().c_str());
    ++free_;
    wake_.notify_one();
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  int free_;  // guarded by mutex_
};

agents::NewSession newSession() {
  agents::Blueprint blueprint;
  blueprint.name = "steps";
  blueprint.description = "Prints steps";
  blueprint.type = agents::BlueprintType::Procedural;
  blueprint.driver = "process";
  blueprint.command = {"/usr/bin/true", "agent"};
  blueprint.folder = "/tmp/blueprints/agents/steps";
  blueprint.source = blueprint.folder + "/agent.json";
  agents::NewSession session;
  session.agent_name = blueprint.name;
  session.driver = blueprint.driver;
  session.project_dir = "/tmp/project";
  session.blueprint = json::dump(agents::toJson(blueprint));
  session.parameters = R"({"work_ms":0})";
  session.hostname = "localhost";
  session.owner = "rep_0123456789abcdef";
  return session;
}

int run(int starts, int callers_count) {
  std::string folder = (fs::temp_directory_path() / "tutti-starts-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) return 1;
  {
    auto store = store::Store::open(folder, agents::migrations());
    if (!store.ok()) return 1;
    Callers callers(callers_count);
    const agents::NewSession example = newSession();
    const auto began = SteadyClock::now();
    const double cpu = processCpuSeconds();
    for (int i = 0; i < starts; ++i) {
      callers.take();
      agents::NewSession session = example;
      session.now = isoTimestamp(Clock::system().now());
      (*store)->write(
          [session = std::move(session)](store::Tx& tx) -> Status {
            auto started = agents::startSession(tx, session, {});
            return started.ok() ? ok() : Status(std::move(started).error());
          },
          [&callers](Status status) { callers.giveBack(status); });
    }
    for (int i = 0; i < callers_count; ++i) callers.take();
    const double seconds = std::chrono::duration<double>(SteadyClock::now() - began).count();
    std::printf("starts in the store, %d callers: %.0f /s, CPU %.1f us each\n", callers_count,
                starts / seconds, (processCpuSeconds() - cpu) / starts * 1e6);
  }
  fs::remove_all(folder);
  return 0;
}

}  // namespace
}  // namespace tutti::bench

int main(int argc, char** argv) {
  const int starts = argc > 1 ? std::atoi(argv[1]) : 10'000;
  return tutti::bench::run(starts, argc > 2 ? std::atoi(argv[2]) : 32);
}
