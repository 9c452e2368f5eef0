#include "server/routing/agent_model.hpp"

#include <gtest/gtest.h>

namespace tutti::routing {
namespace {

agents::Blueprint blueprint(const std::string& name, const std::string& description,
                            std::vector<std::string> examples = {}) {
  agents::Blueprint made;
  made.name = name;
  made.description = description;
  made.examples = std::move(examples);
  return made;
}

std::vector<agents::Blueprint> three() {
  return {blueprint("gardener", "Plants trees and cares for flowers",
                    {"water the roses", "plant an apple tree", "cut the hedge in the garden"}),
          blueprint("cook", "Cooks meals and bakes bread",
                    {"bake a loaf of bread", "make soup for four", "what can i cook with leeks"}),
          blueprint("driver", "Drives people to places",
                    {"take me to the station", "drive us home", "pick up my mother by car"})};
}

Feedback lesson(const std::string& request, const std::string& agent, const std::string& outcome,
                const std::string& better = "") {
  Feedback one;
  one.seq = 1;
  one.request = request;
  one.agent = agent;
  one.outcome = outcome;
  one.better = better;
  return one;
}

std::string best(const AgentModel& model, const std::string& request) {
  const Decision decision = model.rank(request, 3);
  return decision.candidates.empty() ? "" : decision.candidates.front().label;
}

TEST(AgentModelTest, RequestGoesToTheAgentOfLikeExamples) {
  const auto model = AgentModel::train(textsOf(three()), {});
  EXPECT_EQ(best(model, "please water my flowers"), "gardener");
  EXPECT_EQ(best(model, "bake bread"), "cook");
  EXPECT_EQ(best(model, "drive me to the station"), "driver");
}

TEST(AgentModelTest, WithoutAgentsNobodyFits) {
  const auto model = AgentModel::train({}, {});
  const Decision decision = model.rank("bake bread", 3);
  EXPECT_TRUE(decision.candidates.empty());
  EXPECT_FALSE(decision.in_scope);
}

TEST(AgentModelTest, OneAgentIsChosenForWhatItsTextsSayAndNotForTheRest) {
  const auto model = AgentModel::train(textsOf({three()[1]}), {});
  EXPECT_TRUE(model.rank("bake bread and make soup", 3).in_scope);
  EXPECT_EQ(best(model, "bake bread and make soup"), "cook");
  EXPECT_FALSE(model.rank("invest my savings wisely", 3).in_scope);
}

TEST(AgentModelTest, AgentWithoutAnyTextIsKnownByItsName) {
  const auto model =
      AgentModel::train(textsOf({three()[0], blueprint("tax-advisor", ""), three()[2]}), {});
  EXPECT_EQ(best(model, "tax advisor please"), "tax-advisor");
}

TEST(AgentModelTest, InactiveAgentIsNotLearnt) {
  auto blueprints = three();
  blueprints[1].active = false;
  EXPECT_EQ(textsOf(blueprints).size(), 2U);
}

TEST(AgentModelTest, BetterAgentIsChosenAfterFeedback) {
  auto model = AgentModel::train(textsOf(three()), {});
  const std::string request = "bake bread for the garden party";
  ASSERT_EQ(best(model, request), "cook");
  model.learn(lesson(request, "cook", "wrong", "gardener"));
  EXPECT_EQ(best(model, request), "gardener");
  EXPECT_EQ(model.lessons(), 1U);
}

TEST(AgentModelTest, LessonsTeachTheSameInTrainingAndLater) {
  const std::string request = "bake bread for the garden party";
  const Feedback one = lesson(request, "cook", "wrong", "gardener");
  const auto before = AgentModel::train(textsOf(three()), {one});
  auto later = AgentModel::train(textsOf(three()), {});
  later.learn(one);
  const Decision a = before.rank(request, 3);
  const Decision b = later.rank(request, 3);
  ASSERT_EQ(a.candidates.size(), b.candidates.size());
  for (std::size_t i = 0; i < a.candidates.size(); ++i) {
    EXPECT_EQ(a.candidates[i].label, b.candidates[i].label);
    EXPECT_EQ(a.candidates[i].score, b.candidates[i].score);
  }
}

TEST(AgentModelTest, LessonOfAnAgentThatHasGoneChangesNothing) {
  auto model = AgentModel::train(textsOf(three()), {});
  model.learn(lesson("bake bread", "baker", "right"));
  EXPECT_EQ(best(model, "bake bread"), "cook");
}

TEST(AgentModelTest, AgentsOfTheSameTextsFitAlikeAndLearnTogether) {
  auto blueprints = three();
  blueprints.push_back(blueprints[1]);
  blueprints.back().name = "second-cook";
  auto model = AgentModel::train(textsOf(blueprints), {});
  const Decision decision = model.rank("bake bread", 4);
  ASSERT_EQ(decision.candidates.size(), 4U);
  EXPECT_EQ(decision.candidates[0].label, "cook");
  EXPECT_EQ(decision.candidates[1].label, "second-cook");
  EXPECT_EQ(decision.candidates[0].score, decision.candidates[1].score);
  model.learn(lesson("plant a tree in the garden", "gardener", "wrong", "second-cook"));
  EXPECT_EQ(best(model, "plant a tree in the garden"), "cook");
}

TEST(AgentModelTest, AgentCalledAsTheWordForNobodyIsAnAgent) {
  auto blueprints = three();
  blueprints[0].name = "oos";
  const auto model = AgentModel::train(textsOf(blueprints), {});
  EXPECT_EQ(best(model, "please water my flowers"), "oos");
}

TEST(AgentModel, BlueprintWithTheClassifiersWordForNobodyCanBeTaught) {
  auto blueprints = three();
  blueprints[0].name = "oos";
  AgentModel model = AgentModel::train(textsOf(blueprints), {});
  const std::string request = "sing a song for the driver";
  const double before = model.rank(request, 3).scope_score;
  for (int i = 0; i < 5; ++i) model.learn(lesson(request, "driver", "wrong", "oos"));
  EXPECT_EQ(best(model, request), "oos");
  EXPECT_GE(model.rank(request, 3).scope_score, before);
}

TEST(AgentModel, NobodyIsTaughtByItsOwnWord) {
  AgentModel model = AgentModel::train(textsOf(three()), {});
  const std::string request = "water the roses at the station";
  const double before = model.rank(request, 3).scope_score;
  for (int i = 0; i < 3; ++i)
    model.learn(lesson(request, "", "wrong", std::string(kNobodyIsBetter)));
  EXPECT_LT(model.rank(request, 3).scope_score, before);
}

TEST(AgentModel, OneAgentAloneIsTaughtNothingByWhatItIsNot) {
  const auto alone = textsOf({three()[0]});
  EXPECT_TRUE(teaches(lesson("water", "gardener", "right"), alone));
  EXPECT_FALSE(teaches(lesson("water", "gardener", "wrong"), alone));
  EXPECT_FALSE(teaches(lesson("water", "gardener", "wrong", std::string(kNobodyIsBetter)), alone));
  const auto all = textsOf(three());
  EXPECT_TRUE(teaches(lesson("water", "gardener", "wrong"), all));
  EXPECT_FALSE(teaches(lesson("water", "one that has gone", "wrong"), all));
  EXPECT_TRUE(teaches(lesson("water", "one that has gone", "wrong", "cook"), all));
}

}  // namespace
}  // namespace tutti::routing
