// The end of a round: everything that was promised is looked for.
#pragma once

#include "tests/crash/ledger.hpp"
#include "tests/crash/world.hpp"

namespace tutti::crash {

enum class Damage {
  Servers,          ///< only servers were killed: every run ends as it should
  ServersAndHosts,  ///< run-hosts too: a run may be lost, and must say so
};

/// Starts one last server, waits for every run, stops every session, and lets it leave.
void settle(const World& world, Ledger& ledger);

/// Reads the store's file and the folders, without tutti. Problems go to the ledger.
void checkStore(const World& world, Ledger& ledger, Damage damage);
/// No process is left, and no file of what is over.
void checkLeftovers(const World& world, Ledger& ledger);

}  // namespace tutti::crash
