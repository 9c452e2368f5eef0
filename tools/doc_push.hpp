#pragma once

#include "server/documents/service.hpp"
#include "tools/context.hpp"

namespace tutti::tools {

/// doc_push: puts content, given inline or by a file inside the caller's project, into a new
/// document, or into one that is there as its next version.
struct DocPush {
  static constexpr const char* kName = "doc_push";

  /// Errors: InvalidArgument "content_missing", "content_given_twice", "name_missing",
  /// "invalid_base64", "invalid_path".
  static Result<documents::PushRequest> decode(const Json& arguments, documents::Caller caller);
  /// Errors: those of DocumentService::push() and, with document_id, write().
  static void handle(const Context& context, const CallPtr& call);
};

}  // namespace tutti::tools
