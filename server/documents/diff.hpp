// What changed between two texts, by lines.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "server/base/result.hpp"

namespace tutti::documents {

struct DiffOptions {
  std::string old_name;
  std::string new_name;
  std::int64_t context_lines = 3;
  std::size_t bytes_max = 8U << 20;     ///< of each text
  std::int64_t differences_max = 2000;  ///< lines; beyond, the shortest is not looked for
};

struct Diff {
  std::string unified;  ///< as `diff -u`; "" when the texts are equal
  std::int64_t lines_added = 0;
  std::int64_t lines_removed = 0;
};

/// The shortest difference (Myers); beyond differences_max one that replaces all between the first
/// and the last changed line. `patch` makes the one text of the other with it. Errors:
/// ResourceExhausted "diff_bytes_max".
Result<Diff> diffTexts(std::string_view old_text, std::string_view new_text,
                       const DiffOptions& options = {});

}  // namespace tutti::documents
