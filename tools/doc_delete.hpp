#pragma once

#include "tools/context.hpp"

namespace tutti::tools {

/// doc_delete: removes a document with its versions, and by parent-child relations all below it.
struct DocDelete {
  static constexpr const char* kName = "doc_delete";
  /// Errors: those of DocumentService::remove().
  static void handle(const Context& context, const CallPtr& call);
};

}  // namespace tutti::tools
