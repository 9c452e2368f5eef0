// What the words say and what the vectors say, put together: the mean of the logarithms of both
// probabilities, with weights fitted on texts that the words' views had not learnt from.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "server/routing/classifier.hpp"
#include "server/routing/dense_model.hpp"
#include "server/routing/text_vector.hpp"

namespace tutti::routing {

/// How the two are weighed. The defaults serve where there are too few texts to fit them on.
struct FusionScales {
  double dense_scale = 8.0;  ///< what a likeness of 1 is worth in logits
  double dense_share = 0.5;  ///< of the sum; the words have the rest
  double scale = 1.4;        ///< of the sum: two that agree are surer than either
  double near = 0.3;         ///< the likeness that speaks neither for nor against a label
  double threshold = 0.0;    ///< of the scope's score
};

/// Beside a Classifier, whose decisions it takes and corrects. The same calls in the same order
/// give the same decisions, bit for bit. Not thread-safe while learn() runs; const calls are.
class Fusion {
 public:
  /// `examples` and `held_out` are what the classifier of these labels learnt from and was judged
  /// on. Nothing when there are too few vectors: each label must have one, and four of five texts.
  static std::optional<Fusion> train(const std::vector<LabelledText>& examples,
                                     const std::vector<std::string>& labels,
                                     const std::vector<HeldOut>& held_out,
                                     const TextVectors& vectors);

  std::size_t dimensions() const { return dense_.dimensions(); }

  /// `words` is what the classifier decided, with all labels as candidates. Comes back as it was,
  /// with `candidates_max` of them, for a vector of another length.
  Decision decide(Decision words, const TextVector& vector, std::size_t candidates_max) const;

  /// As Classifier::learn(). A label that is not known teaches nothing.
  void learn(const TextVector& vector, std::string_view label, Classifier::Verdict verdict);

  const FusionScales& scales() const { return scales_; }

 private:
  struct Judgement;
  int indexOf(std::string_view label) const;
  void fitDense(const std::vector<DenseModel::Example>& examples);
  void fitShares(const std::vector<Judgement>& judged);
  void fitThreshold(const std::vector<Judgement>& judged);
  std::vector<Judgement> judge(const std::vector<HeldOut>& held_out,
                               const TextVectors& vectors) const;
  std::vector<double> probabilities(const std::vector<double>& words,
                                    const std::vector<float>& likeness) const;
  double scopeScore(double words_lead, double best, const std::vector<float>& likeness) const;

  std::vector<std::string> labels_;  ///< sorted
  DenseModel dense_;
  FusionScales scales_;
};

}  // namespace tutti::routing
