#include "server/routing/dense_model.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "server/routing/rows.hpp"

namespace tutti::routing {
namespace {
constexpr float kLead = 0.2F;  ///< by which a label that was right is ahead afterwards
constexpr float kNear = 0.5F;  ///< how like it is to that label at least
constexpr int kRivalsMax = 4;
constexpr float kLeastLength = 1e-6F;

float inverseLength(const TextVector& vector) {
  std::int64_t squares = 0;
  for (const std::int8_t one : vector) squares += std::int64_t{one} * one;
  return squares == 0 ? 0.0F : 1.0F / std::sqrt(static_cast<float>(squares));
}

/// To length 1, if it has one; what it was.
float toUnit(float* row, std::size_t width) {
  const float length = std::sqrt(dotRow(row, row, width));
  if (length < kLeastLength) {
    std::fill(row, row + width, 0.0F);
    return 0.0F;
  }
  for (std::size_t i = 0; i < width; ++i) row[i] /= length;
  return length;
}
}  // namespace

void DenseModel::train(const std::vector<Example>& examples, std::size_t labels) {
  dimensions_ = examples.empty() ? 0 : examples.front().vector->size();
  width_ = roundedToRow(dimensions_);
  mean_.assign(width_, 0.0F);
  rows_.assign(labels * width_, 0.0F);
  lengths_.assign(labels, 0.0F);
  counts_.assign(labels, 0);
  std::vector<float> sum(width_, 0.0F);
  for (const Example& example : examples)
    addRow(sum.data(), centred(*example.vector).data(), 1.0F, width_);
  for (float& one : sum) one /= static_cast<float>(examples.size());
  mean_ = std::move(sum);
  for (const Example& example : examples) {
    const auto label = static_cast<std::size_t>(example.label);
    addRow(row(label), centred(*example.vector).data(), 1.0F, width_);
    ++counts_[label];
  }
  for (std::size_t k = 0; k < labels; ++k) lengths_[k] = toUnit(row(k), width_);
}

std::vector<float> DenseModel::centred(const TextVector& vector) const {
  std::vector<float> seen(width_, 0.0F);
  const float factor = inverseLength(vector);
  for (std::size_t i = 0; i < vector.size(); ++i)
    seen[i] = static_cast<float>(vector[i]) * factor - mean_[i];
  (void)toUnit(seen.data(), width_);
  return seen;
}

std::vector<float> DenseModel::scoreCentred(const std::vector<float>& centred) const {
  std::vector<float> scores(counts_.size());
  for (std::size_t k = 0; k < scores.size(); ++k)
    scores[k] = dotRow(row(k), centred.data(), width_);
  return scores;
}

std::vector<float> DenseModel::score(const TextVector& vector) const {
  if (vector.size() != dimensions_) return {};
  return scoreCentred(centred(vector));
}

std::vector<float> DenseModel::scoreWithout(const TextVector& vector, int label) const {
  std::vector<float> scores = score(vector);
  if (scores.empty()) return scores;
  // sum - z, for z of length 1, from what sum says of z.
  const auto own = static_cast<std::size_t>(label);
  const float along = lengths_[own] * scores[own];
  const float squares = lengths_[own] * lengths_[own] - 2.0F * along + 1.0F;
  scores[own] = squares < kLeastLength ? 0.0F : (along - 1.0F) / std::sqrt(squares);
  return scores;
}

void DenseModel::learn(const TextVector& vector, int label, bool wrong) {
  if (vector.size() != dimensions_) return;
  const std::vector<float> seen = centred(vector);
  std::vector<float> scores = scoreCentred(seen);
  const auto move = [&](std::size_t k, float step) {
    addRow(row(k), seen.data(), step, width_);
    scores[k] += step;
  };
  if (wrong || label == kNobody) {
    for (std::size_t k = 0; k < scores.size(); ++k)
      if ((label == kNobody || static_cast<int>(k) == label) && scores[k] > 0.0F)
        move(k, -scores[k]);
    return;
  }
  const auto own = static_cast<std::size_t>(label);
  if (scores[own] < kNear) move(own, kNear - scores[own]);
  for (int rivals = 0; rivals < kRivalsMax; ++rivals) {
    std::size_t rival = own == 0 ? 1 : 0;
    for (std::size_t k = 0; k < scores.size(); ++k)
      if (k != own && scores[k] > scores[rival]) rival = k;
    const float missing = kLead - (scores[own] - scores[rival]);
    if (missing <= 0.0F) return;
    move(own, missing / 2.0F);
    move(rival, -missing / 2.0F);
  }
}

}  // namespace tutti::routing
