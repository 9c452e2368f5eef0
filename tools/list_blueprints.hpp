#pragma once

#include <string>
#include <vector>

#include "tools/context.hpp"

namespace tutti::tools {

/// list_blueprints: what agents there are to start, and which of them can start here. Reads the
/// files as they are now.
struct ListBlueprints {
  struct Input {
    std::string query;  ///< in name, alias, description, tags or skills, any case; "": all
    std::vector<std::string> tags;  ///< all of them
  };
  static constexpr const char* kName = "list_blueprints";
  /// Runs on the I/O thread.
  static Json run(const Context& context, const Input& input);
  /// Runs on the I/O thread.
  static void handle(const Context& context, const CallPtr& call);
};

}  // namespace tutti::tools
