// What people type, as an expression that FTS5 takes in any case.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "server/base/result.hpp"

namespace tutti::search {

struct QueryLimits {
  std::size_t bytes_max = 4096;
  std::size_t words_max = 64;
  std::size_t depth_max = 16;  ///< of parentheses
};

struct Query {
  std::string expression;  ///< of FTS5, without column filters
  /// Any word instead of all, for when nothing has all; empty when the query has one word only or
  /// operators, which mean what they say.
  std::string any;
  int phrases = 0;  ///< in each of the two
};

/// Words (all must be there), "phrases", prefixes (`inter*`, of two letters at
/// least), AND, OR, NOT (capitals) and
/// parentheses; NOT binds tightest, then AND, then OR. Everything else is text. Errors, all
/// InvalidArgument "invalid_query": no words, a quote or parenthesis without its other half, an
/// operator without something on both sides, nothing but what must not be there, a limit.
Result<Query> parseQuery(std::string_view text, const QueryLimits& limits = {});

}  // namespace tutti::search
