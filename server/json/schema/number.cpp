#include "server/json/schema/number.hpp"

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <string_view>

namespace tutti::json::schema {
namespace {
__extension__ using Wide = unsigned __int128;

constexpr int kDigitsMax = 20;  // of a 64-bit integer

std::uint64_t magnitude(std::int64_t value) {
  return value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
}

/// Reads what to_chars writes in scientific form: d.ddde±dd.
Decimal readScientific(std::string_view text) {
  Decimal decimal;
  bool after_point = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '.') after_point = true;
    if (c >= '0' && c <= '9') {
      decimal.digits = decimal.digits * 10 + static_cast<std::uint64_t>(c - '0');
      if (after_point) --decimal.exponent;
    }
    if (c != 'e') continue;
    const std::size_t start = at + (text[at + 1] == '+' ? 2 : 1);
    int power = 0;
    std::from_chars(text.data() + start, text.data() + text.size(), power);
    decimal.exponent += power;
    break;
  }
  return decimal;
}

std::uint64_t powerModulo(int exponent, std::uint64_t modulus) {
  Wide result = 1 % modulus;
  Wide base = 10 % modulus;
  for (; exponent > 0; exponent >>= 1) {
    if ((exponent & 1) != 0) result = result * base % modulus;
    base = base * base % modulus;
  }
  return static_cast<std::uint64_t>(result);
}

/// Exact in both: the long double of the supported machines holds any 64-bit integer and any
/// double.
long double widened(const Json& number) {
  if (const auto* whole = number.get_ptr<const Json::number_unsigned_t*>()) return *whole;
  if (const auto* whole = number.get_ptr<const Json::number_integer_t*>()) return *whole;
  return *number.get_ptr<const Json::number_float_t*>();
}
}  // namespace

Decimal decimalOf(const Json& number) {
  if (const auto* whole = number.get_ptr<const Json::number_unsigned_t*>()) return {*whole, 0};
  if (const auto* whole = number.get_ptr<const Json::number_integer_t*>())
    return {magnitude(*whole), 0};
  const double value = *number.get_ptr<const Json::number_float_t*>();
  if (!std::isfinite(value)) return {};
  char text[40];
  const auto [end, problem] =
      std::to_chars(text, text + sizeof text, std::fabs(value), std::chars_format::scientific);
  Decimal decimal = readScientific({text, static_cast<std::size_t>(end - text)});
  while (decimal.digits != 0 && decimal.digits % 10 == 0) {
    decimal.digits /= 10;
    ++decimal.exponent;
  }
  return decimal;
}

bool isMultiple(const Json& number, const Decimal& divisor) {
  const Decimal value = decimalOf(number);
  if (value.digits == 0) return true;
  const int shift = value.exponent - divisor.exponent;
  if (shift >= 0) {
    const Wide remainder =
        Wide{value.digits % divisor.digits} * powerModulo(shift, divisor.digits) % divisor.digits;
    return remainder == 0;
  }
  // The divisor has the larger power of ten, so the value must hold that power too.
  Wide scaled = divisor.digits;
  if (-shift > kDigitsMax) return false;
  for (int i = 0; i < -shift; ++i) {
    scaled *= 10;
    if (scaled > value.digits) return false;
  }
  return value.digits % static_cast<std::uint64_t>(scaled) == 0;
}

int compareNumbers(const Json& a, const Json& b) {
  const long double left = widened(a);
  const long double right = widened(b);
  if (left < right) return -1;
  return left > right ? 1 : 0;
}

bool isIntegral(const Json& number) {
  const auto* value = number.get_ptr<const Json::number_float_t*>();
  return value == nullptr || std::trunc(*value) == *value;
}

}  // namespace tutti::json::schema
