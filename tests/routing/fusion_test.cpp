#include "server/routing/fusion.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "server/routing/agent_model.hpp"
#include "tests/routing/vectors_support.hpp"

namespace tutti::routing {
namespace {

std::vector<AgentTexts> crew() {
  return {{"gardener", {"cares for flowers", "water the roses", "plant an apple tree"}},
          {"cook", {"cooks meals", "bake a loaf of bread", "make soup for four"}},
          {"mechanic", {"repairs cars", "change the tyres of my car", "the engine makes noise"}}};
}

MadeUpVectors meanings() {
  return MadeUpVectors({{"jalopy", "car"},
                        {"cars", "car"},
                        {"mend", "repairs"},
                        {"brodo", "soup"},
                        {"quattro", "four"},
                        {"prepare", "make"},
                        {"petunias", "roses"}});
}

TextVectors vectorsOf(const std::vector<AgentTexts>& agents) {
  TextVectors vectors;
  for (const AgentTexts& agent : agents)
    for (const std::string& text : agent.texts) meanings().addTo(vectors, text);
  return vectors;
}

Feedback taught(const std::string& request, const std::string& agent, const std::string& outcome) {
  Feedback one;
  one.request = request;
  one.agent = agent;
  one.outcome = outcome;
  return one;
}

void expectSame(const Decision& a, const Decision& b) {
  ASSERT_EQ(a.candidates.size(), b.candidates.size());
  for (std::size_t i = 0; i < a.candidates.size(); ++i) {
    EXPECT_EQ(a.candidates[i].label, b.candidates[i].label);
    EXPECT_EQ(a.candidates[i].score, b.candidates[i].score);
  }
  EXPECT_EQ(a.scope_score, b.scope_score);
  EXPECT_EQ(a.threshold, b.threshold);
  EXPECT_EQ(a.in_scope, b.in_scope);
  EXPECT_EQ(a.evidence.size(), b.evidence.size());
  EXPECT_EQ(a.by_vectors, b.by_vectors);
}

TEST(TextVectorTest, KeepsTheDirectionAndRefusesWhatHasNone) {
  const std::vector<float> long_one = {3.0F, -6.0F, 0.0F};
  const std::vector<float> short_one = {0.5F, -1.0F, 0.0F};
  EXPECT_EQ(vectorOf(long_one), vectorOf(short_one));
  EXPECT_EQ(vectorOf(long_one), (TextVector{64, -127, 0}));
  EXPECT_FALSE(vectorOf({}));
  EXPECT_FALSE(vectorOf(std::vector<float>{0.0F, 0.0F}));
  EXPECT_FALSE(vectorOf(std::vector<float>{1.0F, std::numeric_limits<float>::quiet_NaN()}));
  EXPECT_FALSE(vectorOf(std::vector<float>(kDimensionsMax + 1, 1.0F)));
  EXPECT_EQ(vectorKey(" water  the\nroses"), vectorKey("water the roses"));
}

TEST(FusionTest, TextThatHasNoWordInCommonGoesWhereItsVectorIs) {
  const AgentModel words = AgentModel::train(crew(), {});
  const AgentModel fused = AgentModel::train(crew(), {}, vectorsOf(crew()));
  ASSERT_TRUE(fused.fused());
  for (const auto& [text, agent] :
       {std::pair("mend that jalopy", "mechanic"), std::pair("prepare brodo quattro", "cook"),
        std::pair("petunias", "gardener")}) {
    const TextVector vector = meanings().of(text);
    const Decision decision = fused.rank(text, 3, &vector);
    ASSERT_EQ(decision.candidates.size(), 3U);
    EXPECT_EQ(decision.candidates.front().label, agent) << text;
    EXPECT_TRUE(decision.in_scope) << text << " " << decision.scope_score;
    EXPECT_TRUE(decision.by_vectors) << text;
    EXPECT_FALSE(words.rank(text, 3).in_scope) << text;
  }
}

TEST(FusionTest, StrangerIsNobodys) {
  const AgentModel fused = AgentModel::train(crew(), {}, vectorsOf(crew()));
  for (const char* text : {"quarterly tax declaration", "who won yesterday evening"}) {
    const TextVector vector = meanings().of(text);
    EXPECT_FALSE(fused.rank(text, 3, &vector).in_scope) << text;
  }
}

TEST(FusionTest, TextOfKnownWordsStaysWhereItIsAndInScope) {
  const AgentModel fused = AgentModel::train(crew(), {}, vectorsOf(crew()));
  const TextVector vector = meanings().of("bake some bread");
  const Decision decision = fused.rank("bake some bread", 3, &vector);
  EXPECT_EQ(decision.candidates.front().label, "cook");
  EXPECT_TRUE(decision.in_scope);
  EXPECT_FALSE(decision.by_vectors);
  EXPECT_FALSE(decision.evidence.empty());
}

TEST(FusionTest, WithoutTheRequestsVectorOrWithOneOfAnotherLengthTheWordsDecide) {
  const AgentModel words = AgentModel::train(crew(), {});
  const AgentModel fused = AgentModel::train(crew(), {}, vectorsOf(crew()));
  const TextVector other = MadeUpVectors({}, 255).of("bake some bread");
  for (const char* text : {"bake some bread", "mend that jalopy", "", "tyres for roses"}) {
    expectSame(fused.rank(text, 3), words.rank(text, 3));
    expectSame(fused.rank(text, 3, &other), words.rank(text, 3));
  }
}

TEST(FusionTest, TooFewVectorsAreNone) {
  TextVectors vectors = vectorsOf(crew());
  vectors.erase(vectorKey("water the roses"));
  EXPECT_TRUE(AgentModel::train(crew(), {}, vectors).fused()) << "8 of 9";
  vectors.erase(vectorKey("bake a loaf of bread"));
  EXPECT_FALSE(AgentModel::train(crew(), {}, vectors).fused()) << "7 of 9";

  std::vector<AgentTexts> more = crew();
  more.push_back({"pilot", {"flies planes"}});
  EXPECT_FALSE(AgentModel::train(more, {}, vectorsOf(crew())).fused()) << "none of the pilot's";
  TextVectors other_length = vectorsOf(more);
  other_length[vectorKey("flies planes")].push_back(1);
  EXPECT_FALSE(AgentModel::train(more, {}, other_length).fused());
  EXPECT_TRUE(AgentModel::train(more, {}, vectorsOf(more)).fused());
  EXPECT_FALSE(AgentModel::train({crew().front()}, {}, vectorsOf(crew())).fused()) << "no choice";
}

TEST(FusionTest, LessonsMoveTheVectorsTooAlikeAtOnceAndLater) {
  const std::string text = "engine of the lawn mower";
  const TextVector vector = meanings().of(text);
  TextVectors vectors = vectorsOf(crew());
  AgentModel at_once = AgentModel::train(crew(), {}, vectors);
  ASSERT_EQ(at_once.rank(text, 3, &vector).candidates.front().label, "mechanic");

  vectors[vectorKey(text)] = vector;
  const std::vector<Feedback> lessons = {taught(text, "mechanic", "wrong"),
                                         taught(text, "gardener", "right")};
  for (const Feedback& one : lessons) at_once.learn(one, &vector);
  const AgentModel later = AgentModel::train(crew(), lessons, vectors);
  const Decision decision = at_once.rank(text, 3, &vector);
  EXPECT_EQ(decision.candidates.front().label, "gardener");
  EXPECT_TRUE(decision.in_scope);
  expectSame(decision, later.rank(text, 3, &vector));
}

TEST(FusionTest, NobodyIsLearntToo) {
  const std::string text = "prepare brodo quattro";
  const TextVector vector = meanings().of(text);
  AgentModel by_both = AgentModel::train(crew(), {}, vectorsOf(crew()));
  AgentModel by_words = AgentModel::train(crew(), {}, vectorsOf(crew()));
  Feedback nobody = taught(text, "cook", "wrong");
  nobody.better = kNobodyLabel;
  by_both.learn(nobody, &vector);
  by_words.learn(nobody);
  EXPECT_LT(by_both.rank(text, 3, &vector).scope_score,
            by_words.rank(text, 3, &vector).scope_score - 0.5);
}

/// Twelve labels, each with words of its own; every text has some of them beside noise.
std::vector<LabelledText> many(std::size_t from, std::size_t to, const std::string& prefix) {
  std::vector<LabelledText> texts;
  for (std::size_t label = 0; label < 12; ++label)
    for (std::size_t i = from; i < to; ++i) {
      Random random(label * 1000 + i);
      std::string text;
      for (int word = 0; word < 3; ++word)
        text += prefix + std::to_string(label) + "x" + std::to_string(random.below(6)) + " ";
      for (int word = 0; word < 3; ++word) text += "noise" + std::to_string(random.below(20)) + " ";
      texts.push_back({text, "label" + std::to_string(label)});
    }
  return texts;
}

struct Fused {
  std::optional<Fusion> fusion;
  std::optional<Classifier> classifier;
  std::size_t right = 0;
  std::size_t right_by_words = 0;
};

Fused measured(const MadeUpVectors& made) {
  const auto examples = many(0, 20, "w");
  TextVectors vectors;
  for (const LabelledText& one : examples) made.addTo(vectors, one.text);
  std::vector<HeldOut> judged;
  Fused fused;
  auto classifier = Classifier::train(examples, {}, Classifier::Options(), &judged);
  EXPECT_TRUE(classifier.ok());
  EXPECT_EQ(judged.size(), examples.size());
  fused.classifier = std::move(classifier).value();
  fused.fusion = Fusion::train(examples, fused.classifier->labels(), judged, vectors);
  EXPECT_TRUE(fused.fusion);
  for (const LabelledText& one : many(100, 110, "w")) {
    const Decision words = fused.classifier->decide(one.text, 12);
    const Decision both = fused.fusion->decide(words, made.of(one.text), 12);
    fused.right_by_words += words.candidates.front().label == one.label ? 1U : 0U;
    fused.right += both.candidates.front().label == one.label ? 1U : 0U;
  }
  return fused;
}

TEST(FusionTest, VectorsThatSayNothingGetNoWeight) {
  const MadeUpVectors meaningless({}, 64);
  const auto examples = many(0, 20, "w");
  TextVectors vectors;
  for (std::size_t i = 0; i < examples.size(); ++i)
    vectors[vectorKey(examples[i].text)] = meaningless.of("random" + std::to_string(i));
  std::vector<HeldOut> judged;
  const auto classifier = Classifier::train(examples, {}, Classifier::Options(), &judged);
  ASSERT_TRUE(classifier.ok());
  const auto fusion = Fusion::train(examples, classifier->labels(), judged, vectors);
  ASSERT_TRUE(fusion);
  EXPECT_LE(fusion->scales().dense_share, 0.3);
  for (const LabelledText& one : many(100, 105, "w")) {
    const Decision words = classifier->decide(one.text, 12);
    EXPECT_EQ(fusion->decide(words, meaningless.of(one.text), 12).candidates.front().label,
              words.candidates.front().label);
  }
}

TEST(FusionTest, VectorsThatSayMuchHelpAndTheScalesAreFitted) {
  std::map<std::string, std::string> same;
  for (int label = 0; label < 12; ++label)
    for (int word = 0; word < 6; ++word)
      same["w" + std::to_string(label) + "x" + std::to_string(word)] = "m" + std::to_string(label);
  const Fused fused = measured(MadeUpVectors(same));
  EXPECT_GE(fused.right, fused.right_by_words);
  EXPECT_GE(fused.right, 118U) << "of 120, by words " << fused.right_by_words;
  EXPECT_GE(fused.fusion->scales().dense_share, 0.5);
  EXPECT_NE(fused.fusion->scales().near, FusionScales().near);
}

TEST(FusionTest, SameTextsAndVectorsGiveTheSameBits) {
  const Fused one = measured(MadeUpVectors({}));
  const Fused other = measured(MadeUpVectors({}));
  const TextVector vector = MadeUpVectors({}).of("w1x1 noise3");
  const auto decide = [&](const Fused& fused) {
    return fused.fusion->decide(fused.classifier->decide("w1x1 noise3", 12), vector, 12);
  };
  expectSame(decide(one), decide(other));
}

}  // namespace
}  // namespace tutti::routing
