#pragma once

#include "server/documents/service.hpp"
#include "tools/context.hpp"

namespace tutti::tools {

/// doc_query: documents by name, tags, metadata, author, type and time, a page at a time.
struct DocQuery {
  static constexpr const char* kName = "doc_query";
  static documents::QueryRequest decode(const Json& arguments, documents::Caller caller);
  /// Errors: those of DocumentService::query().
  static void handle(const Context& context, const CallPtr& call);
};

}  // namespace tutti::tools
