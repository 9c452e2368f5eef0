// RFC 6570 read backwards: does a URI come from a template, and with which variables?
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/base/result.hpp"

namespace tutti::mcp {

/// Immutable; thread-safe. What can be matched: `{name}` (no "/", "?" or "#"), `{+name}` (anything)
/// and, at the end, `{?a,b}` (a query; each variable may be missing, in any order).
class UriTemplate {
 public:
  /// Errors: InvalidArgument naming the template and the expression that cannot be matched.
  static Result<UriTemplate> compile(std::string_view text);

  /// The variables, percent-decoded, when `uri` fits. Each takes as little as it can, so the time
  /// is linear in the URI.
  std::optional<std::map<std::string, std::string>> match(std::string_view uri) const;
  const std::vector<std::string>& variables() const { return variables_; }

 private:
  struct Part {
    std::string name = {};  ///< of a variable; empty for the literal before the first one
    bool reserved = false;
    std::string literal = {};  ///< what follows
  };
  using Variables = std::map<std::string, std::string>;

  bool addExpression(std::string_view expression);
  bool addName(std::string_view name);
  bool matchPath(std::string_view path, Variables& found) const;
  bool matchQuery(std::string_view query, Variables& found) const;

  std::vector<Part> parts_ = {Part{}};
  std::vector<std::string> query_;
  std::vector<std::string> variables_;
};

}  // namespace tutti::mcp
