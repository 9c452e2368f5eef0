#pragma once

#include "tools/context.hpp"

namespace tutti::tools {

/// doc_link: the kinds of relation there are, or makes, annotates or removes one between two
/// documents.
struct DocLink {
  static constexpr const char* kName = "doc_link";
  /// Errors: InvalidArgument "link_mode" unless one thing is asked; those of
  /// DocumentService::relate(), changeRelation(), removeRelation().
  static void handle(const Context& context, const CallPtr& call);
};

}  // namespace tutti::tools
