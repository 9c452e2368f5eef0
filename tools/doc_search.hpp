#pragma once

#include "tools/context.hpp"

namespace tutti::tools {

/// doc_search: shared documents by what is in them, by words or by meaning; the sections found have
/// offsets, so that doc_read fetches just these.
struct DocSearch {
  static constexpr const char* kName = "doc_search";
  /// Errors: those of DocumentSearch::search().
  static void handle(const Context& context, const CallPtr& call);
};

}  // namespace tutti::tools
