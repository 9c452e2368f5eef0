// Vectors as bytes: a quarter of the memory to read, and a bound on what that costs in precision.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "server/search/embeddings.hpp"

namespace tutti::search {

/// A vector v of length 1 is about scale·code, and |v - scale·code| is exactly `residual`.
struct CodeScale {
  float scale = 0;
  float residual = 0;
};

/// Writes v's code of v.size() bytes to `code`.
CodeScale encode(std::span<const float> vector, std::int8_t* code);

/// Whole numbers, so every instruction set gives the same; chosen for the machine at the first
/// call.
std::int32_t dotCodes(const std::int8_t* a, const std::int8_t* b, std::size_t size);
/// Dot product in the order of the dimensions: the same everywhere.
double dotExact(const float* a, const float* b, std::size_t size);

}  // namespace tutti::search
