#pragma once

#include "tools/context.hpp"

namespace tutti::tools {

/// doc_read: a document's content as its type asks for: text (with a range by characters, or the
/// changes since a version), an image, audio, or an embedded resource (with a range by bytes for
/// all that is no text). What is more than one answer holds is cut, and the answer says where to go
/// on.
struct DocRead {
  static constexpr const char* kName = "doc_read";
  static constexpr std::int64_t kCharactersMax = 200'000;  ///< of text in one answer
  static constexpr std::size_t kBytesMax = 4U << 20;       ///< of other types, whole
  static constexpr std::int64_t kPartBytesMax = 200'000;   ///< of other types, in parts

  /// Errors: InvalidArgument "range_of_diff"; those of DocumentService::read() and diff(); the
  /// hint for what is too large: in parts, or doc_pull.
  static void handle(const Context& context, const CallPtr& call);
};

}  // namespace tutti::tools
