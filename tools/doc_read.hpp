#pragma once

#include "tools/context.hpp"

namespace tutti::tools {

/// doc_read: a document's content as its type asks for: text (with a range by characters, or the
/// changes since a version), an image, audio, or an embedded resource. What is more than one answer
/// holds is cut, and the answer says where to go on.
struct DocRead {
  static constexpr const char* kName = "doc_read";
  static constexpr std::int64_t kCharactersMax = 200'000;  ///< of text in one answer
  static constexpr std::size_t kBytesMax = 4U << 20;       ///< of other types, whole

  /// Errors: InvalidArgument "range_of_diff"; those of DocumentService::read() and diff(); hint
  /// doc_pull for what is too large.
  static void handle(const Context& context, const CallPtr& call);
};

}  // namespace tutti::tools
