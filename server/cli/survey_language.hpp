// Which language a file is in, and what its comments look like.
#pragma once

#include <string_view>

namespace tutti::cli {

struct CommentStyle {
  std::string_view line[2];     ///< what begins a comment to the end of the line; "" for none
  std::string_view block_open;  ///< "" for none
  std::string_view block_close;
};

struct Language {
  std::string_view name;
  CommentStyle comments;
};

/// By the name's extension or the whole name, else by a "#!" line at the beginning of `content`,
/// else the language "Other". The references live as long as the program. Thread-safe.
const Language& languageOf(std::string_view path, std::string_view content);

}  // namespace tutti::cli
