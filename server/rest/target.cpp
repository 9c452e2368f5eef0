#include "server/rest/target.hpp"

#include <algorithm>

#include "server/base/text.hpp"

namespace tutti::rest {
namespace {

std::string decodedQueryText(std::string_view text) {
  std::string spaced(text);
  std::replace(spaced.begin(), spaced.end(), '+', ' ');
  return toValidUtf8(percentDecoded(spaced));
}

void parseQuery(std::string_view query, Target& target) {
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const std::string_view value = pair.substr(std::min(equals + 1, pair.size()));
    target.query.emplace_back(decodedQueryText(pair.substr(0, equals)), decodedQueryText(value));
  }
}

bool unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

}  // namespace

const std::string* Target::queryValue(std::string_view name) const {
  for (auto pair = query.rbegin(); pair != query.rend(); ++pair)
    if (pair->first == name) return &pair->second;
  return nullptr;
}

Target parseTarget(std::string_view target) {
  Target parsed;
  const std::size_t mark = std::min(target.find('?'), target.size());
  std::string_view path = target.substr(0, mark);
  if (mark < target.size()) parseQuery(target.substr(mark + 1), parsed);
  if (!path.empty() && path.front() == '/') path.remove_prefix(1);
  parsed.ends_with_slash = !path.empty() && path.back() == '/';
  if (parsed.ends_with_slash) path.remove_suffix(1);
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    parsed.segments.push_back(toValidUtf8(percentDecoded(path.substr(0, end))));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return parsed;
}

std::string percentEncoded(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string encoded;
  encoded.reserve(text.size());
  for (const char c : text) {
    if (unreserved(c)) {
      encoded += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    encoded += '%';
    encoded += kDigits[byte >> 4];
    encoded += kDigits[byte & 0xf];
  }
  return encoded;
}

}  // namespace tutti::rest
