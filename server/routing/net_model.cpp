#include "server/routing/net_model.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "server/routing/calibration.hpp"
#include "server/routing/random.hpp"
#include "server/routing/rows.hpp"

namespace tutti::routing {
namespace {
constexpr float kInputSpread = 0.15F;
constexpr float kBiasShare = 0.1F;  ///< of the rate, for the hidden layer's bias
constexpr float kLearnRate = 0.05F;
constexpr int kLearnSteps = 3;
}  // namespace

/// What a step needs room for, so that it allocates nothing.
struct NetModel::Scratch {
  Scratch(std::size_t hidden, std::size_t stride, std::uint64_t seed)
      : hidden_values(hidden), gradients(hidden), scores(stride), random(seed) {}
  std::vector<float> hidden_values;
  std::vector<float> gradients;
  std::vector<float> scores;
  std::vector<Entry> kept;
  Random random;
};

void NetModel::train(const std::vector<Example>& examples, std::size_t features, std::size_t labels,
                     const Options& options) {
  options_ = options;
  labels_ = labels;
  stride_ = roundedToRow(labels);
  const std::size_t hidden = options.hidden;
  Random random(options.seed);
  const auto spread = [&random](float width) { return (random.unit() - 0.5F) * 2.0F * width; };
  inputs_.reset(features, hidden);
  for (std::size_t feature = 0; feature < features; ++feature)
    for (std::size_t unit = 0; unit < hidden; ++unit) inputs_[feature][unit] = spread(kInputSpread);
  input_squares_.assign(features, 0.0F);
  hidden_bias_.assign(hidden, 0.0F);
  outputs_.assign(hidden * stride_, 0.0F);
  output_bias_.assign(stride_, 0.0F);
  const float width = std::sqrt(3.0F / static_cast<float>(hidden));
  for (std::size_t unit = 0; unit < hidden; ++unit)
    for (std::size_t k = 0; k < labels; ++k) outputs_[unit * stride_ + k] = spread(width);

  std::vector<std::size_t> order(examples.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  Scratch scratch(hidden, stride_, options.seed + 1);
  const float keep = 1.0F - options.feature_dropout;
  for (int pass = 0; pass < options.passes; ++pass) {
    scratch.random.shuffle(order);
    const float rate =
        options.rate * (1.0F - static_cast<float>(pass) / static_cast<float>(options.passes));
    for (const std::size_t i : order) {
      scratch.kept.clear();
      for (const Entry& entry : examples[i].vector.entries)
        if (scratch.random.unit() < keep) scratch.kept.push_back({entry.id, entry.value / keep});
      step(scratch.kept, examples[i].label, rate, scratch);
    }
  }
}

void NetModel::forward(const std::vector<Entry>& entries, float* hidden) const {
  std::copy(hidden_bias_.begin(), hidden_bias_.end(), hidden);
  for (const Entry& entry : entries)
    addRow(hidden, inputs_[entry.id], entry.value, options_.hidden);
}

void NetModel::output(const float* hidden, float* scores) const {
  std::copy(output_bias_.begin(), output_bias_.end(), scores);
  for (std::size_t unit = 0; unit < options_.hidden; ++unit)
    if (hidden[unit] > 0.0F) addRow(scores, &outputs_[unit * stride_], hidden[unit], stride_);
}

void NetModel::step(const std::vector<Entry>& entries, int label, float rate, Scratch& scratch) {
  const std::size_t hidden = options_.hidden;
  float* const values = scratch.hidden_values.data();
  float* const errors = scratch.scores.data();
  const float keep = 1.0F - options_.hidden_dropout;
  forward(entries, values);
  for (std::size_t unit = 0; unit < hidden; ++unit) {
    const bool stays = scratch.random.unit() < keep;
    values[unit] = stays && values[unit] > 0.0F ? values[unit] / keep : 0.0F;
  }
  output(values, errors);
  toProbabilities(errors, labels_);
  const float spread = (label == kNobody ? 1.0F : options_.smoothing) / static_cast<float>(labels_);
  for (std::size_t k = 0; k < labels_; ++k) errors[k] -= spread;
  if (label != kNobody) errors[static_cast<std::size_t>(label)] -= 1.0F - options_.smoothing;
  std::fill(errors + labels_, errors + stride_, 0.0F);

  float square = 0.0F;
  for (std::size_t unit = 0; unit < hidden; ++unit) {
    float& gradient = scratch.gradients[unit];
    gradient = 0.0F;
    if (values[unit] <= 0.0F) continue;
    float* const row = &outputs_[unit * stride_];
    gradient = dotRow(row, errors, stride_) / keep;
    addRow(row, errors, -rate * values[unit], stride_);
    square += gradient * gradient;
  }
  square /= static_cast<float>(hidden);
  addRow(output_bias_.data(), errors, -rate, stride_);
  addRow(hidden_bias_.data(), scratch.gradients.data(), -rate * kBiasShare, hidden);
  const float input_rate = rate * options_.input_rate / options_.rate;
  for (const Entry& entry : entries) {
    float& squares = input_squares_[entry.id];
    squares += entry.value * entry.value * square;
    const float size = -input_rate * entry.value / (std::sqrt(squares) + 1e-4F);
    addRow(inputs_[entry.id], scratch.gradients.data(), size, hidden);
  }
}

void NetModel::score(const FeatureVector& vector, float* scores) const {
  std::vector<float> hidden(options_.hidden);
  std::vector<float> row(stride_);
  forward(vector.entries, hidden.data());
  output(hidden.data(), row.data());
  std::copy_n(row.begin(), labels_, scores);
}

void NetModel::learn(const FeatureVector& vector, int label, std::size_t features) {
  inputs_.grow(features);
  input_squares_.resize(features, 0.0F);
  Scratch scratch(options_.hidden, stride_, options_.seed + 2);
  for (int i = 0; i < kLearnSteps; ++i) step(vector.entries, label, kLearnRate, scratch);
}

}  // namespace tutti::routing
