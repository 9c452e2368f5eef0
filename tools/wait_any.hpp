#pragma once

#include <string>
#include <vector>

#include "server/store/connection.hpp"
#include "tools/context.hpp"

namespace tutti::tools {

/// wait_any: waits until at least one of several sessions has ended its latest run, and says which
/// have.
struct WaitAny {
  static constexpr const char* kName = "wait_any";
  /// {finished, unfinished}. Errors: session_not_found.
  static Result<Json> run(store::Connection& db, const std::vector<std::string>& session_ids);
  static void handle(const Context& context, const CallPtr& call);
};

}  // namespace tutti::tools
