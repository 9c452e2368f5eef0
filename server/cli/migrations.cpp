#include "server/cli/migrations.hpp"

#include "server/agents/migrations.hpp"
#include "server/documents/migrations.hpp"
#include "server/routing/migrations.hpp"
#include "server/search/migrations.hpp"
#include "server/tasks/migrations.hpp"

namespace tutti::cli {

std::vector<store::Migration> allMigrations() {
  std::vector<store::Migration> all = agents::migrations();
  for (const auto* more : {&tasks::migrations(), &documents::migrations(), &search::migrations(),
                           &routing::migrations()})
    all.insert(all.end(), more->begin(), more->end());
  return all;
}

}  // namespace tutti::cli
