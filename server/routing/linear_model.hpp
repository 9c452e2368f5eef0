// One against all, linear, with the squared hinge loss: the margin view of the classifier. All
// labels are learnt in one pass over the examples (dual coordinate descent, a row of weights per
// feature), which costs a fraction of learning them one by one.
#pragma once

#include <cstddef>
#include <vector>

#include "server/routing/features.hpp"
#include "server/routing/rows.hpp"

namespace tutti::routing {

/// One thing to learn from: `label` is an index, or kNobody for a request that no label fits.
struct Example {
  FeatureVector vector;
  int label = 0;
};
inline constexpr int kNobody = -1;

class LinearModel {
 public:
  struct Options {
    float cost = 4.0F;  ///< of a wrong side, against the size of the weights
    int passes = 10;
  };

  /// Learns from nothing. Deterministic.
  void train(const std::vector<Example>& examples, std::size_t features, std::size_t labels,
             const Options& options);

  /// A margin for each label: above 0 says yes. `scores` has labels() floats.
  void score(const FeatureVector& vector, float* scores) const;

  /// Moves the weights until `label`'s margin on `vector` is above those of the others, or, with
  /// `wrong`, below 0. Grows to `features` first.
  void learn(const FeatureVector& vector, int label, bool wrong, std::size_t features);

  /// What `feature` adds to `label`'s margin, per unit of its value.
  float weight(std::size_t feature, std::size_t label) const {
    return weights_[feature + 1][label];
  }
  std::size_t labels() const { return labels_; }

 private:
  void addTo(const FeatureVector& vector, std::size_t label, float step);

  std::size_t labels_ = 0;
  std::size_t stride_ = 0;  ///< labels_, rounded up to whole vectors
  RowTable weights_;        ///< row 0 is the bias, row f + 1 is feature f's
};

}  // namespace tutti::routing
