// Hosts and mailboxes.
#include <algorithm>

#include "server/base/text.hpp"
#include "server/json/schema/formats.hpp"
#include "server/json/schema/idn.hpp"
#include "server/json/schema/scanner.hpp"

namespace tutti::json::schema {
namespace {
constexpr std::size_t kHostnameMax = 253;
constexpr std::size_t kLabelMax = 63;
constexpr std::size_t kLocalPartMax = 64;
constexpr std::string_view kAtomMarks =
    "!#$%&'*+-/=?^_`{|}~";  // RFC 5321 atext beside letters and digits

enum class Script { Ascii, Unicode };
enum class Tail { Hexadecimal, MayBeIpv4 };

bool isLabel(std::string_view label, Script script) {
  if (label.empty() || label.size() > kLabelMax) return false;
  if (label.front() == '-' || label.back() == '-') return false;
  return std::all_of(label.begin(), label.end(), [script](char c) {
    const bool other = static_cast<unsigned char>(c) >= 0x80;
    return isAsciiLetter(c) || isAsciiDigit(c) || c == '-' || (other && script == Script::Unicode);
  });
}

template <class Check>
bool everyLabel(std::string_view text, Check check) {
  if (text.empty() || text.size() > kHostnameMax) return false;
  for (;;) {
    const std::size_t dot = text.find('.');
    if (!check(text.substr(0, dot))) return false;
    if (dot == text.npos) return true;
    text.remove_prefix(dot + 1);
  }
}

bool isDomain(std::string_view text, Script script) {
  return everyLabel(text, [script](std::string_view label) { return isLabel(label, script); });
}

bool isAtomCharacter(char c, Script script) {
  return isAsciiLetter(c) || isAsciiDigit(c) || isOneOf(c, kAtomMarks) ||
         (script == Script::Unicode && static_cast<unsigned char>(c) >= 0x80);
}

bool isDotString(std::string_view text, Script script) {
  if (text.empty() || text.front() == '.' || text.back() == '.') return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '.' && text[i - 1] == '.') return false;
    if (text[i] != '.' && !isAtomCharacter(text[i], script)) return false;
  }
  return true;
}

bool isQuotedString(std::string_view text, Script script) {
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return false;
  const std::string_view inside = text.substr(1, text.size() - 2);
  for (std::size_t i = 0; i < inside.size(); ++i) {
    if (inside[i] == '\\' && ++i == inside.size()) return false;
    const auto byte = static_cast<unsigned char>(inside[i]);
    const bool escaped = i > 0 && inside[i - 1] == '\\';
    if (byte >= 0x80 ? script == Script::Ascii : byte < 0x20 || byte == 0x7F) return false;
    if (byte == '"' && !escaped) return false;
  }
  return true;
}

bool isAddressLiteral(std::string_view text) {
  constexpr std::string_view kIpv6 = "IPv6:";
  if (text.size() < 2 || text.front() != '[' || text.back() != ']') return false;
  text = text.substr(1, text.size() - 2);
  if (text.substr(0, kIpv6.size()) == kIpv6) return isIpv6(text.substr(kIpv6.size()));
  return isIpv4(text);
}

bool isMailbox(std::string_view text, Script script) {
  const std::size_t at = text.rfind('@');
  if (at == text.npos || at > kLocalPartMax) return false;
  const std::string_view local = text.substr(0, at);
  const std::string_view domain = text.substr(at + 1);
  if (!isDotString(local, script) && !isQuotedString(local, script)) return false;
  return isAddressLiteral(domain) || isDomain(domain, script);
}

/// Groups of hexadecimal digits between colons; the last may be an IPv4 address, which counts as
/// two. Returns how many, or -1.
int countGroups(std::string_view text, Tail tail) {
  if (text.empty()) return 0;
  int groups = 0;
  for (;;) {
    const std::size_t colon = text.find(':');
    const std::string_view group = text.substr(0, colon);
    const bool last = colon == text.npos;
    if (last && tail == Tail::MayBeIpv4 && isIpv4(group)) return groups + 2;
    if (group.empty() || group.size() > 4 || !std::all_of(group.begin(), group.end(), isHexDigit))
      return -1;
    ++groups;
    if (last) return groups;
    text.remove_prefix(colon + 1);
  }
}
}  // namespace

bool isHostname(std::string_view text) {
  return everyLabel(text, [](std::string_view label) {
    if (!isLabel(label, Script::Ascii)) return false;
    return !looksLikeALabel(label) || isALabel(label);
  });
}

bool isIpv4(std::string_view text) {
  Scanner in(text);
  for (int i = 0; i < 4; ++i) {
    if (i > 0 && !in.take('.')) return false;
    const std::string_view rest = in.rest();
    const std::size_t size = in.skipDigits();
    if (size < 1 || size > 3 || (size > 1 && rest[0] == '0')) return false;
    if (Scanner(rest).digits(size) > 255) return false;
  }
  return in.done();
}

bool isIpv6(std::string_view text) {
  const std::size_t gap = text.find("::");
  if (gap == text.npos) return countGroups(text, Tail::MayBeIpv4) == 8;
  const int before = countGroups(text.substr(0, gap), Tail::Hexadecimal);
  const int after = countGroups(text.substr(gap + 2), Tail::MayBeIpv4);
  return before >= 0 && after >= 0 && before + after <= 7;
}

bool isEmail(std::string_view text) {
  return isMailbox(text, Script::Ascii);
}
bool isIdnEmail(std::string_view text) {
  return isValidUtf8(text) && isMailbox(text, Script::Unicode);
}

}  // namespace tutti::json::schema
