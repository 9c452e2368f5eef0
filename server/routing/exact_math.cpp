#include "server/routing/exact_math.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

namespace tutti::routing {
namespace {
constexpr double kLn2 = 0.69314718055994530942;
constexpr std::uint64_t kMantissa = (std::uint64_t{1} << 52) - 1;
constexpr std::uint64_t kExponentBias = 1023;

double powerOfTwo(std::int64_t exponent) {
  return std::bit_cast<double>(static_cast<std::uint64_t>(exponent + 1023) << 52);
}
}  // namespace

double exactExp(double x) {
  if (x < -700.0) return 0.0;
  x = std::min(x, 700.0);
  // x = k ln 2 + r with |r| <= ln 2 / 2; then Taylor's series of e^r, by Horner.
  const double scaled = x / kLn2;
  const auto k = static_cast<std::int64_t>(scaled < 0.0 ? scaled - 0.5 : scaled + 0.5);
  const double r = x - static_cast<double>(k) * kLn2;
  double sum = 1.0;
  for (int term = 14; term >= 1; --term) sum = 1.0 + sum * r / static_cast<double>(term);
  return sum * powerOfTwo(k);
}

double exactLog(double x) {
  const auto bits = std::bit_cast<std::uint64_t>(x);
  auto exponent = static_cast<std::int64_t>(bits >> 52) - static_cast<std::int64_t>(kExponentBias);
  double mantissa = std::bit_cast<double>((bits & kMantissa) | (kExponentBias << 52));
  if (mantissa > 1.4142135623730951) {
    mantissa /= 2.0;
    ++exponent;
  }
  // ln m = 2 artanh((m - 1) / (m + 1)), whose argument is below 0.172 here.
  const double ratio = (mantissa - 1.0) / (mantissa + 1.0);
  const double square = ratio * ratio;
  double sum = 0.0;
  for (int power = 21; power >= 1; power -= 2)
    sum = 1.0 / static_cast<double>(power) + sum * square;
  return static_cast<double>(exponent) * kLn2 + 2.0 * ratio * sum;
}

double rounded(double x) {
  return std::floor(x * 10'000 + 0.5) / 10'000;
}

}  // namespace tutti::routing
