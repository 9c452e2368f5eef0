// A cursor over a text, for the formats: ASCII only, nothing depends on a locale.
#pragma once

#include <cstddef>
#include <string_view>

namespace tutti::json::schema {

inline bool isAsciiDigit(char c) {
  return c >= '0' && c <= '9';
}
inline bool isAsciiLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
inline bool isHexDigit(char c) {
  return isAsciiDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
inline bool isOneOf(char c, std::string_view set) {
  return set.find(c) != set.npos;
}

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool done() const { return at_ >= text_.size(); }
  char peek() const { return done() ? '\0' : text_[at_]; }
  std::string_view rest() const { return text_.substr(at_); }

  /// Steps over `c`, in either case if it is a letter.
  bool take(char c) {
    if (done()) return false;
    const char found = text_[at_];
    const bool same = found == c || (isAsciiLetter(c) && (found ^ 0x20) == c);
    at_ += same ? 1 : 0;
    return same;
  }

  /// Exactly `size` digits as a number, or -1.
  int digits(std::size_t size) {
    int value = 0;
    for (std::size_t i = 0; i < size; ++i, ++at_) {
      if (!isAsciiDigit(peek())) return -1;
      value = value * 10 + (text_[at_] - '0');
    }
    return value;
  }

  /// Steps over as many digits as there are and says how many.
  std::size_t skipDigits() {
    const std::size_t start = at_;
    while (isAsciiDigit(peek())) ++at_;
    return at_ - start;
  }

 private:
  const std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace tutti::json::schema
