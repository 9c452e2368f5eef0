#include "server/transport/header_value.hpp"

#include <algorithm>
#include <string_view>

#include "server/base/digest.hpp"

namespace tutti::transport {
std::string headerValue(const std::string& value) {
  const bool plain =
      std::all_of(value.begin(), value.end(), [](char c) { return c >= ' ' && c <= '~'; });
  const bool edges = !value.empty() && value.front() != ' ' && value.back() != ' ';
  const bool looks_encoded = value.starts_with("=?base64?") && value.ends_with("?=");
  if (plain && edges && !looks_encoded) return value;
  return "=?base64?" + base64(value) + "?=";
}

}  // namespace tutti::transport
