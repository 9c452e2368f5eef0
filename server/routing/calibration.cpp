#include "server/routing/calibration.hpp"

#include <algorithm>
#include <functional>

#include "server/routing/exact_math.hpp"
#include "server/routing/linear_model.hpp"

namespace tutti::routing {
namespace {
constexpr std::size_t kFitMin = 30;
constexpr double kLeastProbability = 1e-12;
/// What refusing all of nobody's texts is worth, where answering all others rightly is worth 1.
/// Low, because a wrong refusal costs the user a step, too.
constexpr double kRecallWorth = 0.03;
constexpr double kKeptShare = 0.995;  ///< of right answers, when no text of nobody's is known

/// scores * factor, minus the logarithm of the sum of their exponentials.
void addLogProbabilities(const std::vector<float>& scores, double factor, double share,
                         std::vector<double>& to) {
  double most = static_cast<double>(scores[0]) * factor;
  for (const float score : scores) most = std::max(most, static_cast<double>(score) * factor);
  double sum = 0;
  for (const float score : scores) sum += exactExp(static_cast<double>(score) * factor - most);
  const double log_sum = most + exactLog(sum);
  for (std::size_t k = 0; k < scores.size(); ++k)
    to[k] += share * (static_cast<double>(scores[k]) * factor - log_sum);
}

void normalise(std::vector<double>& logits, double scale) {
  const double most = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (double& logit : logits) sum += logit = exactExp((logit - most) * scale);
  for (double& logit : logits) logit /= sum;
}

/// Minus the logarithm of what each label's own texts give it, added up.
double loss(const std::vector<Judged>& judged,
            const std::function<std::vector<double>(const Judged&)>& probabilitiesOf) {
  double sum = 0;
  for (const Judged& one : judged) {
    if (one.label == kNobody) continue;
    const auto probabilities = probabilitiesOf(one);
    sum -=
        exactLog(std::max(probabilities[static_cast<std::size_t>(one.label)], kLeastProbability));
  }
  return sum;
}

/// The factor of `value` that makes `cost` least, by golden section on a logarithmic scale.
void minimise(double& value, const std::function<double()>& cost) {
  constexpr double kGolden = 0.61803398874989485;
  const double start = value;
  double low = -2.0;
  double high = 2.0;
  const auto at = [&](double exponent) {
    value = start * exactExp(exponent);
    return cost();
  };
  double left = high - kGolden * (high - low);
  double right = low + kGolden * (high - low);
  double left_cost = at(left);
  double right_cost = at(right);
  for (int i = 0; i < 12; ++i) {
    if (left_cost < right_cost) {
      high = right;
      right = left;
      right_cost = left_cost;
      left = high - kGolden * (high - low);
      left_cost = at(left);
    } else {
      low = left;
      left = right;
      left_cost = right_cost;
      right = low + kGolden * (high - low);
      right_cost = at(right);
    }
  }
  value = start * exactExp((low + high) / 2.0);
}

/// Fits the scale of one model as if there were no other. Nothing where it was not trained.
void fitScale(const std::vector<Judged>& judged, std::vector<float> Judged::*model, double& scale) {
  if ((judged.front().*model).empty()) return;
  minimise(scale, [&] {
    return loss(judged, [&](const Judged& one) {
      std::vector<double> logits((one.*model).size(), 0.0);
      addLogProbabilities(one.*model, scale, 1.0, logits);
      normalise(logits, 1.0);
      return logits;
    });
  });
}

std::vector<ScopePoint> pointsOf(const std::vector<Judged>& judged, const Calibration& calibration,
                                 const Scope& scope) {
  std::vector<ScopePoint> points;
  for (const Judged& one : judged) {
    const auto probabilities = calibration.probabilities(one);
    const auto best = std::max_element(probabilities.begin(), probabilities.end());
    const bool nobody = one.label == kNobody;
    points.push_back({scope.score(probabilities, one),
                      !nobody && best - probabilities.begin() == one.label, nobody});
  }
  return points;
}

}  // namespace

double scopeThreshold(std::vector<ScopePoint> points) {
  std::stable_sort(points.begin(), points.end(),
                   [](const ScopePoint& a, const ScopePoint& b) { return a.score < b.score; });
  double labelled = 0;
  double nobody = 0;
  double right = 0;
  for (const ScopePoint& point : points) {
    nobody += point.nobody ? 1.0 : 0.0;
    labelled += point.nobody ? 0.0 : 1.0;
    right += point.right ? 1.0 : 0.0;
  }
  double lost = 0;
  double refused = 0;
  double best_worth = 0;
  double threshold = points.empty() ? 0.0 : points.front().score - 1.0;
  for (std::size_t i = 0; i + 1 < points.size(); ++i) {
    lost += points[i].right ? 1.0 : 0.0;
    refused += points[i].nobody ? 1.0 : 0.0;
    const double between = (points[i].score + points[i + 1].score) / 2.0;
    if (nobody <= 0.0) {
      if (lost <= (1.0 - kKeptShare) * right) threshold = between;
      continue;
    }
    const double worth = kRecallWorth * refused / nobody - lost / labelled;
    if (worth <= best_worth) continue;
    best_worth = worth;
    threshold = between;
  }
  return threshold;
}

void toProbabilities(float* scores, std::size_t count) {
  const float most = *std::max_element(scores, scores + count);
  float sum = 0.0F;
  for (std::size_t k = 0; k < count; ++k) {
    scores[k] = static_cast<float>(exactExp(static_cast<double>(scores[k] - most)));
    sum += scores[k];
  }
  for (std::size_t k = 0; k < count; ++k) scores[k] /= sum;
}

std::vector<double> Calibration::probabilities(const Judged& judged) const {
  const int models = 1 + (judged.net.empty() ? 0 : 1) + (judged.convolution.empty() ? 0 : 1);
  const double share = 1.0 / static_cast<double>(models);
  std::vector<double> logits(judged.linear.size(), 0.0);
  addLogProbabilities(judged.linear, linear_scale, share, logits);
  if (!judged.net.empty()) addLogProbabilities(judged.net, net_scale, share, logits);
  if (!judged.convolution.empty())
    addLogProbabilities(judged.convolution, convolution_scale, share, logits);
  normalise(logits, scale);
  return logits;
}

double Scope::score(const std::vector<double>& probabilities, const Judged& judged) const {
  const double best = *std::max_element(probabilities.begin(), probabilities.end());
  const float margin = *std::max_element(judged.linear.begin(), judged.linear.end());
  return exactLog(std::max(best, kLeastProbability)) + margin_worth * static_cast<double>(margin) +
         known_worth * static_cast<double>(judged.known_share);
}

Calibration fitCalibration(const std::vector<Judged>& judged) {
  Calibration calibration;
  const auto labelled = std::count_if(judged.begin(), judged.end(),
                                      [](const Judged& one) { return one.label != kNobody; });
  if (static_cast<std::size_t>(labelled) < kFitMin) return calibration;
  fitScale(judged, &Judged::linear, calibration.linear_scale);
  if (judged.front().net.empty() && judged.front().convolution.empty()) return calibration;
  fitScale(judged, &Judged::net, calibration.net_scale);
  fitScale(judged, &Judged::convolution, calibration.convolution_scale);
  minimise(calibration.scale, [&] {
    return loss(judged, [&](const Judged& one) { return calibration.probabilities(one); });
  });
  return calibration;
}

Scope fitScope(const std::vector<Judged>& judged, const Calibration& calibration) {
  Scope scope;
  if (judged.size() < kFitMin) return scope;
  scope.threshold = scopeThreshold(pointsOf(judged, calibration, scope));
  return scope;
}

void CalibrationError::add(double probability, bool right) {
  const double scaled = std::clamp(probability, 0.0, 1.0) * static_cast<double>(kBins);
  const std::size_t bin = std::min(kBins - 1, static_cast<std::size_t>(scaled));
  ++counts_[bin];
  probabilities_[bin] += probability;
  right_[bin] += right ? 1.0 : 0.0;
}

double CalibrationError::value() const {
  double apart = 0;
  double all = 0;
  for (std::size_t bin = 0; bin < kBins; ++bin) {
    apart += std::max(probabilities_[bin] - right_[bin], right_[bin] - probabilities_[bin]);
    all += static_cast<double>(counts_[bin]);
  }
  return all > 0 ? apart / all : 0.0;
}

}  // namespace tutti::routing
