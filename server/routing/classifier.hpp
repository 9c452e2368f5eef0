// Who should handle a request: learns labels from example texts, ranks them with probabilities that
// mean what they say, names the words that decided, and says "nobody" rather than guess.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "server/base/result.hpp"
#include "server/routing/calibration.hpp"
#include "server/routing/convolution_model.hpp"
#include "server/routing/features.hpp"
#include "server/routing/linear_model.hpp"
#include "server/routing/net_model.hpp"

namespace tutti::routing {

/// The label of texts that nobody should handle.
inline constexpr std::string_view kNobodyLabel = "oos";

struct LabelledText {
  std::string text;
  std::string label;
};

/// A label and its probability, given that some label fits.
struct Candidate {
  std::string label;
  double score = 0;
};

/// A word, or two, that spoke for the best label; weights add up over words, above 0.
struct Evidence {
  std::string text;
  double weight = 0;
};

struct Decision {
  std::vector<Candidate> candidates;  ///< best first; empty only for a text without any word
  bool in_scope = false;              ///< false: nobody should handle it
  double scope_score = 0;             ///< below `threshold`: nobody
  double threshold = 0;
  std::vector<Evidence> evidence;  ///< for candidates.front(), strongest first
  bool by_vectors = false;         ///< by the words alone it would be another, or nobody
};

/// What was decided of a text that had not been learnt from, to fit on it what comes after.
struct HeldOut {
  std::string text;
  int label = 0;                      ///< an index of labels(), or kNobody
  std::vector<double> probabilities;  ///< of each label
  double scope_lead = 0;              ///< of its scope score over the threshold
  bool is_example = false;            ///< of those that were learnt from in the end
};

/// Not thread-safe while learn() runs; const calls are. The same calls in the same order give the
/// same decisions, bit for bit, on every machine.
class Classifier {
 public:
  struct Options {
    std::size_t candidates_max = 5;
    std::size_t evidence_max = 5;
    /// Fifths of the examples that are set aside in turn where none are held out: one learns in a
    /// third of the time of five, and its scales are a little rougher.
    std::size_t folds_max = 5;
    /// Also learns the order of words, where a label has examples enough for it: a few more right
    /// answers in a thousand, and five times as long to learn.
    bool word_order = true;
    /// Nets that are averaged where the examples are few and one net is a matter of its first
    /// random weights: a few more right answers in a thousand, in that many times the time.
    std::size_t nets_max = 3;
  };

  /// Learns from `examples`, and the scales and the threshold from `held_out`; without these, from
  /// a fifth of the examples that it sets aside first, where there are enough. A label's own name
  /// is an example of it. Texts of kNobodyLabel teach what
  /// no label fits. Errors: InvalidArgument without two labels, or for a label in `held_out` that
  /// has no example. `judged` gets what the scales were fitted on; nothing where they were not.
  static Result<Classifier> train(const std::vector<LabelledText>& examples,
                                  const std::vector<LabelledText>& held_out, Options options,
                                  std::vector<HeldOut>* judged = nullptr);
  static Result<Classifier> train(const std::vector<LabelledText>& examples,
                                  const std::vector<LabelledText>& held_out = {}) {
    return train(examples, held_out, Options());
  }

  Decision decide(std::string_view text) const { return decide(text, options_.candidates_max); }
  /// The same with that many candidates.
  Decision decide(std::string_view text, std::size_t candidates_max) const;

  enum class Verdict { Right, Wrong };
  /// Learns from one piece of feedback: `label` was right, or wrong, for `text`; kNobodyLabel with
  /// Right says that no label fits. Takes effect at once, in milliseconds.
  /// Errors: NotFound for a label that it does not know.
  Status learn(std::string_view text, std::string_view label, Verdict verdict);

  const std::vector<std::string>& labels() const { return labels_; }
  /// Were the scales fitted? Not where there are so many examples that learning twice takes too
  /// long: scores then order the labels and are no probabilities.
  bool scaled() const { return scaled_; }

 private:
  Classifier() = default;
  void fitModels(const std::vector<LabelledText>& examples);
  void fitNets(const std::vector<Example>& learnt, std::size_t examples);
  void fitConvolution(const std::vector<std::string>& texts, const std::vector<int>& targets);
  void fitScalesByFolds(const std::vector<LabelledText>& examples, std::vector<HeldOut>* told);
  void judgeAll(const std::vector<LabelledText>& texts, std::vector<Judged>& judged) const;
  void fitScales(const std::vector<Judged>& judged);
  std::vector<HeldOut> heldOut(const std::vector<LabelledText>& texts,
                               const std::vector<Judged>& judged) const;
  Judged judge(const std::vector<Feature>& features, const FeatureVector& vector, int label) const;
  int indexOf(std::string_view label) const;
  std::vector<Evidence> evidenceFor(std::string_view text, const std::vector<Feature>& features,
                                    const FeatureVector& vector, std::size_t label) const;

  Options options_;
  std::vector<std::string> labels_;  ///< sorted
  FeatureSpace space_;
  LinearModel linear_;
  std::vector<NetModel> nets_;  ///< none where there are too many examples
  ConvolutionModel convolution_;
  bool has_convolution_ = false;
  bool scaled_ = false;
  Calibration calibration_;
  Scope scope_;
};

}  // namespace tutti::routing
