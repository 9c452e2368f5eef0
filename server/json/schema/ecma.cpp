// ECMA-262 regular expressions, read once from left to right and written in RE2's syntax. What
// differs: \s and . know Unicode's spaces and line ends, [^] and [] exist, \cX \uXXXX \0 are
// escapes, long property names, and counts above RE2's 1000. Lookaround and backreferences are
// recognised so that "format": "regex" accepts them, and reported as what RE2 cannot run.
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "server/json/schema/ecma_sets.hpp"
#include "server/json/schema/pattern.hpp"

namespace tutti::json::schema {
namespace {

constexpr std::size_t kRepeatMax = 1000;        // RE2's own
constexpr std::size_t kRepeatTotalMax = 10000;  // ours, by writing the atom several times
constexpr std::size_t kGroupsMax = 200;         // nested
constexpr std::size_t kSizeMax = 1U << 20;      // of the translation
constexpr std::uint32_t kLast = 0x10FFFF;

std::string codeText(std::uint32_t code) {
  char text[16];
  std::snprintf(text, sizeof text, "\\x{%x}", static_cast<unsigned>(code));
  return text;
}

bool isDigit(char c) {
  return c >= '0' && c <= '9';
}
bool isLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// One member of a class, or one escape: a character, or a set written for the inside of [].
struct Piece {
  bool is_set = false;
  std::uint32_t code = 0;
  std::string set;
};

class Translator {
 public:
  explicit Translator(std::string_view text) : text_(text) {}

  Translation run() {
    while (at_ < text_.size() && out_.error.empty()) step();
    if (out_.error.empty() && !groups_.empty()) fail("a group is not closed");
    if (out_.error.empty() && out_.re2.size() > kSizeMax) unsupported("it is too large");
    return std::move(out_);
  }

 private:
  struct Group {
    std::size_t start;  // in the output
    bool quantifiable;
  };

  void fail(std::string why) {
    if (out_.error.empty()) out_.error = std::move(why);
  }
  void unsupported(std::string why) {
    if (out_.unsupported.empty()) out_.unsupported = std::move(why);
  }
  bool done() const { return at_ >= text_.size(); }
  char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  bool take(std::string_view expected) {
    if (text_.substr(at_, expected.size()) != expected) return false;
    at_ += expected.size();
    return true;
  }

  /// Writes something that a quantifier may follow.
  void atom(std::string_view re2) {
    atom_ = out_.re2.size();
    out_.re2.append(re2);
  }
  void assertion(std::string_view re2) {
    out_.re2.append(re2);
    atom_.reset();
  }

  void step() {
    const char c = text_[at_];
    switch (c) {
      case '^':
        ++at_;
        return assertion("^");
      case '$':
        ++at_;
        return assertion("$");
      case '|':
        ++at_;
        return assertion("|");
      case '.':
        ++at_;
        return atom("[^\\n\\r\\x{2028}\\x{2029}]");
      case '(':
        return openGroup();
      case ')':
        return closeGroup();
      case '[':
        return characterClass();
      case '\\':
        return escapeOutside();
      case '*':
      case '+':
      case '?':
        ++at_;
        return quantified(std::string(1, c), 0, 0);
      case '{':
        return braces();
      default:
        return literal();
    }
  }

  void literal() {
    const Piece piece = character();
    atom(codeOrText(piece.code));
  }

  static std::string codeOrText(std::uint32_t code) {
    if (code < 0x80 && (isLetter(static_cast<char>(code)) || isDigit(static_cast<char>(code))))
      return std::string(1, static_cast<char>(code));
    return codeText(code);
  }

  /// The UTF-8 character here. The text came through a JSON parser, so it is well-formed or a bug.
  Piece character() {
    const auto lead = static_cast<unsigned char>(text_[at_]);
    const int size = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    std::uint32_t code = size == 1 ? lead : lead & (0xFFU >> (size + 1));
    if (at_ + static_cast<std::size_t>(size) > text_.size()) {
      fail("it is not UTF-8");
      at_ = text_.size();
      return {};
    }
    for (int i = 1; i < size; ++i)
      code = code << 6 |
             (static_cast<unsigned char>(text_[at_ + static_cast<std::size_t>(i)]) & 0x3FU);
    at_ += static_cast<std::size_t>(size);
    return {.code = code};
  }

  void openGroup() {
    Group group{out_.re2.size(), true};
    ++at_;
    if (take("?:")) {
      out_.re2 += "(?:";
    } else if (take("?=") || take("?!")) {
      unsupported("a lookahead");
      out_.re2 += "(?:";
    } else if (take("?<=") || take("?<!")) {
      unsupported("a lookbehind");
      out_.re2 += "(?:";
      group.quantifiable = false;
    } else if (take("?<")) {
      groupName();
      out_.re2 += "(?:";
    } else if (peek() == '?') {
      return fail("'(?" + std::string(1, peek(1)) + "' opens no group of ECMA-262");
    } else {
      out_.re2 += "(?:";  // nobody asks for what it captured
    }
    if (groups_.size() >= kGroupsMax) return fail("its groups nest too deep");
    groups_.push_back(group);
    atom_.reset();
  }

  void groupName() {
    const std::size_t end = text_.find('>', at_);
    if (end == text_.npos || end == at_ || isDigit(peek())) return fail("a group's name is wrong");
    for (std::size_t i = at_; i < end; ++i) {
      const char c = text_[i];
      const bool ascii = static_cast<unsigned char>(c) < 0x80;
      if (ascii && !isLetter(c) && !isDigit(c) && c != '_' && c != '$')
        return fail("a group's name is wrong");
    }
    at_ = end + 1;
  }

  void closeGroup() {
    if (groups_.empty()) return fail("')' closes no group");
    const Group group = groups_.back();
    groups_.pop_back();
    ++at_;
    out_.re2 += ')';
    atom_.reset();
    if (group.quantifiable) atom_ = group.start;
  }

  // ---- quantifiers

  std::optional<std::size_t> count() {
    if (!isDigit(peek())) return std::nullopt;
    std::size_t value = 0;
    for (; isDigit(peek()); ++at_)
      if (value < 1'000'000'000) value = value * 10 + static_cast<std::size_t>(peek() - '0');
    return value;
  }

  void braces() {
    const std::size_t start = at_++;
    const auto least = count();
    std::optional<std::size_t> most = least;
    bool open_ended = false;
    if (least && take(",")) {
      most = count();
      open_ended = !most.has_value();
    }
    if (!least || !take("}")) {  // Annex B: then the brace stands for itself
      at_ = start + 1;
      return atom("\\{");
    }
    if (!open_ended && *most < *least) return fail("a count's bounds are out of order");
    const std::size_t total = open_ended ? *least : *most;
    if (total <= kRepeatMax) {
      const std::string text(text_.substr(start, at_ - start));
      return quantified(text, 0, 0);
    }
    if (total > kRepeatTotalMax) {
      unsupported("a count above " + std::to_string(kRepeatTotalMax));
      return quantified("*", 0, 0);
    }
    quantified({}, *least, open_ended ? 0 : *most);
  }

  /// Applies `suffix` to the last atom; when empty, the counts `least` and `most` (0: no end).
  void quantified(const std::string& suffix, std::size_t least, std::size_t most) {
    if (!atom_) return fail("a quantifier follows nothing it could repeat");
    const std::size_t start = *atom_;
    atom_.reset();
    take("?");  // lazy or greedy matters to captures only
    const std::string piece = out_.re2.substr(start);
    out_.re2.resize(start);
    out_.re2 += "(?:";
    if (suffix.empty()) {
      repeat(piece, least, most);
    } else {
      out_.re2.append(piece).append(suffix);
    }
    out_.re2 += ')';
  }

  /// RE2 counts to 1000 only, so the atom is written as often as it takes.
  void repeat(const std::string& piece, std::size_t least, std::size_t most) {
    std::size_t optional = most == 0 ? 0 : most - least;
    const auto once = [&](const std::string& bounds) {
      if (out_.re2.size() <= kSizeMax) out_.re2.append(piece).append(bounds);
    };
    for (; least > kRepeatMax; least -= kRepeatMax) once("{1000}");
    once("{" + std::to_string(least) + (most == 0 ? ",}" : "}"));
    for (; optional > kRepeatMax; optional -= kRepeatMax) once("{0,1000}");
    if (optional > 0) once("{0," + std::to_string(optional) + "}");
  }

  // ---- escapes

  void escapeOutside() {
    const char c = peek(1);
    if (c == 'b' || c == 'B') {
      at_ += 2;
      return assertion(c == 'b' ? "\\b" : "\\B");
    }
    if (c >= '1' && c <= '9') {
      unsupported("a backreference");
      ++at_;
      count();
      return atom("(?:)");
    }
    if (c == 'k') {
      at_ += 2;
      if (!take("<")) return fail("'\\k' names no group");
      groupName();
      unsupported("a backreference");
      return atom("(?:)");
    }
    const Piece piece = escape();
    atom(piece.is_set ? "[" + piece.set + "]" : codeOrText(piece.code));
  }

  Piece escape() {
    ++at_;
    if (done()) {
      fail("it ends in a backslash");
      return {};
    }
    const char c = peek();
    switch (c) {
      case 'd':
        return set("0-9");
      case 'D':
        return set("\\x{0}-/:-\\x{10ffff}");
      case 'w':
        return set("0-9A-Za-z_");
      case 'W':
        return set("\\x{0}-/:-@\\[-\\^`\\{-\\x{10ffff}");
      case 's':
        return set(kEcmaSpaces);
      case 'S':
        return set(kEcmaNotSpaces);
      case 't':
        return single('\t');
      case 'n':
        return single('\n');
      case 'v':
        return single('\v');
      case 'f':
        return single('\f');
      case 'r':
        return single('\r');
      case '0':
        return nul();
      case 'c':
        return control();
      case 'x':
        return hexadecimal();
      case 'u':
        return unicode();
      case 'p':
      case 'P':
        return property();
      default:
        break;
    }
    if (isLetter(c) || isDigit(c)) {
      fail(std::string("'\\") + c + "' is no escape of ECMA-262");
      return {};
    }
    return character();
  }

  Piece set(std::string_view inside) {
    ++at_;
    return {.is_set = true, .set = std::string(inside)};
  }
  Piece single(char c) {
    ++at_;
    return {.code = static_cast<std::uint32_t>(c)};
  }
  Piece nul() {
    ++at_;
    if (isDigit(peek())) fail("an octal escape is not ECMA-262");
    return {};
  }
  Piece control() {
    const char letter = peek(1);
    if (!isLetter(letter)) fail("'\\c' needs a letter");
    at_ += 2;
    return {.code = static_cast<std::uint32_t>(letter) & 0x1FU};
  }

  std::optional<std::uint32_t> digits(std::size_t size) {
    std::uint32_t code = 0;
    for (std::size_t i = 0; i < size; ++i) {
      const char c = peek(i);
      const int value = isDigit(c)             ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (value < 0) return std::nullopt;
      code = code * 16 + static_cast<std::uint32_t>(value);
    }
    at_ += size;
    return code;
  }

  Piece hexadecimal() {
    ++at_;
    const auto code = digits(2);
    if (!code) fail("'\\x' needs two hexadecimal digits");
    return {.code = code.value_or(0)};
  }

  Piece unicode() {
    ++at_;
    if (take("{")) {
      const std::size_t end = text_.find('}', at_);
      const std::size_t size = end == text_.npos ? 0 : end - at_;
      const auto code = size >= 1 && size <= 6 ? digits(size) : std::nullopt;
      if (!code || *code > kLast || !take("}")) fail("'\\u{…}' names no character");
      return {.code = code.value_or(0)};
    }
    auto code = digits(4);
    if (!code) fail("'\\u' needs four hexadecimal digits");
    if (code && *code >= 0xD800 && *code < 0xDC00 && take("\\u")) {
      const auto low = digits(4);
      if (low && *low >= 0xDC00 && *low < 0xE000)
        return {.code = 0x10000 + ((*code - 0xD800) << 10) + (*low - 0xDC00)};
      unsupported("a lone surrogate");
    }
    if (code && *code >= 0xD800 && *code < 0xE000) unsupported("a lone surrogate");
    return {.code = code.value_or(0)};
  }

  Piece property() {
    const Sense sense = peek() == 'P' ? Sense::IsNot : Sense::Is;
    ++at_;
    const std::size_t end = text_.find('}', at_);
    if (peek() != '{' || end == text_.npos) {
      fail("'\\p' needs a property's name in braces");
      return {};
    }
    std::string_view name = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    for (const std::string_view prefix :
         {"General_Category=", "gc=", "Script_Extensions=", "scx=", "Script=", "sc="})
      if (name.substr(0, prefix.size()) == prefix) name.remove_prefix(prefix.size());
    for (const char c : name)
      if (!isLetter(c) && !isDigit(c) && c != '_') fail("'\\p' names no property");
    if (name.empty()) fail("'\\p' names no property");
    return {.is_set = true, .set = propertySet(name, sense)};
  }

  // ---- classes

  Piece classMember() {
    if (peek() != '\\') return character();
    if (peek(1) == 'b') {
      at_ += 2;
      return {.code = 8};
    }
    if (peek(1) == '-') {
      at_ += 2;
      return {.code = '-'};
    }
    return escape();
  }

  void characterClass() {
    ++at_;
    const bool negated = take("^");
    std::string inside;
    while (!done() && peek() != ']' && out_.error.empty()) {
      const Piece first = classMember();
      const bool range = peek() == '-' && peek(1) != ']' && at_ + 1 < text_.size();
      if (!range) {
        inside += first.is_set ? first.set : codeText(first.code);
        continue;
      }
      ++at_;
      const Piece last = classMember();
      if (first.is_set || last.is_set) {  // Annex B: then the hyphen stands for itself
        inside += first.is_set ? first.set : codeText(first.code);
        inside += "\\-";
        inside += last.is_set ? last.set : codeText(last.code);
      } else if (last.code < first.code) {
        return fail("a range in a class is out of order");
      } else {
        inside.append(codeText(first.code)).append("-").append(codeText(last.code));
      }
    }
    if (!take("]")) return fail("a class is not closed");
    if (inside.empty()) return atom(negated ? "[\\x{0}-\\x{10ffff}]" : "[^\\x{0}-\\x{10ffff}]");
    atom((negated ? "[^" : "[") + inside + "]");
  }

  const std::string_view text_;
  std::size_t at_ = 0;
  Translation out_;
  std::optional<std::size_t> atom_;  // where the last thing that can be repeated starts
  std::vector<Group> groups_;
};

}  // namespace

Translation translatePattern(std::string_view ecma) {
  return Translator(ecma).run();
}

}  // namespace tutti::json::schema
