// A request as a sparse vector: words, neighbouring words, pairs of words anywhere in the request,
// pieces of words, groups of meaning and pairs of these, each weighted by how rare it is (TF-IDF)
// and each kind brought to the same length.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "server/routing/lexicon.hpp"

namespace tutti::routing {

enum class FeatureKind : std::uint8_t { Word, Neighbours, Piece, Pair, Meaning, MeaningPair };
inline constexpr std::size_t kFeatureKinds = 6;

/// One feature of one text. Words are given by their position, 1-based; 0 stands for the text's
/// beginning or end.
struct Feature {
  std::uint64_t key = 0;  ///< hash of kind and content
  FeatureKind kind = FeatureKind::Word;
  std::uint16_t first = 0;
  std::uint16_t second = 0;  ///< the other word of Neighbours, Pair and MeaningPair
};

struct Entry {
  std::uint32_t id = 0;
  float value = 0;
};

struct FeatureVector {
  std::vector<Entry> entries;  ///< by id, ascending; of length 1 unless empty
  float known_share = 0;       ///< the part of the words that training has seen, 0 to 1
};

/// A text word by word: of each, the features that are of it alone. Each kind of them counts the
/// same, however many there are.
using WordSequence = std::vector<std::vector<Entry>>;
inline constexpr std::size_t kSequenceWordsMax = 64;  ///< a text's words beyond are left out

/// The sum of products of two vectors, in a fixed order.
float dot(const FeatureVector& a, const FeatureVector& b);

/// Finds the features of a text; knows nothing of training. Thread-safe once built.
class FeatureExtractor {
 public:
  /// In the text's order; a feature that occurs twice is there twice.
  std::vector<Feature> featuresOf(std::string_view text) const;

  /// What a person would call this feature of `text`: "exchange", "exchange rate". Empty for
  /// pieces.
  std::string nameOf(std::string_view text, const Feature& feature) const;

 private:
  Lexicon lexicon_;
};

/// The features that training has seen, each with its number and its weight.
/// Not thread-safe while add() runs; const calls are.
class FeatureSpace {
 public:
  struct Options {
    /// Texts that neighbours, pairs and pieces must be in to count; words and meanings always do.
    std::uint32_t texts_min = 1;
    bool pieces = true;
    bool pairs = true;
  };

  /// Learns which features there are. Ids follow the order of first occurrence.
  void fit(const std::vector<std::string>& texts, const Options& options);

  /// Takes in the features of one more text that are not known yet. True if there were any.
  bool add(std::string_view text);

  FeatureVector vectorOf(std::string_view text) const;
  FeatureVector vectorOf(const std::vector<Feature>& features) const;

  /// The words, pieces and meanings of each word, as far as they are known.
  WordSequence sequenceOf(const std::vector<Feature>& features) const;

  std::size_t size() const { return weights_.size(); }
  /// The id of a feature, or -1.
  std::int64_t idOf(const Feature& feature) const;
  const FeatureExtractor& extractor() const { return extractor_; }

 private:
  bool wanted(FeatureKind kind) const;
  float rareness(std::uint32_t texts) const;

  FeatureExtractor extractor_;
  Options options_;
  std::size_t text_count_ = 0;
  std::unordered_map<std::uint64_t, std::uint32_t> ids_;
  std::vector<float> weights_;
  std::vector<FeatureKind> kinds_;
};

}  // namespace tutti::routing
