// Rows of floats, padded to whole vectors, with arithmetic whose order does not depend on the
// machine: element by element, or in eight lanes that are added up at the end.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace tutti::routing {

inline constexpr std::size_t kLanes = 8;

constexpr std::size_t roundedToRow(std::size_t count) {
  return (count + kLanes - 1) / kLanes * kLanes;
}

/// to += factor * from.
void addRow(float* __restrict to, const float* __restrict from, float factor, std::size_t size);

/// The sum of a[i] * b[i]; `size` is a multiple of kLanes.
float dotRow(const float* __restrict a, const float* __restrict b, std::size_t size);

/// A step of Adagrad against the gradient `factor` * from: each weight has its own step, smaller
/// the larger its gradients were; `squares` is the sum of their squares so far and must not be 0.
void adaptRow(float* __restrict weights, float* __restrict squares, const float* __restrict from,
              float factor, float rate, std::size_t size);

/// A table of rows that grows without moving or copying what it holds.
class RowTable {
 public:
  /// `rows` rows of `width` zeros. `width` is a multiple of kLanes.
  void reset(std::size_t rows, std::size_t width);
  /// Adds rows of zeros up to `rows`.
  void grow(std::size_t rows);

  float* operator[](std::size_t row) { return blocks_[row / kBlock].get() + row % kBlock * width_; }
  const float* operator[](std::size_t row) const {
    return blocks_[row / kBlock].get() + row % kBlock * width_;
  }
  std::size_t width() const { return width_; }

 private:
  static constexpr std::size_t kBlock = 256;
  std::size_t width_ = 0;
  std::vector<std::unique_ptr<float[]>> blocks_;
};

}  // namespace tutti::routing
