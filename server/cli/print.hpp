// What commands say to people.
#pragma once

#include <string>
#include <string_view>

#include "server/base/result.hpp"
#include "server/json/json.hpp"

namespace tutti::cli {

/// "tutti: message" and the hint on stderr; the exit status 2.
int printError(const Error& error);

/// The same for an error object {message, hint} that a tool gave; the exit status 1.
int printToolError(const Json& error);

/// Writes to stdout; false when nobody reads any more.
bool printOut(std::string_view text);

/// Writes `value` to stdout as JSON for people and scripts; the exit status, 1 when nobody reads.
int printJson(const Json& value);

/// `text` in one line, at most `width` wide, without control characters.
std::string oneLine(std::string_view text, std::size_t width);

}  // namespace tutti::cli
