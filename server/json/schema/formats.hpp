// What "format" can check. Each check is linear in the text and allocates little or nothing.
#pragma once

#include <string_view>

namespace tutti::json::schema {

struct Format {
  std::string_view name;
  bool (*accepts)(std::string_view text);
};

/// The format, or nullptr for one that is only an annotation here.
const Format* findFormat(std::string_view name);

// Dates and times: RFC 3339, leap seconds included.
bool isDateTime(std::string_view text);
bool isDate(std::string_view text);
bool isTime(std::string_view text);
bool isDuration(std::string_view text);

// Hosts: RFC 1123, RFC 5890 (A-labels), RFC 2673, RFC 4291.
bool isHostname(std::string_view text);
bool isIpv4(std::string_view text);
bool isIpv6(std::string_view text);

// Mail: RFC 5321, RFC 6531.
bool isEmail(std::string_view text);
bool isIdnEmail(std::string_view text);

// RFC 3986, RFC 3987, RFC 6570.
bool isUri(std::string_view text);
bool isUriReference(std::string_view text);
bool isIri(std::string_view text);
bool isIriReference(std::string_view text);
bool isUriTemplate(std::string_view text);

// RFC 6901 and its relative draft, RFC 4122, ECMA-262.
bool isJsonPointer(std::string_view text);
bool isRelativeJsonPointer(std::string_view text);
bool isUuid(std::string_view text);
bool isRegex(std::string_view text);

}  // namespace tutti::json::schema
