#include "server/routing/rows.hpp"

#include <cmath>

// Wider registers where the processor has them. Each element is still one multiplication and one
// addition, so the bits are the same with either.
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
#define TUTTI_WIDE __attribute__((target_clones("avx2", "default")))
#else
#define TUTTI_WIDE
#endif

namespace tutti::routing {

TUTTI_WIDE void addRow(float* __restrict to, const float* __restrict from, float factor,
                       std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) to[i] += factor * from[i];
}

TUTTI_WIDE float dotRow(const float* __restrict a, const float* __restrict b, std::size_t size) {
  float lanes[kLanes] = {};
  for (std::size_t i = 0; i < size; i += kLanes)
    for (std::size_t lane = 0; lane < kLanes; ++lane) lanes[lane] += a[i + lane] * b[i + lane];
  return ((lanes[0] + lanes[4]) + (lanes[1] + lanes[5])) +
         ((lanes[2] + lanes[6]) + (lanes[3] + lanes[7]));
}

TUTTI_WIDE void adaptRow(float* __restrict weights, float* __restrict squares,
                         const float* __restrict from, float factor, float rate, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) {
    const float gradient = factor * from[i];
    squares[i] += gradient * gradient;
    weights[i] -= rate * gradient / std::sqrt(squares[i]);
  }
}

void RowTable::reset(std::size_t rows, std::size_t width) {
  blocks_.clear();
  width_ = width;
  grow(rows);
}

void RowTable::grow(std::size_t rows) {
  while (blocks_.size() * kBlock < rows)
    blocks_.push_back(std::make_unique<float[]>(kBlock * width_));
}

}  // namespace tutti::routing
