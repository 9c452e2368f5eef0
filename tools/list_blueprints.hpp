#pragma once

#include "tools/context.hpp"

namespace tutti::tools {

/// list_blueprints: what agents there are to start, and which of them can start here. Reads the
/// files as they are now.
struct ListBlueprints {
  static constexpr const char* kName = "list_blueprints";
  /// Runs on the I/O thread.
  static void handle(const Context& context, const CallPtr& call);
};

}  // namespace tutti::tools
