// Equality of JSON values as JSON Schema defines it: 1 equals 1.0, true does not equal 1.
#pragma once

#include <cstdint>

#include "server/json/json.hpp"

namespace tutti::json::schema {

/// Deep equality. Takes no stack for nesting and allocates only for arrays and objects.
bool isEqual(const Json& a, const Json& b);

/// Equal values have equal hashes. Looks at the first 128 levels only, so nesting costs little
/// stack.
std::uint64_t hashOf(const Json& value);

/// Are all items of `array` different? Sorts by hash: no quadratic time on ordinary input.
bool isUnique(const Json& array);

/// Is `value` nested deeper than `depth` levels? Takes no stack.
bool isDeeperThan(const Json& value, std::size_t depth);

}  // namespace tutti::json::schema
