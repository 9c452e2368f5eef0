// A request's path and query, taken apart.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tutti::rest {

/// Of "/partitions/a%20b/documents?limit=5": the segments {"partitions", "a b", "documents"} and
/// the pairs {{"limit", "5"}}. Escapes are decoded, in the query '+' is a space; bytes that are not
/// UTF-8 become U+FFFD.
struct Target {
  std::vector<std::string> segments;
  std::vector<std::pair<std::string, std::string>> query;
  bool ends_with_slash = false;

  /// The last of that name, as FastAPI has it; null when there is none.
  const std::string* queryValue(std::string_view name) const;
};

Target parseTarget(std::string_view target);

/// `text` as one segment of a path or one value of a query: everything but unreserved characters
/// escaped.
std::string percentEncoded(std::string_view text);

}  // namespace tutti::rest
