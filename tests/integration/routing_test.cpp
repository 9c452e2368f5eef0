// route_request and its kin through the real binary: decisions, dispatch, fallback, replicas.
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/integration/fakes.hpp"
#include "tests/integration/routed.hpp"

namespace tutti::test {
namespace {

constexpr const char* kRequest = "water the roses and plant an apple tree in the garden";

class RoutingTest : public RoutedTest {
 protected:
  /// Two that do the same, and one that does something else.
  void writeAgents(const std::string& gardener, const std::string& florist) {
    const Json garden = {"water the roses", "plant an apple tree", "cut the hedge in the garden"};
    writeProgram(
        folder_, "gardener", gardener,
        {{"description", "Plants trees and cares for roses in the garden"}, {"examples", garden}});
    writeProgram(folder_, "florist", florist,
                 {{"description", "Cares for flowers, roses and trees of a garden"},
                  {"examples", {"bind a bunch of roses", "water my garden flowers"}}});
    writeProgram(folder_, "cook", "echo cooked",
                 {{"description", "Cooks meals and bakes bread"},
                  {"examples", {"bake a loaf of bread", "make soup for four people"}}});
  }
  static Json route(TuttiProcess& tutti, Json more = Json::object()) {
    Json arguments = {{"request", kRequest}};
    arguments.update(more);
    return tutti.call("route_request", arguments);
  }
  /// With the gardener first, the florist as the next.
  static Json dispatch(TuttiProcess& tutti, Json more = Json::object()) {
    Json arguments = {{"dispatch", true}, {"candidates", {"gardener", "florist"}}};
    arguments.update(more);
    return route(tutti, arguments);
  }
};

TEST_F(RoutingTest, DecisionSaysWhoWhyAndWhyNotTheOthersAndIsKept) {
  writeAgents("true", "true");
  TuttiProcess tutti(folder_);
  const Json made = tutti.call("route_request", {{"request", "bake a fresh loaf of bread"}});
  ASSERT_EQ(made.value("agent", ""), "cook") << made.dump(2);
  EXPECT_EQ(made["strategy"]["type"], "single_agent");
  EXPECT_EQ(made["status"], "decided");
  ASSERT_GE(made["candidates"].size(), 2U);
  EXPECT_TRUE(made["candidates"][0]["chosen"].get<bool>());
  EXPECT_FALSE(made["candidates"][1]["why_not"].get<std::string>().empty());
  const Json kept = explained(tutti, made);
  EXPECT_EQ(kept["agent"], "cook");
  EXPECT_EQ(kept["request"], "bake a fresh loaf of bread");
  EXPECT_EQ(tutti.call("explain_route")["decisions"].size(), 1U);
  EXPECT_TRUE(tutti.call("explain_route", {{"agent", "gardener"}})["decisions"].empty());
}

TEST_F(RoutingTest, SameRequestIsDecidedTheSameFromTheCache) {
  writeAgents("true", "true");
  TuttiProcess tutti(folder_);
  Json first = route(tutti, {{"dry_run", true}});
  Json second = route(tutti, {{"dry_run", true}});
  EXPECT_FALSE(first["cached"].get<bool>());
  EXPECT_TRUE(second["cached"].get<bool>());
  first.erase("cached");
  second.erase("cached");
  EXPECT_EQ(first.dump(), second.dump());
  EXPECT_FALSE(first.contains("decision_id"));
  EXPECT_TRUE(tutti.call("explain_route")["decisions"].empty());
}

TEST_F(RoutingTest, AgentThatIsNotInstalledIsPassedOverAndTheReplySaysSo) {
  writeAgents("true", "true");
  folder_.write("blueprints/agents/gardener/agent.json",
                Json({{"name", "gardener"},
                      {"description", "Plants trees and cares for roses in the garden"},
                      {"examples", {"water the roses", "plant an apple tree"}},
                      {"type", "procedural"},
                      {"command", {"/none/gardener"}}})
                    .dump());
  TuttiProcess tutti(folder_);
  const Json made = route(tutti, {{"candidates", {"gardener", "florist"}}});
  EXPECT_NE(made.value("agent", ""), "gardener") << made.dump(2);
  EXPECT_NE(made["candidates"].dump().find("'/none/gardener' is not installed"), std::string::npos)
      << made.dump(2);
}

TEST_F(RoutingTest, WhatIsWrongWithTheArgumentsIsSaid) {
  writeAgents("true", "true");
  TuttiProcess tutti(folder_);
  EXPECT_NE(route(tutti, {{"candidates", {"gardner"}}}).dump().find("did you mean gardener"),
            std::string::npos);
  EXPECT_TRUE(tutti.call("route_request", {{"request", " \n "}}).contains("error"));
  EXPECT_TRUE(route(tutti, {{"dry_run", true}, {"dispatch", true}}).contains("error"));
  EXPECT_NE(tutti.call("explain_route", {{"decision_id", "rte_x"}}).dump().find("not found"),
            std::string::npos);
}

TEST_F(RoutingTest, FeedbackOfOneReplicaIsSeenByTheOther) {
  writeAgents("true", "true");
  TuttiProcess one(folder_);
  TuttiProcess other(folder_);
  ASSERT_TRUE(route(other, {{"dry_run", true}}).contains("strategy"));
  const Json made = route(one);
  for (int i = 0; i < 3; ++i) {
    const Json said =
        one.call("route_feedback",
                 {{"decision_id", made["decision_id"]}, {"outcome", "wrong"}, {"better", "cook"}});
    ASSERT_TRUE(said["learnt"].get<bool>()) << said.dump();
  }
  EXPECT_EQ(route(one, {{"dry_run", true}}).value("agent", ""), "cook");
  // The commit reaches the other by a watch of the folder: in milliseconds, not at once.
  std::string agent;
  for (int i = 0; i < 2000 && agent != "cook"; ++i)
    agent = route(other, {{"dry_run", true}}).value("agent", "");
  EXPECT_EQ(agent, "cook");
  EXPECT_EQ(explained(one, made)["status"], "superseded");
}

TEST_F(RoutingTest, FeedbackWithAKeyIsSaidOnceAndBetterIsAnother) {
  writeAgents("true", "true");
  TuttiProcess tutti(folder_);
  const Json made = route(tutti, {{"candidates", {"gardener", "florist"}}});
  Json said = {{"decision_id", made["decision_id"]}, {"outcome", "wrong"}, {"better", "cook"}};
  said["idempotency_key"] = "once";
  const Json first = tutti.call("route_feedback", said);
  EXPECT_EQ(tutti.call("route_feedback", said), first) << first.dump(1);
  EXPECT_EQ(explained(tutti, made)["feedback"].size(), 1U);
  said["better"] = made["agent"];
  EXPECT_NE(tutti.call("route_feedback", said).dump().find("was used before"), std::string::npos);
  said.erase("idempotency_key");
  const Json same = tutti.call("route_feedback", said);
  EXPECT_NE(same.dump().find("that is the agent that was chosen"), std::string::npos)
      << same.dump(1);
  EXPECT_EQ(explained(tutti, made)["feedback"].size(), 1U);
}

TEST_F(RoutingTest, DispatchStartsTheAgentAndItsSuccessIsFedBack) {
  writeAgents("echo \"$2\"", "echo \"$2\"");
  TuttiProcess tutti(folder_);
  const Json made = dispatch(tutti, {{"mode", "sync"}, {"wait_s", 50}});
  ASSERT_EQ(made.value("status", ""), "succeeded") << made.dump(2);
  ASSERT_EQ(made["sessions"].size(), 1U);
  EXPECT_EQ(made["result"]["result_data"]["stdout"], std::string(kRequest) + "\n");
  const Json kept = explained(tutti, made);
  ASSERT_EQ(kept["feedback"].size(), 1U) << kept.dump(2);
  EXPECT_EQ(kept["feedback"][0]["source"], "run");
  EXPECT_EQ(kept["feedback"][0]["outcome"], "succeeded");
}

TEST_F(RoutingTest, NextCandidateIsTriedWithAHandOverNoteWhenTheFirstCrashes) {
  writeAgents("echo no water >&2; exit 3", "echo \"$2\"");
  writeProgram(
      folder_, "florist", "echo \"$2\"",
      {{"description", "Binds flowers"}, {"examples", {"a bunch of roses for the garden"}}});
  TuttiProcess tutti(folder_);
  const Json made = dispatch(tutti, {{"mode", "sync"}, {"wait_s", 50}});
  ASSERT_EQ(made.value("status", ""), "succeeded") << made.dump(2);
  ASSERT_EQ(made["sessions"].size(), 2U) << made.dump(2);
  EXPECT_EQ(made["sessions"][0]["agent"], "gardener");
  EXPECT_EQ(made["sessions"][0]["outcome"], "failed");
  EXPECT_EQ(made["sessions"][0]["error"]["name"], "agent_exited");
  EXPECT_EQ(made["agent"], "florist");
  const std::string told = made["result"]["result_data"]["stdout"].get<std::string>();
  EXPECT_NE(told.find(kRequest), std::string::npos);
  EXPECT_NE(told.find("Hand-over: the agent 'gardener'"), std::string::npos) << told;
}

TEST_F(RoutingTest, PersonIsAskedWhenNobodyIsLeft) {
  writeAgents("exit 3", "exit 4");
  TuttiProcess tutti(folder_);
  const Json made = dispatch(tutti, {{"mode", "sync"}, {"wait_s", 50}});
  EXPECT_EQ(made.value("status", ""), "needs_decision") << made.dump(2);
  EXPECT_EQ(made["sessions"].size(), 2U);
  EXPECT_NE(made.value("problem", "").find("agent_exited"), std::string::npos);
  EXPECT_FALSE(made.value("hint", "").empty());
  const Json listed = tutti.call("explain_route", {{"status", "needs_decision"}});
  EXPECT_EQ(listed["decisions"].size(), 1U);
}

TEST_F(RoutingTest, SuccessAfterACrashOfTheFirstTeachesNothing) {
  writeAgents("exit 3", "echo fine");
  TuttiProcess tutti(folder_);
  const Json made = dispatch(tutti, {{"mode", "sync"}, {"wait_s", 50}});
  ASSERT_EQ(made.value("status", ""), "succeeded") << made.dump(2);
  ASSERT_EQ(made["sessions"].size(), 2U) << made.dump(2);
  const Json kept = explained(tutti, made);
  ASSERT_EQ(kept["feedback"].size(), 2U) << kept.dump(2);
  EXPECT_FALSE(kept["feedback"][1]["learnt"].get<bool>()) << kept["feedback"].dump(2);
}

TEST_F(RoutingTest, SuccessAfterTheFirstRanOutOfTimeTeaches) {
  writeAgents("sleep 30", "echo fine");
  writeProgram(folder_, "gardener", "sleep 30",
               {{"description", "Plants trees and cares for roses in the garden"},
                {"examples", {"water the roses", "plant an apple tree"}},
                {"timeout_s", 1}});
  TuttiProcess tutti(folder_);
  const Json made = dispatch(tutti, {{"mode", "sync"}, {"wait_s", 50}});
  ASSERT_EQ(made.value("status", ""), "succeeded") << made.dump(2);
  ASSERT_EQ(made["sessions"][0]["error"]["name"], "run_timeout") << made.dump(2);
  EXPECT_TRUE(explained(tutti, made)["feedback"][1]["learnt"].get<bool>());
}

TEST_F(RoutingTest, BetterAgentLeavesWhatWentWrongInTheDecision) {
  writeAgents("exit 3", "exit 4");
  TuttiProcess tutti(folder_);
  const Json made = dispatch(tutti, {{"mode", "sync"}, {"wait_s", 50}});
  ASSERT_EQ(made.value("status", ""), "needs_decision") << made.dump(2);
  tutti.call("route_feedback",
             {{"decision_id", made["decision_id"]}, {"outcome", "wrong"}, {"better", "cook"}});
  const Json kept = explained(tutti, made);
  EXPECT_EQ(kept["status"], "superseded");
  EXPECT_EQ(kept["problem"], made["problem"]) << kept.dump(2);
  EXPECT_EQ(kept["hint"], made["hint"]);
}

TEST_F(RoutingTest, DecisionsAreFoundByAnAliasOfTheirAgent) {
  writeAgents("true", "true");
  writeProgram(folder_, "cook", "echo cooked",
               {{"description", "Cooks meals and bakes bread"},
                {"aliases", {"chef"}},
                {"examples", {"bake a loaf of bread", "make soup for four people"}}});
  TuttiProcess tutti(folder_);
  const Json made = tutti.call("route_request", {{"request", "bake a fresh loaf of bread"}});
  ASSERT_EQ(made.value("agent", ""), "cook") << made.dump(2);
  EXPECT_EQ(tutti.call("explain_route", {{"agent", "chef"}})["decisions"].size(), 1U);
}

TEST_F(RoutingTest, BlueprintNamedNobodyIsOneAndNobodyHasAWordOfItsOwn) {
  writeAgents("true", "true");
  writeProgram(folder_, "nobody", "true", {{"description", "Paints pictures of ships"}});
  TuttiProcess tutti(folder_);
  const Json made = route(tutti);
  const auto better = [&](const char* name) {
    return tutti.call(
        "route_feedback",
        {{"decision_id", made["decision_id"]}, {"outcome", "wrong"}, {"better", name}})["better"];
  };
  EXPECT_EQ(better("nobody"), "nobody");
  EXPECT_EQ(better("(nobody)"), "(nobody)");
}

TEST_F(RoutingTest, OneAttemptIsOneAttempt) {
  writeAgents("exit 3", "echo fine");
  writeProgram(folder_, "florist", "echo fine", {{"description", "Binds roses in the garden"}});
  TuttiProcess tutti(folder_);
  const Json made = dispatch(tutti, {{"mode", "sync"}, {"wait_s", 50}, {"attempts_max", 1}});
  EXPECT_EQ(made.value("status", ""), "needs_decision") << made.dump(2);
  EXPECT_EQ(made["sessions"].size(), 1U);
}

TEST_F(RoutingTest, SameKeyStartsNothingAnew) {
  writeAgents("echo fine", "echo fine");
  TuttiProcess tutti(folder_);
  const Json first = dispatch(tutti, {{"idempotency_key", "k"}});
  const Json again = dispatch(tutti, {{"idempotency_key", "k"}});
  ASSERT_TRUE(first.contains("sessions")) << first.dump(2);
  EXPECT_EQ(first["decision_id"], again["decision_id"]);
  EXPECT_EQ(first["sessions"][0]["session_id"], again["sessions"][0]["session_id"]);
  EXPECT_EQ(tutti.call("list_sessions")["sessions"].size(), 1U);
}

TEST_F(RoutingTest, FallbackHappensOnceAfterTheDispatcherWasKilled) {
  const std::string go = (folder_.path() / "go").string();
  const std::string began = (folder_.path() / "began").string();
  writeAgents("touch " + began + "; while [ ! -e " + go + " ]; do sleep 0.05; done; exit 3",
              "echo fine");
  writeProgram(
      folder_, "florist", "echo fine",
      {{"description", "Binds flowers"}, {"examples", {"a bunch of roses for the garden"}}});
  Json made;
  {
    TuttiProcess dying(folder_);
    made = dispatch(dying);
    ASSERT_EQ(made.value("agent", ""), "gardener") << made.dump(2);
    ASSERT_TRUE(waitForFile(began));
    dying.kill(SIGKILL);
    dying.wait();
  }
  folder_.write("go", "");
  TuttiProcess one(folder_);
  TuttiProcess other(folder_);
  const Json kept = ended(one, made);
  EXPECT_EQ(kept["status"], "succeeded") << kept.dump(2);
  EXPECT_EQ(kept["sessions"].size(), 2U) << kept.dump(2);
  EXPECT_EQ(other.call("list_sessions")["sessions"].size(), 2U);
}

TEST_F(RoutingTest, NextCandidateIsStartedByWhoDispatchedWithWhatThatOneMaySee) {
  writeAgents("exit 3", "echo \"sees $OF_THE_USER\"");
  writeProgram(folder_, "florist", "echo \"sees $OF_THE_USER\"",
               {{"description", "Binds flowers"},
                {"env", {"OF_THE_USER"}},
                {"examples", {"a bunch of roses for the garden"}}});
  TuttiProcess knowing(folder_, {.environment = {"OF_THE_USER=it"}});
  TuttiProcess inside_an_agent(folder_);
  for (int i = 0; i < 8; ++i) {
    const Json made = ended(knowing, dispatch(knowing, {{"mode", "async_poll"}}));
    ASSERT_EQ(made.value("status", ""), "succeeded") << made.dump(2);
    const Json result = knowing.call(
        "get_result", {{"session_id", made["sessions"].back()["session_id"]}, {"wait_s", 50}});
    EXPECT_EQ(result["result_data"]["stdout"], "sees it\n") << i;
  }
}

class PackRoutingTest : public RoutingTest {
 protected:
  static Options withPacks() {
    return {.arguments = {"stdio", "--pack", "pantheros,amas,nephio", "--claude",
                          fakeProgram("claude_fake")}};
  }
};

TEST_F(PackRoutingTest, RequestsOfTheirDocumentsGoWhereTheseSay) {
  struct Case {
    const char* request;
    const char* type;
    const char* agent;
  };
  const Case cases[] = {
      {"Scan all hosts and create hardware profiles", "multi_agent", "hardware-discovery"},
      {"Review security configuration for all hosts", "multi_agent", "security-specialist"},
      {"Research best practices for NixOS module development", "research_swarm",
       "research-swarm-coordinator"},
      {"book me a flight to rome", "clarify", ""},
  };
  TuttiProcess tutti(folder_, withPacks());
  for (const Case& each : cases) {
    const Json made = tutti.call("route_request", {{"request", each.request}, {"dry_run", true}});
    ASSERT_TRUE(made.contains("strategy")) << made.dump(2);
    EXPECT_EQ(made["strategy"]["type"], each.type) << each.request;
    EXPECT_EQ(made.value("agent", ""), each.agent) << each.request;
  }
}

TEST_F(PackRoutingTest, WorkflowRunsAllItsStepsInOrder) {
  TuttiProcess tutti(folder_, withPacks());
  const Json made =
      tutti.call("route_request", {{"request", "Scan all hosts and create hardware profiles"},
                                   {"dispatch", true},
                                   {"mode", "sync"},
                                   {"wait_s", 50}});
  const Json& steps = made["strategy"]["steps"];
  ASSERT_EQ(made["sessions"].size(), steps.size()) << made.dump(2);
  for (std::size_t i = 0; i < steps.size(); ++i)
    EXPECT_EQ(made["sessions"][i]["agent"], steps[i]["agent"]);
  EXPECT_EQ(made["status"], "succeeded") << made.dump(2);
}

TEST_F(PackRoutingTest, SwarmStartsAResearcherForEachDomainThenItsCoordinator) {
  TuttiProcess tutti(folder_, withPacks());
  const Json made = tutti.call("route_request",
                               {{"request", "Research best practices for NixOS module development"},
                                {"dispatch", true},
                                {"mode", "sync"},
                                {"wait_s", 50}});
  ASSERT_EQ(made["strategy"]["clusters"].size() + 1, made["sessions"].size()) << made.dump(2);
  EXPECT_GE(made["sessions"].size(), 3U);
  EXPECT_EQ(made["sessions"].back()["agent"], "research-swarm-coordinator");
  EXPECT_EQ(made["status"], "succeeded") << made.dump(2);
}

TEST_F(RoutingTest, CommandShowsTheDecisionAndTakesFeedback) {
  writeAgents("true", "true");
  const Ran asked = runTutti(folder_, {"route", "bake a loaf of bread"});
  EXPECT_EQ(asked.status, 0) << asked.err;
  EXPECT_NE(asked.out.find("single_agent: cook"), std::string::npos) << asked.out;
  const auto at = asked.out.find("rte_");
  ASSERT_NE(at, std::string::npos) << asked.out;
  const std::string id = asked.out.substr(at, 16);
  const Ran said = runTutti(folder_, {"route", "feedback", id, "wrong", "--better", "gardener"});
  EXPECT_EQ(said.status, 0) << said.err;
  const Ran explained = runTutti(folder_, {"route", "explain", id});
  EXPECT_NE(explained.out.find("better gardener"), std::string::npos) << explained.out;
  EXPECT_NE(runTutti(folder_, {"route", "explain"}).out.find(id), std::string::npos);
  EXPECT_EQ(runTutti(folder_, {"route"}).status, 2);
  const Ran among = runTutti(folder_, {"route", "--dry-run", "--candidate", "gardener",
                                       "--candidate", "cook", "bake a loaf of bread"});
  EXPECT_EQ(among.status, 0) << among.err;
}

}  // namespace
}  // namespace tutti::test
