#include "server/routing/fusion.hpp"

#include <algorithm>
#include <limits>

#include "server/routing/calibration.hpp"
#include "server/routing/exact_math.hpp"

namespace tutti::routing {
namespace {
constexpr std::size_t kFusedFitMin = 30;
constexpr double kCoveredLeast = 0.8;  ///< share of the examples that must have vectors
/// Numbers that are compared to fit the scales; of more, every so many texts are taken.
constexpr std::size_t kFitNumbersMax = 200'000;
constexpr std::size_t kFitWorkMax = 1'000'000'000;  ///< texts times labels times dimensions
constexpr double kNearShare = 0.65;  ///< of what an example has in common with its own label
constexpr double kNearLeast = 0.1;
constexpr double kNearMost = 0.5;
/// For the scope, against the logarithm of the probability: what a likeness of 1 is worth, and the
/// words' lead over their threshold. Together they tell strangers better than either.
constexpr double kLikenessWorth = 8.0;
constexpr double kWordsWorth = 0.5;
constexpr double kLostMost = 0.1;  ///< of right answers, where nobody's texts are not known
constexpr double kTinyProbability = 1e-9;

double logOfSum(const std::vector<double>& logits) {
  const double most = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const double one : logits) sum += exactExp(one - most);
  return most + exactLog(sum);
}

std::vector<double> logLikeness(const std::vector<float>& likeness, double scale) {
  std::vector<double> logits;
  logits.reserve(likeness.size());
  for (const float one : likeness) logits.push_back(static_cast<double>(one) * scale);
  const double sum = logOfSum(logits);
  for (double& one : logits) one -= sum;
  return logits;
}

double logOf(double probability) {
  return exactLog(std::max(probability, kTinyProbability));
}

std::vector<double> mixed(const std::vector<double>& words, const std::vector<double>& dense,
                          const FusionScales& scales) {
  std::vector<double> logits(words.size());
  for (std::size_t k = 0; k < logits.size(); ++k)
    logits[k] =
        scales.scale * ((1.0 - scales.dense_share) * words[k] + scales.dense_share * dense[k]);
  return logits;
}

/// Below all but kLostMost of the right answers.
double keptThreshold(const std::vector<ScopePoint>& points) {
  std::vector<double> right;
  for (const ScopePoint& point : points)
    if (point.right) right.push_back(point.score);
  if (right.empty()) return 0.0;
  std::sort(right.begin(), right.end());
  return right[static_cast<std::size_t>(kLostMost * static_cast<double>(right.size()))];
}

/// Takes every so many of `count` things that cost `each`, so that all cost no more than `most`.
std::size_t strideFor(std::size_t count, std::size_t each, std::size_t most) {
  const std::size_t affordable = std::max<std::size_t>(1, most / std::max<std::size_t>(1, each));
  return std::max<std::size_t>(1, (count + affordable - 1) / affordable);
}

/// Of these values of `value`, the first that makes `cost` least.
template <std::size_t N, class Cost>
void chooseLeast(double& value, const double (&values)[N], const Cost& cost) {
  double least = std::numeric_limits<double>::max();
  double best = value;
  for (const double one : values) {
    value = one;
    const double found = cost();
    if (found >= least) continue;
    least = found;
    best = one;
  }
  value = best;
}
}  // namespace

/// What was said of one text whose label is known.
struct Fusion::Judgement {
  int label = 0;  ///< or kNobody
  std::vector<double> words;
  std::vector<float> likeness;
  double words_lead = 0;  ///< of the words' scope score over their threshold
};

std::optional<Fusion> Fusion::train(const std::vector<LabelledText>& examples,
                                    const std::vector<std::string>& labels,
                                    const std::vector<HeldOut>& held_out,
                                    const TextVectors& vectors) {
  Fusion fusion;
  fusion.labels_ = labels;
  std::vector<DenseModel::Example> learnt;
  std::vector<bool> seen(labels.size(), false);
  std::size_t wanted = 0;
  for (const LabelledText& example : examples) {
    const int label = fusion.indexOf(example.label);
    if (label == kNobody) continue;
    ++wanted;
    const TextVector* vector = findVector(vectors, example.text);
    if (vector == nullptr) continue;
    if (!learnt.empty() && vector->size() != learnt.front().vector->size()) continue;
    learnt.push_back({vector, label});
    seen[static_cast<std::size_t>(label)] = true;
  }
  if (learnt.empty() || std::find(seen.begin(), seen.end(), false) != seen.end() ||
      static_cast<double>(learnt.size()) < kCoveredLeast * static_cast<double>(wanted))
    return std::nullopt;
  fusion.dense_.train(learnt, labels.size());
  fusion.fitDense(learnt);
  const std::vector<Judgement> judged = fusion.judge(held_out, vectors);
  fusion.fitShares(judged);
  fusion.fitThreshold(judged);
  return fusion;
}

int Fusion::indexOf(std::string_view label) const {
  const auto at = std::lower_bound(labels_.begin(), labels_.end(), label);
  if (at == labels_.end() || *at != label) return kNobody;
  return static_cast<int>(at - labels_.begin());
}

/// On each example as if it had not been learnt from.
void Fusion::fitDense(const std::vector<DenseModel::Example>& examples) {
  struct Seen {
    std::size_t label;
    std::vector<float> likeness;
  };
  std::vector<Seen> seen;
  std::vector<float> own;
  const std::size_t stride =
      std::max(strideFor(examples.size(), labels_.size(), kFitNumbersMax),
               strideFor(examples.size(), labels_.size() * dense_.dimensions(), kFitWorkMax));
  for (std::size_t i = 0; i < examples.size(); i += stride) {
    const DenseModel::Example& example = examples[i];
    if (dense_.examplesOf(example.label) < 2) continue;
    const auto label = static_cast<std::size_t>(example.label);
    seen.push_back({label, dense_.scoreWithout(*example.vector, example.label)});
    own.push_back(seen.back().likeness[label]);
  }
  if (seen.size() < kFusedFitMin / 3) return;
  const auto middle = own.begin() + static_cast<std::ptrdiff_t>(own.size() / 2);
  std::nth_element(own.begin(), middle, own.end());
  scales_.near = std::clamp(kNearShare * static_cast<double>(*middle), kNearLeast, kNearMost);
  if (seen.size() < kFusedFitMin) return;
  constexpr double kScales[] = {4.0, 5.6, 8.0, 11.3, 16.0, 22.6, 32.0};
  chooseLeast(scales_.dense_scale, kScales, [&] {
    double loss = 0;
    for (const Seen& one : seen) loss -= logLikeness(one.likeness, scales_.dense_scale)[one.label];
    return loss;
  });
}

std::vector<Fusion::Judgement> Fusion::judge(const std::vector<HeldOut>& held_out,
                                             const TextVectors& vectors) const {
  const std::size_t stride =
      std::max(strideFor(held_out.size(), labels_.size(), kFitNumbersMax),
               strideFor(held_out.size(), labels_.size() * dense_.dimensions(), kFitWorkMax));
  std::vector<Judgement> judged;
  for (std::size_t i = 0; i < held_out.size(); i += stride) {
    const HeldOut& one = held_out[i];
    const TextVector* vector = findVector(vectors, one.text);
    if (vector == nullptr || vector->size() != dense_.dimensions()) continue;
    const bool learnt_from = one.is_example && one.label != kNobody;
    if (learnt_from && dense_.examplesOf(one.label) < 2) continue;
    judged.push_back({one.label, one.probabilities,
                      learnt_from ? dense_.scoreWithout(*vector, one.label) : dense_.score(*vector),
                      one.scope_lead});
  }
  return judged;
}

void Fusion::fitShares(const std::vector<Judgement>& judged) {
  struct Views {
    std::size_t label;
    std::vector<double> words;
    std::vector<double> dense;
  };
  std::vector<Views> views;
  for (const Judgement& one : judged) {
    if (one.label == kNobody) continue;
    views.push_back({static_cast<std::size_t>(one.label), one.words,
                     logLikeness(one.likeness, scales_.dense_scale)});
    for (double& probability : views.back().words) probability = logOf(probability);
  }
  if (views.size() < kFusedFitMin) return;
  constexpr double kShares[] = {0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8, 0.1, 0.9, 0.0};
  constexpr double kScales[] = {1.4, 1.0, 1.2, 1.7, 2.0, 0.8};
  double scale = scales_.scale;
  const auto cost = [&] {
    double loss = 0;
    for (const Views& one : views) {
      const std::vector<double> logits = mixed(one.words, one.dense, scales_);
      loss += logOfSum(logits) - logits[one.label];
    }
    return loss;
  };
  double least = std::numeric_limits<double>::max();
  chooseLeast(scales_.dense_share, kShares, [&] {
    chooseLeast(scales_.scale, kScales, cost);
    const double found = cost();
    if (found < least) {
      least = found;
      scale = scales_.scale;
    }
    return found;
  });
  scales_.scale = scale;
}

void Fusion::fitThreshold(const std::vector<Judgement>& judged) {
  if (judged.size() < kFusedFitMin) return;
  std::vector<ScopePoint> points;
  for (const Judgement& one : judged) {
    const std::vector<double> all = probabilities(one.words, one.likeness);
    const auto best = std::max_element(all.begin(), all.end());
    const bool nobody = one.label == kNobody;
    points.push_back({scopeScore(one.words_lead, *best, one.likeness),
                      !nobody && best - all.begin() == one.label, nobody});
  }
  const bool nobodys = std::any_of(points.begin(), points.end(),
                                   [](const ScopePoint& point) { return point.nobody; });
  scales_.threshold =
      nobodys ? scopeThreshold(std::move(points)) : std::min(0.0, keptThreshold(points));
}

std::vector<double> Fusion::probabilities(const std::vector<double>& words,
                                          const std::vector<float>& likeness) const {
  std::vector<double> logs = words;
  for (double& one : logs) one = logOf(one);
  std::vector<double> all = mixed(logs, logLikeness(likeness, scales_.dense_scale), scales_);
  const double sum = logOfSum(all);
  for (double& one : all) one = exactExp(one - sum);
  return all;
}

double Fusion::scopeScore(double words_lead, double best,
                          const std::vector<float>& likeness) const {
  const double nearest =
      static_cast<double>(*std::max_element(likeness.begin(), likeness.end())) - scales_.near;
  return logOf(best) + kWordsWorth * words_lead + kLikenessWorth * nearest;
}

Decision Fusion::decide(Decision words, const TextVector& vector,
                        std::size_t candidates_max) const {
  const std::vector<float> likeness = dense_.score(vector);
  if (likeness.empty()) {
    if (words.candidates.size() > candidates_max) words.candidates.resize(candidates_max);
    return words;
  }
  // A text without any word: they say nothing.
  std::vector<double> said(labels_.size(), 1.0 / static_cast<double>(labels_.size()));
  for (const Candidate& one : words.candidates)
    if (const int k = indexOf(one.label); k != kNobody)
      said[static_cast<std::size_t>(k)] = one.score;
  const std::vector<double> all = probabilities(said, likeness);

  Decision decision;
  for (std::size_t k = 0; k < labels_.size(); ++k)
    decision.candidates.push_back({labels_[k], all[k]});
  const std::size_t count = std::min(candidates_max, labels_.size());
  std::partial_sort(decision.candidates.begin(),
                    decision.candidates.begin() + static_cast<std::ptrdiff_t>(count),
                    decision.candidates.end(), [](const Candidate& a, const Candidate& b) {
                      return a.score != b.score ? a.score > b.score : a.label < b.label;
                    });
  decision.candidates.resize(count);
  decision.threshold = scales_.threshold;
  decision.scope_score = scopeScore(words.scope_score - words.threshold,
                                    *std::max_element(all.begin(), all.end()), likeness);
  decision.in_scope = decision.scope_score >= decision.threshold;
  const bool same = !words.candidates.empty() && count > 0 &&
                    words.candidates.front().label == decision.candidates.front().label;
  if (same) decision.evidence = std::move(words.evidence);
  decision.by_vectors = !same || !words.in_scope;
  return decision;
}

void Fusion::learn(const TextVector& vector, std::string_view label, Classifier::Verdict verdict) {
  const int index = indexOf(label);
  const bool wrong = verdict == Classifier::Verdict::Wrong;
  if (index == kNobody && (wrong || label != kNobodyLabel)) return;
  dense_.learn(vector, index, wrong);
}

}  // namespace tutti::routing
