// Small things about text that more than one module needs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tutti {

/// Appends `text` to `to` as a JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD,
/// so that the result is always valid.
void appendJsonString(std::string& to, std::string_view text);

/// Is `text` well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms)?
bool isValidUtf8(std::string_view text);

/// `text` with every ill-formed byte replaced by U+FFFD.
std::string toValidUtf8(std::string_view text);

/// `text` with its %XX decoded; what is no escape stays as it is.
std::string percentDecoded(std::string_view text);

/// `text` with everything but RFC 3986's unreserved characters, and those in `kept`, as %XX.
std::string percentEncoded(std::string_view text, std::string_view kept = {});

/// At most `size_max` bytes of `text`, cut between characters, with " …" where something was cut.
std::string shortened(std::string_view text, std::size_t size_max);

/// Those of `known` that look like `word`, best first, at most `count_max`: for "did you mean".
std::vector<std::string> nearestNames(std::string_view word, const std::vector<std::string>& known,
                                      std::size_t count_max = 3);

/// "a, b and c".
std::string joined(const std::vector<std::string>& words);

}  // namespace tutti
