// Values inside messages, cut short while they are written: a huge value costs no more than a small
// one.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "server/json/json.hpp"

namespace tutti::json::schema {

constexpr std::size_t kShownMax = 200;          ///< bytes of one value in an error
constexpr std::size_t kShownChoicesMax = 2000;  ///< bytes of what a schema offers instead

/// As JSON, at most kShownMax bytes and " …" where something was cut.
std::string shownJson(const Json& value);

/// As python-jsonschema shows it, since its messages are what clients know: 'text', True, None,
/// {'a': [1.0]}. Cut as shownJson() is.
std::string shown(const Json& value, std::size_t size_max = kShownMax);
/// The items of an array from `first` on, as an array.
std::string shownFrom(const Json& array, std::size_t first);
std::string shownText(std::string_view text);
/// 'a', 'b', 'c'
std::string shownList(const std::vector<std::string>& texts);

}  // namespace tutti::json::schema
