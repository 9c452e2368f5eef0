// Regular expressions of ECMA-262, run by RE2 and therefore in linear time.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "server/base/result.hpp"

namespace tutti::json::schema {

/// What a translation gave.
struct Translation {
  std::string re2;          ///< the same expression for RE2; meaningless with an error or a reason
  std::string error;        ///< why this is no ECMA-262 expression, or empty
  std::string unsupported;  ///< why RE2 cannot run it, or empty
};

/// ECMA-262 (with the u flag, plus the harmless escapes of Annex B) to RE2 syntax. Linear in the
/// text.
Translation translatePattern(std::string_view ecma);

/// A compiled pattern. Immutable, thread-safe.
class Pattern {
 public:
  /// The error's message says what is wrong in one clause; its code is InvalidArgument.
  static Result<Pattern> compile(std::string_view ecma);

  /// Does it match anywhere in `text`? Linear in the text.
  bool matches(std::string_view text) const;
  const std::string& source() const { return source_; }

  Pattern(Pattern&&) noexcept;
  Pattern& operator=(Pattern&&) noexcept;
  ~Pattern();

 private:
  struct Engine;
  Pattern(std::string source, std::unique_ptr<Engine> engine);
  std::string source_;
  std::unique_ptr<Engine> engine_;
};

}  // namespace tutti::json::schema
