#include "server/routing/text_vector.hpp"

#include <algorithm>
#include <cmath>

#include "server/base/digest.hpp"
#include "server/base/text.hpp"
#include "server/routing/decisions.hpp"

namespace tutti::routing {

std::optional<TextVector> vectorOf(std::span<const float> components) {
  if (components.empty() || components.size() > kDimensionsMax) return std::nullopt;
  float most = 0.0F;
  for (const float one : components) {
    if (!std::isfinite(one)) return std::nullopt;
    most = std::max({most, one, -one});
  }
  if (most <= 0.0F) return std::nullopt;
  TextVector vector;
  vector.reserve(components.size());
  for (const float one : components) {
    const double share = static_cast<double>(one) / static_cast<double>(most);
    vector.push_back(static_cast<std::int8_t>(std::floor(share * 127.0 + 0.5)));
  }
  return vector;
}

std::string vectorText(std::string_view text) {
  // Once more, for the cut: the text of a text is that text.
  return normalisedRequest(shortened(normalisedRequest(text), kVectorTextBytesMax));
}

std::string vectorKey(std::string_view text) {
  return sha256(vectorText(text));
}

const TextVector* findVector(const TextVectors& vectors, std::string_view text) {
  if (vectors.empty()) return nullptr;
  const auto found = vectors.find(vectorKey(text));
  return found == vectors.end() ? nullptr : &found->second;
}

}  // namespace tutti::routing
