// A small convolution over a text's words: filters that look for two words one after the other,
// the best match of each filter anywhere in the text, softmax. It sees the order of words,
// which the models of the whole vector know from neighbours only, and a word's vector is shared by
// all the phrases that it is in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "server/routing/features.hpp"
#include "server/routing/rows.hpp"

namespace tutti::routing {

/// As Example, with the order of the words. `label` may be kNobody.
struct SequenceExample {
  WordSequence words;
  int label = 0;
};

class ConvolutionModel {
 public:
  struct Options {
    std::size_t width = 48;  ///< of a word's vector, a multiple of 8
    std::size_t filters = 192;
    std::size_t window = 2;  ///< words that a filter sees at once
    int passes = 15;
    float rate = 0.02F;      ///< of filters and outputs; falls to 0 over the passes
    float word_rate = 0.1F;  ///< of the vectors that a word's is the sum of
    float word_dropout = 0.1F;
    float feature_dropout = 0.1F;
    float filter_dropout = 0.4F;
    float smoothing = 0.1F;  ///< of the targets, spread over all labels
    std::uint64_t seed = 1;
  };

  /// Learns from nothing. Examples of kNobody teach it to spread its bets. Deterministic.
  void train(const std::vector<SequenceExample>& examples, std::size_t labels,
             const Options& options);

  /// The logit of each label; `scores` has as many floats as there are labels.
  void score(const WordSequence& words, float* scores) const;

  /// A few small steps towards `label`. Takes in features that it does not know.
  void learn(const WordSequence& words, int label);

 private:
  struct Scratch;
  void reset(std::size_t labels, const Options& options, Scratch& scratch);
  std::uint32_t rowOf(std::uint32_t feature) const;
  void addRowsFor(const WordSequence& words);
  void drop(const WordSequence& words, Scratch& scratch) const;
  void embed(const WordSequence& words, std::vector<float>& inputs) const;
  void match(std::size_t words, Scratch& scratch) const;
  void output(const std::vector<float>& matches, float* scores) const;
  void step(const WordSequence& words, int label, float share, Scratch& scratch);
  void stepFilters(float rate, Scratch& scratch);
  void stepWords(const WordSequence& words, float rate, Scratch& scratch);

  Options options_;
  std::size_t labels_ = 0;
  std::size_t stride_ = 0;             ///< labels_, rounded up to whole vectors
  std::vector<std::uint32_t> row_of_;  ///< of a feature, by its id; kNoRow for none
  std::uint32_t row_count_ = 0;
  RowTable features_;                   ///< a row of `width` per feature
  std::vector<float> feature_squares_;  ///< of each row's gradients so far
  std::vector<float> filters_;          ///< a row of window × width each
  std::vector<float> filter_squares_;   ///< of each weight's gradients so far, and so below
  std::vector<float> biases_;
  std::vector<float> bias_squares_;
  std::vector<float> outputs_;  ///< a row of stride_ per filter
  std::vector<float> output_squares_;
  std::vector<float> output_bias_;
  std::vector<float> output_bias_squares_;
};

}  // namespace tutti::routing
