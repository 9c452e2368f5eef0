#pragma once

#include "tools/context.hpp"

namespace tutti::tools {

/// doc_create: reserves a name, with tags and metadata, for content that comes later by doc_write.
struct DocCreate {
  static constexpr const char* kName = "doc_create";
  /// Errors: those of DocumentService::create().
  static void handle(const Context& context, const CallPtr& call);
};

}  // namespace tutti::tools
