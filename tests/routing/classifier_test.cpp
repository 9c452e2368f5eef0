#include "server/routing/classifier.hpp"

#include <gtest/gtest.h>

#include "server/routing/random.hpp"

namespace tutti::routing {
namespace {

std::vector<LabelledText> smallSet() {
  return {{"book a flight to rome", "book_flight"},
          {"i need a plane ticket for monday", "book_flight"},
          {"find me flights to berlin", "book_flight"},
          {"what is the weather in rome", "weather"},
          {"will it rain on monday", "weather"},
          {"how hot does it get in berlin", "weather"},
          {"play some music", "play_music"},
          {"i want to hear a song", "play_music"},
          {"put on the radio", "play_music"},
          {"how many legs has a spider", "oos"},
          {"who won the war", "oos"}};
}

Classifier trained() {
  auto classifier = Classifier::train(smallSet());
  EXPECT_TRUE(classifier.ok());
  return std::move(classifier).value();
}

std::string bestOf(const Classifier& classifier, std::string_view text) {
  return classifier.decide(text).candidates.front().label;
}

TEST(ClassifierTest, NewTextsGoToTheLabelOfLikeExamples) {
  const Classifier classifier = trained();
  EXPECT_EQ(bestOf(classifier, "book me a flight to london"), "book_flight");
  EXPECT_EQ(bestOf(classifier, "is it going to rain tomorrow"), "weather");
  EXPECT_EQ(bestOf(classifier, "play a song"), "play_music");
}

TEST(ClassifierTest, CandidatesAreRankedProbabilitiesAndTheEvidenceIsFromTheText) {
  const Decision decision = trained().decide("play some loud music");
  ASSERT_EQ(decision.candidates.size(), 3U);
  double sum = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    sum += decision.candidates[i].score;
    if (i > 0) {
      EXPECT_GE(decision.candidates[i - 1].score, decision.candidates[i].score);
    }
  }
  EXPECT_NEAR(sum, 1.0, 1e-9);
  ASSERT_FALSE(decision.evidence.empty());
  bool names_music = false;
  for (const Evidence& one : decision.evidence) {
    EXPECT_GT(one.weight, 0.0);
    names_music = names_music || one.text.find("music") != std::string::npos;
  }
  EXPECT_TRUE(names_music);
}

TEST(ClassifierTest, ATextWithoutAWordIsForNobody) {
  const Decision decision = trained().decide(" \n… ");
  EXPECT_FALSE(decision.in_scope);
  EXPECT_TRUE(decision.candidates.empty());
}

TEST(ClassifierTest, AMegabyteOfTextIsDecidedLikeItsBeginning) {
  std::string text = "book a flight to rome";
  while (text.size() < 1'000'000) text += " flight rome";
  EXPECT_EQ(bestOf(trained(), text), "book_flight");
}

TEST(ClassifierTest, TheSameTrainingGivesTheSameBits) {
  const Decision one = trained().decide("any flights or rain on monday");
  const Decision two = trained().decide("any flights or rain on monday");
  ASSERT_EQ(one.candidates.size(), two.candidates.size());
  for (std::size_t i = 0; i < one.candidates.size(); ++i) {
    EXPECT_EQ(one.candidates[i].label, two.candidates[i].label);
    EXPECT_EQ(one.candidates[i].score, two.candidates[i].score);
  }
  EXPECT_EQ(one.scope_score, two.scope_score);
}

TEST(ClassifierTest, WithFewExamplesSeveralNetsHaveTheirSay) {
  Classifier::Options options;
  options.nets_max = 1;
  const auto one = Classifier::train(smallSet(), {}, options);
  ASSERT_TRUE(one.ok());
  const Decision by_one = one->decide("play some loud music");
  const Decision by_several = trained().decide("play some loud music");
  EXPECT_EQ(by_several.candidates.front().label, by_one.candidates.front().label);
  EXPECT_NE(by_several.candidates.front().score, by_one.candidates.front().score);
}

TEST(ClassifierTest, FeedbackTakesEffectAtOnce) {
  Classifier classifier = trained();
  const char* text = "quux frobnicate zork";
  ASSERT_TRUE(classifier.learn(text, "weather", Classifier::Verdict::Right).ok());
  EXPECT_EQ(bestOf(classifier, text), "weather");
  EXPECT_EQ(bestOf(classifier, "play some music"), "play_music");
  const double before = classifier.decide(text).candidates.front().score;
  ASSERT_TRUE(classifier.learn(text, "weather", Classifier::Verdict::Wrong).ok());
  const Decision after = classifier.decide(text);
  const bool lowered =
      after.candidates.front().label != "weather" || after.candidates.front().score < before;
  EXPECT_TRUE(lowered);
}

/// So many of each label that the order of words is learnt too.
std::vector<LabelledText> manyOrders() {
  Random random(3);
  constexpr const char* kNoise[] = {"please", "now", "quickly", "today", "here", "again", "gladly"};
  std::vector<LabelledText> texts;
  const auto noise = [&] { return " " + std::string(kNoise[random.below(7)]) + " "; };
  for (int i = 0; i < 40; ++i) {
    texts.push_back({noise() + "euros into dollars" + noise(), "buy_dollars"});
    texts.push_back({noise() + "dollars into euros" + noise(), "buy_euros"});
    texts.push_back({noise() + "weather" + noise(), "weather"});
  }
  return texts;
}

TEST(ClassifierTest, WithManyExamplesTheOrderOfWordsAndFeedbackCount) {
  auto classifier = Classifier::train(manyOrders());
  ASSERT_TRUE(classifier.ok());
  EXPECT_EQ(bestOf(*classifier, "euros into dollars please"), "buy_dollars");
  EXPECT_EQ(bestOf(*classifier, "please dollars into euros"), "buy_euros");
  const char* text = "quux frobnicate zork";
  ASSERT_TRUE(classifier->learn(text, "weather", Classifier::Verdict::Right).ok());
  EXPECT_EQ(bestOf(*classifier, text), "weather");
  EXPECT_EQ(bestOf(*classifier, "euros into dollars please"), "buy_dollars");
}

TEST(ClassifierTest, FeedbackThatNobodyFitsLowersTheScope) {
  Classifier classifier = trained();
  const char* text = "play the weather in rome";
  const double before = classifier.decide(text).scope_score;
  ASSERT_TRUE(classifier.learn(text, kNobodyLabel, Classifier::Verdict::Right).ok());
  EXPECT_LT(classifier.decide(text).scope_score, before);
}

TEST(ClassifierTest, FeedbackForAnUnknownLabelSaysSo) {
  Classifier classifier = trained();
  const Status status = classifier.learn("x", "cooking", Classifier::Verdict::Right);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code(), Code::NotFound);
  EXPECT_EQ(status.error().message(), "label 'cooking' is not known");
}

TEST(ClassifierTest, OneLabelIsNoChoice) {
  const auto classifier = Classifier::train({{"a b", "only"}, {"c d", "oos"}});
  ASSERT_FALSE(classifier.ok());
  EXPECT_EQ(classifier.error().code(), Code::InvalidArgument);
}

TEST(ClassifierTest, AHeldOutLabelWithoutAnExampleIsNamed) {
  const auto classifier = Classifier::train(smallSet(), {{"boil an egg", "cooking"}});
  ASSERT_FALSE(classifier.ok());
  EXPECT_EQ(classifier.error().message(), "label 'cooking' has no example to learn from");
}

TEST(CalibrationErrorTest, IsZeroForHonestScoresAndTheGapForOthers) {
  CalibrationError honest;
  CalibrationError boastful;
  for (int i = 0; i < 100; ++i) {
    honest.add(0.75, i % 4 != 0);
    boastful.add(0.95, i % 2 == 0);
  }
  EXPECT_NEAR(honest.value(), 0.0, 1e-9);
  EXPECT_NEAR(boastful.value(), 0.45, 1e-9);
}

}  // namespace
}  // namespace tutti::routing
