// Internationalised labels of host names: Punycode (RFC 3492) and the rules of IDNA 2008 (RFC 5891,
// RFC 5892) that a validator without Unicode's bidirectional tables can hold.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tutti::json::schema {

/// Two hyphens in the third and fourth place: reserved, and in use only as "xn--".
bool looksLikeALabel(std::string_view label);

/// "xn--" and the Punycode of a label that IDNA 2008 permits.
bool isALabel(std::string_view label);

/// The characters that Punycode (without "xn--") stands for, or nothing when it is malformed.
std::optional<std::u32string> decodePunycode(std::string_view text);

/// Do the code points follow IDNA 2008: permitted characters, no leading mark, contextual rules?
bool isIdnaLabel(const std::u32string& label);

}  // namespace tutti::json::schema
