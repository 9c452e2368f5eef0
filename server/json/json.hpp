// The one door to JSON. nlohmann stays behind it: parse and dump are compiled once, bounded and
// strict.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/base/result.hpp"

namespace tutti {
using Json = nlohmann::json;
}

namespace tutti::json {

struct ParseLimits {
  std::size_t depth_max = 128;                ///< nested arrays and objects
  std::size_t bytes_max = 64U * 1024 * 1024;  ///< text length
};

/// Parses one RFC 8259 text. Errors, all named and without library text: InvalidArgument
/// "invalid_json" (with the byte offset; ill-formed UTF-8, lone surrogates and a duplicate key in
/// one object included), ResourceExhausted "json_too_deep" or "json_too_large". Thread-safe.
Result<Json> parse(std::string_view text, ParseLimits limits = {});

/// One line, keys sorted. Ill-formed UTF-8 becomes U+FFFD: never throws for content. Thread-safe.
std::string dump(const Json& value);
/// For people: two spaces a level.
std::string dumpPretty(const Json& value);

/// Destroys an object of few members for less than its destructor takes, which moves the members of
/// every level into a list first; that of the members' own levels stays as it is.
void discard(Json value);

/// Strict readers of an object's member. Absent and null are the same. A member of another type is
/// InvalidArgument naming the key and what was found; nothing is converted (3.0 is not an integer
/// unless integral, true is not 1).
Result<std::optional<std::string>> readString(const Json& object, std::string_view key);
Result<std::optional<std::int64_t>> readInteger(const Json& object, std::string_view key);
Result<std::optional<double>> readNumber(const Json& object, std::string_view key);
Result<std::optional<bool>> readBoolean(const Json& object, std::string_view key);
Result<std::optional<std::vector<std::string>>> readStrings(const Json& object,
                                                            std::string_view key);

/// For input that a schema has already checked: the member, or `otherwise` when absent, null or of
/// another type.
std::string stringOr(const Json& object, std::string_view key, std::string otherwise);
std::int64_t integerOr(const Json& object, std::string_view key, std::int64_t otherwise);
double numberOr(const Json& object, std::string_view key, double otherwise);
bool booleanOr(const Json& object, std::string_view key, bool otherwise);
/// The member if it is present and not null, else nullptr.
const Json* find(const Json& object, std::string_view key);

}  // namespace tutti::json
