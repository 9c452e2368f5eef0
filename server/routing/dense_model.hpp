// The view of the texts' vectors: each label is the middle of its examples' vectors, seen from the
// middle of all (vectors of one embeddings model have a large part in common). Needs two or three
// examples a label, and one pass over them.
#pragma once

#include <cstddef>
#include <vector>

#include "server/routing/linear_model.hpp"
#include "server/routing/text_vector.hpp"

namespace tutti::routing {

/// The same calls in the same order give the same scores, bit for bit. Not thread-safe while
/// learn() runs.
class DenseModel {
 public:
  struct Example {
    const TextVector* vector = nullptr;
    int label = 0;
  };

  /// Learns from nothing. All vectors have the length of the first; each label has an example.
  void train(const std::vector<Example>& examples, std::size_t labels);

  std::size_t dimensions() const { return dimensions_; }
  /// The likeness to each label, from -1 to 1; 0 is a stranger's. Empty for a vector of another
  /// length.
  std::vector<float> score(const TextVector& vector) const;
  /// As if `vector` had not been among the examples of `label`, which has two or more. Before any
  /// learn().
  std::vector<float> scoreWithout(const TextVector& vector, int label) const;
  std::size_t examplesOf(int label) const { return counts_[static_cast<std::size_t>(label)]; }

  /// Moves the labels until `label` is ahead of the others on `vector`, or, with `wrong`, a
  /// stranger's; kNobody: all are. Nothing for a vector of another length.
  void learn(const TextVector& vector, int label, bool wrong);

 private:
  std::vector<float> centred(const TextVector& vector) const;
  std::vector<float> scoreCentred(const std::vector<float>& centred) const;
  float* row(std::size_t label) { return rows_.data() + label * width_; }
  const float* row(std::size_t label) const { return rows_.data() + label * width_; }

  std::size_t dimensions_ = 0;
  std::size_t width_ = 0;  ///< dimensions_, rounded up to whole vectors
  std::vector<float> mean_;
  std::vector<float> rows_;          ///< one a label, of length 1 when trained
  std::vector<float> lengths_;       ///< of each label's sum
  std::vector<std::size_t> counts_;  ///< examples of each label
};

}  // namespace tutti::routing
