// Sets of characters as ECMA-262 names them, written for the inside of RE2's brackets.
#pragma once

#include <string>
#include <string_view>

namespace tutti::json::schema {

/// What \s means: WhiteSpace and LineTerminator.
inline constexpr std::string_view kEcmaSpaces =
    "\\t\\n\\v\\f\\r \\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}"
    "\\x{3000}\\x{feff}";
/// What \S means.
inline constexpr std::string_view kEcmaNotSpaces =
    "\\x{0}-\\x{8}\\x{e}-\\x{1f}\\x{21}-\\x{9f}\\x{a1}-\\x{167f}\\x{1681}-\\x{1fff}\\x{200b}-\\x{"
    "2027}"
    "\\x{202a}-\\x{202e}\\x{2030}-\\x{205e}\\x{2060}-\\x{2fff}\\x{3001}-\\x{fefe}"
    "\\x{ff00}-\\x{10ffff}";

enum class Sense { Is, IsNot };

/// What \p{name} means, or \P{name} for IsNot. A name that RE2 does not know is refused by RE2.
std::string propertySet(std::string_view name, Sense sense);

}  // namespace tutti::json::schema
