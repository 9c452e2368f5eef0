// URI references: taken apart, resolved and put together again (RFC 3986, sections 3 and 5).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tutti::json::schema {

struct Uri {
  std::optional<std::string> scheme;
  std::optional<std::string> authority;
  std::string path;
  std::optional<std::string> query;
  std::optional<std::string> fragment;

  std::string text() const;
};

/// Never fails: what is no URI still has a path.
Uri splitUri(std::string_view text);

/// `reference` as seen from `base`. With an empty base, the reference itself.
Uri resolveUri(std::string_view base, std::string_view reference);

}  // namespace tutti::json::schema
