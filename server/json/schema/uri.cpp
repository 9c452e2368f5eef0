#include "server/json/schema/uri.hpp"

#include <algorithm>

namespace tutti::json::schema {
namespace {
bool isLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool isSchemeCharacter(char c) {
  return isLetter(c) || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
}

std::optional<std::string> takeScheme(std::string_view& text) {
  const std::size_t colon = text.find_first_of(":/?#");
  if (colon == text.npos || colon == 0 || text[colon] != ':' || !isLetter(text[0]))
    return std::nullopt;
  for (std::size_t i = 0; i < colon; ++i)
    if (!isSchemeCharacter(text[i])) return std::nullopt;
  std::string scheme(text.substr(0, colon));
  std::transform(scheme.begin(), scheme.end(), scheme.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  text.remove_prefix(colon + 1);
  return scheme;
}

/// Takes from `mark` on, without the mark itself.
std::optional<std::string> takeAfter(std::string_view& text, char mark) {
  const std::size_t at = text.find(mark);
  if (at == text.npos) return std::nullopt;
  std::string rest(text.substr(at + 1));
  text = text.substr(0, at);
  return rest;
}

std::string withoutDots(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    if (path.substr(0, 3) == "../") {
      path.remove_prefix(3);
    } else if (path.substr(0, 2) == "./" || path.substr(0, 3) == "/./") {
      path.remove_prefix(2);
    } else if (path == "/.") {
      path = "/";
    } else if (path.substr(0, 4) == "/../" || path == "/..") {
      path = path == "/.." ? "/" : path.substr(3);
      out.resize(std::min(out.rfind('/'), out.size()));
    } else if (path == "." || path == "..") {
      path = {};
    } else {
      const std::size_t next = path.find('/', 1);
      out.append(path.substr(0, next));
      path = next == path.npos ? std::string_view() : path.substr(next);
    }
  }
  return out;
}

std::string merged(const Uri& base, const std::string& path) {
  if (base.authority && base.path.empty()) return "/" + path;
  const std::size_t slash = base.path.rfind('/');
  return slash == std::string::npos ? path : base.path.substr(0, slash + 1) + path;
}

}  // namespace

std::string Uri::text() const {
  std::string out;
  if (scheme) out.append(*scheme).append(":");
  if (authority) out.append("//").append(*authority);
  out += path;
  if (query) out.append("?").append(*query);
  if (fragment) out.append("#").append(*fragment);
  return out;
}

Uri splitUri(std::string_view text) {
  Uri uri;
  uri.fragment = takeAfter(text, '#');
  uri.query = takeAfter(text, '?');
  uri.scheme = takeScheme(text);
  if (text.substr(0, 2) == "//") {
    text.remove_prefix(2);
    const std::size_t end = std::min(text.find('/'), text.size());
    uri.authority = std::string(text.substr(0, end));
    text.remove_prefix(end);
  }
  uri.path = std::string(text);
  return uri;
}

Uri resolveUri(std::string_view base_text, std::string_view reference) {
  Uri uri = splitUri(reference);
  if (uri.scheme) {
    uri.path = withoutDots(uri.path);
    return uri;
  }
  const Uri base = splitUri(base_text);
  uri.scheme = base.scheme;
  if (uri.authority) {
    uri.path = withoutDots(uri.path);
    return uri;
  }
  uri.authority = base.authority;
  if (uri.path.empty()) {
    uri.path = base.path;
    if (!uri.query) uri.query = base.query;
    return uri;
  }
  const std::string path = uri.path[0] == '/' ? uri.path : merged(base, uri.path);
  uri.path = withoutDots(path);
  return uri;
}

}  // namespace tutti::json::schema
