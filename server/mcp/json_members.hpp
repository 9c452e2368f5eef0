// The members that most descriptions have, as text.
#pragma once

#include <string>
#include <string_view>

#include "server/base/text.hpp"

namespace tutti::mcp {

/// `,"key":"text"`; the first member of an object without the comma. Nothing for an empty text.
inline void appendTextMember(std::string& to, std::string_view key, std::string_view text) {
  if (text.empty()) return;
  to.append(to.back() == '{' ? "\"" : ",\"").append(key).append("\":");
  appendJsonString(to, text);
}

/// The same with a value that is JSON already.
inline void appendJsonMember(std::string& to, std::string_view key, std::string_view json_text) {
  if (json_text.empty()) return;
  to.append(to.back() == '{' ? "\"" : ",\"").append(key).append("\":").append(json_text);
}

}  // namespace tutti::mcp
