#pragma once

#include "tools/context.hpp"

namespace tutti::tools {

/// doc_info: what is known of a document: description, relations, and if asked its versions, its
/// neighbourhood in the graph of relations, and the way to another document.
struct DocInfo {
  static constexpr const char* kName = "doc_info";
  /// Errors: those of DocumentService::info(), versions(), neighbourhood() and findPath(); that
  /// there is no path is an answer: `path` is null.
  static void handle(const Context& context, const CallPtr& call);
};

}  // namespace tutti::tools
