#pragma once

#include "tools/context.hpp"

namespace tutti::tools {

/// doc_pull: writes a document's content to a file inside the caller's project.
struct DocPull {
  static constexpr const char* kName = "doc_pull";
  /// Errors: those of DocumentService::pull(); Conflict "file_exists" unless overwrite.
  static void handle(const Context& context, const CallPtr& call);
};

}  // namespace tutti::tools
