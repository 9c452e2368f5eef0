#include "server/routing/linear_model.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "server/routing/random.hpp"

namespace tutti::routing {
namespace {
constexpr std::uint64_t kOrderSeed = 1;
constexpr int kLearnStepsMax = 4;
constexpr float kMargin = 1.0F;

float squaredLength(const FeatureVector& vector) {
  float sum = 1.0F;  // the bias
  for (const Entry& entry : vector.entries) sum += entry.value * entry.value;
  return sum;
}

/// One example's dual variables, a step each. `steps` becomes what to add to the weights.
class DualStep {
 public:
  DualStep(float cost, std::size_t labels) : diagonal_(0.5F / cost), labels_(labels) {}

  /// True if anything moved.
  bool take(const float* scores, float* duals, float* steps, int label, float length) const {
    const float rate = 1.0F / (length + diagonal_);
    const auto own = static_cast<std::size_t>(label);
    const float own_dual = label == kNobody ? 0.0F : duals[own];
    for (std::size_t k = 0; k < labels_; ++k) {
      const float gradient = diagonal_ * duals[k] - scores[k] - 1.0F;
      const float next = std::max(duals[k] - gradient * rate, 0.0F);
      steps[k] = duals[k] - next;
      duals[k] = next;
    }
    // As computed above the step for -scores[k] holds for the labels that this is no example of.
    if (label != kNobody) {
      const float gradient = scores[own] - 1.0F + diagonal_ * own_dual;
      duals[own] = std::max(own_dual - gradient * rate, 0.0F);
      steps[own] = duals[own] - own_dual;
    }
    return std::any_of(steps, steps + labels_, [](float step) { return step != 0.0F; });
  }

 private:
  float diagonal_;
  std::size_t labels_;
};

}  // namespace

void LinearModel::train(const std::vector<Example>& examples, std::size_t features,
                        std::size_t labels, const Options& options) {
  labels_ = labels;
  stride_ = roundedToRow(labels);
  weights_.reset(features + 1, stride_);
  std::vector<float> duals(examples.size() * stride_, 0.0F);
  std::vector<float> lengths;
  for (const Example& example : examples) lengths.push_back(squaredLength(example.vector));
  std::vector<std::size_t> order(examples.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::vector<float> scores(stride_);
  std::vector<float> steps(stride_, 0.0F);
  Random random(kOrderSeed);
  const DualStep dual_step(options.cost, labels);

  for (int pass = 0; pass < options.passes; ++pass) {
    random.shuffle(order);
    for (const std::size_t i : order) {
      const Example& example = examples[i];
      score(example.vector, scores.data());
      float* const own = &duals[i * stride_];
      if (!dual_step.take(scores.data(), own, steps.data(), example.label, lengths[i])) continue;
      addRow(weights_[0], steps.data(), 1.0F, stride_);
      for (const Entry& entry : example.vector.entries)
        addRow(weights_[entry.id + 1], steps.data(), entry.value, stride_);
    }
  }
}

void LinearModel::score(const FeatureVector& vector, float* scores) const {
  std::vector<float> row(weights_[0], weights_[0] + stride_);
  for (const Entry& entry : vector.entries)
    addRow(row.data(), weights_[entry.id + 1], entry.value, stride_);
  std::copy_n(row.begin(), labels_, scores);
}

void LinearModel::addTo(const FeatureVector& vector, std::size_t label, float step) {
  weights_[0][label] += step;
  for (const Entry& entry : vector.entries) weights_[entry.id + 1][label] += step * entry.value;
}

void LinearModel::learn(const FeatureVector& vector, int label, bool wrong, std::size_t features) {
  weights_.grow(features + 1);
  const float length = squaredLength(vector);
  const auto own = static_cast<std::size_t>(label);
  std::vector<float> scores(labels_);
  for (int step = 0; step < kLearnStepsMax; ++step) {
    score(vector, scores.data());
    if (wrong) {
      if (scores[own] < 0.0F) return;
      addTo(vector, own, -(scores[own] + kMargin / 2) / length);
      continue;
    }
    // The passive-aggressive step: as little as gives the label its margin over the best other one.
    std::size_t rival = own == 0 ? 1 : 0;
    for (std::size_t k = 0; k < labels_; ++k)
      if (k != own && scores[k] > scores[rival]) rival = k;
    const float lead = labels_ > 1 ? scores[own] - scores[rival] : kMargin;
    if (scores[own] < kMargin) addTo(vector, own, (kMargin - scores[own]) / length);
    if (lead >= kMargin || labels_ < 2) continue;
    addTo(vector, rival, -std::max(0.0F, scores[rival] + kMargin / 2) / length);
  }
}

}  // namespace tutti::routing
