// Texts of others inside a prompt, told apart from what the prompt itself says.
#pragma once

#include <string>
#include <string_view>

#include "server/base/digest.hpp"

namespace tutti::tools {

/// A mark that whoever wrote `all` could not know beforehand: a digest of it.
inline std::string markOf(std::string_view all) {
  return base64Url(sha256(all));
}

/// `text` between two lines with the mark. The prompt says what such a text is to its reader.
inline std::string marked(const std::string& title, const std::string& mark,
                          const std::string& text) {
  return "----- " + title + " " + mark + " begins -----\n" + text + "\n----- " + title + " " +
         mark + " ends -----\n";
}

}  // namespace tutti::tools
