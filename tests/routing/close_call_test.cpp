// Which decisions are close calls, and what a verdict makes of them.
#include "server/routing/close_call.hpp"

#include <gtest/gtest.h>

#include <deque>

#include "server/routing/decider.hpp"

namespace tutti::routing {
namespace {

/// A choice among agents that are told apart by their descriptions.
class CloseCallTest : public ::testing::Test {
 protected:
  void rank(std::vector<RankedAgent> ranked) {
    for (const RankedAgent& one : ranked) {
      ranking_.candidates.push_back({one.name, one.score});
      agents::Blueprint& made = kept_.emplace_back();
      made.name = one.name;
      made.description = "Does what " + one.name + " does";
      blueprints_[one.name] = &made;
    }
    choice_.candidates = std::move(ranked);
    ranking_.in_scope = true;
    analysis_.words = 3;
  }
  CloseCall call() {
    const Strategy strategy = choose(analysis_, choice_, Rules());
    return closeCall(strategy, {analysis_, choice_, ranking_}, blueprints_);
  }
  static std::vector<std::string> names(const CloseCall& call) {
    std::vector<std::string> all;
    for (const JudgedAgent& one : call.agents) all.push_back(one.name);
    return all;
  }
  using Names = std::vector<std::string>;

  Analysis analysis_;
  Choice choice_;
  Decision ranking_;
  std::deque<agents::Blueprint> kept_;
  BlueprintsByName blueprints_;
};

TEST_F(CloseCallTest, FirstThatIsNotWellAheadIsOne) {
  rank({{"ann", 0.5}, {"bob", 0.4}, {"cy", 0.06}, {"dot", 0.04}});
  const CloseCall close = call();
  EXPECT_EQ(close.because, "ann (50 %) is not clearly ahead of bob (40 %)");
  EXPECT_EQ(names(close), (Names{"ann", "bob", "cy"})) << "dot is too far off to be asked about";
  EXPECT_EQ(close.agents[0].description, "Does what ann does");
}

TEST_F(CloseCallTest, FirstThatIsWellAheadIsNone) {
  rank({{"ann", 0.65}, {"bob", 0.35}});
  EXPECT_EQ(call().because, "");
  EXPECT_TRUE(call().agents.empty());
}

TEST_F(CloseCallTest, OnlyCandidateIsNone) {
  rank({{"ann", 0.6}});
  EXPECT_EQ(call().because, "");
}

TEST_F(CloseCallTest, AgentsThatSayTheSameAreOneToWhoeverJudges) {
  rank({{"ann", 0.4}, {"twin", 0.4}, {"bob", 0.1}});
  kept_[1].description = kept_[0].description;
  EXPECT_EQ(call().because, "");
  kept_[1].examples = {"but this"};
  EXPECT_EQ(names(call()), (Names{"ann", "twin", "bob"}));
}

TEST_F(CloseCallTest, BestByScoreCountsAlsoWhereLoadHasPutAnotherFirst) {
  rank({{"ann", 0.48}, {"bob", 0.5}, {"cy", 0.01}});
  EXPECT_EQ(names(call()), (Names{"bob", "ann"}));
}

TEST_F(CloseCallTest, NoMoreAreAskedAboutThanTheLimit) {
  rank({{"a", 0.16}, {"b", 0.16}, {"c", 0.16}, {"d", 0.16}, {"e", 0.16}, {"f", 0.16}});
  EXPECT_EQ(call().agents.size(), kJudgedMax);
}

TEST_F(CloseCallTest, SeveralOfWhomNoneIsLikelyEnoughAreOne) {
  rank({{"ann", 0.3}, {"bob", 0.2}, {"cy", 0.2}});
  choice_.likely = false;
  EXPECT_EQ(call().because,
            "several may be meant and none is likely enough, first ann (30 %) and bob (20 %)");
}

TEST_F(CloseCallTest, RequestJustBelowTheScopeIsOneAndOneFarBelowIsNone) {
  rank({{"ann", 0.9}, {"bob", 0.1}});
  choice_.in_scope = ranking_.in_scope = false;
  ranking_.threshold = 1.0;
  ranking_.scope_score = 1.0 - kScopeMargin;
  EXPECT_EQ(call().because, "ann (90 %) is nearest, just below what counts as fitting");
  ranking_.scope_score -= 0.01;
  EXPECT_EQ(call().because, "");
}

TEST_F(CloseCallTest, RequestForOneWhoCannotBeChosenIsNone) {
  rank({{"ann", 0.3}, {"bob", 0.2}});
  ranking_.candidates.insert(ranking_.candidates.begin(), {"away", 0.5});
  choice_.wanted = "away";
  choice_.score_least = 0.9;
  EXPECT_EQ(call().because, "");
}

TEST_F(CloseCallTest, RequestWithoutWordsIsNone) {
  rank({{"ann", 0.3}, {"bob", 0.3}});
  analysis_.words = 0;
  EXPECT_EQ(call().because, "");
}

TEST_F(CloseCallTest, WhatARuleDecidesIsNone) {
  rank({{"ann", 0.5}, {"bob", 0.5}});
  for (const char* rule : {"ask", "red"}) {
    Strategy strategy;
    strategy.rule = rule;
    EXPECT_EQ(closeCall(strategy, {analysis_, choice_, ranking_}, blueprints_).because, "");
  }
}

TEST_F(CloseCallTest, VerdictPutsItsAgentFirstAndIsTold) {
  rank({{"ann", 0.5}, {"bob", 0.4}, {"cy", 0.1}});
  choice_.likely = false;
  const Verdict verdict{"judge", "cy", 0.7, "it is about cy"};
  applyVerdict(verdict, choice_);
  Strategy strategy = choose(analysis_, choice_, Rules());
  tellVerdict(verdict, strategy);
  EXPECT_EQ(strategy.agent, "cy");
  EXPECT_EQ(strategy.reason, "judge chose cy: it is about cy");
  EXPECT_DOUBLE_EQ(strategy.confidence, 0.7);
}

TEST_F(CloseCallTest, VerdictThatNobodyFitsAsks) {
  rank({{"ann", 0.5}, {"bob", 0.4}});
  const Verdict verdict{"judge", "", 0.9, "it is small talk"};
  applyVerdict(verdict, choice_);
  Strategy strategy = choose(analysis_, choice_, Rules());
  tellVerdict(verdict, strategy);
  EXPECT_EQ(strategy.type, StrategyType::Clarify);
  EXPECT_EQ(strategy.reason, "judge found nobody who fits: it is small talk");
  EXPECT_TRUE(strategy.options.empty());
}

TEST_F(CloseCallTest, VerdictOnOneWhoMayNotBeChosenChangesNothing) {
  rank({{"ann", 0.5}, {"bob", 0.4}});
  const Verdict verdict{"judge", "gone", 0.9, ""};
  applyVerdict(verdict, choice_);
  Strategy strategy = choose(analysis_, choice_, Rules());
  const std::string reason = strategy.reason;
  tellVerdict(verdict, strategy);
  EXPECT_EQ(strategy.agent, "ann");
  EXPECT_EQ(strategy.reason, reason);
}

}  // namespace
}  // namespace tutti::routing
