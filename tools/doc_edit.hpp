#pragma once

#include "tools/context.hpp"

namespace tutti::tools {

/// doc_edit: replaces a part of a text document, found by its words or by its position in
/// characters. The old text stays as a version.
struct DocEdit {
  static constexpr const char* kName = "doc_edit";
  /// Errors: those of DocumentService::edit().
  static void handle(const Context& context, const CallPtr& call);
};

}  // namespace tutti::tools
