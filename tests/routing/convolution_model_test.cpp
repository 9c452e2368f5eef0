#include "server/routing/convolution_model.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "server/routing/linear_model.hpp"
#include "server/routing/random.hpp"

namespace tutti::routing {
namespace {

/// Words are numbers here, each a feature of its own.
WordSequence sequence(const std::vector<std::uint32_t>& words) {
  WordSequence all;
  for (const std::uint32_t word : words) all.push_back({{word, 1.0F}});
  return all;
}

constexpr std::uint32_t kFirstNoise = 10;
constexpr std::uint32_t kStrange = 5000;

/// `one` then `other` somewhere among words that say nothing.
WordSequence phrase(Random& random, std::uint32_t one, std::uint32_t other) {
  std::vector<std::uint32_t> words;
  for (int i = 0; i < 4; ++i)
    words.push_back(kFirstNoise + static_cast<std::uint32_t>(random.below(20)));
  const auto at = words.begin() + static_cast<std::ptrdiff_t>(random.below(5));
  words.insert(at, {one, other});
  return sequence(words);
}

/// Label 0 has word 1 before 2, label 1 the other way round, label 2 neither; nobody's texts have
/// word 4.
std::vector<SequenceExample> phrases(Random& random, int each) {
  std::vector<SequenceExample> examples;
  for (int i = 0; i < each; ++i) {
    examples.push_back({phrase(random, 1, 2), 0});
    examples.push_back({phrase(random, 2, 1), 1});
    examples.push_back({phrase(random, 3, 3), 2});
    examples.push_back({phrase(random, 4, 4), kNobody});
  }
  return examples;
}

ConvolutionModel trainedConvolution() {
  Random random(7);
  ConvolutionModel model;
  model.train(phrases(random, 60), 3, ConvolutionModel::Options());
  return model;
}

std::vector<float> scoresOf(const ConvolutionModel& model, const WordSequence& words) {
  std::vector<float> scores(3);
  model.score(words, scores.data());
  return scores;
}

std::ptrdiff_t bestLabel(const std::vector<float>& scores) {
  return std::max_element(scores.begin(), scores.end()) - scores.begin();
}

TEST(ConvolutionModelTest, TheOrderOfTwoWordsTellsLabelsApart) {
  const ConvolutionModel model = trainedConvolution();
  Random random(8);
  int right = 0;
  const auto fresh = phrases(random, 50);
  for (const SequenceExample& one : fresh)
    right += one.label == bestLabel(scoresOf(model, one.words)) ? 1 : 0;
  EXPECT_GE(right, 145) << "of 150 with a label";
}

TEST(ConvolutionModelTest, ATextOfNobodyIsNotGivenWithConfidence) {
  const ConvolutionModel model = trainedConvolution();
  Random random(9);
  const auto lead = [&](std::uint32_t word) {
    auto scores = scoresOf(model, phrase(random, word, word));
    std::sort(scores.begin(), scores.end());
    return scores[2] - scores[1];
  };
  EXPECT_LT(lead(4), 1.0F);
  EXPECT_GT(lead(3), 2.0F);
}

TEST(ConvolutionModelTest, TheSameExamplesGiveTheSameBits) {
  Random random(9);
  const WordSequence words = phrase(random, 1, 2);
  EXPECT_EQ(scoresOf(trainedConvolution(), words), scoresOf(trainedConvolution(), words));
}

TEST(ConvolutionModelTest, ALessonOfUnknownWordsTeachesThem) {
  ConvolutionModel model = trainedConvolution();
  const WordSequence strange = sequence({kStrange, kStrange + 1});
  const auto before = scoresOf(model, strange);
  model.learn(strange, 1);
  const auto after = scoresOf(model, strange);
  EXPECT_EQ(bestLabel(after), 1);
  EXPECT_GT(after[1] - after[0], before[1] - before[0]);
  Random random(10);
  EXPECT_EQ(bestLabel(scoresOf(model, phrase(random, 1, 2))), 0);
}

TEST(ConvolutionModelTest, ATextWithoutWordsIsNotGivenWithConfidence) {
  auto scores = scoresOf(trainedConvolution(), {});
  std::sort(scores.begin(), scores.end());
  EXPECT_LT(scores[2] - scores[1], 1.0F);
  EXPECT_LT(scores[2] - scores[0], 2.0F);
}

}  // namespace
}  // namespace tutti::routing
