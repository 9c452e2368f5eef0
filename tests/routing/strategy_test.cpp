// How choose() weighs rules, candidates and gates.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/routing/rules_support.hpp"

namespace tutti::routing {
namespace {
using testing::brief;

const AgentNames kNames = {{"ann", "ann"}, {"bob", "bob"}, {"cy", "cy"}};

constexpr const char* kRules = R"(signals:
  red: [{term: red, weight: 0.8}]
  blue: [{term: blue, weight: 0.7}]
  late: [{term: late, weight: 0.4}]
  odd: [{term: odd, weight: 0.9}]
domains: {sky: [{term: cloud, weight: 0.9}]}
intents: {fix: [fix]}
workflows:
  both: {description: Both, rollback: true, steps: [ann.draw, bob.paint, .merge]}
swarms:
  group: {domains: {sky: [ann, bob]}, otherwise: [cy]}
strategies:
  red: {description: It is red, when: {signal: red}, then: {type: single_agent, agent: ann}}
  blue: {description: It is blue, when: {signal: blue}, then: {type: single_agent, agent: bob}}
  purple:
    description: Red and blue
    when: {all: [{signal: red}, {signal: blue}]}
    priority: 10
    then: {type: multi_agent, workflow: both}
  lookup: {description: Odd, when: {signal: odd}, priority: 20, then: {type: research_swarm, swarm: group}}
  ask: {description: Unclear, when: {urgency: critical}, priority: 50, then: {type: clarify, question: "Really?"}}
  fallback: {description: Late, when: {signal: late, confidence: 0.1}, priority: -5, then: {type: single_agent, agent: cy}}
urgency: {critical: [panic]}
gates:
  second-look: {description: Late too, when: {signal: late, confidence: 0.3}, agent: cy, action: look}
)";

const Rules& rules() {
  static const Rules loaded = [] {
    LoadedRules result = loadRules({{"rules.yaml", kRules}}, kNames);
    for (const RuleProblem& problem : result.problems) ADD_FAILURE() << problem.text();
    return result.rules;
  }();
  return loaded;
}

Strategy chosen(const std::string& request, const Choice& choice = {}) {
  return choose(analyze(request, rules()), choice, rules());
}

Choice candidates(std::vector<RankedAgent> ranked) {
  Choice choice;
  choice.candidates = std::move(ranked);
  choice.score_least = 0.4;
  return choice;
}

TEST(Choose, ThePriorityDecidesThenTheConfidence) {
  EXPECT_EQ(brief(chosen("red")), "single_agent ann");
  const Strategy purple = chosen("red and blue");
  EXPECT_EQ(brief(purple), "multi_agent both");
  EXPECT_DOUBLE_EQ(purple.confidence, 0.7);
  EXPECT_TRUE(purple.rollback);
  EXPECT_EQ(purple.steps.size(), 3U);
  EXPECT_EQ(purple.agents, (std::vector<std::string>{"ann", "bob"}));
  ASSERT_EQ(purple.runners_up.size(), 2U);
  EXPECT_EQ(purple.runners_up[0].rule, "red");
  EXPECT_EQ(purple.runners_up[0].why_not, "its priority 0 is below 10 of purple");
  EXPECT_EQ(purple.reason, "Red and blue (red 0.80 and blue 0.70)");
}

TEST(Choose, AGateIsAddedToWhateverIsChosenButNotToItself) {
  const Strategy strategy = chosen("red and late");
  EXPECT_EQ(brief(strategy), "single_agent ann +second-look");
  EXPECT_EQ(strategy.agents, (std::vector<std::string>{"ann", "cy"}));
  EXPECT_EQ(strategy.gates.front().reason, "Late too (late 0.40)");
  EXPECT_EQ(brief(chosen("late")), "single_agent cy");
}

TEST(Choose, AGateOfOneStrategyLooksAtNoOther) {
  const std::string more =
      "gates:\n  second-look: {enabled: false}\n"
      "  of-blue: {description: Mine, agent: cy, action: look, only: [blue, best-candidate]}\n";
  const LoadedRules loaded = loadRules({{"rules.yaml", kRules}, {"more.yaml", more}}, kNames);
  ASSERT_TRUE(loaded.problems.empty()) << loaded.problems.front().text();
  const auto with = [&](const char* request, const Choice& choice) {
    return brief(choose(analyze(request, loaded.rules), choice, loaded.rules));
  };
  EXPECT_EQ(with("red", {}), "single_agent ann");
  EXPECT_EQ(with("blue", {}), "single_agent bob +of-blue");
  EXPECT_EQ(with("else", candidates({{"bob", 0.8}})), "single_agent bob +of-blue");
}

TEST(Choose, WithoutARuleTheBestCandidateIfItFits) {
  EXPECT_EQ(brief(chosen("something", candidates({{"bob", 0.8}, {"ann", 0.1}}))),
            "single_agent bob");
  EXPECT_EQ(chosen("something", candidates({{"bob", 0.8}})).rule, kBestCandidateRule);
}

TEST(Choose, ARuleBelowZeroYieldsToACandidateThatFits) {
  const Strategy fits = chosen("late", candidates({{"bob", 0.8}}));
  EXPECT_EQ(brief(fits), "single_agent bob +second-look");
  ASSERT_EQ(fits.runners_up.size(), 1U);
  EXPECT_EQ(fits.runners_up[0].why_not, "its priority is below 0 and bob fits well enough");
  EXPECT_EQ(brief(chosen("late", candidates({{"bob", 0.3}}))), "single_agent cy");
}

TEST(Choose, ARuleGivesWayToOneWhoIsSurelyMeantAndHasNoPartInIt) {
  const std::string more =
      "yields_at: 0.9\n"
      "workflows:\n  both: {description: Both, steps: [ann.draw, bob.paint]}\n"
      "strategies:\n"
      "  purple: {description: Both, when: {signal: red}, priority: 30,"
      " then: {type: multi_agent, workflow: both}}\n"
      "  blue: {description: Firm, when: {signal: blue}, priority: 30, yields_at: 0,"
      " then: {type: single_agent, agent: bob}}\n"
      "  lookup: {description: Odd, when: {signal: odd}, priority: 30,"
      " then: {type: research_swarm, swarm: group}}\n";
  const LoadedRules loaded = loadRules({{"rules.yaml", kRules}, {"more.yaml", more}}, kNames);
  ASSERT_TRUE(loaded.problems.empty()) << loaded.problems.front().text();
  const auto with = [&](const char* request, const Choice& choice) {
    return choose(analyze(request, loaded.rules), choice, loaded.rules);
  };
  const Choice sure = candidates({{"cy", 0.95}, {"ann", 0.02}});
  // The rule of the file that says nothing of yielding is next.
  const Strategy yielded = with("red", candidates({{"cy", 0.95}}));
  EXPECT_EQ(yielded.rule, "red");
  ASSERT_FALSE(yielded.runners_up.empty());
  EXPECT_EQ(yielded.runners_up[0].why_not,
            "it gives way to cy, which has no part in it and fits with 0.95");
  EXPECT_EQ(with("blue", sure).rule, "blue");
  EXPECT_EQ(with("odd", sure).rule, "lookup") << "cy researches in it";
  EXPECT_EQ(with("odd cloud", sure).rule, kBestCandidateRule) << "but not on the sky";
  EXPECT_EQ(with("red", candidates({{"bob", 0.95}})).rule, "purple") << "bob has a step";
  EXPECT_EQ(with("red", candidates({{"cy", 0.85}})).rule, "purple") << "not sure enough";
  Choice twins = candidates({{"cy", 0.95}, {"bob", 0.95}});
  twins.twins = {"bob"};
  EXPECT_EQ(with("red", twins).rule, "purple") << "whom cy could stand for has a step";

  Choice ranked = sure;
  ranked.scaled = false;
  EXPECT_EQ(with("odd cloud", ranked).rule, "lookup") << "scores that are no probabilities";
  Choice stranger = sure;
  stranger.in_scope = false;
  EXPECT_EQ(with("odd cloud", stranger).rule, "lookup") << "nobody fits";
}

TEST(Choose, WhatIsPassedOverLosesAndSaysWhy) {
  Choice choice;
  choice.passed_over = {{"bob", "is not installed"}};
  const Strategy strategy = chosen("red and blue", choice);
  EXPECT_EQ(brief(strategy), "single_agent ann");
  ASSERT_GE(strategy.runners_up.size(), 2U);
  EXPECT_EQ(strategy.runners_up[0].rule, "purple");
  EXPECT_EQ(strategy.runners_up[0].why_not, "bob is not installed");

  choice.passed_over = {{"cy", "is disabled"}};
  const Strategy gated = chosen("red and late", choice);
  ASSERT_EQ(gated.gates.size(), 1U);
  EXPECT_NE(gated.gates[0].reason.find("but cy is disabled"), std::string::npos);
  EXPECT_EQ(gated.agents, std::vector<std::string>{"ann"});
}

TEST(Choose, ASwarmHasAClusterForEachDomainOrOneForNone) {
  const Strategy clouds = chosen("odd cloud");
  ASSERT_EQ(brief(clouds), "research_swarm [sky]");
  EXPECT_EQ(clouds.clusters.front().agents, (std::vector<std::string>{"ann", "bob"}));
  EXPECT_EQ(chosen("odd").clusters.front().agents, std::vector<std::string>{"cy"});
  Choice choice;
  choice.passed_over = {{"cy", "is disabled"}};
  const Strategy nobody = chosen("odd", choice);
  EXPECT_EQ(nobody.type, StrategyType::Clarify);
  EXPECT_EQ(nobody.runners_up.front().why_not, "none of its researchers may be chosen");
}

TEST(Choose, AsksForWhatIsMissing) {
  EXPECT_EQ(chosen("  ").question, "The request has no words: what is to be done, and to what?");
  EXPECT_EQ(chosen("/etc/hosts").question, "What is to be done with /etc/hosts?");
  EXPECT_EQ(chosen("my cloud").question, "What is to be done about sky?");
  EXPECT_NE(chosen("fix").question.find("to what does 'fix' apply"), std::string::npos);
  EXPECT_EQ(chosen("panic").question, "Really?");
  Choice several = candidates({{"bob", 0.42}, {"ann", 0.4}, {"cy", 0.18}});
  several.likely = false;
  const Strategy close = chosen("hm well", several);
  EXPECT_EQ(close.type, StrategyType::Clarify);
  EXPECT_EQ(close.reason, "No rule applies and several agents fit about as well");
  EXPECT_EQ(close.question, "Several agents are about as likely: is this for bob, ann or cy?");
  EXPECT_EQ(close.options, (std::vector<std::string>{"bob", "ann", "cy"}));
  Choice nobody = candidates({{"bob", 0.9}});
  nobody.in_scope = false;
  const Strategy declined = chosen("hm well", nobody);
  EXPECT_EQ(declined.type, StrategyType::Clarify);
  EXPECT_TRUE(declined.options.empty());
}

TEST(Choose, IsTheSameEveryTimeAndWritesOnlyWhatItsTypeUses) {
  const std::string first = json::dump(toJson(chosen("red and blue and late")));
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(json::dump(toJson(chosen("red and blue and late"))), first);
  EXPECT_FALSE(toJson(chosen("red")).contains("steps"));
  EXPECT_FALSE(toJson(chosen("red")).contains("question"));
}

}  // namespace
}  // namespace tutti::routing
