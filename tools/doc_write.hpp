#pragma once

#include "tools/context.hpp"

namespace tutti::tools {

/// doc_write: gives a document new content, or an older version's again. The old one stays as a
/// version.
struct DocWrite {
  static constexpr const char* kName = "doc_write";
  /// Errors: InvalidArgument "content_missing", "content_given_twice", "invalid_base64"; those of
  /// DocumentService::write() and restore().
  static void handle(const Context& context, const CallPtr& call);
};

}  // namespace tutti::tools
