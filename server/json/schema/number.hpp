// Numbers as JSON Schema sees them: one kind, compared and divided without rounding.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>

#include "server/json/json.hpp"

namespace tutti::json::schema {

/// A number as digits times a power of ten, for exact division. Made from the shortest decimal that
/// reads back as the same double, which is what the author wrote.
struct Decimal {
  std::uint64_t digits = 0;  ///< the magnitude; the sign plays no part in divisibility
  int exponent = 0;
};
Decimal decimalOf(const Json& number);

/// Is `number` a whole multiple of `divisor` (which is not zero)? Exact for 0.01 and 1e308 alike.
bool isMultiple(const Json& number, const Decimal& divisor);

/// Below zero, zero or above, as `a` is below, equal to or above `b`. Exact between 64-bit integers
/// and doubles.
int compareNumbers(const Json& a, const Json& b);

/// 3 and 3.0, not 3.5.
bool isIntegral(const Json& number);

}  // namespace tutti::json::schema
