// One user of tutti: starts a server, works with it, and has it killed at a random moment.
#pragma once

#include <atomic>

#include "tests/crash/client.hpp"
#include "tests/crash/ledger.hpp"
#include "tests/crash/world.hpp"

namespace tutti::crash {

/// What happened in a round, for the report.
struct Counts {
  std::atomic<int> lives = 0;
  std::atomic<int> killed = 0;
  std::atomic<int> left = 0;  ///< servers that were asked to leave
  std::atomic<int> hosts_killed = 0;
};

/// Lives one server after the other until `over`. Runs on a thread of its own.
void drive(const World& world, Ledger& ledger, Counts& counts, std::uint64_t seed,
           const std::atomic<bool>& over);

/// Kills a run-host now and then until `over`.
void killHosts(const World& world, Counts& counts, std::uint64_t seed,
               const std::atomic<bool>& over);

}  // namespace tutti::crash
