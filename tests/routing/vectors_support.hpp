// Made-up vectors: each meaning points in a direction of its own, a text in the sum of its words'.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/routing/random.hpp"
#include "server/routing/text_vector.hpp"

namespace tutti::routing {

/// Words that mean the same are to be given as one: {"physician", "doctor"}.
class MadeUpVectors {
 public:
  explicit MadeUpVectors(std::map<std::string, std::string> same, std::size_t dimensions = 256)
      : same_(std::move(same)), dimensions_(dimensions) {}

  std::vector<float> components(std::string_view text) const {
    std::vector<float> sum(dimensions_, 0.0F);
    std::string word;
    for (const char letter : std::string(text) + " ") {
      if (letter != ' ') {
        word += letter;
        continue;
      }
      if (!word.empty()) add(word, sum);
      word.clear();
    }
    return sum;
  }
  TextVector of(std::string_view text) const {
    const auto vector = vectorOf(components(text));
    EXPECT_TRUE(vector) << text;
    return vector.value_or(TextVector());
  }
  void addTo(TextVectors& vectors, std::string_view text) const {
    vectors[vectorKey(text)] = of(text);
  }

 private:
  void add(const std::string& word, std::vector<float>& sum) const {
    const auto known = same_.find(word);
    std::uint64_t seed = 1469598103934665603U;
    for (const char letter : known == same_.end() ? word : known->second)
      seed = (seed ^ static_cast<unsigned char>(letter)) * 1099511628211U;
    Random random(seed);
    for (float& one : sum) one += random.unit() - 0.5F;
  }

  std::map<std::string, std::string> same_;
  std::size_t dimensions_;
};

}  // namespace tutti::routing
