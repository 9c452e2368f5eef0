// The crash test: tutti is killed with SIGKILL at many random moments while runs come and go, and
// nothing that it acknowledged is lost, doubled or left running.
//
//   TUTTI_BIN, TUTTI_FAKES   the program under test and the folder of claude_fake
//   TUTTI_CRASH_SECONDS      how long, default 20: two thirds kill servers, one third hosts as well
//   TUTTI_CRASH_SEED         repeats a round's choices (not its timing)
//   TUTTI_CRASH_USERS        servers at a time, default 3
#include <poll.h>
#include <sys/resource.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <thread>

#include "tests/crash/agent.hpp"
#include "tests/crash/checks.hpp"
#include "tests/crash/driver.hpp"

namespace tutti::crash {
namespace {
namespace fs = std::filesystem;

constexpr rlim_t kProcessesMax = 4'000;

std::int64_t numberFrom(const char* name, std::int64_t otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr && *text != '\0' ? std::strtoll(text, nullptr, 10) : otherwise;
}

fs::path pathFrom(const char* name) {
  const char* text = std::getenv(name);
  return fs::absolute(text != nullptr ? text : "");
}

struct Round {
  Damage damage;
  std::int64_t ms;
  std::uint64_t seed;
  std::int64_t users;
};

void runUsers(const Round& round, const World& world, Ledger& ledger, Counts& counts) {
  std::atomic<bool> over = false;
  std::vector<std::thread> threads;
  for (std::int64_t user = 0; user < round.users; ++user)
    threads.emplace_back([&, seed = round.seed + static_cast<std::uint64_t>(user) + 1] {
      drive(world, ledger, counts, seed, over);
    });
  if (round.damage == Damage::ServersAndHosts)
    threads.emplace_back([&] { killHosts(world, counts, round.seed, over); });
  ::poll(nullptr, 0, static_cast<int>(round.ms));  // the length of the round
  over = true;
  for (std::thread& thread : threads) thread.join();
}

bool play(const Round& round) {
  World world(fs::read_symlink("/proc/self/exe"), pathFrom("TUTTI_BIN"),
              pathFrom("TUTTI_FAKES") / "claude_fake");
  Ledger ledger(world.starts());
  Counts counts;
  const bool hosts = round.damage == Damage::ServersAndHosts;
  std::printf("%s: %lld ms, seed %llu\n", hosts ? "servers and hosts" : "servers",
              static_cast<long long>(round.ms), static_cast<unsigned long long>(round.seed));
  std::fflush(stdout);
  runUsers(round, world, ledger, counts);
  settle(world, ledger);
  checkStore(world, ledger, round.damage);
  checkLeftovers(world, ledger);

  int acknowledged = 0;
  for (const auto& [tag, order] : ledger.orders()) acknowledged += order.acknowledged ? 1 : 0;
  std::printf("  %d servers, %d killed, %d left; %d hosts killed; %zu orders, %d acknowledged\n",
              counts.lives.load(), counts.killed.load(), counts.left.load(),
              counts.hosts_killed.load(), ledger.orders().size(), acknowledged);
  const auto problems = ledger.problems();
  for (const std::string& problem : problems) std::printf("  PROBLEM %s\n", problem.c_str());
  if (problems.empty()) return true;
  world.keep();
  std::printf("  kept for a look: %s\n", world.root().c_str());
  return false;
}

int crash() {
  const rlimit processes{kProcessesMax, kProcessesMax};
  ::setrlimit(RLIMIT_NPROC, &processes);
  std::signal(SIGPIPE, SIG_IGN);
  if (std::getenv("TUTTI_BIN") == nullptr || std::getenv("TUTTI_FAKES") == nullptr) {
    std::fputs("TUTTI_BIN and TUTTI_FAKES are needed\n", stderr);
    return 2;
  }
  const std::int64_t ms = numberFrom("TUTTI_CRASH_SECONDS", 20) * 1000;
  const auto fresh = static_cast<std::int64_t>(std::random_device{}());
  const auto seed = static_cast<std::uint64_t>(numberFrom("TUTTI_CRASH_SEED", fresh));
  const std::int64_t users = numberFrom("TUTTI_CRASH_USERS", 3);
  const bool servers_ok = play({Damage::Servers, ms * 2 / 3, seed, users});
  const bool hosts_ok = play({Damage::ServersAndHosts, ms / 3, seed, users});
  return servers_ok && hosts_ok ? 0 : 1;
}

}  // namespace
}  // namespace tutti::crash

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "agent") return tutti::crash::runAgent(argc, argv);
  return tutti::crash::crash();
}
