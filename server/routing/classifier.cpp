#include "server/routing/classifier.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "server/routing/rows.hpp"

namespace tutti::routing {
namespace {
constexpr int kNameCopies = 2;  ///< how many examples a label's name stands for
/// Above this many examples times labels, a feature must be in three texts: the rest costs memory,
/// and with so many examples is mostly noise.
constexpr std::size_t kRareKeptWorkMax = 1'000'000;
/// Above this many examples times labels, only what one pass over them can learn is used.
constexpr std::size_t kWorkMax = 5'000'000;
constexpr std::size_t kFewExamples = 1000;
constexpr int kThriftyPasses = 2;
/// With fewer examples a label, on average, the convolution knows too little to be of use.
constexpr std::size_t kConvolutionExamplesMin = 30;
constexpr std::size_t kFolds = 5;
/// Up to this many examples times labels every fold is set aside in turn, else the first alone.
constexpr std::size_t kAllFoldsWorkMax = 500'000;
/// Up to this many, several nets are averaged: above it they cost memory and gain nothing beside
/// the convolution.
constexpr std::size_t kSeveralNetsWorkMax = 500'000;
constexpr std::uint64_t kSeedsApart = 10;  ///< of one net from the next

std::vector<std::string> labelsOf(const std::vector<LabelledText>& examples) {
  std::set<std::string> labels;
  for (const LabelledText& example : examples)
    if (example.label != kNobodyLabel) labels.insert(example.label);
  return {labels.begin(), labels.end()};
}

/// "exchange_rate" -> "exchange rate".
std::string spaced(std::string label) {
  for (char& letter : label)
    if (letter == '_' || letter == '-' || letter == '.' || letter == '/') letter = ' ';
  return label;
}

struct Split {
  std::vector<LabelledText> kept;
  std::vector<LabelledText> aside;
};

/// Sets every fifth example of each label aside, beginning with that number `fold`.
Split setAside(const std::vector<LabelledText>& examples, std::size_t fold) {
  Split split;
  std::map<std::string, std::size_t> counts;
  for (const LabelledText& example : examples) {
    const bool aside = counts[example.label]++ % kFolds == fold;
    (aside ? split.aside : split.kept).push_back(example);
  }
  return split;
}

}  // namespace

Result<Classifier> Classifier::train(const std::vector<LabelledText>& examples,
                                     const std::vector<LabelledText>& held_out, Options options,
                                     std::vector<HeldOut>* told) {
  Classifier classifier;
  classifier.options_ = options;
  classifier.labels_ = labelsOf(examples);
  if (classifier.labels_.size() < 2)
    return Error(Code::InvalidArgument,
                 "there are examples of " + std::to_string(classifier.labels_.size()) +
                     " label(s), and a choice needs two",
                 "give examples of at least two labels beside '" + std::string(kNobodyLabel) + "'");
  for (const LabelledText& one : held_out)
    if (one.label != kNobodyLabel && classifier.indexOf(one.label) < 0)
      return Error(Code::InvalidArgument, "label '" + one.label + "' has no example to learn from",
                   "the texts held out must have labels that the examples have, or '" +
                       std::string(kNobodyLabel) + "'");

  if (held_out.empty()) classifier.fitScalesByFolds(examples, told);
  classifier.fitModels(examples);
  if (!held_out.empty()) {
    std::vector<Judged> judged;
    classifier.judgeAll(held_out, judged);
    classifier.fitScales(judged);
    if (told != nullptr) *told = classifier.heldOut(held_out, judged);
  }
  return classifier;
}

void Classifier::fitScalesByFolds(const std::vector<LabelledText>& examples,
                                  std::vector<HeldOut>* told) {
  const std::size_t work = examples.size() * labels_.size();
  if (work > kWorkMax) return;  // learning twice would take too long: the defaults serve
  const std::size_t folds = std::min(work <= kAllFoldsWorkMax ? kFolds : 1, options_.folds_max);
  std::vector<Judged> judged;
  std::vector<LabelledText> texts;
  for (std::size_t fold = 0; fold < folds; ++fold) {
    const Split split = setAside(examples, fold);
    fitModels(split.kept);
    judgeAll(split.aside, judged);
    if (told != nullptr) texts.insert(texts.end(), split.aside.begin(), split.aside.end());
  }
  fitScales(judged);
  if (told == nullptr) return;
  *told = heldOut(texts, judged);
  for (HeldOut& one : *told) one.is_example = true;
}

std::vector<HeldOut> Classifier::heldOut(const std::vector<LabelledText>& texts,
                                         const std::vector<Judged>& judged) const {
  std::vector<HeldOut> all;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    HeldOut one{texts[i].text, judged[i].label, {}, 0, false};
    one.probabilities = calibration_.probabilities(judged[i]);
    one.scope_lead = scope_.score(one.probabilities, judged[i]) - scope_.threshold;
    all.push_back(std::move(one));
  }
  return all;
}

void Classifier::fitModels(const std::vector<LabelledText>& examples) {
  std::vector<std::string> texts;
  std::vector<int> targets;
  for (const LabelledText& example : examples) {
    texts.push_back(example.text);
    targets.push_back(indexOf(example.label));
  }
  for (std::size_t k = 0; k < labels_.size(); ++k)
    for (int copy = 0; copy < kNameCopies; ++copy) {
      texts.push_back(spaced(labels_[k]));
      targets.push_back(static_cast<int>(k));
    }

  const bool thrifty = texts.size() * labels_.size() > kWorkMax;
  FeatureSpace::Options space_options;
  space_options.texts_min = texts.size() * labels_.size() > kRareKeptWorkMax ? 3 : 1;
  space_options.pieces = !thrifty;
  space_options.pairs = !thrifty;
  space_.fit(texts, space_options);
  std::vector<Example> learnt;
  learnt.reserve(texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i)
    learnt.push_back({space_.vectorOf(texts[i]), targets[i]});

  LinearModel::Options linear_options;
  if (thrifty) linear_options.passes = kThriftyPasses;
  linear_.train(learnt, space_.size(), labels_.size(), linear_options);
  nets_.clear();
  has_convolution_ = false;  // that of a fold is not that of all examples
  if (thrifty) return;
  fitNets(learnt, examples.size());

  has_convolution_ =
      options_.word_order && examples.size() >= kConvolutionExamplesMin * labels_.size();
  if (!has_convolution_) return;
  std::vector<Example>().swap(learnt);  // or both would be in memory at once
  fitConvolution(texts, targets);
}

void Classifier::fitNets(const std::vector<Example>& learnt, std::size_t examples) {
  const bool few = examples * labels_.size() <= kSeveralNetsWorkMax;
  nets_.resize(few ? std::max<std::size_t>(1, options_.nets_max) : 1);
  NetModel::Options options;
  if (learnt.size() < kFewExamples) options.passes *= 2;  // few steps in a pass: more passes
  for (NetModel& net : nets_) {
    net.train(learnt, space_.size(), labels_.size(), options);
    options.seed += kSeedsApart;
  }
}

void Classifier::fitConvolution(const std::vector<std::string>& texts,
                                const std::vector<int>& targets) {
  std::vector<SequenceExample> sequences;
  sequences.reserve(texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i)
    sequences.push_back({space_.sequenceOf(space_.extractor().featuresOf(texts[i])), targets[i]});
  convolution_.train(sequences, labels_.size(), ConvolutionModel::Options());
}

void Classifier::judgeAll(const std::vector<LabelledText>& texts,
                          std::vector<Judged>& judged) const {
  judged.reserve(judged.size() + texts.size());
  for (const LabelledText& one : texts) {
    const std::vector<Feature> features = space_.extractor().featuresOf(one.text);
    judged.push_back(judge(features, space_.vectorOf(features), indexOf(one.label)));
  }
}

void Classifier::fitScales(const std::vector<Judged>& judged) {
  scaled_ = true;
  calibration_ = fitCalibration(judged);
  scope_ = fitScope(judged, calibration_);
}

Judged Classifier::judge(const std::vector<Feature>& features, const FeatureVector& vector,
                         int label) const {
  Judged judged;
  judged.label = label;
  judged.known_share = vector.known_share;
  judged.linear.resize(labels_.size());
  linear_.score(vector, judged.linear.data());
  if (nets_.empty()) return judged;
  judged.net.resize(labels_.size());
  std::vector<float> scores(labels_.size());
  for (const NetModel& net : nets_) {
    net.score(vector, scores.data());
    addRow(judged.net.data(), scores.data(), 1.0F / static_cast<float>(nets_.size()),
           scores.size());
  }
  if (!has_convolution_) return judged;
  judged.convolution.resize(labels_.size());
  convolution_.score(space_.sequenceOf(features), judged.convolution.data());
  return judged;
}

int Classifier::indexOf(std::string_view label) const {
  const auto at = std::lower_bound(labels_.begin(), labels_.end(), label);
  if (at == labels_.end() || *at != label) return kNobody;
  return static_cast<int>(at - labels_.begin());
}

Decision Classifier::decide(std::string_view text, std::size_t candidates_max) const {
  Decision decision;
  decision.threshold = scope_.threshold;
  const std::vector<Feature> features = space_.extractor().featuresOf(text);
  if (features.empty()) {
    decision.scope_score = decision.threshold - 1.0;
    return decision;
  }
  const FeatureVector vector = space_.vectorOf(features);
  const Judged judged = judge(features, vector, kNobody);
  const auto probabilities = calibration_.probabilities(judged);
  decision.scope_score = scope_.score(probabilities, judged);
  decision.in_scope = decision.scope_score >= decision.threshold;

  std::vector<std::size_t> order(labels_.size());
  for (std::size_t k = 0; k < order.size(); ++k) order[k] = k;
  const std::size_t count = std::min(candidates_max, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(),
                    [&](std::size_t a, std::size_t b) {
                      if (probabilities[a] != probabilities[b])
                        return probabilities[a] > probabilities[b];
                      return a < b;
                    });
  for (std::size_t i = 0; i < count; ++i)
    decision.candidates.push_back({labels_[order[i]], probabilities[order[i]]});
  if (options_.evidence_max > 0 && count > 0)
    decision.evidence = evidenceFor(text, features, vector, order[0]);
  return decision;
}

std::vector<Evidence> Classifier::evidenceFor(std::string_view text,
                                              const std::vector<Feature>& features,
                                              const FeatureVector& vector,
                                              std::size_t label) const {
  struct Voice {
    const Feature* feature;
    double weight;
  };
  std::vector<Voice> voices;
  std::set<std::int64_t> heard;
  for (const Feature& feature : features) {
    if (feature.kind == FeatureKind::Piece) continue;
    const std::int64_t id = space_.idOf(feature);
    if (id < 0 || !heard.insert(id).second) continue;
    const auto entry =
        std::lower_bound(vector.entries.begin(), vector.entries.end(), id,
                         [](const Entry& a, std::int64_t b) { return std::int64_t{a.id} < b; });
    const float weight = entry->value * linear_.weight(static_cast<std::size_t>(id), label);
    if (weight > 0.0F) voices.push_back({&feature, static_cast<double>(weight)});
  }
  std::stable_sort(voices.begin(), voices.end(),
                   [](const Voice& a, const Voice& b) { return a.weight > b.weight; });

  std::vector<Evidence> evidence;
  for (const Voice& voice : voices) {
    std::string name = space_.extractor().nameOf(text, *voice.feature);
    const auto same = std::find_if(evidence.begin(), evidence.end(),
                                   [&](const Evidence& one) { return one.text == name; });
    if (same != evidence.end())
      same->weight += voice.weight;
    else if (evidence.size() < options_.evidence_max)
      evidence.push_back({std::move(name), voice.weight});
  }
  std::stable_sort(evidence.begin(), evidence.end(),
                   [](const Evidence& a, const Evidence& b) { return a.weight > b.weight; });
  return evidence;
}

Status Classifier::learn(std::string_view text, std::string_view label, Verdict verdict) {
  const int index = indexOf(label);
  if (index < 0 && label != kNobodyLabel)
    return Error(Code::NotFound, "label '" + std::string(label) + "' is not known",
                 "train with an example of it first");
  space_.add(text);
  const FeatureVector vector = space_.vectorOf(text);
  const bool wrong = verdict == Verdict::Wrong;
  if (index == kNobody && wrong) return ok();  // some label fits, but which is not said
  if (index == kNobody) {
    for (int k = 0; k < static_cast<int>(labels_.size()); ++k)
      linear_.learn(vector, k, /*wrong=*/true, space_.size());
  } else {
    linear_.learn(vector, index, wrong, space_.size());
  }
  const int target = wrong ? kNobody : index;
  for (NetModel& net : nets_) net.learn(vector, target, space_.size());
  if (has_convolution_)
    convolution_.learn(space_.sequenceOf(space_.extractor().featuresOf(text)), target);
  return ok();
}

}  // namespace tutti::routing
