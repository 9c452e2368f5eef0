// Vectors of texts as routing compares them: directions in whole numbers, so that comparing gives
// the same bits whether a vector has just come from its server or lay in the store.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tutti::routing {

/// Components from -127 to 127; only the direction counts. Its error is about a hundredth of its
/// length, in a random direction, which for what two texts have in common is nothing.
using TextVector = std::vector<std::int8_t>;

inline constexpr std::size_t kDimensionsMax = 4096;
inline constexpr std::size_t kVectorTextBytesMax = 8192;  ///< of a text; the rest is not embedded

/// Nothing for a vector without a direction (empty, all zero, not finite) or above kDimensionsMax.
std::optional<TextVector> vectorOf(std::span<const float> components);

/// What is embedded for a text: normalised as requests are, and its first kVectorTextBytesMax.
std::string vectorText(std::string_view text);
/// The hash by which vectors are kept, of vectorText(text).
std::string vectorKey(std::string_view text);

/// By vectorKey().
using TextVectors = std::unordered_map<std::string, TextVector>;

/// Null where there is none.
const TextVector* findVector(const TextVectors& vectors, std::string_view text);

}  // namespace tutti::routing
