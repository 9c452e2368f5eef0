#include "server/routing/features.hpp"

#include <algorithm>
#include <cmath>

#include "server/routing/exact_math.hpp"
#include "server/routing/words.hpp"

namespace tutti::routing {
namespace {
constexpr std::size_t kPieceMin = 2;
constexpr std::size_t kPieceMax = 5;
constexpr std::size_t kPairReach = 40;    ///< words apart, so that a long text stays linear
constexpr std::uint32_t kCountsMax = 16;  ///< above this a feature's count makes no difference

std::uint64_t hash(std::string_view text, std::uint64_t seed) {
  std::uint64_t value = seed * 0x9E3779B97F4A7C15U + 0xCBF29CE484222325U;
  for (const char byte : text) {
    value ^= static_cast<unsigned char>(byte);
    value *= 0x100000001B3U;
  }
  return value ^ (value >> 29);
}

std::uint64_t seedOf(FeatureKind kind) {
  return static_cast<std::uint64_t>(kind) + 1;
}

std::uint64_t combined(std::uint64_t a, std::uint64_t b, FeatureKind kind) {
  std::uint64_t z = a * 0xBF58476D1CE4E5B9U + b + seedOf(kind);
  z = (z ^ (z >> 30)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31);
}

/// 1 + ln n, for small n.
std::array<float, kCountsMax + 1> countWeights() {
  std::array<float, kCountsMax + 1> weights{};
  for (std::uint32_t n = 1; n <= kCountsMax; ++n)
    weights[n] = static_cast<float>(1.0 + exactLog(static_cast<double>(n)));
  return weights;
}

/// The features of one text, collected.
class Collector {
 public:
  Collector(std::string_view text, const Lexicon& lexicon) : words_(wordsOf(text)) {
    for (const std::string& word : words_) {
      stems_.push_back(stemOf(word));
      word_keys_.push_back(hash(word, seedOf(FeatureKind::Word)));
      stem_keys_.push_back(hash(stems_.back(), seedOf(FeatureKind::Pair)));
      groups_.push_back(lexicon.groupsOf(word, stems_.back()));
    }
  }

  std::vector<Feature> collect() {
    for (std::size_t i = 0; i < words_.size(); ++i) {
      add(word_keys_[i], FeatureKind::Word, i + 1, 0);
      addPieces(i);
      addPairs(i);
      addMeanings(i);
    }
    for (std::size_t i = 0; i <= words_.size() && !words_.empty(); ++i) {
      const std::uint64_t left = i == 0 ? 1 : word_keys_[i - 1];
      const std::uint64_t right = i == words_.size() ? 2 : word_keys_[i];
      add(combined(left, right, FeatureKind::Neighbours), FeatureKind::Neighbours, i,
          i == words_.size() ? 0 : i + 1);
    }
    return std::move(features_);
  }

 private:
  void add(std::uint64_t key, FeatureKind kind, std::size_t first, std::size_t second) {
    features_.push_back(
        {key, kind, static_cast<std::uint16_t>(first), static_cast<std::uint16_t>(second)});
  }

  void addPieces(std::size_t i) {
    const std::string framed = " " + words_[i] + " ";
    for (std::size_t size = kPieceMin; size <= kPieceMax; ++size)
      for (std::size_t at = 0; at + size <= framed.size(); ++at)
        add(hash(std::string_view(framed).substr(at, size), seedOf(FeatureKind::Piece)),
            FeatureKind::Piece, i + 1, 0);
  }

  void addPairs(std::size_t i) {
    const std::size_t end = std::min(words_.size(), i + 1 + kPairReach);
    for (std::size_t j = i + 1; j < end; ++j) {
      if (stems_[i] == stems_[j]) continue;
      const auto [low, high] = std::minmax(stem_keys_[i], stem_keys_[j]);
      add(combined(low, high, FeatureKind::Pair), FeatureKind::Pair, i + 1, j + 1);
    }
  }

  void addMeanings(std::size_t i) {
    const auto* groups = groups_[i];
    if (groups == nullptr) return;
    for (const std::uint16_t group : *groups)
      add(combined(group, 0, FeatureKind::Meaning), FeatureKind::Meaning, i + 1, 0);
    const std::size_t end = std::min(words_.size(), i + 1 + kPairReach);
    for (std::size_t j = i + 1; j < end; ++j) addMeaningPairs(i, j, *groups);
  }

  void addMeaningPairs(std::size_t i, std::size_t j, const std::vector<std::uint16_t>& groups) {
    const auto* others = groups_[j];
    if (others == nullptr) return;
    for (const std::uint16_t group : groups)
      for (const std::uint16_t other : *others) {
        if (group == other) continue;
        const auto [low, high] = std::minmax(group, other);
        add(combined(low, high, FeatureKind::MeaningPair), FeatureKind::MeaningPair, i + 1, j + 1);
      }
  }

  std::vector<std::string> words_;
  std::vector<std::string> stems_;
  std::vector<std::uint64_t> word_keys_;
  std::vector<std::uint64_t> stem_keys_;
  std::vector<const std::vector<std::uint16_t>*> groups_;  ///< of each word; nullptr for none
  std::vector<Feature> features_;
};

}  // namespace

float dot(const FeatureVector& a, const FeatureVector& b) {
  float sum = 0;
  auto left = a.entries.begin();
  auto right = b.entries.begin();
  while (left != a.entries.end() && right != b.entries.end()) {
    if (left->id < right->id) {
      ++left;
    } else if (right->id < left->id) {
      ++right;
    } else {
      sum += left++->value * right++->value;
    }
  }
  return sum;
}

std::vector<Feature> FeatureExtractor::featuresOf(std::string_view text) const {
  return Collector(text, lexicon_).collect();
}

std::string FeatureExtractor::nameOf(std::string_view text, const Feature& feature) const {
  if (feature.kind == FeatureKind::Piece) return {};
  const std::vector<std::string> words = wordsOf(text);
  const auto wordAt = [&](std::size_t position) {
    return position == 0 || position > words.size() ? std::string() : words[position - 1];
  };
  std::string name = wordAt(feature.first);
  const std::string second = wordAt(feature.second);
  if (second.empty()) return name;
  if (name.empty()) return second;
  return name + (feature.kind == FeatureKind::Neighbours ? " " : " … ") + second;
}

bool FeatureSpace::wanted(FeatureKind kind) const {
  if (kind == FeatureKind::Piece) return options_.pieces;
  if (kind == FeatureKind::Pair || kind == FeatureKind::MeaningPair) return options_.pairs;
  return true;
}

float FeatureSpace::rareness(std::uint32_t texts) const {
  const double all = 1.0 + static_cast<double>(text_count_);
  return static_cast<float>(1.0 + exactLog(all / (1.0 + static_cast<double>(texts))));
}

void FeatureSpace::fit(const std::vector<std::string>& texts, const Options& options) {
  struct Seen {
    FeatureKind kind;
    std::uint32_t texts = 0;
    std::uint32_t last_text = 0;
    std::uint32_t order = 0;
  };
  options_ = options;
  text_count_ = texts.size();
  std::unordered_map<std::uint64_t, Seen> seen;
  std::uint32_t number = 0;
  for (const std::string& text : texts) {
    ++number;
    for (const Feature& feature : extractor_.featuresOf(text)) {
      if (!wanted(feature.kind)) continue;
      const auto order = static_cast<std::uint32_t>(seen.size());
      Seen& one = seen.try_emplace(feature.key, Seen{feature.kind, 0, 0, order}).first->second;
      if (one.last_text == number) continue;
      one.last_text = number;
      ++one.texts;
    }
  }

  std::vector<std::pair<std::uint64_t, Seen>> kept;
  for (const auto& one : seen) {
    const bool always =
        one.second.kind == FeatureKind::Word || one.second.kind == FeatureKind::Meaning;
    if (always || one.second.texts >= options.texts_min) kept.push_back(one);
  }
  std::sort(kept.begin(), kept.end(),
            [](const auto& a, const auto& b) { return a.second.order < b.second.order; });
  ids_.clear();
  weights_.clear();
  kinds_.clear();
  ids_.reserve(kept.size());
  for (const auto& [key, one] : kept) {
    ids_.emplace(key, static_cast<std::uint32_t>(weights_.size()));
    weights_.push_back(rareness(one.texts));
    kinds_.push_back(one.kind);
  }
}

bool FeatureSpace::add(std::string_view text) {
  const std::size_t before = weights_.size();
  for (const Feature& feature : extractor_.featuresOf(text)) {
    if (!wanted(feature.kind)) continue;
    if (!ids_.try_emplace(feature.key, static_cast<std::uint32_t>(weights_.size())).second)
      continue;
    weights_.push_back(rareness(1));
    kinds_.push_back(feature.kind);
  }
  return weights_.size() > before;
}

std::int64_t FeatureSpace::idOf(const Feature& feature) const {
  const auto found = ids_.find(feature.key);
  return found == ids_.end() ? -1 : static_cast<std::int64_t>(found->second);
}

FeatureVector FeatureSpace::vectorOf(std::string_view text) const {
  return vectorOf(extractor_.featuresOf(text));
}

FeatureVector FeatureSpace::vectorOf(const std::vector<Feature>& features) const {
  static const std::array<float, kCountsMax + 1> kCountWeights = countWeights();
  std::vector<std::uint32_t> found;
  found.reserve(features.size());
  std::size_t words = 0;
  std::size_t known_words = 0;
  for (const Feature& feature : features) {
    const std::int64_t id = idOf(feature);
    if (id >= 0) found.push_back(static_cast<std::uint32_t>(id));
    if (feature.kind != FeatureKind::Word) continue;
    ++words;
    if (id >= 0) ++known_words;
  }
  std::sort(found.begin(), found.end());

  FeatureVector vector;
  if (words > 0) vector.known_share = static_cast<float>(known_words) / static_cast<float>(words);
  std::array<float, kFeatureKinds> squares{};
  for (std::size_t i = 0; i < found.size();) {
    std::size_t end = i + 1;
    while (end < found.size() && found[end] == found[i]) ++end;
    const std::uint32_t id = found[i];
    const float value = kCountWeights[std::min<std::size_t>(end - i, kCountsMax)] * weights_[id];
    squares[static_cast<std::size_t>(kinds_[id])] += value * value;
    vector.entries.push_back({id, value});
    i = end;
  }

  // Each kind to length 1, then all of them together: no kind drowns the others.
  float kinds = 0;
  for (const float square : squares) kinds += square > 0 ? 1.0F : 0.0F;
  std::array<float, kFeatureKinds> scales{};
  for (std::size_t kind = 0; kind < kFeatureKinds; ++kind)
    if (squares[kind] > 0) scales[kind] = 1.0F / std::sqrt(squares[kind] * kinds);
  for (Entry& entry : vector.entries)
    entry.value *= scales[static_cast<std::size_t>(kinds_[entry.id])];
  return vector;
}

WordSequence FeatureSpace::sequenceOf(const std::vector<Feature>& features) const {
  WordSequence words;
  for (const Feature& feature : features) {
    if (feature.kind != FeatureKind::Word && feature.kind != FeatureKind::Piece &&
        feature.kind != FeatureKind::Meaning)
      continue;
    if (feature.first > kSequenceWordsMax) break;  // features come word by word
    words.resize(feature.first);
    if (const std::int64_t id = idOf(feature); id >= 0)
      words.back().push_back({static_cast<std::uint32_t>(id), 1.0F});
  }
  for (auto& word : words) {
    word.shrink_to_fit();  // training keeps those of all texts
    std::array<float, kFeatureKinds> counts{};
    for (const Entry& entry : word) counts[static_cast<std::size_t>(kinds_[entry.id])] += 1.0F;
    for (Entry& entry : word)
      entry.value = 1.0F / std::sqrt(counts[static_cast<std::size_t>(kinds_[entry.id])]);
  }
  return words;
}

}  // namespace tutti::routing
