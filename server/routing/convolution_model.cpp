#include "server/routing/convolution_model.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "server/routing/calibration.hpp"
#include "server/routing/linear_model.hpp"
#include "server/routing/random.hpp"

namespace tutti::routing {
namespace {
constexpr std::uint32_t kNoRow = 0xFFFFFFFFU;
constexpr float kFeatureSpread = 0.2F;
constexpr float kFirstSquare = 1e-3F;  ///< so that the first step of a weight is not its largest
constexpr float kLessonShare = 0.5F;   ///< of the rates at the beginning
constexpr int kLessonSteps = 3;

void fillAtRandom(std::vector<float>& weights, float width, Random& random) {
  for (float& weight : weights) weight = (random.unit() - 0.5F) * 2.0F * width;
}
}  // namespace

/// What a step needs room for, so that it allocates little.
struct ConvolutionModel::Scratch {
  explicit Scratch(std::uint64_t seed) : random(seed) {}
  WordSequence kept;                   ///< the text without what is dropped
  std::vector<float> inputs;           ///< the words' vectors, and one of zeros at either end
  std::vector<float> input_gradients;  ///< the same shape
  std::vector<float> matches;          ///< of each filter, its best; 0 for none
  std::vector<float> match_gradients;
  std::vector<std::size_t> places;  ///< where each filter's best match begins
  std::vector<float> scores;
  Random random;
};

void ConvolutionModel::reset(std::size_t labels, const Options& options, Scratch& scratch) {
  options_ = options;
  labels_ = labels;
  stride_ = roundedToRow(labels);
  row_of_.clear();
  row_count_ = 0;
  features_.reset(0, options.width);
  feature_squares_.clear();
  const std::size_t seen = options.window * options.width;
  filters_.assign(options.filters * seen, 0.0F);
  fillAtRandom(filters_, std::sqrt(3.0F / static_cast<float>(seen)), scratch.random);
  filter_squares_.assign(filters_.size(), kFirstSquare);
  biases_.assign(options.filters, 0.0F);
  bias_squares_.assign(options.filters, kFirstSquare);
  outputs_.assign(options.filters * stride_, 0.0F);
  fillAtRandom(outputs_, std::sqrt(3.0F / static_cast<float>(options.filters)), scratch.random);
  output_squares_.assign(outputs_.size(), kFirstSquare);
  output_bias_.assign(stride_, 0.0F);
  output_bias_squares_.assign(stride_, kFirstSquare);
}

std::uint32_t ConvolutionModel::rowOf(std::uint32_t feature) const {
  return feature < row_of_.size() ? row_of_[feature] : kNoRow;
}

void ConvolutionModel::addRowsFor(const WordSequence& words) {
  for (const auto& word : words)
    for (const Entry& entry : word) {
      if (entry.id >= row_of_.size()) row_of_.resize(std::size_t{entry.id} + 1, kNoRow);
      if (row_of_[entry.id] == kNoRow) row_of_[entry.id] = row_count_++;
    }
  features_.grow(row_count_);
  feature_squares_.resize(row_count_, 0.0F);
}

void ConvolutionModel::train(const std::vector<SequenceExample>& examples, std::size_t labels,
                             const Options& options) {
  Scratch scratch(options.seed);
  reset(labels, options, scratch);
  for (const SequenceExample& example : examples) addRowsFor(example.words);
  for (std::uint32_t row = 0; row < row_count_; ++row)
    for (std::size_t i = 0; i < options.width; ++i)
      features_[row][i] = (scratch.random.unit() - 0.5F) * 2.0F * kFeatureSpread;

  std::vector<std::size_t> order(examples.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (int pass = 0; pass < options.passes; ++pass) {
    scratch.random.shuffle(order);
    const float share = 1.0F - static_cast<float>(pass) / static_cast<float>(options.passes);
    for (const std::size_t i : order) {
      drop(examples[i].words, scratch);
      step(scratch.kept, examples[i].label, share, scratch);
    }
  }
}

void ConvolutionModel::drop(const WordSequence& words, Scratch& scratch) const {
  const float keep = 1.0F - options_.feature_dropout;
  scratch.kept.resize(words.size());
  for (std::size_t i = 0; i < words.size(); ++i) {
    scratch.kept[i].clear();
    if (scratch.random.unit() < options_.word_dropout) continue;
    for (const Entry& entry : words[i])
      if (scratch.random.unit() < keep) scratch.kept[i].push_back({entry.id, entry.value / keep});
  }
}

void ConvolutionModel::embed(const WordSequence& words, std::vector<float>& inputs) const {
  const std::size_t before = options_.window / 2;
  inputs.assign((words.size() + 2 * before) * options_.width, 0.0F);
  for (std::size_t i = 0; i < words.size(); ++i)
    for (const Entry& entry : words[i])
      if (const std::uint32_t row = rowOf(entry.id); row != kNoRow)
        addRow(&inputs[(i + before) * options_.width], features_[row], entry.value, options_.width);
}

void ConvolutionModel::match(std::size_t words, Scratch& scratch) const {
  const std::size_t seen = options_.window * options_.width;
  scratch.matches.assign(options_.filters, 0.0F);
  scratch.places.assign(options_.filters, 0);
  for (std::size_t filter = 0; filter < options_.filters; ++filter)
    for (std::size_t i = 0; i < words; ++i) {
      const float value = biases_[filter] + dotRow(&filters_[filter * seen],
                                                   &scratch.inputs[i * options_.width], seen);
      if (value <= scratch.matches[filter]) continue;
      scratch.matches[filter] = value;
      scratch.places[filter] = i * options_.width;
    }
}

void ConvolutionModel::output(const std::vector<float>& matches, float* scores) const {
  std::copy(output_bias_.begin(), output_bias_.end(), scores);
  for (std::size_t filter = 0; filter < matches.size(); ++filter)
    if (matches[filter] > 0.0F)
      addRow(scores, &outputs_[filter * stride_], matches[filter], stride_);
}

void ConvolutionModel::step(const WordSequence& words, int label, float share, Scratch& scratch) {
  const float keep = 1.0F - options_.filter_dropout;
  embed(words, scratch.inputs);
  match(words.size(), scratch);
  for (float& value : scratch.matches) value = scratch.random.unit() < keep ? value / keep : 0.0F;
  scratch.scores.resize(stride_);
  float* const errors = scratch.scores.data();
  output(scratch.matches, errors);
  toProbabilities(errors, labels_);
  const float rest = (label == kNobody ? 1.0F : options_.smoothing) / static_cast<float>(labels_);
  for (std::size_t k = 0; k < labels_; ++k) errors[k] -= rest;
  if (label != kNobody) errors[static_cast<std::size_t>(label)] -= 1.0F - options_.smoothing;
  std::fill(errors + labels_, errors + stride_, 0.0F);

  const float rate = options_.rate * share;
  scratch.match_gradients.assign(options_.filters, 0.0F);
  for (std::size_t filter = 0; filter < options_.filters; ++filter) {
    const float value = scratch.matches[filter];
    if (value <= 0.0F) continue;
    float* const row = &outputs_[filter * stride_];
    scratch.match_gradients[filter] = dotRow(row, errors, stride_) / keep;
    adaptRow(row, &output_squares_[filter * stride_], errors, value, rate, stride_);
  }
  adaptRow(output_bias_.data(), output_bias_squares_.data(), errors, 1.0F, rate, stride_);
  stepFilters(rate, scratch);
  stepWords(words, options_.word_rate * share, scratch);
}

void ConvolutionModel::stepFilters(float rate, Scratch& scratch) {
  const std::size_t seen = options_.window * options_.width;
  scratch.input_gradients.assign(scratch.inputs.size(), 0.0F);
  for (std::size_t filter = 0; filter < options_.filters; ++filter) {
    if (scratch.matches[filter] <= 0.0F) continue;
    const float gradient = scratch.match_gradients[filter];
    const std::size_t place = scratch.places[filter];
    float* const row = &filters_[filter * seen];
    addRow(&scratch.input_gradients[place], row, gradient, seen);
    adaptRow(row, &filter_squares_[filter * seen], &scratch.inputs[place], gradient, rate, seen);
    bias_squares_[filter] += gradient * gradient;
    biases_[filter] -= rate * gradient / std::sqrt(bias_squares_[filter]);
  }
}

void ConvolutionModel::stepWords(const WordSequence& words, float rate, Scratch& scratch) {
  const std::size_t width = options_.width;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const float* const gradient = &scratch.input_gradients[(i + options_.window / 2) * width];
    const float square = dotRow(gradient, gradient, width) / static_cast<float>(width);
    if (square <= 0.0F) continue;
    for (const Entry& entry : words[i]) {
      const std::uint32_t row = rowOf(entry.id);
      float& squares = feature_squares_[row];
      squares += entry.value * entry.value * square;
      addRow(features_[row], gradient, -rate * entry.value / (std::sqrt(squares) + 1e-4F), width);
    }
  }
}

void ConvolutionModel::score(const WordSequence& words, float* scores) const {
  Scratch scratch(options_.seed);
  embed(words, scratch.inputs);
  match(words.size(), scratch);
  scratch.scores.resize(stride_);
  output(scratch.matches, scratch.scores.data());
  std::copy_n(scratch.scores.begin(), labels_, scores);
}

void ConvolutionModel::learn(const WordSequence& words, int label) {
  addRowsFor(words);
  Scratch scratch(options_.seed + 1);
  for (int i = 0; i < kLessonSteps; ++i) step(words, label, kLessonShare, scratch);
}

}  // namespace tutti::routing
