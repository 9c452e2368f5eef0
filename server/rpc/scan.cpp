#include "server/rpc/scan.hpp"

#include <algorithm>
#include <cstddef>

namespace tutti::rpc {
namespace {

bool isSpace(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

std::size_t skipSpace(std::string_view text, std::size_t at) {
  while (at < text.size() && isSpace(text[at])) ++at;
  return at;
}

/// `at` stands on the opening quote; the result stands behind the closing one.
std::size_t skipString(std::string_view text, std::size_t at) {
  for (++at; at < text.size() && text[at] != '"'; ++at)
    if (text[at] == '\\') ++at;
  return std::min(at + 1, text.size());
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && isSpace(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace

std::size_t valueEnd(std::string_view text, std::size_t at) {
  int depth = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (c == '"') {
      at = skipString(text, at);
      continue;
    }
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
    if (depth < 0 || (depth == 0 && c == ',')) return at;
    ++at;
  }
  return text.size();
}

std::string_view memberSpan(std::string_view text, std::string_view key) {
  std::string_view found;
  std::size_t at = skipSpace(text, 0);
  if (at >= text.size() || text[at] != '{') return found;
  at = skipSpace(text, at + 1);
  while (at < text.size() && text[at] == '"') {
    const std::size_t key_end = skipString(text, at);
    const std::string_view name = text.substr(at + 1, key_end - at - 2);
    const std::size_t colon = skipSpace(text, key_end);
    const std::size_t start = skipSpace(text, colon + 1);
    const std::size_t end = valueEnd(text, start);
    if (name == key) found = trimmed(text.substr(start, end - start));
    at = skipSpace(text, end + 1);
  }
  return found;
}

std::vector<std::string_view> elementSpans(std::string_view text) {
  std::vector<std::string_view> spans;
  std::size_t at = skipSpace(text, 0);
  if (at >= text.size() || text[at] != '[') return spans;
  at = skipSpace(text, at + 1);
  while (at < text.size() && text[at] != ']') {
    const std::size_t end = valueEnd(text, at);
    spans.push_back(trimmed(text.substr(at, end - at)));
    if (end >= text.size() || text[end] == ']') break;
    at = skipSpace(text, end + 1);
  }
  return spans;
}

}  // namespace tutti::rpc
