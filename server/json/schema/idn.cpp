#include "server/json/schema/idn.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <cstdint>

#include "server/json/schema/scanner.hpp"

namespace tutti::json::schema {
namespace {
constexpr char32_t kLast = 0x10FFFF;

// RFC 5892, 2.6: exceptions to what the general categories say.
constexpr std::u32string_view kPermitted = U"\u00DF\u03C2\u06FD\u06FE\u0F0B\u3007-";
constexpr std::u32string_view kForbidden =
    U"\u0640\u07FA\u302E\u302F\u3031\u3032\u3033\u3034\u3035\u303B";
constexpr std::u32string_view kContextual = U"\u00B7\u0375\u05F3\u05F4\u30FB\u200C\u200D";

std::string utf8(char32_t code) {
  std::string out;
  const auto add = [&out](char32_t byte) {
    out += static_cast<char>(static_cast<unsigned char>(byte));
  };
  if (code < 0x80) {
    add(code);
  } else if (code < 0x800) {
    add(0xC0 | code >> 6);
    add(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    add(0xE0 | code >> 12);
    add(0x80 | (code >> 6 & 0x3F));
    add(0x80 | (code & 0x3F));
  } else {
    add(0xF0 | code >> 18);
    add(0x80 | (code >> 12 & 0x3F));
    add(0x80 | (code >> 6 & 0x3F));
    add(0x80 | (code & 0x3F));
  }
  return out;
}

/// RE2 carries Unicode's categories and scripts, which saves tables of our own.
bool is(char32_t code, const RE2& set) {
  return RE2::FullMatch(utf8(code), set);
}

const RE2& marks() {
  static const RE2 set("\\p{M}");
  return set;
}
const RE2& permitted() {
  static const RE2 set("[\\p{Ll}\\p{Lo}\\p{Lm}\\p{Mn}\\p{Mc}\\p{Nd}]");
  return set;
}
const RE2& japanese() {
  static const RE2 set("[\\p{Hiragana}\\p{Katakana}\\p{Han}]");
  return set;
}
const RE2& greek() {
  static const RE2 set("\\p{Greek}");
  return set;
}
const RE2& hebrew() {
  static const RE2 set("\\p{Hebrew}");
  return set;
}

bool isVirama(char32_t code) {
  constexpr std::u32string_view kViramas =
      U"\u094D\u09CD\u0A4D\u0ACD\u0B4D\u0BCD\u0C4D\u0CCD\u0D4D\u0DCA\u0E3A\u0F84\u1039\u103A\u17D2";
  return kViramas.find(code) != kViramas.npos;
}

bool isArabic(char32_t code) {
  return code >= 0x0620 && code <= 0x06FF;
}

/// RFC 5892, appendix A: characters that are allowed in some company only.
bool fitsContext(const std::u32string& label, std::size_t at) {
  const char32_t before = at > 0 ? label[at - 1] : 0;
  const char32_t after = at + 1 < label.size() ? label[at + 1] : 0;
  switch (label[at]) {
    case 0x00B7:
      return before == 'l' && after == 'l';
    case 0x0375:
      return after != 0 && is(after, greek());
    case 0x05F3:
    case 0x05F4:
      return before != 0 && is(before, hebrew());
    case 0x30FB:
      return std::any_of(label.begin(), label.end(),
                         [](char32_t code) { return code != 0x30FB && is(code, japanese()); });
    case 0x200D:
      return isVirama(before);
    case 0x200C:
      return isVirama(before) || (isArabic(before) && isArabic(after));
    default:
      return true;
  }
}

bool mixesArabicDigits(const std::u32string& label) {
  const auto any = [&label](char32_t first, char32_t last) {
    return std::any_of(label.begin(), label.end(),
                       [=](char32_t code) { return code >= first && code <= last; });
  };
  return any(0x0660, 0x0669) && any(0x06F0, 0x06F9);
}

std::uint32_t adapted(std::uint32_t delta, std::uint32_t points, std::uint32_t damp) {
  delta /= damp;
  delta += delta / points;
  std::uint32_t k = 0;
  for (; delta > 455; k += 36) delta /= 35;
  return k + 36 * delta / (delta + 38);
}

int digitOf(char c) {
  if (isAsciiDigit(c)) return c - '0' + 26;
  if (isAsciiLetter(c)) return (c | 0x20) - 'a';
  return -1;
}

/// One generalised variable-length integer. False when the text ends inside it or it overflows.
bool takeDelta(std::string_view& text, std::uint32_t bias, std::uint32_t& delta) {
  std::uint64_t weight = 1;
  std::uint64_t value = 0;
  for (std::uint32_t k = 36;; k += 36) {
    if (text.empty()) return false;
    const int digit = digitOf(text[0]);
    text.remove_prefix(1);
    if (digit < 0) return false;
    value += static_cast<std::uint64_t>(digit) * weight;
    if (value > UINT32_MAX) return false;
    const std::uint32_t threshold = k <= bias ? 1 : k >= bias + 26 ? 26 : k - bias;
    if (static_cast<std::uint32_t>(digit) < threshold) break;
    weight *= 36 - threshold;
    if (weight > UINT32_MAX) return false;
  }
  delta = static_cast<std::uint32_t>(value);
  return true;
}
}  // namespace

bool looksLikeALabel(std::string_view label) {
  return label.size() >= 4 && label[2] == '-' && label[3] == '-' && (label[0] | 0x20) == 'x' &&
         (label[1] | 0x20) == 'n';
}

std::optional<std::u32string> decodePunycode(std::string_view text) {
  std::u32string out;
  const std::size_t hyphen = text.rfind('-');
  if (hyphen != text.npos) {
    for (const char c : text.substr(0, hyphen)) out += static_cast<char32_t>(c);
    text.remove_prefix(hyphen + 1);
  }
  std::uint64_t code = 128;
  std::uint64_t at = 0;
  std::uint32_t bias = 72;
  while (!text.empty()) {
    std::uint32_t delta = 0;
    if (!takeDelta(text, bias, delta)) return std::nullopt;
    const std::uint64_t points = out.size() + 1;
    bias = adapted(delta, static_cast<std::uint32_t>(points), at == 0 ? 700 : 2);
    at += delta;
    code += at / points;
    at %= points;
    if (code > kLast) return std::nullopt;
    out.insert(static_cast<std::size_t>(at), 1, static_cast<char32_t>(code));
    ++at;
  }
  return out;
}

bool isIdnaLabel(const std::u32string& label) {
  if (label.empty() || label.front() == '-' || label.back() == '-') return false;
  if (label.size() >= 4 && label[2] == '-' && label[3] == '-') return false;
  if (is(label.front(), marks()) || mixesArabicDigits(label)) return false;
  for (std::size_t i = 0; i < label.size(); ++i) {
    const char32_t code = label[i];
    if (kContextual.find(code) != kContextual.npos) {
      if (!fitsContext(label, i)) return false;
    } else if (kForbidden.find(code) != kForbidden.npos) {
      return false;
    } else if (kPermitted.find(code) == kPermitted.npos && !is(code, permitted())) {
      return false;
    }
  }
  return true;
}

bool isALabel(std::string_view label) {
  constexpr std::size_t kPrefix = 4;
  std::string lower(label.substr(std::min(kPrefix, label.size())));
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  const auto decoded = decodePunycode(lower);
  if (!decoded) return false;
  const bool has_other =
      std::any_of(decoded->begin(), decoded->end(), [](char32_t code) { return code >= 0x80; });
  return has_other && isIdnaLabel(*decoded);
}

}  // namespace tutti::json::schema
