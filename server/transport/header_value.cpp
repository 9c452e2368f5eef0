#include "server/transport/header_value.hpp"

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace tutti::transport {
namespace {

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k)
      group = group << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k)
      out += i + k <= bytes.size() ? kDigits[group >> (18 - 6 * k) & 63U] : '=';
  }
  return out;
}

}  // namespace

std::string headerValue(const std::string& value) {
  const bool plain =
      std::all_of(value.begin(), value.end(), [](char c) { return c >= ' ' && c <= '~'; });
  const bool edges = !value.empty() && value.front() != ' ' && value.back() != ' ';
  const bool looks_encoded = value.starts_with("=?base64?") && value.ends_with("?=");
  if (plain && edges && !looks_encoded) return value;
  return "=?base64?" + base64(value) + "?=";
}

}  // namespace tutti::transport
