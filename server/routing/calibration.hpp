// From the models' raw scores to a probability that means what it says, and from that to "this
// label" or "nobody".
#pragma once

#include <cstddef>
#include <vector>

namespace tutti::routing {

/// Softmax in place, in a fixed order.
void toProbabilities(float* scores, std::size_t count);

/// What the models said about one text whose label is known.
struct Judged {
  std::vector<float> linear;
  std::vector<float> net;          ///< empty when the net was not trained
  std::vector<float> convolution;  ///< the same of the convolution
  float known_share = 0;           ///< as FeatureVector has it
  int label = 0;                   ///< or kNobody
};

/// How scores are put together: the logarithms of the models' probabilities, averaged. The defaults
/// serve when there is nothing to fit them on.
struct Calibration {
  double linear_scale = 7.0;  ///< what a margin of 1 is worth in logits
  double net_scale = 1.7;
  double convolution_scale = 1.3;
  double scale = 1.0;  ///< of the average

  /// Each label's probability, given that some label fits.
  std::vector<double> probabilities(const Judged& judged) const;
};

/// Whether any label fits at all. The best label's probability says how far it is ahead of the
/// others, its margin whether it would stand alone, unknown words that the text is from elsewhere:
/// a stranger may be nearest to one label by far.
struct Scope {
  double margin_worth = 1.5;  ///< of a margin of 1, against the logarithm of the probability
  double known_worth = 2.0;   ///< of a text all of whose words are known
  double threshold = 0.0;     ///< a score below this says nobody

  /// `probabilities` are those of `judged`.
  double score(const std::vector<double>& probabilities, const Judged& judged) const;
};

/// Fits the scales by maximum likelihood on the texts that have a label. Defaults below 30 of them.
Calibration fitCalibration(const std::vector<Judged>& judged);

/// Fits the threshold. With nobody's texts among them, the threshold is the best trade
/// between right answers and nobody's texts refused (see kRecallWorth in the source); without, it
/// keeps 995 of 1,000 right answers.
Scope fitScope(const std::vector<Judged>& judged, const Calibration& calibration);

/// How one text was judged.
struct ScopePoint {
  double score = 0;     ///< of the scope
  bool right = false;   ///< was the best label its own?
  bool nobody = false;  ///< it has none
};
/// The threshold as fitScope() chooses it. Below all of them where there is nothing to go by.
double scopeThreshold(std::vector<ScopePoint> points);

/// The expected calibration error over ten bins of equal width: how far, on average, a stated
/// probability is from the share of right answers among those with about that probability.
class CalibrationError {
 public:
  void add(double probability, bool right);
  double value() const;

 private:
  static constexpr std::size_t kBins = 10;
  std::size_t counts_[kBins] = {};
  double probabilities_[kBins] = {};
  double right_[kBins] = {};
};

}  // namespace tutti::routing
