#pragma once

#include "tools/context.hpp"

namespace tutti::tools {

/// get_result: how a run ended and what it gave. Waits up to wait_s for a run that is still under
/// way; `finished` says whether it is over. Errors: session_not_found, run_not_found.
struct GetResult {
  static constexpr const char* kName = "get_result";
  /// Runs on the I/O thread.
  static void handle(const Context& context, const CallPtr& call);
};

}  // namespace tutti::tools
