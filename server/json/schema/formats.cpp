#include "server/json/schema/formats.hpp"

#include <algorithm>
#include <iterator>

#include "server/json/schema/pattern.hpp"
#include "server/json/schema/scanner.hpp"

namespace tutti::json::schema {
namespace {
constexpr Format kFormats[] = {
    {"date", isDate},
    {"date-time", isDateTime},
    {"duration", isDuration},
    {"email", isEmail},
    {"hostname", isHostname},
    {"idn-email", isIdnEmail},
    {"ipv4", isIpv4},
    {"ipv6", isIpv6},
    {"iri", isIri},
    {"iri-reference", isIriReference},
    {"json-pointer", isJsonPointer},
    {"regex", isRegex},
    {"relative-json-pointer", isRelativeJsonPointer},
    {"time", isTime},
    {"uri", isUri},
    {"uri-reference", isUriReference},
    {"uri-template", isUriTemplate},
    {"uuid", isUuid},
};
}  // namespace

const Format* findFormat(std::string_view name) {
  const Format* found = std::find_if(std::begin(kFormats), std::end(kFormats),
                                     [name](const Format& format) { return format.name == name; });
  return found == std::end(kFormats) ? nullptr : found;
}

bool isJsonPointer(std::string_view text) {
  if (text.empty()) return true;
  if (text[0] != '/') return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '~') continue;
    if (i + 1 == text.size() || (text[i + 1] != '0' && text[i + 1] != '1')) return false;
  }
  return true;
}

bool isRelativeJsonPointer(std::string_view text) {
  Scanner in(text);
  const std::size_t size = in.skipDigits();
  if (size == 0 || (size > 1 && text[0] == '0')) return false;
  return in.rest() == "#" || isJsonPointer(in.rest());
}

bool isUuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
    if (hyphen ? text[i] != '-' : !isHexDigit(text[i])) return false;
  }
  return true;
}

bool isRegex(std::string_view text) {
  return translatePattern(text).error.empty();
}

}  // namespace tutti::json::schema
