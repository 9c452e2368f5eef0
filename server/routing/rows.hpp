// Rows of floats, padded to whole vectors, with arithmetic whose order does not depend on the
// machine: element by element, or in eight lanes that are added up at the end.
#pragma once

#include <cstddef>

namespace tutti::routing {

inline constexpr std::size_t kLanes = 8;

constexpr std::size_t roundedToRow(std::size_t count) {
  return (count + kLanes - 1) / kLanes * kLanes;
}

/// to += factor * from.
inline void addRow(float* __restrict to, const float* __restrict from, float factor,
                   std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) to[i] += factor * from[i];
}

/// The sum of a[i] * b[i]; `size` is a multiple of kLanes.
inline float dotRow(const float* __restrict a, const float* __restrict b, std::size_t size) {
  float lanes[kLanes] = {};
  for (std::size_t i = 0; i < size; i += kLanes)
    for (std::size_t lane = 0; lane < kLanes; ++lane) lanes[lane] += a[i + lane] * b[i + lane];
  return ((lanes[0] + lanes[4]) + (lanes[1] + lanes[5])) +
         ((lanes[2] + lanes[6]) + (lanes[3] + lanes[7]));
}

}  // namespace tutti::routing
