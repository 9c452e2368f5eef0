// Structure of texts that need no reading of their own: Markdown's headings, JSON's escapes.
#include <cstdint>
#include <cstdlib>

#include "server/search/extract_parts.hpp"

namespace tutti::search {
namespace {
std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r'))
    text.remove_suffix(1);
  return text;
}

/// The title of "## Title ##", or nothing.
std::string_view hashTitle(std::string_view line) {
  std::size_t level = 0;
  while (level < line.size() && line[level] == '#') ++level;
  if (level == 0 || level > 6) return {};
  if (level < line.size() && line[level] != ' ' && line[level] != '\t') return {};
  std::string_view title = trimmed(line.substr(level));
  while (!title.empty() && title.back() == '#') title.remove_suffix(1);
  return trimmed(title);
}

bool isUnderline(std::string_view line) {
  const std::string_view mark = trimmed(line);
  return mark.size() >= 2 && (mark.find_first_not_of('=') == std::string_view::npos ||
                              mark.find_first_not_of('-') == std::string_view::npos);
}

bool isFence(std::string_view line) {
  const std::string_view mark = trimmed(line);
  return mark.starts_with("```") || mark.starts_with("~~~");
}

int hexValue(std::string_view digits) {
  int value = 0;
  for (const char c : digits) {
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

struct Escape {
  std::string text;
  std::size_t size = 2;  ///< bytes in the source, all ASCII
};

/// A \uXXXX, with its second half when it is a surrogate.
Escape unicodeEscape(std::string_view text) {
  Escape escape{"\xef\xbf\xbd", text.size() < 6 ? text.size() : 6};
  const int first = text.size() < 6 ? -1 : hexValue(text.substr(2, 4));
  if (first < 0) return {" ", 2};
  auto character = static_cast<char32_t>(first);
  if (first >= 0xd800 && first < 0xdc00 && text.size() >= 12 && text.substr(6, 2) == "\\u") {
    const int second = hexValue(text.substr(8, 4));
    if (second < 0xdc00 || second >= 0xe000) return escape;
    character = 0x10000U + ((static_cast<char32_t>(first) - 0xd800U) << 10U) +
                (static_cast<char32_t>(second) - 0xdc00U);
    escape.size = 12;
  } else if (first >= 0xd800 && first < 0xe000) {
    return escape;
  }
  escape.text.clear();
  // A NUL has no place in a text that is searched.
  appendUtf8(escape.text, character == 0 ? U' ' : character);
  return escape;
}

Escape escapeAt(std::string_view text) {
  if (text.size() < 2) return {" ", text.size()};
  switch (text[1]) {
    case 'u':
      return unicodeEscape(text);
    case '"':
    case '\\':
    case '/':
      return {std::string(1, text[1]), 2};
    case 'b':
    case 'f':
    case 't':
      return {" ", 2};
    case 'n':
    case 'r':
      return {"\n", 2};
    default:  // no escape of JSON's: the backslash stays
      return {"\\", 1};
  }
}
}  // namespace

std::vector<Heading> markdownHeadings(std::string_view text, std::size_t headings_max) {
  std::vector<Heading> headings;
  std::string_view before;
  std::size_t before_at = 0;
  bool fenced = false;
  for (std::size_t at = 0; at < text.size() && headings.size() < headings_max;) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    const bool fence = isFence(line);
    if (fence) fenced = !fenced;
    if (!fenced && !fence) {
      if (const std::string_view title = hashTitle(line); !title.empty())
        headings.push_back({at, std::string(title)});
      else if (!trimmed(before).empty() && isUnderline(line) && hashTitle(before).empty())
        headings.push_back({before_at, std::string(trimmed(before))});
    }
    before = fence || fenced ? std::string_view() : line;
    before_at = at;
    at = end + 1;
  }
  return headings;
}

Extracted extractJson(std::string_view source) {
  Extracted extracted;
  extracted.kind = Kind::Json;
  std::size_t char_at = 0;
  for (std::size_t at = 0; at < source.size();) {
    const std::size_t end = std::min(source.find('\\', at), source.size());
    const std::string_view plain = source.substr(at, end - at);
    const std::size_t chars = characterCount(plain);
    extracted.content.append(plain, char_at, chars);
    char_at += chars;
    at = end;
    if (at >= source.size()) break;
    const Escape escape = escapeAt(source.substr(at));
    extracted.content.append(escape.text, char_at, escape.size);
    char_at += escape.size;
    at += escape.size;
  }
  return extracted;
}

void appendUtf8(std::string& to, char32_t character) {
  const auto byte = [&to](char32_t value) { to += static_cast<char>(value); };
  if (character < 0x80) {
    byte(character);
  } else if (character < 0x800) {
    byte(0xc0U | (character >> 6U));
    byte(0x80U | (character & 0x3fU));
  } else if (character < 0x10000) {
    byte(0xe0U | (character >> 12U));
    byte(0x80U | ((character >> 6U) & 0x3fU));
    byte(0x80U | (character & 0x3fU));
  } else {
    byte(0xf0U | (character >> 18U));
    byte(0x80U | ((character >> 12U) & 0x3fU));
    byte(0x80U | ((character >> 6U) & 0x3fU));
    byte(0x80U | (character & 0x3fU));
  }
}

}  // namespace tutti::search
