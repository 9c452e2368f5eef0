// A small network over the same features: their weighted vectors added up, one hidden layer,
// softmax. It shares what it learns among labels, which the linear model cannot; trained with
// features left out at random, so that it does not lean on any one of them.
#pragma once

#include <cstddef>
#include <vector>

#include "server/routing/features.hpp"
#include "server/routing/linear_model.hpp"
#include "server/routing/rows.hpp"

namespace tutti::routing {

class NetModel {
 public:
  struct Options {
    std::size_t hidden = 64;  ///< a multiple of 8
    int passes = 20;
    float rate = 0.1F;        ///< of the output layer; falls to 0 over the passes
    float input_rate = 0.1F;  ///< of the features' vectors, which adapt their own steps
    float feature_dropout = 0.5F;
    float hidden_dropout = 0.3F;
    float smoothing = 0.1F;  ///< of the targets, spread over all labels
    std::uint64_t seed = 1;
  };

  /// Learns from nothing. Examples of kNobody teach it to spread its bets. Deterministic.
  void train(const std::vector<Example>& examples, std::size_t features, std::size_t labels,
             const Options& options);

  /// The logit of each label; `scores` has as many floats as there are labels.
  void score(const FeatureVector& vector, float* scores) const;

  /// A few small steps towards `label`. Grows to `features` first.
  void learn(const FeatureVector& vector, int label, std::size_t features);

 private:
  struct Scratch;
  void forward(const std::vector<Entry>& entries, float* hidden) const;
  void output(const float* hidden, float* scores) const;
  void step(const std::vector<Entry>& entries, int label, float rate, Scratch& scratch);

  Options options_;
  std::size_t labels_ = 0;
  std::size_t stride_ = 0;
  RowTable inputs_;                   ///< a row of `hidden` per feature
  std::vector<float> input_squares_;  ///< of each row's gradients so far
  std::vector<float> hidden_bias_;
  std::vector<float> outputs_;  ///< a row of stride_ per hidden unit
  std::vector<float> output_bias_;
};

}  // namespace tutti::routing
