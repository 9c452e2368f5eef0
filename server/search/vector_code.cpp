#include "server/search/vector_code.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <algorithm>
#include <cmath>

namespace tutti::search {
namespace {
using DotCodes = std::int32_t (*)(const std::int8_t*, const std::int8_t*, std::size_t);

std::int32_t dotPlain(const std::int8_t* a, const std::int8_t* b, std::size_t size) {
  std::int32_t sum = 0;
  for (std::size_t i = 0; i < size; ++i) sum += std::int32_t{a[i]} * std::int32_t{b[i]};
  return sum;
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) std::int32_t dotAvx2(const std::int8_t* a, const std::int8_t* b,
                                                     std::size_t size) {
  __m256i sums = _mm256_setzero_si256();
  std::size_t i = 0;
  for (; i + 16 <= size; i += 16) {
    const void* at_a = a + i;
    const void* at_b = b + i;
    const __m256i of_a = _mm256_cvtepi8_epi16(_mm_loadu_si128(static_cast<const __m128i*>(at_a)));
    const __m256i of_b = _mm256_cvtepi8_epi16(_mm_loadu_si128(static_cast<const __m128i*>(at_b)));
    sums = _mm256_add_epi32(sums, _mm256_madd_epi16(of_a, of_b));
  }
  alignas(32) std::int32_t lanes[8];
  _mm256_store_si256(static_cast<__m256i*>(static_cast<void*>(lanes)), sums);
  std::int32_t sum = dotPlain(a + i, b + i, size - i);
  for (const std::int32_t lane : lanes) sum += lane;
  return sum;
}

__attribute__((target("avx512f,avx512bw"))) std::int32_t dotAvx512(const std::int8_t* a,
                                                                   const std::int8_t* b,
                                                                   std::size_t size) {
  __m512i sums = _mm512_setzero_si512();
  std::size_t i = 0;
  for (; i + 32 <= size; i += 32) {
    const void* at_a = a + i;
    const void* at_b = b + i;
    const __m512i of_a =
        _mm512_cvtepi8_epi16(_mm256_loadu_si256(static_cast<const __m256i*>(at_a)));
    const __m512i of_b =
        _mm512_cvtepi8_epi16(_mm256_loadu_si256(static_cast<const __m256i*>(at_b)));
    sums = _mm512_add_epi32(sums, _mm512_madd_epi16(of_a, of_b));
  }
  alignas(64) std::int32_t lanes[16];
  _mm512_store_si512(static_cast<void*>(lanes), sums);
  std::int32_t sum = dotPlain(a + i, b + i, size - i);
  for (const std::int32_t lane : lanes) sum += lane;
  return sum;
}

DotCodes choose() {
  if (__builtin_cpu_supports("avx512bw")) return dotAvx512;
  if (__builtin_cpu_supports("avx2")) return dotAvx2;
  return dotPlain;
}
#else
DotCodes choose() {
  return dotPlain;
}
#endif
}  // namespace

CodeScale encode(std::span<const float> vector, std::int8_t* code) {
  float largest = 0;
  for (const float value : vector) largest = std::max(largest, std::fabs(value));
  CodeScale made;
  made.scale = largest / 127.0F;
  double squares = 0;
  for (std::size_t i = 0; i < vector.size(); ++i) {
    const float steps = made.scale == 0 ? 0 : std::round(vector[i] / made.scale);
    code[i] = static_cast<std::int8_t>(std::clamp(steps, -127.0F, 127.0F));
    const double off = static_cast<double>(vector[i]) - static_cast<double>(made.scale) * code[i];
    squares += off * off;
  }
  made.residual = static_cast<float>(std::sqrt(squares));
  return made;
}

std::int32_t dotCodes(const std::int8_t* a, const std::int8_t* b, std::size_t size) {
  static const DotCodes chosen = choose();
  return chosen(a, b, size);
}

double dotExact(const float* a, const float* b, std::size_t size) {
  double sum = 0;
  for (std::size_t i = 0; i < size; ++i)
    sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

}  // namespace tutti::search
