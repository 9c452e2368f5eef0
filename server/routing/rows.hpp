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
void addRow(float* __restrict to, const float* __restrict from, float factor, std::size_t size);

/// The sum of a[i] * b[i]; `size` is a multiple of kLanes.
float dotRow(const float* __restrict a, const float* __restrict b, std::size_t size);

}  // namespace tutti::routing
