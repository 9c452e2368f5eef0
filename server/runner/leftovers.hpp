// Folders of runs and run-hosts that are over, which a replica that was killed could not remove.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "server/runner/spec.hpp"
#include "server/store/connection.hpp"

namespace tutti::runner {

struct Leftovers {
  struct Host {
    std::string session_id;
    std::int64_t generation = 0;
  };
  std::vector<std::string> runs;  ///< ids
  std::vector<Host> hosts;

  bool empty() const { return runs.empty() && hosts.empty(); }
};

/// All folders of runs and of hosts that nobody hosts now. Blocking.
Leftovers findLeftovers(const Layout& layout);

/// Leaves in `found` only what is over in the store. What was listed before this read and is over
/// in it stays over: ids and generations are never used again.
void dropUnfinished(store::Connection& db, Leftovers& found);

/// Removes them. Blocking.
void removeLeftovers(const Layout& layout, const Leftovers& leftovers);

}  // namespace tutti::runner
