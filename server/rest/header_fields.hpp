// The pieces that header values are made of.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tutti::rest {

/// Without the spaces and tabs around it.
std::string_view trimmedField(std::string_view text);
/// ASCII letters in lower case.
std::string lowerAscii(std::string_view text);

/// `value; name=x; other="y"`: the value in front in lower case, and its parameters, their names in
/// lower case, in their order. A quoted text is without its quotes and backslashes.
struct ParameterizedField {
  std::string value;
  std::vector<std::pair<std::string, std::string>> parameters;

  /// The first of that name.
  const std::string* parameter(std::string_view name) const;
};
/// Nothing for what is not of that form: a quote that does not close, a parameter without a name.
std::optional<ParameterizedField> parseParameterized(std::string_view field);

/// The text of an RFC 8187 value, `UTF-8''na%C3%AFve`; nothing for another character set or for
/// what is not UTF-8.
std::optional<std::string> decodeExtendedValue(std::string_view value);

/// Content-Disposition for `filename`, whatever is in it: no name can end the header or the
/// parameter. A name beyond ASCII comes as `filename*` too.
std::string contentDisposition(std::string_view kind, std::string_view filename);

/// The parts of a comma-separated list, trimmed, without the empty ones; commas in quotes do not
/// count.
std::vector<std::string_view> listItems(std::string_view field);

}  // namespace tutti::rest
